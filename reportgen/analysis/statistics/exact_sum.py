"""Sums that do not depend on the order of their terms.

Adding floating-point numbers rounds at every step, so that the same terms in another order, or in another
grouping, give another last digit. Here a sum is kept as fixed-point integers wide enough to lose nothing,
as in Kulisch's accumulator: adding integers is associative and commutative.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.statistics.compiled import compiled

_LIMB_BITS = 32

# The units of the limbs, coarse to fine: sums of squares of anything float32 holds stay below the first
# (2 ** 288 * 2 ** 63), and what is finer than the last, 2 ** -128, is nothing beside an activation.
_EXPONENTS = tuple(range(288, -129, -_LIMB_BITS))
_FINEST = -_EXPONENTS[-1]
_UNITS = np.array([2.0**exponent for exponent in _EXPONENTS])

LIMBS = len(_EXPONENTS)


class ExactSum:
    """One exact sum for each place of an array.

    `limbs` is int64 `(LIMBS, *shape)`; a sum is that of its limbs, each times its unit. A limb takes on up
    to 32 bits with each term, so it holds two thousand million of them.
    """

    def __init__(self, limbs: NDArray[np.int64]) -> None:
        self.limbs = limbs

    @classmethod
    def zeros(cls, *shape: int) -> Self:
        """Sums of nothing."""
        return cls(np.zeros((LIMBS, *shape), np.int64))

    def add(self, terms: NDArray[np.float64]) -> None:
        """Add terms to each, finite float64 `(terms, *shape)`, cutting off what is below 2 ** -128."""
        _add_terms(self.limbs.reshape(LIMBS, -1), terms.reshape(len(terms), -1), _UNITS)

    def merge(self, other: ExactSum) -> None:
        """Add all terms of `other`."""
        self.limbs += other.limbs

    def to_arrays(self, name: str) -> dict[str, NDArray[np.int64]]:
        """The limbs that are in use, and which they are, under names that begin with `name`."""
        used = np.flatnonzero(self.limbs.reshape(LIMBS, -1).any(axis=1))
        return {f"{name}_limbs": self.limbs[used], f"{name}_used": used}

    @classmethod
    def from_arrays(cls, name: str, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """What `to_arrays` gave."""
        limbs = arrays[f"{name}_limbs"]
        loaded = cls.zeros(*limbs.shape[1:])
        loaded.limbs[arrays[f"{name}_used"]] = limbs
        return loaded

    def whole(self) -> NDArray[np.object_]:
        """The sums themselves as whole numbers of 2 ** -128, Python integers of the sums' shape."""
        total = np.zeros(self.limbs.shape[1:], np.object_)
        for place in np.flatnonzero(self.limbs.reshape(LIMBS, -1).any(axis=1)):
            total = total + (self.limbs[place].astype(np.object_) << (_EXPONENTS[place] + _FINEST))
        return total

    def fractions(self) -> list[Fraction]:
        """The sums themselves, flattened."""
        return [Fraction(number, 1 << _FINEST) for number in self.whole().ravel().tolist()]


@compiled
def _add_terms(limbs: NDArray[np.int64], terms: NDArray[np.float64], units: NDArray[np.float64]) -> None:
    """Cut each of `terms` `(terms, sums)` into whole multiples of `units`, and add them to `limbs` `(units, sums)`."""
    rest = np.empty(terms.shape[1], np.float64)
    for term in range(len(terms)):
        largest = 0.0
        for place in range(len(rest)):
            rest[place] = terms[term, place]
            largest = max(largest, abs(rest[place]))
        for limb in range(len(units)):
            unit = units[limb]
            if largest >= unit:
                for place in range(len(rest)):
                    whole = np.int64(rest[place] / unit)  # towards zero
                    limbs[limb, place] += whole
                    rest[place] -= whole * unit
                largest = min(largest, unit)


def means_and_stds(
    counts: NDArray[np.int64], values: NDArray[np.object_], squares: NDArray[np.object_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means and standard deviations of several sets of numbers, from their sums and the sums of their squares.

    Means and variances are rounded once, at the end: what is between is in whole numbers.

    Args:
        counts: how many numbers each set has, `(sets,)`; of none, mean and deviation are not a number.
        values: the sums, `(sets,)` as `ExactSum.whole` gives them.
        squares: those of the squares.
    """
    divisors = np.maximum(counts, 1).astype(np.object_)
    means = (values / (divisors << _FINEST)).astype(np.float64)
    spreads = np.maximum((squares * divisors << _FINEST) - values * values, 0)
    stds = np.sqrt((spreads / (divisors * divisors << 2 * _FINEST)).astype(np.float64))
    return np.where(counts > 0, means, np.nan), np.where(counts > 0, stds, np.nan)
