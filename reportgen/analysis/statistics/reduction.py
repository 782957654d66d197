"""From the map of one image to a few numbers for each channel.

One compiled loop reads a map once and takes everything from it. Sums run over at most 128 values in float32
and from there on in float64, always in the same order, so an image gives the same bits whenever it is measured.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.network.tokens import fold_tokens
from reportgen.analysis.statistics.compiled import compiled
from reportgen.analysis.statistics.measurements import LayerLayout, Reduced
from reportgen.results import FloatArray, LayerSummary

# Columns that are reduced at a time: what is known of them stays in the nearest cache. Neighbouring positions
# of maps of few channels lie side by side in as many columns, so that the loops are not short.
_COLUMNS = 256

# The most values that are added up in float32: few enough to lose nothing that shows.
_BLOCK = 128

# Where in the row of running results of the columns each of them starts. The number of zeros is a float32 as the
# others are: exact up to 2 ** 24 lines, for which a map would have to have 8 GB.
_SUMS, _SQUARES, _ZEROS, _MAXIMA, _MINIMA, _END = (_COLUMNS * place for place in range(6))

_ZERO, _ONE = np.float32(0), np.float32(1)

# The golden section as a whole share of 2 ** 32 (Knuth, "The Art of Computer Programming", 6.4): its multiples lie
# about as evenly between 0 and 1 as can be, however many of them are taken.
_GOLDEN, _GOLDEN_UNIT = 2_654_435_769, 1 << 32


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


def as_positions(output: NDArray[Any], layer: LayerLayout, token_grid: tuple[int, int, int] | None) -> FloatArray:
    """The output of a layer for one image, `(1, ...)`, as `(positions, channels)`, row by row through the map."""
    folded = fold_tokens(output, token_grid) if token_grid is not None else output
    return np.ascontiguousarray(folded.reshape(layer.positions, layer.channels))


def reduce_map(values: FloatArray, floors: FloatArray, into: Reduced) -> None:
    """Reduce a map, float32 `(positions, channels)`, over its positions.

    Args:
        floors: `(channels,)`, the maximum from which on its place is wanted.
        into: takes the results.
    """
    positions, channels = values.shape
    lines = values.reshape(-1, channels * _positions_per_line(positions, channels))
    if not _reduce_finite(values, lines, floors, into.extremes, into.totals, into.counts):
        _reduce_carefully(values, into)


@cache
def _positions_per_line(positions: int, channels: int) -> int:
    most = min(positions, _COLUMNS // channels)
    return next((count for count in range(most, 1, -1) if positions % count == 0), 1)


@compiled
def _reduce_finite(
    values: FloatArray,
    lines: FloatArray,
    floors: FloatArray,
    extremes: FloatArray,
    totals: NDArray[np.float64],
    counts: NDArray[np.int32],
) -> bool:
    """Reduce a map; False where something is not finite or a sum is too large for float32.

    `lines` are the `values` in longer rows. The fields of `Reduced` take the results; the place of a maximum is at
    first the line where its block starts.
    """
    channels = len(floors)
    for channel in range(channels):
        extremes[0, channel], extremes[1, channel] = -np.inf, np.inf
        for row in range(2):
            totals[row, channel] = 0
        for row in range(4):
            counts[row, channel] = 0
    found = np.empty(_END, np.float32)
    blocks = np.empty(_COLUMNS, np.int64)
    sums = np.empty((2, _COLUMNS), np.float64)
    for first in range(0, lines.shape[1], _COLUMNS):
        columns = min(_COLUMNS, lines.shape[1] - first)
        _reduce_columns(lines, first, columns, found, blocks, sums)
        for column in range(columns):
            channel = (first + column) % channels
            totals[0, channel] += sums[0, column]
            totals[1, channel] += sums[1, column]
            counts[1, channel] += np.int32(found[_ZEROS + column])
            extremes[1, channel] = min(extremes[1, channel], found[_MINIMA + column])
            maximum, block = found[_MAXIMA + column], np.int32(blocks[column])
            if maximum > extremes[0, channel] or (maximum == extremes[0, channel] and block < counts[0, channel]):
                extremes[0, channel], counts[0, channel] = maximum, block
    for channel in range(channels):
        if not (math.isfinite(totals[0, channel]) and math.isfinite(totals[1, channel])):
            return False
    for channel in range(channels):
        if extremes[0, channel] >= floors[channel]:
            place = counts[0, channel] * (lines.shape[1] // channels)
            while values[place, channel] != extremes[0, channel]:
                place += 1
            counts[0, channel] = place
        else:
            counts[0, channel] = 0
    return True


@compiled
def _reduce_columns(
    lines: FloatArray, first: int, columns: int, found: FloatArray, blocks: NDArray[np.int64], sums: NDArray[np.float64]
) -> None:
    """Reduce `columns` columns of `lines` from `first` on.

    Args:
        found: takes zeros, maxima and minima, each where it starts.
        blocks: takes the first line of the block in which each maximum stands.
        sums: takes the sums of values and squares.
    """
    before = np.empty(_COLUMNS, np.float32)
    for column in range(_COLUMNS):
        found[_ZEROS + column], found[_MAXIMA + column], found[_MINIMA + column] = _ZERO, -np.inf, np.inf
        sums[0, column], sums[1, column] = 0, 0
        before[column], blocks[column] = -np.inf, 0
    for start in range(0, len(lines), _BLOCK):
        for column in range(_ZEROS):
            found[column] = _ZERO
        for line in range(start, min(start + _BLOCK, len(lines))):
            _take_in(lines[line, first : first + columns], found)
        for column in range(columns):
            sums[0, column] += found[_SUMS + column]
            sums[1, column] += found[_SQUARES + column]
            if found[_MAXIMA + column] > before[column]:
                before[column], blocks[column] = found[_MAXIMA + column], start


@compiled
def _take_in(line: FloatArray, found: FloatArray) -> None:
    """Take one line into the running results.

    The loop becomes a few vector instructions. Without the zeros added to them, extremes would be stored only
    where they changed, by an instruction that is many times slower on some processors; it makes -0 to 0, too.
    """
    for column in range(len(line)):
        value = line[column]
        maximum, minimum = found[_MAXIMA + column], found[_MINIMA + column]
        found[_SUMS + column] += value
        found[_SQUARES + column] += value * value
        found[_ZEROS + column] += _ONE if value == _ZERO else _ZERO
        found[_MAXIMA + column] = (value if value > maximum else maximum) + _ZERO
        found[_MINIMA + column] = (value if value < minimum else minimum) + _ZERO


def _reduce_carefully(values: FloatArray, into: Reduced) -> None:
    """Reduce a map `(positions, channels)` where something is not finite or a sum is too large for float32."""
    finite = np.isfinite(values)
    high = np.where(finite, values, np.float32(-np.inf))
    wide = np.where(finite, values, 0).astype(np.float64)
    into.extremes[:] = high.max(axis=0), np.where(finite, values, np.float32(np.inf)).min(axis=0)
    into.totals[:] = wide.sum(axis=0), (wide * wide).sum(axis=0)
    marked = values == 0, np.isnan(values), np.isinf(values)
    into.counts[:] = high.argmax(axis=0), *(np.count_nonzero(one, axis=0) for one in marked)


@compiled
def take_samples(values: FloatArray, index: int, samples: FloatArray) -> None:
    """Take values of a map `(positions, channels)` from places spread evenly over it, which move on with each image.

    Places in one image may all lie in a few columns, where what is between them is a multiple of the map's width. So
    they move on by the golden section of the map: however few images there are, their columns lie evenly over it.

    Args:
        index: which image it is.
        samples: `(channels, count)`, takes `count` values of each channel.
    """
    positions, count = len(values), samples.shape[1]
    first = (index * _GOLDEN % _GOLDEN_UNIT) * positions // _GOLDEN_UNIT
    for sample in range(count):
        place = (sample * positions // count + first) % positions
        for channel in range(len(samples)):
            samples[channel, sample] = values[place, channel]
