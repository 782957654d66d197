"""Numbers to colours: scales, colour maps, and the marks of tiles that have nothing to show.

Tiles are `(count, height, width)` arrays of numbers, one map or filter each; pictures are uint8,
`(..., 3)`, red, green, blue of 0..255.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.results import ByteArray

# Ours on the left, matplotlib's on the right. All three keep their order of lightness or hue under the
# common forms of colour blindness; the diverging one is white in the middle, blue below, red above.
COLORMAPS = {"grey": "gray", "viridis": "viridis", "diverging": "RdBu_r"}

# Greys that no colour map but "grey" contains, and that tell apart from white and black pages.
_PALE, _DARK = 214, 92
_WHITE, _BLACK = 255, 0

# A tile smaller than this cannot carry a mark that is told apart from a small map.
MARK_SIDE = 16


@cache
def colour_table(name: str) -> ByteArray:
    """The 256 colours of a colour map, uint8 `(256, 3)`, lowest value first.

    >>> colour_table("grey")[[0, 128, 255]].tolist()
    [[0, 0, 0], [128, 128, 128], [255, 255, 255]]
    """
    from matplotlib import colormaps  # a report without colours need not load it

    table: ByteArray = np.rint(colormaps[COLORMAPS[name]](np.arange(256))[:, :3] * 255).astype(np.uint8)
    table.flags.writeable = False
    return table


def coloured(levels: NDArray[np.uint8], name: str) -> ByteArray:
    """Give each of `levels` (0..255, any shape) its colour in the map `name`: uint8 `(..., 3)`.

    >>> coloured(np.array([[0, 255]], np.uint8), "grey").tolist()
    [[[0, 0, 0], [255, 255, 255]]]
    """
    colours: ByteArray = np.take(colour_table(name), levels, axis=0)
    return colours


def finite_range(values: NDArray[Any]) -> tuple[float, float] | None:
    """The lowest and highest finite value, None if there is none.

    >>> finite_range(np.array([2.0, np.nan, -1.0, np.inf]))
    (-1.0, 2.0)
    """
    # Nearly all arrays are finite throughout, and their extremes tell so without a copy.
    if values.size == 0:
        return None
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        finite = values[np.isfinite(values)]
        if finite.size == 0:
            return None
        low, high = finite.min(), finite.max()
    return float(low), float(high)


def to_levels(values: NDArray[Any], low: Any, high: Any) -> NDArray[np.uint8]:
    """Put `low`..`high` on 0..255; what lies beyond is clipped, not-a-number becomes 0.

    Args:
        values: numbers of any shape.
        low: value of level 0, a number or an array that broadcasts against `values`.
        high: value of level 255; where it equals `low`, all finite values become level 128.

    >>> to_levels(np.array([-1.0, 0.0, 1.0, 9.0]), -1, 1).tolist()
    [0, 128, 255, 255]
    >>> to_levels(np.array([3.0, 3.0]), 3, 3).tolist()
    [128, 128]
    """
    # In double precision the difference of two float32 cannot overflow.
    low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
    flat = high <= low
    scaled = values - low
    scaled *= 255 / np.where(flat, 1, high - low)
    if flat.any():
        scaled = np.where(flat & np.isfinite(scaled), 128, scaled)
    scaled += 0.5
    np.fmax(scaled, 0, out=scaled)  # which is 0 where there is no number, too
    np.minimum(scaled, 255, out=scaled)
    levels: NDArray[np.uint8] = scaled.astype(np.uint8)
    return levels


def shared_levels(tiles: NDArray[Any]) -> tuple[NDArray[np.uint8], tuple[float, float] | None]:
    """One scale for all of `tiles`, from the lowest to the highest value: levels and the scale.

    >>> levels, scale = shared_levels(np.array([[[0.0, 1.0]], [[2.0, 4.0]]]))
    >>> levels.tolist(), scale
    ([[[0, 64]], [[128, 255]]], (0.0, 4.0))
    """
    scale = finite_range(tiles)
    return to_levels(tiles, *(scale or (0.0, 0.0))), scale


def single_levels(tiles: NDArray[Any]) -> NDArray[np.uint8]:
    """A scale of its own for each of `tiles`, from its lowest to its highest value.

    >>> single_levels(np.array([[[0.0, 1.0]], [[2.0, 4.0]], [[7.0, 7.0]]])).tolist()
    [[[0, 255]], [[0, 255]], [[128, 128]]]
    """
    ranges = np.array([finite_range(tile) or (0.0, 0.0) for tile in tiles]).reshape(-1, 2, 1, 1)
    return to_levels(tiles, ranges[:, 0], ranges[:, 1])


def signed_levels(tiles: NDArray[Any], *, each: bool = False) -> tuple[NDArray[np.uint8], float | None]:
    """A scale symmetrical about zero, which is level 128: for the diverging colour map.

    Args:
        tiles: `(count, height, width)` or `(count, height, width, 3)`.
        each: every tile has a scale of its own.

    Returns:
        The levels, and the magnitude at both ends of the scale (the largest one with `each`), None where
        no value is finite.

    >>> signed_levels(np.array([[[-2.0, 0.0, 1.0]]]))[0].tolist()
    [[[0, 128, 191]]]
    """
    magnitudes = np.array([max(map(abs, finite_range(tile) or (0.0, 0.0))) for tile in tiles])
    largest = float(magnitudes.max(initial=0.0))
    ends = magnitudes if each else np.full(len(tiles), largest)
    ends = ends.reshape(-1, *(1,) * (tiles.ndim - 1))
    return to_levels(tiles, -ends, ends), largest if finite_range(tiles) else None


def standardized_levels(tiles: NDArray[Any]) -> NDArray[np.uint8]:
    """Each tile minus its mean, over its standard deviation, times 64, plus 128, clipped to 0..255.

    This is the drawing of feature maps in F. Chollet, "Deep Learning with Python" (2018), section 5.4.
    A tile without variance becomes 128 throughout; so do values that are not finite.

    >>> standardized_levels(np.array([[[0.0, 2.0]], [[5.0, 5.0]]])).tolist()
    [[[64, 192]], [[128, 128]]]
    """
    values = tiles.astype(np.float64)
    finite = np.isfinite(values)
    if not finite.all():
        values[~finite] = np.nan
        centers = np.array([tile[np.isfinite(tile)].mean() if np.isfinite(tile).any() else 0 for tile in values])
        values = np.where(finite, values, centers[:, None, None])
    values -= values.mean(axis=(1, 2), keepdims=True)
    deviations = values.std(axis=(1, 2), keepdims=True)
    # A constant tile may be left with a deviation of rounding errors.
    varied = np.ptp(values, axis=(1, 2), keepdims=True) > 0
    values *= np.where(varied, 64 / np.where(varied, deviations, 1), 0)
    values += 128
    return np.clip(values, 0, 255).astype(np.uint8)


def tile_marks(tiles: NDArray[Any]) -> tuple[str | None, ...]:
    """What is peculiar about each tile, or None.

    "nan" holds not-a-number or an infinity, "silent" is all zero, "constant" has the same value
    throughout, which is not said of a tile of a single value.

    >>> tile_marks(np.array([[[0.0, 0.0]], [[1.0, 1.0]], [[0.0, np.inf]], [[0.0, 1.0]]]))
    ('silent', 'constant', 'nan', None)
    """
    lows = tiles.min(axis=(1, 2))
    highs = tiles.max(axis=(1, 2))
    area = tiles.shape[1] * tiles.shape[2]
    marks: list[str | None] = []
    for low, high in zip(lows, highs, strict=True):
        if not (np.isfinite(low) and np.isfinite(high)):
            marks.append("nan")
        elif low == high == 0:
            marks.append("silent")
        else:
            marks.append("constant" if low == high and area > 1 else None)
    return tuple(marks)


def draw_mark(mark: str, height: int, width: int) -> ByteArray:
    """The tile that stands for one with nothing to show, uint8 `(height, width, 3)`, in greys.

    "silent" and "dead" are hatched, "constant" is ruled across, "nan" and "failed" are crossed out.
    """
    rows, columns = np.ogrid[:height, :width]
    stripe = max(2, min(height, width) // 8)
    if mark in {"silent", "dead"}:
        dark = (rows + columns) // stripe % 3 == 0
        greys = np.where(dark, _DARK, _PALE)
    elif mark == "constant":
        dark = np.broadcast_to(rows // stripe % 3 == 1, (height, width))
        greys = np.where(dark, _DARK, _PALE)
    elif mark in {"nan", "failed"}:
        across = columns * height / max(width, 1)
        arm = stripe * 0.75
        dark = (np.abs(rows - across) <= arm) | (np.abs(rows + across - height + 1) <= arm)
        greys = np.where(dark, _BLACK, _WHITE)
    else:
        raise ValueError(f"expected silent, dead, constant, nan or failed, got {mark!r}")
    return np.repeat(greys.astype(np.uint8)[:, :, None], 3, axis=2)


def with_marks(tiles: ByteArray, marks: Sequence[str | None]) -> ByteArray:
    """`tiles` `(count, height, width, 3)` with each marked one replaced by the drawing of its mark."""
    if not any(marks):
        return tiles
    marked = tiles.copy()
    drawn = {mark: draw_mark(mark, *tiles.shape[1:3]) for mark in sorted({mark for mark in marks if mark})}
    for index, mark in enumerate(marks):
        if mark:
            marked[index] = drawn[mark]
    return marked
