from __future__ import annotations

from fractions import Fraction

import numpy as np

from reportgen.analysis.statistics.exact_sum import ExactSum, mean_and_std


def wide_values(count: int) -> np.ndarray:
    random = np.random.default_rng(0)
    return random.normal(size=(count, 5)) * 2.0 ** random.integers(-40, 60, (count, 5))


def summed(terms: np.ndarray) -> ExactSum:
    sums = ExactSum.zeros(terms.shape[1])
    for term in terms:
        sums.add(term[np.newaxis])
    return sums


def test_a_sum_is_that_of_exact_fractions() -> None:
    terms = wide_values(50)
    sums = summed(terms)
    exact = [sum((Fraction(float(term)) for term in column), Fraction()) for column in terms.T]
    assert sums.fractions() == exact


def test_neither_order_nor_grouping_changes_a_bit() -> None:
    terms = wide_values(60)
    whole, parts = summed(terms), ExactSum.zeros(5)
    for part in (terms[40:], terms[:7], terms[7:40]):
        parts.merge(summed(part[::-1]))
    assert parts.fractions() == whole.fractions()


def test_huge_and_tiny_terms_do_not_swallow_each_other() -> None:
    sums = summed(np.array([[1e60], [1e-20], [-1e60]]))
    assert abs(float(sums.fractions()[0]) - 1e-20) < 1e-36


def test_stored_and_loaded_sums_are_the_same() -> None:
    sums = summed(wide_values(9))
    loaded = ExactSum.from_arrays("a", sums.to_arrays("a"))
    assert np.array_equal(loaded.limbs, sums.limbs)


def test_mean_and_deviation_of_four_numbers() -> None:
    assert mean_and_std(4, Fraction(10), Fraction(30)) == (2.5, 1.25**0.5)


def test_the_deviation_of_equal_numbers_is_zero_however_large_they_are() -> None:
    value = Fraction(10**8)
    assert mean_and_std(3, 3 * value, 3 * value**2) == (1e8, 0.0)
