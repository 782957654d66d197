"""Sites that the tests of this folder read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from support.records import hostile_record, large_record, small_record
from support.sites import write_components, write_report

from reportgen.record import Record


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
