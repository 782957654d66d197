from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.records import small_record

from reportgen.errors import GateError
from reportgen.files.encoding import EFFORT
from reportgen.finished.rendering import write_pages
from reportgen.finished.shrinking import fit_size, folder_size
from reportgen.finished.sizes import BIGGEST_SHOWN, SIZE_RULE, measure_things
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


# --- the steps, each taken only where the one before did not do ----------------------------------------------------


@pytest.fixture
def many(tmp_path: Path) -> tuple[Record, Path]:
    """A report with the maps of five images, each drawn in two forms, and a figure of a section that never shrinks."""
    record = small_record(tmp_path)
    noise = np.random.default_rng(0).normal(128, 60, (64, 64, 3)).clip(0, 255).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "assets" / "noise-0123456789.webp", quality=90)
    sections = [section.model_copy(update={"shrinks": section.slug == "feature-maps"}) for section in record.sections]
    lasting = next(figure for figure in record.figures if figure.section == "filters")
    maps = next(figure for figure in record.figures if figure.section == "feature-maps")
    figures = [
        maps.model_copy(
            update={
                "id": f"maps-{image}-{form}", "group": f"maps-{image}", "variant": form, "image": image,
                "picture": "assets/noise-0123456789.webp", "width": 64, "height": 64, "tiles": None,
            }
        )
        for image in "abcde"
        for form in ("layer", "each")
    ]  # fmt: skip
    return record.model_copy(update={"figures": [lasting, *figures], "sections": sections}), tmp_path


class Scales:
    """Finds a report too large so many times, then small enough, and keeps what it was shown."""

    def __init__(self, folder: Path, times: int) -> None:
        self.folder, self.times = folder, times
        self.shown: list[Record] = []
        self.bytes: list[int] = []

    def __call__(self, record: Record) -> int:
        assert all((self.folder / name).is_file() for name in referenced_files(record))
        self.shown.append(record)
        self.bytes.append(sum((self.folder / figure.picture).stat().st_size for figure in record.figures))
        return 2000 if len(self.shown) <= self.times else 1000


def maps_of(record: Record) -> list[str]:
    return [figure.id.removeprefix("maps-") for figure in record.figures if figure.section == "feature-maps"]


def given_up(record: Record) -> list[str]:
    return [finding.message for finding in record.findings if finding.rule == SIZE_RULE]


ALL = [f"{image}-{form}" for image in "abcde" for form in ("layer", "each")]
COARSE = "pictures were stored at quality 20 of 100, and "

# How many times the report is too large, the maps that are left then, and what the report says.
STEPS = [
    (1, ALL, "pictures were stored at quality 45 of 100"),
    (2, ALL, "pictures were stored at quality 32 of 100"),
    (3, ALL, "pictures were stored at quality 20 of 100"),
    (4, ["a-layer", "b-layer", "c-layer", "d-layer", "e-layer"], f"{COARSE}second forms of feature maps were left out"),
    (5, ["a-layer", "b-layer"], f"{COARSE}second forms and the feature maps of all but 2 images were left out"),
    (6, ["a-layer"], f"{COARSE}second forms and the feature maps of all but 1 image were left out"),
    (7, [], f"{COARSE}all feature maps were left out"),
]


@pytest.mark.parametrize(("times", "left", "words"), STEPS)
def test_coarser_pictures_first_then_fewer(many: tuple[Record, Path], times: int, left: list[str], words: str) -> None:
    scales = Scales(many[1], times)
    fitted = fit_size(*many, 1000, scales)
    assert fitted is scales.shown[-1]
    assert len(scales.shown) == times + 1
    assert maps_of(fitted) == left
    assert given_up(fitted) == [f"To keep the report under 1,000 bytes, {words}."]
    assert "filters" in {figure.section for figure in fitted.figures}
    # Each step has less to deliver than the one before.
    assert scales.bytes == sorted(scales.bytes, reverse=True)
    assert len(set(scales.bytes)) == len(scales.bytes)


def test_then_it_is_refused(many: tuple[Record, Path]) -> None:
    scales = Scales(many[1], 100)
    with pytest.raises(GateError, match=r"at most 1,000 bytes, the smallest report has 2,000; allow more"):
        fit_size(*many, 1000, scales)
    assert [len(maps_of(record)) for record in scales.shown] == [10, 10, 10, 10, 5, 2, 1, 0, 0]


def test_every_quality_is_made_of_the_first_picture(many: tuple[Record, Path]) -> None:
    """A picture that is coded again and again loses more than the quality says."""
    record, folder = many
    first = (folder / "assets" / "noise-0123456789.webp").read_bytes()
    fitted = fit_size(record, folder, 1000, Scales(folder, 3))
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(first)) as picture:
        picture.save(buffer, "WEBP", quality=20, method=EFFORT)
    (name,) = {figure.picture for figure in fitted.figures if figure.section == "feature-maps"}
    assert (folder / name).read_bytes() == buffer.getvalue()
