"""A small report to spoil, and how many bad inputs are tried."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fuzz.whole import write_whole_report

if TYPE_CHECKING:
    from conftest import Written

# Cases of each kind in every run of the suite, and in a run of those marked slow.
FEW, MANY = 20, 700

SENTINEL = "sentinel of the outside"


def some(items: Iterable[object], stride: int) -> list[object]:
    """Parameters of which every `stride`-th is tried in every run of the suite, the others in those marked slow."""
    return [pytest.param(item, marks=pytest.mark.slow if number % stride else ()) for number, item in enumerate(items)]


@pytest.fixture(params=[pytest.param(FEW, id="few"), pytest.param(MANY, id="many", marks=pytest.mark.slow)])
def cases(request: pytest.FixtureRequest) -> range:
    """The seeds to try; those of the long run are others than those of every run."""
    return range(FEW) if request.param == FEW else range(FEW, FEW + MANY)


@dataclass(frozen=True)
class Spoilt:
    """A report whose files may be spoilt, and a folder beside it that nothing may touch."""

    folder: Path
    outside: Path
    good: Path

    def mend(self) -> None:
        """Make the report as it was."""
        if self.folder.is_symlink() or self.folder.exists():
            shutil.rmtree(self.folder)
        shutil.copytree(self.good, self.folder)


def _spoilt(good: Path, home: Path) -> Spoilt:
    outside = home / "outside"
    outside.mkdir()
    for name in ("secret.webp", "secret.html", "secret.css", "secret.npy", "secret.svg", "secret.txt"):
        (outside / name).write_text(SENTINEL, encoding="utf-8")
    made = Spoilt(home / "report", outside, good)
    made.mend()
    return made


@pytest.fixture
def spoilt(small: Written, tmp_path: Path) -> Spoilt:
    """A copy of the small report; outside are a picture, a page, a style sheet and words nobody may read."""
    return _spoilt(small.folder, tmp_path)


@pytest.fixture(scope="session")
def whole_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report that names a file under every key that can."""
    folder = tmp_path_factory.mktemp("whole") / "report"
    write_whole_report(folder)
    return folder


@pytest.fixture
def whole(whole_report: Path, tmp_path: Path) -> Spoilt:
    """A copy of the report that names a file under every key that can, and what nobody may read outside."""
    return _spoilt(whole_report, tmp_path)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where commands are told to write."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder
