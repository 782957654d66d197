"""Bring a report under a size: coarser pictures first, then fewer, then a refusal that says what is big."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from reportgen.errors import GateError
from reportgen.files.encoding import EFFORT
from reportgen.files.hashed import hashed_name
from reportgen.finished.sizes import SIZE_RULE, measure_things, size_table
from reportgen.finished.stored_picture import stored_picture
from reportgen.formats import counted
from reportgen.machine.threads import in_threads
from reportgen.record import Figure, Finding, Record, referenced_files

# Each about a quarter smaller than the one before; below the last, maps turn into blocks.
QUALITIES = (45, 32, 20)

# What follows the content in a picture's name.
_DIGEST = re.compile(r"-[^-/]*\Z")

Finish = Callable[[Record], int]


def fit_size(record: Record, folder: Path, limit: int, finish: Finish) -> Record:
    """Shrink the report in `folder` until `finish` measures at most `limit` bytes.

    Args:
        record: what the report says now.
        folder: holds the pictures; those no longer used are removed.
        limit: bytes of the whole report.
        finish: writes the pages of a record and returns the bytes of all that is delivered.

    Returns:
        The record of the report that fits, with a finding that says what was given up.

    Raises:
        GateError: it cannot be made to fit; the text ends with a table of what is biggest.
    """
    if finish(record) <= limit:
        return record
    originals = _lossy_pictures(record, folder)
    for quality in QUALITIES:
        coarser = _recoded(record, folder, originals, quality)
        shrunk = _noted(coarser, f"pictures were stored at quality {quality} of 100", limit)
        if _settle(shrunk, folder, finish) <= limit:
            return shrunk
    for what, fewer in _with_fewer_figures(coarser):
        shrunk = _noted(fewer, f"pictures were stored at quality {QUALITIES[-1]} of 100, and {what} left out", limit)
        if _settle(shrunk, folder, finish) <= limit:
            return shrunk
    size = _settle(shrunk, folder, finish)
    raise GateError(
        f"--max-size: expected at most {limit:,} bytes, the smallest report has {size:,}; "
        "allow more, or ask for fewer sections, images or layers. The biggest:\n"
        + "\n".join(size_table(measure_things(shrunk, folder)))
    )


def folder_size(folder: Path) -> int:
    """The bytes of all files below `folder`."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _lossy_pictures(record: Record, folder: Path) -> dict[str, bytes]:
    """The WebP pictures that need not keep every value, as they are now."""
    pictures = {}
    for name in referenced_files(record):
        if name.endswith(".webp"):
            data = (folder / name).read_bytes()
            if data[12:16] != b"VP8L":  # the lossless form of the format
                pictures[name] = data
    return pictures


def _recoded(record: Record, folder: Path, originals: dict[str, bytes], quality: int) -> Record:
    """Write each original again at `quality`, where that saves something, and speak of the new files."""

    def recoded(original: tuple[str, bytes]) -> tuple[str, str]:
        name, data = original
        coarse = _coarse(name, data, quality)
        renamed = hashed_name(_DIGEST.sub("", name.removesuffix(".webp")), coarse, ".webp")
        (folder / renamed).write_bytes(coarse)
        return name, renamed

    renamed = dict(in_threads(recoded, originals.items()))
    return Record.model_validate(_replaced(record.model_dump(), renamed))


def _coarse(name: str, data: bytes, quality: int) -> bytes:
    """The picture `name` again at `quality`, or as it is where that saves nothing."""
    buffer = io.BytesIO()
    with stored_picture(data, name, ["WEBP"]) as image:
        image.save(buffer, "WEBP", quality=quality, method=EFFORT)
    return buffer.getvalue() if buffer.tell() < len(data) else data


def _replaced(value: Any, renamed: dict[str, str]) -> Any:
    """`value` with every string that is a renamed file's path replaced."""
    if isinstance(value, str):
        return renamed.get(value, value)
    if isinstance(value, dict):
        return {key: _replaced(item, renamed) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_replaced(item, renamed) for item in value)
    return value


def _with_fewer_figures(record: Record) -> Iterator[tuple[str, Record]]:
    """Records with less and less to show, and the words for what each leaves out."""
    shrinking = {section.slug: section.title.lower() for section in record.sections if section.shrinks}
    titles = " and ".join(shrinking.values())
    seconds = _second_variants(figure for figure in record.figures if figure.section in shrinking)
    kept = [figure for figure in record.figures if figure.id not in seconds]
    yield f"second forms of {titles} were", record.model_copy(update={"figures": kept})
    images = list(dict.fromkeys(figure.image for figure in kept if figure.section in shrinking))
    while len(images) > 1:
        images = images[: len(images) // 2]
        kept = [figure for figure in kept if figure.section not in shrinking or figure.image in images]
        words = f"second forms and the {titles} of all but {counted(len(images), 'image')} were"
        yield words, record.model_copy(update={"figures": kept})
    kept = [figure for figure in kept if figure.section not in shrinking]
    yield f"all {titles} were", record.model_copy(update={"figures": kept})


def _second_variants(figures: Iterable[Figure]) -> set[str]:
    """The ids of figures that show again what another of their group shows."""
    first: dict[str, str] = {}
    return {figure.id for figure in figures if first.setdefault(figure.group or figure.id, figure.id) != figure.id}


def _noted(record: Record, what: str, limit: int) -> Record:
    finding = Finding(
        rule=SIZE_RULE,
        severity="info",
        layer=None,
        channels=[],
        image=None,
        message=f"To keep the report under {limit:,} bytes, {what}.",
        measured=None,
        threshold=f"{limit:,} bytes",
        why="Fine texture of the pictures may be lost, and some may be missing.",
        action="Allow more with --max-size, or ask for fewer images or layers.",
        page=None,
    )
    return record.model_copy(update={"findings": [*record.findings, finding]})


def _settle(record: Record, folder: Path, finish: Finish) -> int:
    """Remove pictures `record` does not speak of, write its pages, and measure."""
    used = set(referenced_files(record))
    for path in (folder / "assets").iterdir():
        if path.suffix == ".webp" and f"assets/{path.name}" not in used:
            path.unlink()
    return finish(record)
