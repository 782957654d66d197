"""What all figures made of tiles share: sizes, words, and the way from tiles to a finished mosaic."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.draw.montage import GAP_COLOUR, enlarge, grid_columns, montage
from reportgen.draw.pixels import MARK_SIDE, with_marks
from reportgen.facts import TileGrid
from reportgen.formats import counted
from reportgen.results import ByteArray

# A mosaic of eight columns then fills a column of text, and fits two to a wide screen.
MAP_TILE = 88  # CSS pixels
FILTER_TILE = 56

# The most pixels of a map that are stored; larger maps are reduced. Eight of them make about 900 pixels,
# the width of a page, and a mosaic of 64 stays near 50 kB.
MAX_MAP_SIDE = 128

# Enlarged tiles keep to this, even where they are long and low.
_MAX_ENLARGED_SIDE = 64

_GAP = 4  # CSS pixels between tiles

_MAX_SLUG = 80  # keeps paths made of it under 100 characters

MARK_WORDS = {
    "nan": "with NaN or infinite values",
    "silent": "silent",
    "constant": "constant",
    "dead": "zero",
    "failed": "failed",
}


@dataclass(frozen=True)
class TileSize:
    """How a map becomes a tile.

    `reduced` positions a side go into one pixel, or a position becomes `enlarged` pixels a side; each
    pixel is then looked at as `shown` CSS pixels a side.
    """

    reduced: int
    enlarged: int
    shown: int

    @property
    def gap(self) -> int:
        """Pixels between tiles."""
        return max(1, round(_GAP / self.shown))


def tile_size(height: int, width: int, *, target: int) -> TileSize:
    """The size of tiles for maps of `height` by `width` positions, near `target` CSS pixels wide.

    >>> tile_size(224, 224, target=88)
    TileSize(reduced=2, enlarged=1, shown=1)
    >>> tile_size(14, 14, target=88)
    TileSize(reduced=1, enlarged=2, shown=3)
    """
    long, short = max(height, width), min(height, width)
    reduced = -(-long // MAX_MAP_SIDE)
    # Small maps are stored enlarged so far that a mark can be read in their place; lossless files hardly
    # grow by that.
    enlarged = max(1, min(-(-MARK_SIDE // short), _MAX_ENLARGED_SIDE // long))
    shown = max(1, round(target / (long * enlarged / reduced)))
    return TileSize(reduced, enlarged, shown)


@dataclass(frozen=True, eq=False)
class Mosaic:
    """The picture of a mosaic, where its tiles lie, and the size at which it is looked at."""

    pixels: ByteArray
    tiles: TileGrid
    display: tuple[int, int]  # height, width in CSS pixels


def draw_mosaic(
    tiles: ByteArray,
    marks: Sequence[str | None],
    size: TileSize,
    *,
    columns: int | None = None,
    background: tuple[int, int, int] = GAP_COLOUR,
) -> Mosaic:
    """Enlarge coloured tiles as `size` says, put marks in their places and lay all out.

    Args:
        tiles: uint8 `(count, height, width, 3)`, reduced already.
        marks: one for each tile, see `pixels.tile_marks`.
        size: of the tiles.
        columns: tiles in a row; None for a number that suits their count.
        background: colour of the lines between tiles.
    """
    large = with_marks(enlarge(tiles, size.enlarged), marks)
    columns = columns or grid_columns(len(large))
    pixels = montage(large, columns, gap=size.gap, background=background)
    height, width = pixels.shape[:2]
    grid = TileGrid(
        columns=columns, rows=-(-len(large) // columns), width=large.shape[2], height=large.shape[1], gap=size.gap
    )
    return Mosaic(pixels, grid, (height * size.shown, width * size.shown))


def drawing_id(*parts: str) -> str:
    """A slug that no other parts have: lowercase ASCII, with a hash where a part is not such a word.

    >>> drawing_id("filters", "conv2d_1", "rows")
    'filters-conv2d_1-rows'
    >>> drawing_id("filters", "base/Conv1", "rows")
    'filters-base-conv1-rows-9091a9'
    """
    slug = re.sub(r"[^a-z0-9_]+", "-", "-".join(parts).lower()).strip("-")
    if all(re.fullmatch("[a-z0-9_]+", part) for part in parts) and len(slug) <= _MAX_SLUG:
        return slug
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:6]
    return f"{slug[:_MAX_SLUG].strip('-')}-{digest}"


def shown_of(shown: int, total: int, noun: str) -> str:
    """How many of how many are shown.

    >>> shown_of(64, 64, "map"), shown_of(64, 512, "map")
    ('64 maps', 'the first 64 of 512 maps')
    """
    return counted(shown, noun) if shown == total else f"the first {shown:,} of {counted(total, noun)}"


def mark_counts(marks: Sequence[str | None]) -> str:
    """How many tiles have which mark, to be added to a list; empty without marks.

    >>> mark_counts(("silent", None, "silent", "constant"))
    ', 1 constant, 2 silent'
    """
    counts = Counter(mark for mark in marks if mark)
    return "".join(f", {counts[mark]} {MARK_WORDS[mark]}" for mark in sorted(counts))


def highest(tiles: NDArray[Any]) -> tuple[float | None, ...]:
    """The highest value of each tile, None where it is not finite.

    >>> highest(np.array([[[1.0, 2.0]], [[np.nan, 0.0]]]))
    (2.0, None)
    """
    peaks = tiles.reshape(len(tiles), -1).max(axis=1)
    return tuple(float(peak) if np.isfinite(peak) else None for peak in peaks)
