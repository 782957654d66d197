"""A finished report opened for reading: whoever made it, nothing it says leads out of its folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from jinja2 import TemplateError

from reportgen.errors import ReportgenError, one_line
from reportgen.files.inside import Inside
from reportgen.files.manifest import MANIFEST
from reportgen.finished.opened_record import ODD, check_layers, odd_values_told, opened_record
from reportgen.finished.site_folders import SUMMARY_NAME
from reportgen.record import RECORD_NAME, Record, named_files
from reportgen.site.page import Page
from reportgen.site.pages import settle_pages
from reportgen.site.writer import ASSETS, NO_JEKYLL


@dataclass(frozen=True)
class OpenedReport:
    """A report: what it says, its pages, and its folder as the place its files are found in."""

    record: Record
    pages: Sequence[Page]
    inside: Inside

    @property
    def folder(self) -> Path:
        """The report's folder."""
        return self.inside.folder

    def copy_files(self, target: Path) -> None:
        """Copy every file that the record speaks of, pictures and arrays, into `target`.

        Raises:
            ReportgenError: one of them is not what it should be.
        """
        for path, key in named_files(self.record).items():
            self.inside.copy(path, key, target)


@contextmanager
def opened_report(path: Path) -> Iterator[OpenedReport]:
    """Open a report by its folder or its `report.json`; during the block nothing takes its place.

    Everything it names is looked at before anything is done with it.

    Raises:
        ReportgenError: it is no report of this program, or names what is not a file inside it.
    """
    with opened_record(path) as (record, inside):
        with odd_pages_told(path):
            pages = settle_pages(record)
            _check_pages(path, record, pages)
        for name, key in named_files(record).items():
            inside.find(name, key)
        yield OpenedReport(record, pages, inside)


def odd_pages_told(path: Path) -> AbstractContextManager[None]:
    """Turn what pages cannot be made of into a line, as `odd_values_told` does: templates have faults of their own."""
    return odd_values_told(path, (*ODD, TemplateError))


def _check_pages(path: Path, record: Record, pages: Sequence[Page]) -> None:
    """Refuse pages written over each other, pictures or what every report has, and channels of no layer."""
    check_layers(path, record)
    files, own = named_files(record), (RECORD_NAME, MANIFEST, SUMMARY_NAME, NO_JEKYLL)
    taken = {name.casefold(): name for name in (*files, *own)}
    for page in pages:
        if taken.setdefault(page.path.casefold(), page.path) is not page.path:
            raise ReportgenError(
                f"{path}: expected a page of its own at {page.path}, two have it; make the report again"
            )
    above = {str(parent).casefold() for name in taken.values() for parent in PurePosixPath(name).parents}
    # What every report has in its assets is named by its content: files with an ending.
    odd = {name for name in above if name.startswith(f"{ASSETS}/") and "." in name}
    if both := sorted(above & set(taken) | odd):
        inside = (key for name, key in files.items() if name.casefold().startswith(f"{both[0]}/"))
        raise ReportgenError(
            f"{one_line(path, 80)}: {next(inside, 'a page')}: expected a file or a folder at {both[0]}, not both; "
            "make the report again"
        )
