"""Inputs besides the image that have a value for each image, from a table."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.config import Config
from reportgen.errors import UsageError, one_line
from reportgen.formats import counted
from reportgen.images import ImageSet
from reportgen.models import Network
from reportgen.models.inputs import InputSlot, is_table, shaped_value
from reportgen.opening import read_regular

_HEADING = "file"


def with_values_of_images(network: Network, config: Config, images: ImageSet) -> Network:
    """`network` with the values that `--input NAME=FILE.csv` gives each of `images`.

    What belongs to no image (a maximised picture, a dream) gets the value of the image that is nearest to the median
    of all: one that occurs.

    Raises:
        UsageError: a table cannot be read, lacks an image, names one twice, or has a value that does not fit.
    """
    if network.latent:
        return network
    files = [image.file for image in images]
    tables = {
        slot.name: _values(slot, config.inputs[slot.name], files)
        for slot in network.other_slots
        if is_table(config.inputs.get(slot.name, ""))
    }
    typical = {name: _typical(list(values.values())) for name, values in tables.items()}
    return replace(network, of_images=tables, other_inputs={**network.other_inputs, **typical}) if tables else network


def _values(slot: InputSlot, table: str, files: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The value of each of `files`; a line's file is the image's name in the report, or the last part of it."""
    option = f"--input {slot.name}={table}"
    rows = _read_rows(option, Path(table))
    twice = [name for name, count in Counter(name for name, _ in rows).items() if count > 1]
    if twice:
        raise UsageError(f"{option}: expected one line for each image, got {twice[0]} more than once")
    by_name = dict(rows)
    last = Counter(PurePosixPath(name).name for name in by_name)
    by_last = {end: cells for name, cells in rows if last[end := PurePosixPath(name).name] == 1}
    found = {file: by_name.get(file) or by_last.get(PurePosixPath(file).name) for file in files}
    missing = [file for file, cells in found.items() if cells is None]
    if missing:
        more = f" and {counted(len(missing) - 1, 'other image')}" if len(missing) > 1 else ""
        raise UsageError(f"{option}: expected one line for each image, got none for {missing[0]}{more}")
    return {file: _value(slot, table, file, cells or []) for file, cells in found.items()}


def _value(slot: InputSlot, table: str, file: str, cells: Sequence[str]) -> NDArray[Any]:
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        numbers = []
    if not numbers or not np.isfinite(numbers).all():
        raise UsageError(
            f"--input {slot.name}={table}: expected numbers behind each file, got {','.join(cells)!r} for {file}"
        )
    return shaped_value(slot, table, numbers)


def _read_rows(option: str, path: Path) -> list[tuple[str, list[str]]]:
    """Files and what stands behind them; without a heading, which calls the first column "file"."""
    expected = f"{option}: expected lines of file,value for each image"
    try:
        text = read_regular(path, "truth").decode("utf-8-sig")
        lines = csv.reader(io.StringIO(text, newline=""))
        rows = [[cell.strip() for cell in row] for row in lines if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or one_line(error, 100)
        raise UsageError(f"{expected}, cannot read it: {why}") from error
    if rows and rows[0][0].lower() == _HEADING:
        rows = rows[1:]
    short = next((row for row in rows if len(row) < 2), None)
    if short is not None or not rows:
        raise UsageError(f"{expected}, got {'none' if short is None else repr(short[0])}")
    return [(name.replace("\\", "/"), cells) for name, *cells in rows]


def _typical(values: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """That of `values` nearest to their median, each number by its own spread."""
    rows = np.stack(values).reshape(len(values), -1).astype(np.float64)
    spread = np.ptp(rows, axis=0)
    apart = np.abs(rows - np.median(rows, axis=0)) / np.where(spread > 0, spread, 1.0)
    return values[int(apart.sum(axis=1).argmin())]
