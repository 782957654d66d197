from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.records import small_record

from reportgen.errors import GateError
from reportgen.finished.rendering import write_pages
from reportgen.finished.shrinking import fit_size, folder_size
from reportgen.finished.sizes import BIGGEST_SHOWN, measure_things
from reportgen.record import Record, referenced_files


@pytest.fixture
def report(tmp_path: Path) -> tuple[Record, Path]:
    record = small_record(tmp_path)
    write_pages(record, tmp_path)
    return record, tmp_path


def finisher(folder: Path):
    def finish(record: Record) -> int:
        write_pages(record, folder)
        return folder_size(folder)

    return finish


def test_a_report_that_fits_is_left_as_it_is(report: tuple[Record, Path]) -> None:
    record, folder = report
    size = folder_size(folder)
    assert fit_size(record, folder, size, finisher(folder)) is record
    assert folder_size(folder) == size


def test_a_report_that_cannot_fit_says_what_is_biggest(report: tuple[Record, Path]) -> None:
    record, folder = report
    with pytest.raises(GateError, match=r"at most 1,000 bytes") as caught:
        fit_size(record, folder, 1000, finisher(folder))
    table = str(caught.value).splitlines()[1:]
    assert len(table) == BIGGEST_SHOWN
    assert any(re.fullmatch(r" *[\d.]+ kB  pages of channels \(\d+ files\)", line) for line in table)
    assert caught.value.exit_status == 3


def test_every_byte_belongs_to_something(report: tuple[Record, Path]) -> None:
    things = measure_things(*report)
    assert sum(thing.size for thing in things) == folder_size(report[1])
    assert [thing.size for thing in things] == sorted((thing.size for thing in things), reverse=True)
    names = {thing.name for thing in things}
    assert {"feature maps", "filters", "maximised images", "parts of images", "report.json"} <= names


def test_a_report_made_to_fit_says_so_and_has_all_its_pictures(report: tuple[Record, Path]) -> None:
    record, folder = report
    sizes = []

    def finish(shown: Record) -> int:
        sizes.append(finisher(folder)(shown))
        return sizes[-1]

    limit = folder_size(folder) - 1
    try:
        fitted = fit_size(record, folder, limit, finish)
    except GateError:
        pytest.fail("one byte less must be possible")
    assert sizes[-1] <= limit
    assert [finding.rule for finding in fitted.findings][-1] == "size-limit"
    assert all((folder / name).is_file() for name in referenced_files(fitted))
