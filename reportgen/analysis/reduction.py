"""From the map of one image to a few numbers for each channel.

numpy does this faster than TensorFlow's reductions, which are made for other shapes, and reads the tensors
where they lie, without a copy. Sums run along rows in float32 and over the rows in float64, always in the
same order, so an image gives the same bits whenever it is measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.capture import fold_tokens
from reportgen.analysis.measurements import LayerLayout
from reportgen.results import FloatArray, LayerSummary

# numpy's loops run along the last axis: neighbouring columns are taken together until one run is this
# long, so that maps of few channels are not read in tiny steps.
_RUN = 1024

# uint8 holds the count of this many ones.
_BYTE = 255


@dataclass(frozen=True, eq=False)
class Reduced:
    """Statistics of the channels of one map, `(channels,)` each.

    `places` are where the maxima stand, row by row through the map, the first of equal ones. Sums and
    extremes are of finite values; a channel that has none has the extremes -inf and +inf.
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


def reduce_map(values: FloatArray) -> Reduced:
    """Reduce a map `(height, width, channels)`, float32, over its positions."""
    height, width, channels = values.shape
    columns = _columns_at_once(width, channels)
    rows = values.reshape(height, width // columns, columns * channels)
    with np.errstate(over="ignore", invalid="ignore"):
        sums = _over_rows(np.add.reduce(rows, axis=1), channels)
        squares = _over_rows(np.einsum("hwc,hwc->hc", rows, rows), channels)
    if not (np.isfinite(sums).all() and np.isfinite(squares).all()):
        return _reduce_carefully(values)
    row_maxima = rows.max(axis=1).reshape(height, columns, channels).max(axis=1)
    none = np.zeros(channels, np.int32)
    return Reduced(
        maxima=row_maxima.max(axis=0),
        places=_first_maxima(values, row_maxima),
        minima=rows.reshape(-1, columns * channels).min(axis=0).reshape(columns, channels).min(axis=0),
        sums=sums,
        squares=squares,
        zeros=_count(rows.reshape(-1, columns * channels) == 0, channels),
        not_numbers=none,
        infinities=none,
    )


def _columns_at_once(width: int, channels: int) -> int:
    return max(
        count for count in range(1, width + 1) if width % count == 0 and (count == 1 or count * channels <= _RUN)
    )


def _over_rows(sums: FloatArray, channels: int) -> NDArray[np.float64]:
    """The sums of rows `(height, columns * channels)` added up to `(channels,)`."""
    total: NDArray[np.float64] = np.add.reduce(sums.reshape(-1, channels), axis=0, dtype=np.float64)
    return total


def _first_maxima(values: FloatArray, row_maxima: FloatArray) -> NDArray[np.int32]:
    """Where each channel has its maximum first: the row, then the place in it."""
    _, width, channels = values.shape
    row = np.ascontiguousarray(row_maxima.T).argmax(axis=1)
    column = values[row, :, np.arange(channels)].argmax(axis=1)
    places: NDArray[np.int32] = (row * width + column).astype(np.int32)
    return places


def _count(marked: NDArray[np.bool_], channels: int) -> NDArray[np.int32]:
    """How often each channel is marked in `(runs, columns * channels)`; byte-wise, which is many times faster."""
    ones = marked.view(np.uint8)
    counts = np.zeros(ones.shape[1], np.int32)
    for start in range(0, len(ones), _BYTE):
        counts += np.add.reduce(ones[start : start + _BYTE], axis=0, dtype=np.uint8)
    total: NDArray[np.int32] = counts.reshape(-1, channels).sum(axis=0, dtype=np.int32)
    return total


def _reduce_carefully(values: FloatArray) -> Reduced:
    """`reduce_map` where something is not finite or a sum is too large for float32."""
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
