"""How different two pictures are once one is moved to fit the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.image_properties import ByteArray
from reportgen.analysis.statistics.compiled import compiled

# Pictures that vary less are flat; their difference counts as if they varied so much, in grey values.
_FLAT = 2.0


def aligned_differences(
    first: ByteArray, second: ByteArray, pairs: NDArray[np.int64], reach: int, most: float
) -> NDArray[np.float64]:
    """The root mean square difference of each pair of pictures over their standard deviation, where they fit best.

    About 0 for copies and 1.4 for pictures that have nothing to do with each other.

    Args:
        first: `(pictures, height, width, channels)`.
        second: as `first`, of the same size.
        pairs: the place in `first` and that in `second` of each pair, `(pairs, 2)`.
        reach: by how many pixels the second picture may be moved each way.
        most: a difference above is infinite, which saves the time to find it.
    """
    variance = (_variances(first)[pairs[:, 0]] + _variances(second)[pairs[:, 1]]) / 2
    spread = np.maximum(_FLAT, np.sqrt(variance))
    limits = np.square(most * spread)
    return np.asarray(np.sqrt(_least_mean_squares(first, second, pairs, reach, limits)) / spread)


def _variances(pictures: ByteArray) -> NDArray[np.float64]:
    return np.array([picture.var(dtype=np.float64) for picture in pictures], np.float64)


@compiled
def _least_mean_squares(
    first: NDArray[np.uint8],
    second: NDArray[np.uint8],
    pairs: NDArray[np.int64],
    reach: int,
    limits: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Of each pair the least mean squared difference over the part shared, of all moves; infinite above `limits`."""
    _, height, width, channels = first.shape
    least = np.full(len(pairs), np.inf)
    far_y, far_x = min(reach, height - 1), min(reach, width - 1)
    for place in range(len(pairs)):
        one, other = first[pairs[place, 0]], second[pairs[place, 1]]
        for down in range(-far_y, far_y + 1):
            for right in range(-far_x, far_x + 1):
                count = (height - abs(down)) * (width - abs(right)) * channels
                bound = min(least[place], limits[place]) * count
                total = np.int64(0)
                for row in range(max(0, down), height + min(0, down)):
                    for column in range(max(0, right), width + min(0, right)):
                        for channel in range(channels):
                            difference = np.int64(one[row, column, channel]) - np.int64(
                                other[row - down, column - right, channel]
                            )
                            total += difference * difference
                    if total > bound:
                        break
                if total <= bound:
                    least[place] = float(total) / count
    return least
