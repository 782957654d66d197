from __future__ import annotations

import pickle
from itertools import permutations

import numpy as np

from reportgen.analysis.measurements import NO_IMAGE, TOP_IMAGES, Measurements, Rows, SampleRun

CHANNELS = 6


def make_rows(first: int, count: int) -> Rows:
    """Rows of images from `first` on; values come in steps, so that there are ties."""
    random = np.random.default_rng(first)
    maxima = np.round(random.normal(0, 2, (count, CHANNELS)))
    return Rows(
        index=np.arange(first, first + count),
        maxima=maxima,
        places=random.integers(0, 16, (count, CHANNELS)).astype(np.int32),
        minima=maxima - 3,
        sums=random.normal(size=(count, CHANNELS)),
        squares=random.uniform(size=(count, CHANNELS)),
        zeros=random.integers(0, 4, (count, CHANNELS)).astype(np.float64),
        not_numbers=np.zeros((count, CHANNELS)),
        infinities=np.zeros((count, CHANNELS)),
        samples=np.clip(random.normal(size=(count, 2 * CHANNELS)), -1, 1).astype(np.float32),
        sample_runs=(SampleRun(0, 4, 2), SampleRun(4, CHANNELS - 4, 2)),
        classes=random.integers(0, 9, (count, 5)).astype(np.int32),
        scores=random.uniform(size=(count, 5)).astype(np.float32),
        score_sums=np.ones(count),
    )


def measured(*rows: Rows) -> Measurements:
    found = Measurements(CHANNELS)
    for row in rows:
        found.add(row)
    return found


def same(one: Measurements, other: Measurements) -> bool:
    first, second = one.to_arrays(), other.to_arrays()
    return one.skipped == other.skipped and all(np.array_equal(first[name], second[name]) for name in first)


def test_merging_is_commutative_and_associative() -> None:
    groups = [make_rows(0, 12), make_rows(12, 5), make_rows(17, 9)]
    whole = measured(*groups)
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


def test_the_top_images_are_the_best_ones_the_earlier_of_equals_first() -> None:
    rows = make_rows(0, 30)
    top = measured(rows).top
    for channel in range(CHANNELS):
        order = sorted(range(30), key=lambda image: (-rows.maxima[image, channel], image))[:TOP_IMAGES]
        assert top.images[:, channel].tolist() == order
        assert top.values[:, channel].tolist() == rows.maxima[order, channel].tolist()
        assert top.places[:, channel].tolist() == rows.places[order, channel].tolist()


def test_a_channel_without_a_finite_value_has_no_top_image() -> None:
    rows = make_rows(0, 3)
    rows.maxima[:, 2] = -np.inf
    rows.minima[:, 2] = np.inf
    rows.samples[:, 4:6] = np.nan
    top = measured(rows).top
    assert (top.images[:, 2] == NO_IMAGE).all()
    assert (top.images[:3, 1] != NO_IMAGE).all()


def test_measurements_travel_whole() -> None:
    found = measured(make_rows(0, 4))
    found.skipped = {4: "is empty"}
    assert same(pickle.loads(pickle.dumps(found)), found)


def test_size_does_not_grow_with_the_images_but_for_their_answers() -> None:
    few, many = measured(make_rows(0, 10)).to_arrays(), measured(make_rows(0, 300)).to_arrays()
    answers = {"index", "classes", "scores", "score_sums"}
    assert all(few[name].shape == many[name].shape for name in few if name not in answers)
