"""Whether two shares differ by more than chance has it: Fisher's exact test, and Holm's correction for many tests."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Tables as probable as the one observed count as such in spite of rounding; the margin is that of R's fisher.test.
_TOLERANCE = 1e-7


def fisher_exact(inside_right: int, inside: int, outside_right: int, outside: int) -> float:
    """The two-sided p value of right answers being as frequent inside a group as outside of it.

    The probability of all tables with the same margins that are no more probable than this one (Fisher 1935; the
    definition of R and SciPy).

    Args:
        inside_right: right answers in the group.
        inside: images in it.
        outside_right: right answers elsewhere.
        outside: images elsewhere.

    >>> fisher_exact(8, 10, 1, 6)
    0.03496503496503495
    """
    total, right = inside + outside, inside_right + outside_right
    lowest, highest = max(0, right - outside), min(right, inside)
    support = np.arange(lowest, highest + 1)
    log_probability = (
        _log_choose(inside, support) + _log_choose(outside, right - support) - _log_choose(total, np.array([right]))
    )
    limit = log_probability[inside_right - lowest] + _TOLERANCE
    return min(1.0, math.fsum(np.exp(log_probability[log_probability <= limit])))


def _log_choose(of: int, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
    """The logarithms of the numbers of ways to choose."""
    return np.array(
        [math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1) for k in chosen.tolist()], np.float64
    )


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """P values corrected so that the chance of any false finding among them all stays below the level (Holm 1979).

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected, highest = [0.0] * len(p_values), 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, p_values[index] * (len(p_values) - place)))
        corrected[index] = highest
    return tuple(corrected)
