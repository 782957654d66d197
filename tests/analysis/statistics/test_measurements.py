from __future__ import annotations

import pickle
from itertools import permutations

import numpy as np
import pytest

from reportgen.analysis.statistics.measurements import NO_IMAGE, TOP_IMAGES, Measurements, Reduced, Row

CHANNELS = 6


def make_rows(first: int, count: int) -> list[Row]:
    """Rows of images from `first` on; values come in steps, so that there are ties."""
    return [make_row(index) for index in range(first, first + count)]


def make_row(index: int) -> Row:
    random = np.random.default_rng(index)
    maxima = np.round(random.normal(0, 2, CHANNELS)).astype(np.float32)
    counts = [random.integers(0, most, CHANNELS) for most in (16, 4, 2, 2)]
    return Row(
        index=index,
        reduced=Reduced(np.array([maxima, maxima - 3]), random.normal(size=(2, CHANNELS)), np.array(counts, np.int32)),
        samples=np.clip(random.normal(size=3 * CHANNELS), -1, 1).astype(np.float32),
        sample_ends=np.array([2, 4, 6, 8, 13, 18]),
        answers=random.uniform(size=5).astype(np.float32),
        vectors=random.uniform(size=3 if index % 2 else 0).astype(np.float32),
    )


def measured(rows: list[Row], at_a_time: int = 1) -> Measurements:
    found = Measurements(CHANNELS)
    for start in range(0, len(rows), at_a_time):
        found.add(rows[start : start + at_a_time])
    return found


def same(one: Measurements, other: Measurements) -> bool:
    first, second = one.to_arrays(), other.to_arrays()
    return one.skipped == other.skipped and all(np.array_equal(first[name], second[name]) for name in first)


def test_merging_is_commutative_and_associative() -> None:
    groups = [make_rows(0, 12), make_rows(12, 5), make_rows(17, 9)]
    whole = measured([row for rows in groups for row in rows])
    for order in permutations(groups):
        left = Measurements(CHANNELS)
        for rows in order:
            left.merge(measured(rows))
        assert same(left, whole)
        right = measured(order[1])
        right.merge(measured(order[2]))
        first = measured(order[0])
        first.merge(right)
        assert same(first, whole)


@pytest.mark.parametrize("at_a_time", [4, 16, 40])
def test_rows_taken_in_together_in_any_order_give_the_same_bits(at_a_time: int) -> None:
    rows = make_rows(0, 30)
    shuffled = [rows[place] for place in np.random.default_rng(0).permutation(30)]
    assert same(measured(shuffled, at_a_time), measured(rows))


def test_the_top_images_are_the_best_ones_the_earlier_of_equals_first() -> None:
    rows = make_rows(0, 30)
    top = measured(rows).top
    maxima = np.array([row.reduced.extremes[0] for row in rows])
    for channel in range(CHANNELS):
        order = sorted(range(30), key=lambda image: (-maxima[image, channel], image))[:TOP_IMAGES]
        assert top.images[:, channel].tolist() == order
        assert top.values[:, channel].tolist() == maxima[order, channel].tolist()
        assert top.places[:, channel].tolist() == [rows[image].reduced.counts[0, channel] for image in order]


def test_all_counts_are_those_of_all_images() -> None:
    rows = make_rows(0, 30)
    found = measured(rows)
    counts = np.sum([row.reduced.counts for row in rows], axis=0)
    assert np.array_equal([found.zeros, found.not_numbers, found.infinities], counts[1:])
    assert np.array_equal(found.fired, np.sum([row.reduced.extremes[0] > 0 for row in rows], axis=0))
    assert found.histograms.counts.sum(axis=1).tolist() == [60, 60, 60, 60, 150, 150]


def test_a_channel_without_a_finite_value_has_no_top_image() -> None:
    rows = make_rows(0, 3)
    for row in rows:
        row.reduced.extremes[:, 2] = -np.inf, np.inf
        row.samples[4:6] = np.nan
    top = measured(rows).top
    assert (top.images[:, 2] == NO_IMAGE).all()
    assert (top.images[:3, 1] != NO_IMAGE).all()


def test_measurements_travel_whole() -> None:
    found = measured(make_rows(0, 4))
    found.skipped = {4: "is empty"}
    assert same(pickle.loads(pickle.dumps(found)), found)


def test_size_does_not_grow_with_the_images_but_for_their_answers() -> None:
    few, many = measured(make_rows(0, 10)).to_arrays(), measured(make_rows(0, 300)).to_arrays()
    answers = {"index", "answers", "vector_index", "vectors"}
    assert all(few[name].shape == many[name].shape for name in few if name not in answers)
