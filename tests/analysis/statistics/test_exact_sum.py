from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from reportgen.analysis.statistics.exact_sum import ExactSum, means_and_stds


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


def moments_of(*columns: list[float]) -> tuple[list[float], list[float]]:
    """Means and standard deviations of sets of numbers that floats hold exactly."""
    values, squares = (
        np.array([int(sum(Fraction(term) ** power for term in column) * 2**128) for column in columns], object)
        for power in (1, 2)
    )
    means, stds = means_and_stds(np.array([len(column) for column in columns]), values, squares)
    return means.tolist(), stds.tolist()


def test_mean_and_deviation_of_four_numbers() -> None:
    assert moments_of([1, 2, 3, 4]) == ([2.5], [1.25**0.5])


def test_the_deviation_of_equal_numbers_is_zero_however_large_they_are() -> None:
    assert moments_of([1e8] * 3, [0.1] * 7) == ([1e8, 0.1], [0.0, 0.0])


def test_small_deviations_of_large_numbers_are_not_lost() -> None:
    assert moments_of([2.0**24, 2.0**24 + 2]) == ([2.0**24 + 1], [1.0])
    assert moments_of([1.0, 1.0 + 2.0**-50])[1] == [2.0**-51]


def test_sets_are_told_apart_and_none_of_nothing_is_a_number() -> None:
    means, stds = moments_of([-1, 1], [], [5])
    assert (means[0], stds[0], means[2], stds[2]) == (0.0, 1.0, 5.0, 0.0)
    assert np.isnan([means[1], stds[1]]).all()


def test_moments_are_exact_to_the_last_digit() -> None:
    terms = wide_values(60)
    sums, squares = (summed(power) for power in (terms, terms * terms))
    means, stds = means_and_stds(np.full(terms.shape[1], len(terms)), sums.whole(), squares.whole())
    for column, (total, of_squares) in enumerate(zip(sums.fractions(), squares.fractions(), strict=True)):
        mean = total / len(terms)
        assert means[column] == float(mean)
        assert stds[column] == pytest.approx(float(of_squares / len(terms) - mean * mean) ** 0.5, rel=1e-15)


def test_whole_numbers_have_the_shape_of_their_sums() -> None:
    sums = ExactSum.zeros(2, 3)
    sums.add(np.arange(6.0).reshape(1, 2, 3))
    assert (sums.whole() == np.arange(6).reshape(2, 3).astype(object) * 2**128).all()
