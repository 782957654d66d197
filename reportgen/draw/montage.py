"""Tiles to one picture: enlarging, reducing and laying out in rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.results import ByteArray

# A grey between those of a light and a dark page, so that the lines of the grid glare on neither.
GAP_COLOUR = (128, 128, 128)

# Rows of 6 to 10 tiles can be counted by eye; of these, 8 is what readers of such figures expect.
_COLUMNS = (8, 10, 9, 7, 6)
_MANY = 100  # tiles, from which on the picture is kept about square instead


def grid_columns(count: int) -> int:
    """How many columns show `count` tiles well: few empty places, 8 where it fits.

    >>> [grid_columns(count) for count in (1, 5, 12, 20, 64, 256)]
    [1, 5, 6, 10, 8, 16]
    """
    if count <= _COLUMNS[0]:
        return max(count, 1)
    if count > _MANY:
        return int(np.ceil(np.sqrt(count)))
    return min(_COLUMNS, key=lambda columns: -count % columns)


def montage(
    tiles: ByteArray, columns: int, *, gap: int = 1, background: tuple[int, int, int] = GAP_COLOUR
) -> ByteArray:
    """Lay out tiles row by row from the top left, with lines between them and none around.

    Args:
        tiles: uint8 `(count, height, width)` or `(count, height, width, 3)`, at least one.
        columns: tiles in a row.
        gap: pixels between tiles.
        background: colour of the gaps and of empty places; for grey tiles its first number counts.

    Returns:
        uint8 `(rows * (height + gap) - gap, columns * (width + gap) - gap[, 3])`.

    >>> montage(np.array([[[1]], [[2]], [[3]]], np.uint8), 2, background=(0, 0, 0)).tolist()
    [[1, 0, 2], [0, 0, 0], [3, 0, 0]]
    """
    count, height, width = tiles.shape[:3]
    colours = tiles.shape[3:]
    rows = -(-count // columns)
    cells = np.empty((rows, height + gap, columns, width + gap, *colours), np.uint8)
    full = count // columns
    # Not all of it: a colour is laid out many times slower than tiles are copied.
    behind = cells[:, height:], cells[:, :height, :, width:], cells[full:, :height, count - full * columns :, :width]
    for places in behind:
        places[...] = background if colours else background[0]
    cells[:full, :height, :, :width] = (
        tiles[: full * columns].reshape(full, columns, height, width, *colours).swapaxes(1, 2)
    )
    for place in range(count - full * columns):
        cells[full, :height, place, :width] = tiles[full * columns + place]
    picture = cells.reshape(rows * (height + gap), columns * (width + gap), *colours)
    return np.ascontiguousarray(picture[: rows * (height + gap) - gap, : columns * (width + gap) - gap])


def enlarge(tiles: NDArray[Any], factor: int) -> NDArray[Any]:
    """Make each value of `(count, height, width, ...)` a square of `factor` by `factor`.

    >>> enlarge(np.array([[[1, 2]]]), 2).tolist()
    [[[1, 1, 2, 2], [1, 1, 2, 2]]]
    """
    if factor == 1:
        return tiles
    return tiles.repeat(factor, axis=1).repeat(factor, axis=2)


def reduce_maps(maps: NDArray[Any], factor: int) -> NDArray[Any]:
    """Mean over squares of `factor` by `factor` of `(height, width, channels)`; the last may be narrower.

    >>> reduce_maps(np.array([[[0.0], [2.0], [5.0]]]), 2).tolist()
    [[[1.0], [5.0]]]
    """
    if factor == 1:
        return maps
    for axis in (0, 1):
        size = maps.shape[axis]
        starts = np.arange(0, size, factor)
        lengths = np.minimum(factor, size - starts).reshape(-1, *(1,) * (2 - axis))
        maps = np.add.reduceat(maps, starts, axis=axis) / lengths.astype(maps.dtype)
    return maps
