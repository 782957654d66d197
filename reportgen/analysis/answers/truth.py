"""The right answers, as they were given: read, and matched with the images and with an output."""

from __future__ import annotations

import csv
import io
import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.class_names import match_label, plain_name
from reportgen.config import FOLDERS, INPUT
from reportgen.errors import ReportgenError, one_line
from reportgen.opening import read_regular

# What stands between labels that hold at the same time.
SEPARATOR = "|"

# How a heading may call the column of labels.
_LABEL_HEADINGS = ("label", "class", "truth", "labels")

_PICTURES = (".png", ".tif", ".tiff", ".bmp", ".webp", ".jpg", ".jpeg", ".gif", ".npy")

Form = Literal["folders", "table", "list", "pictures", "input"]


@dataclass(frozen=True, eq=False)
class GivenTruth:
    """Right answers as they were given, for the images by their names.

    `cells` are the columns of a table (one without a heading has one called "label"), by image; `files` are pictures
    of a folder. `missing` are lines that fit no image, `duplicates` names that stand in the table more than once.
    """

    form: Form
    source: str
    columns: tuple[str, ...] = ()
    cells: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    duplicates: tuple[str, ...] = ()

    @property
    def labels(self) -> dict[str, str]:
        """The first column as text, by image: the label of images that have one."""
        return {file: row[0] for file, row in self.cells.items() if row and row[0]}

    @property
    def names(self) -> tuple[str, ...]:
        """The classes named, in alphabetical order."""
        return tuple(sorted({name for text in self.labels.values() for name in text.split(SEPARATOR) if name}))

    def names_classes(self) -> int | None:
        """How many classes are named; None where the labels are other numbers than indices from 0 on."""
        names = self.names
        if not names or (self.form == "table" and self.columns[0].lower() not in _LABEL_HEADINGS and self.is_numeric):
            return None
        if self.is_numeric and set(names) != {str(index) for index in range(len(names))}:
            return None
        return len(names)

    @property
    def is_numeric(self) -> bool:
        """Whether every label is a number."""
        return all(_number(part) is not None for text in self.labels.values() for part in text.split(SEPARATOR))


def read_truth(given: str | Sequence[str], files: Sequence[str]) -> GivenTruth:
    """Read right answers.

    Args:
        given: `folders`, where each image lies in a folder named after its class; `input`; a CSV file of lines
            `file,label` or, under a heading, `file` and a column for each value or property; a folder of pictures
            called as the images; or a list with an entry for each image. A file is the image's name in the report or
            the last part of it.
        files: the images' names, in order.

    Raises:
        ReportgenError: the file cannot be read, or the list has another length.
    """
    if not isinstance(given, str):
        if len(given) != len(files):
            raise ReportgenError(
                f"truth: expected a list with an entry for each of {len(files)} images, got {len(given)}"
            )
        cells = {file: tuple(entry.split(SEPARATOR)) for file, entry in zip(files, given, strict=True) if entry}
        return _listed(cells)
    if given == FOLDERS:
        folders = {file: PurePosixPath(file).parent.name for file in files if PurePosixPath(file).parent.name}
        return GivenTruth("folders", given, ("label",), {file: (name,) for file, name in folders.items()})
    if given == INPUT:
        return GivenTruth("input", given)
    # A name too long for the system is no folder, which pathlib would raise for.
    is_folder = os.path.isdir(given)  # noqa: PTH112
    return _read_pictures(Path(given), files) if is_folder else _read_table(Path(given), files)


def _listed(cells: Mapping[str, tuple[str, ...]]) -> GivenTruth:
    """A list: of numbers, a column each; else labels, several of which may hold."""
    widths = {len(row) for row in cells.values()}
    if len(widths) == 1 and all(_number(cell) is not None for row in cells.values() for cell in row):
        width = widths.pop()
        return GivenTruth("list", "a list", ("label", *(f"value {index}" for index in range(1, width))), cells)
    return GivenTruth("list", "a list", ("label",), {file: (SEPARATOR.join(row),) for file, row in cells.items()})


def _read_pictures(folder: Path, files: Sequence[str]) -> GivenTruth:
    """A picture for each image: of the same name but for the ending, in the same folder or in any."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _PICTURES and path.is_file())
    by_path = {path.relative_to(folder).with_suffix("").as_posix(): path for path in found}
    by_stem: dict[str, Path] = {}
    for path in found:
        by_stem.setdefault(path.stem, path)
    matched = {}
    for file in files:
        name = PurePosixPath(file)
        own = by_path.get(name.with_suffix("").as_posix()) or by_stem.get(name.stem)
        if own is not None:
            matched[file] = own
    used = set(matched.values())
    missing = tuple(path.relative_to(folder).as_posix() for path in found if path not in used)
    repeated = Counter(path.stem for path in found)
    duplicates = tuple(sorted(stem for stem, times in repeated.items() if times > 1 and stem not in by_path))
    return GivenTruth("pictures", folder.name, files=matched, missing=missing, duplicates=duplicates)


def _read_table(path: Path, files: Sequence[str]) -> GivenTruth:
    columns, rows = _read_rows(path)
    by_name: dict[str, tuple[str, ...]] = {}
    for name, cells in rows:
        by_name.setdefault(name, cells)
    by_last: dict[str, tuple[str, ...]] = {}
    for name, cells in rows:
        by_last.setdefault(PurePosixPath(name).name, cells)
    known = {file: by_name.get(file) or by_last.get(PurePosixPath(file).name) for file in files}
    there = {*files, *(PurePosixPath(file).name for file in files)}
    missing = tuple(name for name, _ in rows if name not in there and PurePosixPath(name).name not in there)
    repeated = Counter(name for name, _ in rows)
    return GivenTruth(
        "table",
        path.name,
        columns,
        {file: cells for file, cells in known.items() if cells is not None},
        missing=missing,
        duplicates=tuple(name for name, times in repeated.items() if times > 1),
    )


def _read_rows(path: Path) -> tuple[tuple[str, ...], list[tuple[str, tuple[str, ...]]]]:
    """The columns beside the file, and the lines."""
    try:
        text = read_regular(path, "truth").decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or one_line(error, 100)
        raise ReportgenError(f"--truth: expected a CSV file of file,label, cannot read {path}: {why}") from error
    short = next((number for number, row in enumerate(rows, 1) if len(row) < 2), None)
    if short is not None:
        raise ReportgenError(f"--truth {path.name}: expected file,label on each line, line {short} has one part")
    headed = bool(rows) and rows[0][0].strip().lower() in ("file", "image", "filename")
    columns = tuple(cell.strip() for cell in rows[0][1:]) if headed else ("label",)
    lines = []
    for row in rows[1:] if headed else rows:
        cells = [cell.strip() for cell in row[1:]]
        if len(columns) == 1:
            cells = [",".join(row[1:]).strip()]  # names of classes may hold commas
        lines.append((row[0].strip().replace("\\", "/"), tuple(cells[: len(columns)])))
    return columns, lines


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None  # a class may be called "nan"


# --- matched with an output -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class MatchedTruth:
    """The right answers of one output.

    Of images by their names: `labels` the text of the right class, `classes` the indices of the right classes (one,
    or several of labels), `values` the right values in the output's order, `files` the right pictures. `unmatched`
    are names given that the output does not know, `known` those it knows.
    """

    output: str
    given: GivenTruth
    labels: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    unmatched: tuple[str, ...] = ()
    known: tuple[str, ...] = ()

    @property
    def is_matched(self) -> bool:
        """Whether the right answer of any image is known."""
        return bool(self.classes or self.values or self.files or self.given.form == "input")


def match_truth(given: GivenTruth, output: SettledOutput) -> MatchedTruth:
    """Match right answers with what an output can answer."""
    if output.kind in ("classes", "multilabel"):
        return _match_classes(given, output)
    if output.kind in ("values", "points", "boxes"):
        return _match_values(given, output)
    if output.kind in ("map", "picture"):
        files = given.files if given.form == "pictures" else {}
        is_input = given.form == "input" and output.kind == "picture"
        unmatched = () if files or is_input else (given.missing or given.names)
        return MatchedTruth(output.name, given, files=files, unmatched=unmatched)
    return MatchedTruth(output.name, given, unmatched=given.names)


def _match_classes(given: GivenTruth, output: SettledOutput) -> MatchedTruth:
    several = output.kind == "multilabel"
    indices = {name: match_label(name, output.labels, output.classes) for name in given.names}
    classes = {}
    for file, text in given.labels.items():
        if several:
            own = [indices[name] for name in text.split(SEPARATOR) if name]
        else:
            own = [match_label(text, output.labels, output.classes)]
        if all(index is not None for index in own):
            classes[file] = tuple(index for index in own if index is not None)
    names = given.names if several else tuple(sorted(set(given.labels.values())))
    unmatched = tuple(name for name in names if match_label(name, output.labels, output.classes) is None)
    known = tuple(output.label(index) or str(index) for index in range(output.classes))
    return MatchedTruth(output.name, given, given.labels, classes, unmatched=unmatched, known=known)


def _match_values(given: GivenTruth, output: SettledOutput) -> MatchedTruth:
    """Columns by the values' names, else in their order where there are as many."""
    known = tuple(output.value_name(index) for index in range(output.count))
    by_name = {plain_name(column): place for place, column in enumerate(given.columns)}
    places = [by_name.get(plain_name(name)) for name in known]
    if any(place is None for place in places):
        places = list(range(len(known))) if len(given.columns) == len(known) else []
    values = {}
    for file, row in given.cells.items():
        numbers = [_number(row[place]) for place in places if place is not None and place < len(row)]
        if len(numbers) == len(known) and all(number is not None for number in numbers):
            values[file] = tuple(number for number in numbers if number is not None)
    unmatched = () if values else (given.columns or given.names)
    return MatchedTruth(
        output.name, given, given.labels if values else {}, values=values, unmatched=unmatched, known=known
    )
