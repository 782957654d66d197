"""From the map of one image to a few numbers for each channel.

numpy does this faster than TensorFlow's reductions, which are made for other shapes, and reads the tensors
where they lie, without a copy. Sums run over at most 128 lines in float32 and from there on in float64,
always in the same order, so an image gives the same bits whenever it is measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.capture import fold_tokens
from reportgen.analysis.measurements import LayerLayout
from reportgen.results import FloatArray, LayerSummary

# numpy's loops run along the last axis: neighbouring positions are taken together until one line is this
# long, so that maps of few channels are not read in tiny steps.
_LINE = 1024

# The most lines that are added up in float32: few enough to lose nothing that shows, enough to leave little
# to the slower sums that follow.
_BLOCK = 128

# Maps of so few positions are reduced together, and each of their positions by itself, so that it makes no
# difference to a map which others there are: a call of numpy costs as much as the work in such a map.
SMALL = 28 * 28

# uint8 holds the count of this many ones.
_BYTE = 255


@dataclass(frozen=True, eq=False)
class Reduced:
    """Statistics of the channels of one map, `(channels,)` each.

    `places` are where the maxima stand, row by row through the map, the first of equal ones; 0 where nobody
    asked. Sums and extremes are of finite values; a channel that has none has the extremes -inf and +inf.
    """

    maxima: FloatArray
    places: NDArray[np.int32]
    minima: FloatArray
    sums: NDArray[np.float64]
    squares: NDArray[np.float64]
    zeros: NDArray[np.int32]
    not_numbers: NDArray[np.int32]
    infinities: NDArray[np.int32]


def layout_layer(layer: LayerSummary, start: int) -> LayerLayout | None:
    """How the output of `layer` is measured; None where it has no channels or its size is not known."""
    shape = layer.actual_shape
    if shape is None or len(shape) < 2 or None in shape[1:]:
        return None
    sides = [int(side or 0) for side in shape[1:]]
    is_map = layer.token_grid is not None or len(sides) == 3
    height, width = math.prod(sides[:-1]), 1
    if layer.token_grid is not None:
        height, width, _ = layer.token_grid
    elif is_map:
        height, width = sides[0], sides[1]
    if 0 in (height, width, sides[-1]):
        return None
    return LayerLayout(layer.name, start, height, width, sides[-1], is_map)


def as_map(output: NDArray[Any], layer: LayerLayout, token_grid: tuple[int, int, int] | None) -> FloatArray:
    """The output of a layer for one image, `(1, ...)`, as a map `(height, width, channels)`."""
    folded = fold_tokens(output, token_grid) if token_grid is not None else output
    values: FloatArray = folded.reshape(layer.height, layer.width, layer.channels)
    return values


def reduce_maps(maps: Sequence[FloatArray], floors: FloatArray | None = None) -> list[Reduced]:
    """Reduce maps of one size, float32 `(height, width, channels)` each with its own channels, over their positions.

    Args:
        floors: the maximum from which on its place is wanted, for the channels of all maps in a row; None: always.

    Returns:
        The results, in order: one for all maps together, or one for each.
    """
    if floors is None:
        floors = np.full(sum(values.shape[2] for values in maps), -np.inf, np.float32)
    together = maps[0] if len(maps) == 1 else np.concatenate(maps, axis=2)
    reduced = _reduce_finite(together, floors)
    if reduced is not None:
        return [reduced]
    starts = np.cumsum([values.shape[2] for values in maps])[:-1]
    return [
        _reduce_finite(values, part) or _reduce_carefully(values)
        for values, part in zip(maps, np.split(floors, starts), strict=True)
    ]


def _reduce_finite(values: FloatArray, floors: FloatArray) -> Reduced | None:
    """Reduce a map; None where something is not finite or a sum is too large for float32."""
    height, width, channels = values.shape
    positions, lines = _shape_of_blocks(height * width, channels)
    blocks = values.reshape(-1, lines, positions * channels)
    flat = blocks.reshape(-1, positions * channels)
    added = np.empty((2, len(blocks), positions * channels), np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        np.add.reduce(blocks, axis=1, out=added[0])
        np.einsum("blc,blc->bc", blocks, blocks, out=added[1])
        sums, squares = totals = _folded(np.add, added.astype(np.float64), channels)
    if not np.isfinite(totals).all():
        return None
    block_maxima = np.maximum.reduce(blocks, axis=1)
    maxima = _folded(np.maximum, block_maxima, channels)
    none = np.zeros(channels, np.int32)
    return Reduced(
        maxima=maxima,
        places=_first_maxima(values, block_maxima, np.flatnonzero(maxima >= floors)),
        minima=_folded(np.minimum, flat, channels),
        sums=sums,
        squares=squares,
        zeros=_count(flat == 0, channels),
        not_numbers=none,
        infinities=none,
    )


@cache
def _shape_of_blocks(size: int, channels: int) -> tuple[int, int]:
    """How many of `size` positions make a line, and how many lines a block."""
    positions = _largest_divisor(size, _LINE // channels) if size > SMALL else 1
    return positions, _largest_divisor(size // positions, _BLOCK)


def _largest_divisor(number: int, most: int) -> int:
    return next((count for count in range(min(number, most), 1, -1) if number % count == 0), 1)


def _folded(operation: np.ufunc, lines: NDArray[Any], channels: int) -> NDArray[Any]:
    """Lines `(..., lines, positions * channels)` reduced to `(..., channels)`, long runs first."""
    line = operation.reduce(lines, axis=-2) if lines.shape[-2] > 1 else lines[..., 0, :]
    if line.shape[-1] == channels:
        return np.asarray(line)
    return np.asarray(operation.reduce(line.reshape(*line.shape[:-1], -1, channels), axis=-2))


def _first_maxima(values: FloatArray, block_maxima: FloatArray, wanted: NDArray[np.intp]) -> NDArray[np.int32]:
    """Where each of the channels `wanted` has its maximum first: the block, then the place in it."""
    channels = values.shape[2]
    places = np.zeros(channels, np.int32)
    if len(wanted):
        blocks = values.reshape(len(block_maxima), -1, channels)
        own = block_maxima.reshape(len(blocks), -1, channels)[:, :, wanted].max(axis=1)
        block = np.ascontiguousarray(own.T).argmax(axis=1)
        places[wanted] = block * blocks.shape[1] + blocks[block, :, wanted].argmax(axis=1)
    return places


def _count(marked: NDArray[np.bool_], channels: int) -> NDArray[np.int32]:
    """How often each channel is marked in `(runs, columns * channels)`; byte-wise, which is many times faster."""
    ones = marked.view(np.uint8)
    counts = np.zeros(ones.shape[1], np.int32)
    if not marked.any():
        return counts[:channels]
    for start in range(0, len(ones), _BYTE):
        counts += np.add.reduce(ones[start : start + _BYTE], axis=0, dtype=np.uint8)
    total: NDArray[np.int32] = counts.reshape(-1, channels).sum(axis=0, dtype=np.int32)
    return total


def _reduce_carefully(values: FloatArray) -> Reduced:
    """Reduce a map where something is not finite or a sum is too large for float32."""
    height, width, channels = values.shape
    flat = values.reshape(height * width, channels)
    finite = np.isfinite(flat)
    high = np.where(finite, flat, np.float32(-np.inf))
    wide = np.where(finite, flat, 0).astype(np.float64)
    return Reduced(
        maxima=high.max(axis=0),
        places=high.argmax(axis=0).astype(np.int32),
        minima=np.where(finite, flat, np.float32(np.inf)).min(axis=0),
        sums=wide.sum(axis=0),
        squares=(wide * wide).sum(axis=0),
        zeros=_count(flat == 0, channels),
        not_numbers=_count(np.isnan(flat), channels),
        infinities=_count(np.isinf(flat), channels),
    )
