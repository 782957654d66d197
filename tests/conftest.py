"""What tests share: sites made of hand-made records; where real networks and photographs lie, if they do."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.records import hostile_record, large_record, small_record
from support.sites import write_components, write_report

from reportgen.record import Record

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = Path(__file__).resolve().parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden` takes what the program makes now as what it should make."""
    parser.addoption("--update-golden", action="store_true", help="accept golden files and tables as made now")
    parser.addoption("--seed", type=int, default=0, help="what fresh weights are drawn from (default 0)")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Draw each test's fresh weights, and those of fixtures made for it, from one seed: a test passes always or never.

    Keras is seeded only where it is loaded: it seeds itself from Python's generator, and most tests of pages need none.
    """
    seed = item.config.getoption("--seed")
    random.seed(seed)
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(seed)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what a test printed as text that can be sent to another process: names of files need not be UTF-8."""
    report = yield
    report.sections = [
        (title, text.encode("utf-8", "backslashreplace").decode("utf-8")) for title, text in report.sections
    ]
    return report


@pytest.fixture
def sound_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Network files that a test wrote itself are sound: no process of its own looks through each of them first."""
    monkeypatch.setattr("reportgen.models.files.check_hdf5", lambda *_: None)


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be rewritten instead of compared."""
    return bool(request.config.getoption("--update-golden"))


def _shared(name: str) -> Path:
    folder = ROOT.parent / "shared" / name
    if not folder.is_dir():
        pytest.skip(f"the folder of real {name} is not beside the checkout")
    return folder


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """The folder of real trained networks."""
    return _shared("models")


@pytest.fixture(scope="session")
def shared_photos() -> Path:
    """The folder of real photographs."""
    return _shared("photos")


@pytest.fixture(scope="session")
def shared_digits() -> Path:
    """The folder of real handwritten digits, by class."""
    return _shared("digits")


@dataclass(frozen=True)
class Written:
    """A report that lies in a folder. Tests that change it work on a copy."""

    folder: Path
    record: Record

    def pages(self) -> dict[str, str]:
        """The text of every page by its path."""
        found = sorted(self.folder.rglob("*.html"))
        return {path.relative_to(self.folder).as_posix(): path.read_text(encoding="utf-8") for path in found}


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The report that shows every component, and the page of all components beside it."""
    folder = tmp_path_factory.mktemp("small")
    record = write_report(small_record, folder)
    write_components(folder, record)
    return Written(folder, record)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A report whose every name tries to be something other than text."""
    folder = tmp_path_factory.mktemp("hostile")
    return Written(folder, write_report(hostile_record, folder))


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """30 layers of 512 channels on 50 images."""
    folder = tmp_path_factory.mktemp("large")
    return Written(folder, write_report(large_record, folder))
