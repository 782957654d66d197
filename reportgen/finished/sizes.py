"""What a report's bytes are spent on."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from reportgen.formats import byte_count
from reportgen.record import RECORD_NAME, Record

BIGGEST_SHOWN = 5

# The rule of the finding that says what was given up for a size.
SIZE_RULE = "size-limit"

_PAGES = {"layers": "pages of layers", "units": "pages of channels", "images": "pages of images"}
_OTHER = "all else"


@dataclass(frozen=True)
class Thing:
    """Files of one kind: how many there are, and their bytes together."""

    name: str
    files: int
    size: int


def measure_things(record: Record, folder: Path) -> tuple[Thing, ...]:
    """All files of the report in `folder` by what they are, the biggest kind first."""
    names = _picture_names(record)
    sizes: defaultdict[str, list[int]] = defaultdict(list)
    for path in folder.rglob("*"):
        if path.is_file():
            place = path.relative_to(folder).as_posix()
            name = names.get(place) or _PAGES.get(place.partition("/")[0]) or _OTHER
            sizes[RECORD_NAME if place == RECORD_NAME else name].append(path.stat().st_size)
    things = (Thing(name, len(each), sum(each)) for name, each in sizes.items())
    return tuple(sorted(things, key=lambda thing: (-thing.size, thing.name)))


def size_table(things: tuple[Thing, ...], most: int = BIGGEST_SHOWN) -> list[str]:
    """The biggest of `things`, a line each.

    >>> size_table((Thing("filters", 12, 199_000), Thing("report.json", 1, 4_000)))
    ['  199 kB  filters (12 files)', ' 4.00 kB  report.json (1 file)']
    """
    return [
        f"{byte_count(thing.size):>8}  {thing.name} ({thing.files:,} file{'' if thing.files == 1 else 's'})"
        for thing in things[:most]
    ]


def _picture_names(record: Record) -> dict[str, str]:
    """What each picture and array shows, by its path."""
    tops = [top for channel in record.units for top in channel.top_images]
    names = {tile.picture: "parts of images" for top in tops for tile in (top.patch, top.whole) if tile is not None}
    titles = {section.slug: section.title.lower() for section in record.sections}
    files = [(feature.file, feature.section) for feature in record.features]
    files += [(shown.picture, shown.section) for shown in record.maximizations if shown.picture is not None]
    files += [(shown.array, shown.section) for shown in record.maximizations if shown.array is not None]
    for figure in record.figures:
        files += [(name, figure.section) for name in (figure.picture, figure.data) if name is not None]
    return names | {name: titles.get(section, section) for name, section in files}
