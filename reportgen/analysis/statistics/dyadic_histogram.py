"""Histograms whose range need not be known beforehand, and which merge exactly.

The bins of a histogram at level `k` are the `BINS` equal parts of `-2**k .. 2**k`. Two neighbours make one
bin of level `k + 1`, so a histogram can be brought to a higher level at any time, without loss against
having been counted there; the level in the end is that of the largest value, whatever the order.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.statistics.compiled import compiled

# Enough for a shape to be seen when all values lie on one side, in the lower half of their octave: 33 bins.
BINS = 128

# Values below 2 ** LOWEST_LEVEL need no bins of their own: float32 itself ends not far below.
LOWEST_LEVEL = -100

# For each level from the lowest to that of float32's largest values: its end of the range, and how many bins
# make one unit. Powers of two, so that multiplying is exact, and a value falls where it would at any other level.
_LEVELS = np.arange(LOWEST_LEVEL, 129)
_ENDS = np.ldexp(1.0, _LEVELS)
_SCALES = np.ldexp(BINS / 2, -_LEVELS).astype(np.float32)


class DyadicHistograms:
    """One histogram for each of a row of channels: `counts` is int32 `(channels, BINS)`, `levels` int32."""

    def __init__(self, levels: NDArray[np.int32], counts: NDArray[np.int32]) -> None:
        self.levels = levels
        self.counts = counts

    @classmethod
    def empty(cls, channels: int) -> Self:
        """Histograms of nothing."""
        return cls(np.full(channels, LOWEST_LEVEL, np.int32), np.zeros((channels, BINS), np.int32))

    def add(self, values: NDArray[np.float32], ends: NDArray[np.int64]) -> None:
        """Count `values` `(rows, values)`: in each row channel after channel, up to its place in `ends` `(channels,)`.

        Those that are not finite are left out.

        Raises:
            ValueError: a value is not within its channel's level: there was not made room for it.
        """
        _count(self.counts, values, ends, _SCALES[self.levels - LOWEST_LEVEL])

    def merge(self, other: DyadicHistograms) -> None:
        """Count what `other` counted."""
        self.raise_to(other.levels)
        level = other.levels == self.levels
        np.add(self.counts, other.counts, out=self.counts, where=level[:, np.newaxis])
        behind = np.flatnonzero(~level)
        raised = DyadicHistograms(other.levels[behind], other.counts[behind])
        raised.raise_to(self.levels[behind])
        self.counts[behind] += raised.counts

    def make_room(self, largest: NDArray[np.float32]) -> None:
        """Raise the level of each channel to hold values up to `largest` `(channels,)` on either side of zero."""
        behind = np.flatnonzero(largest >= _ENDS[self.levels - LOWEST_LEVEL])
        if behind.size:
            levels = self.levels.copy()
            levels[behind] = np.frexp(largest[behind])[1]
            self.raise_to(levels)

    def raise_to(self, levels: NDArray[np.int32]) -> None:
        """Bring every histogram to at least its level in `levels`."""
        behind = np.flatnonzero(self.levels < levels)
        filled = self.counts[behind].any(axis=1)
        self.levels[behind[~filled]] = levels[behind[~filled]]
        behind = behind[filled]
        while behind.size:
            counts = self.counts[behind]
            raised = np.zeros_like(counts)
            np.add(counts[:, ::2], counts[:, 1::2], out=raised[:, BINS // 4 : BINS // 4 + BINS // 2])
            self.counts[behind] = raised
            self.levels[behind] += 1
            behind = behind[self.levels[behind] < levels[behind]]


@compiled
def _count(
    counts: NDArray[np.int32], values: NDArray[np.float32], ends: NDArray[np.int64], scales: NDArray[np.float32]
) -> None:
    """Count `values` in the bins of `counts` `(channels, BINS)`, `scales` `(channels,)` of which make one unit.

    Channel by channel, since the bins of all together are more than the nearest cache holds.
    """
    start = 0
    for channel, end in enumerate(ends):
        for row in range(len(values)):
            for value in values[row, start:end]:
                if np.isfinite(value):
                    bin_index = np.floor(value * scales[channel]) + BINS // 2
                    if not 0 <= bin_index < BINS:
                        raise ValueError("expected values within the levels of their histograms")
                    counts[channel, int(bin_index)] += 1
        start = end


def display_histogram(
    levels: NDArray[np.int32], counts: NDArray[np.int32], low: float, high: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """One histogram of all the channels together, for showing.

    Args:
        levels: `(channels,)`.
        counts: `(channels, BINS)`.
        low: the least value counted.
        high: the largest one.

    Returns:
        `edges` `(bins + 1,)`, from `low` to `high` with bin bounds between, and `counts` `(bins,)`.
    """
    raised = DyadicHistograms(levels.copy(), counts.copy())
    level = int(levels.max())
    raised.raise_to(np.full_like(levels, level))
    total = raised.counts.sum(axis=0, dtype=np.int64)
    bounds = np.ldexp(np.arange(-(BINS // 2), BINS // 2 + 1, dtype=np.float64), level - (BINS // 2).bit_length() + 1)
    used = np.flatnonzero(total)
    if used.size == 0:
        return np.array([low, high]), np.zeros(1, np.int64)
    first, last = int(used[0]), int(used[-1])
    edges = bounds[first : last + 2].copy()
    edges[0] = max(edges[0], min(low, edges[1]))
    edges[-1] = min(edges[-1], max(high, edges[-2]))
    return edges, total[first : last + 1]
