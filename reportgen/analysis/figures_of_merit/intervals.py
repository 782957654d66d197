"""Shares and means of what there is, and how far a share may lie from the one measured."""

from __future__ import annotations

import math
from collections.abc import Sequence

Interval = tuple[float, float]

# The 97.5th percentile of the normal distribution: an interval of 95 %.
_Z = 1.959963984540054


def share(part: int, whole: int) -> float | None:
    """`part / whole`, None of nothing."""
    return part / whole if whole else None


def mean(figures: Sequence[float | None]) -> float | None:
    """The mean of those that are not None, None where all are; the same for any order."""
    known = [figure for figure in figures if figure is not None]
    return math.fsum(known) / len(known) if known else None


def wilson_interval(right: int, total: int) -> Interval | None:
    """The 95 % interval of a share, after Wilson 1927; None of nothing.

    >>> low, high = wilson_interval(9, 10)
    >>> round(low, 4), round(high, 4)
    (0.5958, 0.9821)
    """
    if total == 0:
        return None
    measured, spread = right / total, _Z**2 / total
    middle = (measured + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(measured * (1 - measured) / total + spread / (4 * total)) / (1 + spread)
    # Rounding must not take from 0 and 1, the ends where none or all are right.
    return 0.0 if right == 0 else max(0.0, middle - half), 1.0 if right == total else min(1.0, middle + half)
