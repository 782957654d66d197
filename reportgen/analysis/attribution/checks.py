"""How far a map can be believed, in numbers and in a word.

The thresholds of the gain were chosen by 400 maps of random cells, on 14 photographs and four trained ImageNet
networks. `tests/benchmarks/attribution.py controls` tells how many maps that know nothing of a network get which
verdict.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.attribution.results import Faithfulness, Verdict

# What a map of random cells gains on the reverse order is no more than 0.11 in 95 %, 0.15 in 97.8 % (benchmark
# `controls`).
NOISE_GAIN = 0.15

# No map of random cells gained as much: one in a hundred 0.18, the highest 0.22.
HOLDING_GAIN = 0.25

# Maps of unrelated networks of one image correlate below this, since all of them follow what stands out in it.
UNRELATED = 0.5

# What keeps this much of its order when all weights are shuffled was drawn by the image, not by what was learnt.
SURVIVING = 0.8

# An error of integration as large as this moves evidence between pixels as much as their differences do.
INCOMPLETE = 0.05

# A map whose values differ by less than this share of the largest has no order that rounding did not make.
_FLAT = 1e-5


def is_flat(values: NDArray[Any]) -> bool:
    """Whether a map says the same of every place."""
    largest = float(np.abs(values).max(initial=0))
    return bool(float(np.ptp(values)) <= _FLAT * largest)


def verdict(
    values: NDArray[Any],
    faithfulness: Faithfulness | None,
    randomization: float | None = None,
    completeness_error: float | None = None,
) -> Verdict:
    """What the checks say of a map; a check that was not made (None) does not speak against it.

    Args:
        values: the map, of any resolution.
        randomization: rank correlation with maps of randomised weights.
        completeness_error: of integrated gradients, as a share.
    """
    if not np.isfinite(values).all() or not (values > 0).any() or is_flat(values):
        return "explains nothing"
    if randomization is not None and not abs(randomization) <= SURVIVING:
        return "explains nothing"
    if faithfulness is not None and not faithfulness.gain > NOISE_GAIN:
        return "explains nothing"
    doubts = (
        faithfulness is None or faithfulness.gain < HOLDING_GAIN,
        randomization is not None and abs(randomization) > UNRELATED,
        completeness_error is not None and not completeness_error <= INCOMPLETE,
    )
    return "weak" if any(doubts) else "holds"


def agreement(values: NDArray[Any], others: NDArray[Any]) -> float:
    """Rank correlation of what speaks for a target in two maps, on the grid of the coarser one.

    Args:
        values: `(rows, columns)`, any resolution.
        others: likewise.
    """
    grid = min(values.shape[0], others.shape[0]), min(values.shape[1], others.shape[1])
    return spearman(np.maximum(averaged(values, grid), 0), np.maximum(averaged(others, grid), 0))


def averaged(values: NDArray[Any], grid: tuple[int, int]) -> NDArray[np.float64]:
    """A map `(rows, columns)` averaged over the cells of a coarser `grid`, each weighing what lies inside."""
    rows, columns = (_shares(side, cells) for side, cells in zip(values.shape, grid, strict=True))
    means: NDArray[np.float64] = rows @ values.astype(np.float64) @ columns.T
    return means


def _shares(side: int, cells: int) -> NDArray[np.float64]:
    """How much each of `side` places makes up of each of `cells`, `(cells, side)`, rows adding up to one."""
    edges = np.linspace(0, side, cells + 1)
    inside = np.minimum(edges[1:, None], np.arange(1, side + 1)) - np.maximum(edges[:-1, None], np.arange(side))
    shares: NDArray[np.float64] = np.maximum(inside, 0) * (cells / side)
    return shares


def spearman(values: NDArray[Any], others: NDArray[Any]) -> float:
    """Rank correlation, equal values sharing their ranks.

    What has one value only has no order: two such maps are alike (1), one such map is like no other (0).
    """
    first, second = ranks(values), ranks(others)
    first, second = first - first.mean(), second - second.mean()
    lengths = math.sqrt(float((first**2).sum()) * float((second**2).sum()))
    if lengths == 0:
        return float(not first.any() and not second.any())
    return float((first * second).sum()) / lengths


def ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """The ranks of all values, from 0, equal ones their mean."""
    _, which, counts = np.unique(values.reshape(-1), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    middle: NDArray[np.float64] = (last - counts + last - 1) / 2
    return middle[which.reshape(-1)]
