"""A finished report opened for reading: whoever made it, nothing it says leads out of its folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from jinja2 import TemplateError

from reportgen.errors import ReportgenError, one_line
from reportgen.files.inside import Inside
from reportgen.files.locks import steady
from reportgen.files.manifest import MANIFEST
from reportgen.files.targets import absolute
from reportgen.files.workplaces import settle_left
from reportgen.finished.site_folders import SUMMARY_NAME
from reportgen.record import RECORD_NAME, Record, named_files, read_record
from reportgen.site.page import Page
from reportgen.site.pages import settle_pages
from reportgen.site.writer import ASSETS, NO_JEKYLL

# What Python and the templates raise for values that are each of their type and do not fit together.
_ODD = (ArithmeticError, AttributeError, LookupError, RecursionError, TemplateError, TypeError, ValueError)


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
        with odd_values_told(path):
            pages = settle_pages(record)
            _check_pages(path, record, pages)
        for name, key in named_files(record).items():
            inside.find(name, key)
        yield OpenedReport(record, pages, inside)


@contextmanager
def opened_record(path: Path) -> Iterator[tuple[Record, Inside]]:
    """What a report says, and its folder, where its pages and pictures are of no interest: see `opened_report`."""
    folder = path.parent if path.name == RECORD_NAME and not path.is_dir() else path
    settle_left(absolute(folder))
    with steady(folder):
        yield read_record(path), Inside(folder if folder.is_dir() else path.parent)


@contextmanager
def odd_values_told(path: Path) -> Iterator[None]:
    """Turn what the pages cannot be made of into a line: values each of a right type that fit to no network.

    Raises:
        ReportgenError: with what was wrong, as far as Python says it.
    """
    try:
        yield
    except _ODD as error:
        raise ReportgenError(
            f"expected {RECORD_NAME} and pages as this program writes them at {path}, they say what no report says "
            f"({type(error).__name__}: {one_line(error, 80)}); make the report again"
        ) from error


def _check_pages(path: Path, record: Record, pages: Sequence[Page]) -> None:
    """Refuse pages that would be written over each other, over pictures, or over what every report has."""
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
