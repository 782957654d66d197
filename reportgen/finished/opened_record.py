"""A report's record, opened where its pages and pictures are of no interest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reportgen.errors import ReportgenError, one_line
from reportgen.files.inside import Inside
from reportgen.files.locks import steady
from reportgen.files.targets import absolute
from reportgen.files.workplaces import settle_left
from reportgen.record import RECORD_NAME, Record, named_files, read_record

# What Python raises for values that are each of their type and do not fit together.
ODD = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


@contextmanager
def opened_record(path: Path) -> Iterator[tuple[Record, Inside]]:
    """What a report says, and its folder, where its pages and pictures are of no interest: see `opened_report`."""
    with held(path) as inside:
        yield read_record(path), inside


@contextmanager
def held(path: Path) -> Iterator[Inside]:
    """The folder of a report, given by that or its `report.json`; during the block nothing takes its place."""
    folder = path.parent if path.name == RECORD_NAME and not path.is_dir() else path
    settle_left(absolute(folder))
    with steady(folder):
        yield Inside(folder if folder.is_dir() else path.parent)


@contextmanager
def opened_files(path: Path) -> Iterator[tuple[Record, Inside]]:
    """As `opened_record`, where the files it names are of interest and its pages are not.

    Raises:
        ReportgenError: it is no report of this program, names what is not a file inside it, or channels of no layer.
    """
    with opened_record(path) as (record, inside):
        check_layers(path, record)
        for name, key in named_files(record).items():
            inside.find(name, key)
        yield record, inside


def check_layers(path: Path, record: Record) -> None:
    """Refuse channels of no layer: their pages would be linked to and not be there.

    Raises:
        ReportgenError: the record at `path` has one.
    """
    layers = {layer.name for layer in record.layers}
    for place, unit in enumerate(record.units):
        if unit.layer not in layers:
            raise ReportgenError(
                f"{one_line(path, 80)}: units.{place}.layer: expected one of the report's layers, "
                f"got {one_line(repr(unit.layer), 36)}; make the report again"
            )


@contextmanager
def odd_values_told(path: Path, odd: tuple[type[Exception], ...] = ODD) -> Iterator[None]:
    """Turn what nothing can be made of into a line: values each of a right type that fit to no network.

    Raises:
        ReportgenError: with what was wrong, as far as Python says it.
    """
    try:
        yield
    except odd as error:
        raise ReportgenError(
            f"expected {RECORD_NAME} and pages as this program writes them at {path}, they say what no report says "
            f"({type(error).__name__}: {one_line(error, 80)}); make the report again"
        ) from error
