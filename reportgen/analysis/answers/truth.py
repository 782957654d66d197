"""The right answers, as they were given: read, and matched with the images and with an output."""

from __future__ import annotations

import csv
import io
import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from reportgen.analysis.answers.file_names import match_files
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.class_names import SEPARATOR, match_label, plain_name
from reportgen.config import FOLDERS, INPUT
from reportgen.errors import ReportgenError, one_line
from reportgen.opening import read_regular

# How a heading may call the column of labels, and that of files.
_LABEL_HEADINGS = ("label", "class", "truth", "labels")
_FILE_HEADINGS = ("file", "filename", "file name", "filepath", "file path", "path", "image", "image name", "image path",
                  "image file", "img")  # fmt: skip

_PICTURES = (".png", ".tif", ".tiff", ".bmp", ".webp", ".jpg", ".jpeg", ".gif", ".npy")

Form = Literal["folders", "table", "list", "pictures", "input"]


@dataclass(frozen=True, eq=False)
class GivenTruth:
    """Right answers as they were given, for the images by their names.

    `cells` are the columns of a table (one without a heading has one called "label"), by image; labels stand in the
    column at `place`. `files` are pictures of a folder. `missing` are names that fit no image, or more than one of them
    fits, `duplicates` names that stand in the table more than once, `shared` those that stand for several images.
    """

    form: Form
    source: str
    columns: tuple[str, ...] = ()
    cells: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    duplicates: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    place: int = 0

    @property
    def labels(self) -> dict[str, str]:
        """The column of labels as text, by image: the label of images that have one."""
        return {file: text for file, row in self.cells.items() if (text := self.label_of(row))}

    def label_of(self, row: Sequence[str]) -> str:
        """The label that stands in a row; a row that is too short for it has an empty one."""
        return row[self.place] if self.place < len(row) else ""

    @property
    def is_headed_as_labels(self) -> bool:
        """Whether the column of labels is called so."""
        return self.place < len(self.columns) and self.columns[self.place].lower() in _LABEL_HEADINGS

    @property
    def names(self) -> tuple[str, ...]:
        """The classes named, in alphabetical order."""
        return tuple(sorted({name for text in self.labels.values() for name in text.split(SEPARATOR) if name}))

    def names_classes(self) -> int | None:
        """How many classes are named; None where the labels are other numbers than indices from 0 on."""
        names = self.names
        if not names or (self.form == "table" and not self.is_headed_as_labels and self.is_numeric):
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
    by_name = {path.relative_to(folder).as_posix(): path for path in found}
    known = match_files(by_name, files, _without_ending)
    used = set(known.values())
    repeated = Counter(_without_ending(PurePosixPath(name)) for name in by_name)
    return GivenTruth(
        "pictures",
        folder.name,
        files={file: by_name[name] for file, name in known.items()},
        missing=tuple(
            name for name in by_name if name not in used and repeated[_without_ending(PurePosixPath(name))] == 1
        ),
        duplicates=tuple(sorted(path.as_posix() for path, times in repeated.items() if times > 1)),
        shared=_shared(known),
    )


def _without_ending(path: PurePosixPath) -> PurePosixPath:
    return path.with_suffix("") if path.name else path


def _read_table(path: Path, files: Sequence[str]) -> GivenTruth:
    columns, rows = _read_rows(path)
    by_name: dict[str, tuple[str, ...]] = {}
    for name, cells in rows:
        by_name.setdefault(name, cells)
    known = match_files(by_name, files)
    used = set(known.values())
    repeated = Counter(name for name, _ in rows)
    return GivenTruth(
        "table",
        path.name,
        columns,
        {file: by_name[name] for file, name in known.items()},
        missing=tuple(name for name in by_name if name not in used),
        duplicates=tuple(name for name, times in repeated.items() if times > 1),
        shared=_shared(known),
        place=next((place for place, name in enumerate(columns) if name.lower() in _LABEL_HEADINGS), 0),
    )


def _shared(known: Mapping[str, str]) -> tuple[str, ...]:
    """The names that stand for more than one image."""
    return tuple(name for name, times in Counter(known.values()).items() if times > 1)


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
    headed = bool(rows) and plain_name(rows[0][0]) in _FILE_HEADINGS
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
    are names given that the output does not know, `known` those it knows; `places` are the columns of a table that
    the right answers stand in.
    """

    output: str
    given: GivenTruth
    labels: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    unmatched: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    places: tuple[int, ...] = (0,)
    are_inputs: bool = False  # each image is its own right answer

    @property
    def is_matched(self) -> bool:
        """Whether the right answer of any image is known."""
        return bool(self.classes or self.values or self.files or self.are_inputs)


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
        return MatchedTruth(output.name, given, files=files, unmatched=unmatched, are_inputs=is_input)
    return MatchedTruth(output.name, given, unmatched=given.names)


def _match_classes(given: GivenTruth, output: SettledOutput) -> MatchedTruth:
    several = output.kind == "multilabel"
    given = _by_first_column(given, output)
    known = tuple(output.label(index) or str(index) for index in range(output.classes))
    marked = _marked_classes(given, known, several=several)
    if marked is not None:
        labels = {file: SEPARATOR.join(known[index] for index in own) for file, own in marked.items()}
        places = tuple(_columns_of(given, known))
        return MatchedTruth(output.name, given, labels, marked, known=known, places=places)
    texts = _label_texts(given) if several else given.labels
    parted = {
        file: [name for name in text.split(SEPARATOR) if name] if several else [text] for file, text in texts.items()
    }
    names = sorted({name for own in parted.values() for name in own})
    indices = {name: match_label(name, output.labels, output.classes) for name in names}
    classes = {}
    for file, own in parted.items():
        found = tuple(index for index in (indices[name] for name in own) if index is not None)
        if len(found) == len(own):
            classes[file] = found
    unmatched = tuple(name for name in names if indices[name] is None)
    return MatchedTruth(output.name, given, texts, classes, unmatched=unmatched, known=known, places=(given.place,))


def _by_first_column(given: GivenTruth, output: SettledOutput) -> GivenTruth:
    """With the labels of the first column where they are names of classes and those of the one called so are of none.

    Such as a table of `file,breed,class`, whose classes are kinds of breeds. Numbers there may be of anything.
    """
    first = replace(given, place=0)
    ours, others = (
        [match_label(name, output.labels, output.classes) is not None for name in one.names] for one in (given, first)
    )
    return first if others and all(others) and not first.is_numeric and not any(ours) else given


def _label_texts(given: GivenTruth) -> dict[str, str]:
    """The labels that hold for each image: an empty cell of a table says that none does."""
    if given.form == "list":
        return {file: SEPARATOR.join(row) for file, row in given.cells.items()}
    if given.form == "table":
        return {file: given.label_of(row) for file, row in given.cells.items() if row}
    return given.labels


def _marked_classes(given: GivenTruth, known: Sequence[str], *, several: bool) -> dict[str, tuple[int, ...]] | None:
    """The classes of each image by columns of 0 and 1, one for each class; None where there are no such columns."""
    if given.is_headed_as_labels and given.form != "list":
        return None
    places = _columns_of(given, known)
    called = not {plain_name(name) for name in known}.isdisjoint(plain_name(column) for column in given.columns)
    if len(known) < 2 or not places:
        return None
    marked = {}
    for file, row in given.cells.items():
        numbers = [_number(row[place]) if place < len(row) else None for place in places]
        own = tuple(index for index, number in enumerate(numbers) if number == 1)
        if any(number not in (0, 1, None) for number in numbers) or (not several and len(own) > 1):
            return None
        # Two columns of a table that are called otherwise may be the number of a class and a property of the image.
        if given.form == "table" and len(known) == 2 and not (several or called or own or None in numbers):
            return None
        if None not in numbers and (several or own):
            marked[file] = own
    return marked or None


def _match_values(given: GivenTruth, output: SettledOutput) -> MatchedTruth:
    """Columns by the values' names, else in their order where there are as many."""
    known = tuple(output.value_name(index) for index in range(output.count))
    places = _columns_of(given, known)
    values = {}
    for file, row in given.cells.items():
        numbers = [_number(row[place]) for place in places if place < len(row)]
        if len(numbers) == len(known) and all(number is not None for number in numbers):
            values[file] = tuple(number for number in numbers if number is not None)
    unmatched = () if values else (given.columns or given.names)
    return MatchedTruth(
        output.name,
        given,
        given.labels if values else {},
        values=values,
        unmatched=unmatched,
        known=known,
        places=tuple(places),
    )


def _columns_of(given: GivenTruth, known: Sequence[str]) -> list[int]:
    """Where the column of each name stands; none where a name has none, unless the columns may be meant in order.

    They are where there are as many, and no name is that of a column at another place.
    """
    by_name = {plain_name(column): place for place, column in enumerate(given.columns)}
    places = [by_name.get(plain_name(name)) for name in known]
    if None not in places:
        return [place for place in places if place is not None]
    in_order = len(given.columns) == len(known) and all(place in (None, own) for own, place in enumerate(places))
    return list(range(len(known))) if in_order else []
