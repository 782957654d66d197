from __future__ import annotations

import numpy as np
import pytest

from reportgen.analysis.statistics.dyadic_histogram import BINS, DyadicHistograms, display_histogram


def counted(values: np.ndarray) -> DyadicHistograms:
    """Histograms of `values` `(channels, samples)`."""
    histograms = DyadicHistograms.empty(len(values))
    histograms.make_room(np.abs(values).max(axis=1))
    histograms.add(values.reshape(1, -1), values.shape[1] * np.arange(1, len(values) + 1))
    return histograms


def samples(seed: int, scale: float) -> np.ndarray:
    random = np.random.default_rng(seed)
    return (random.normal(0, scale, (3, 130)) * [[1], [5], [0.01]]).astype(np.float32)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_merging_in_any_order_is_as_counting_at_once(order: tuple[int, ...]) -> None:
    parts = [samples(0, 0.01), samples(1, 30.0), samples(2, 1.0)]
    merged = DyadicHistograms.empty(3)
    for place in order:
        merged.merge(counted(parts[place]))
    whole = counted(np.concatenate(parts, axis=1))
    assert np.array_equal(merged.levels, whole.levels)
    assert np.array_equal(merged.counts, whole.counts)


def test_every_value_lies_between_the_edges_of_its_bin() -> None:
    values = np.array([-1.0, -0.5, 0.0, 0.49, 0.5, 0.99, 1.0], np.float32)
    histograms = counted(values[np.newaxis])
    edges, counts = display_histogram(histograms.levels, histograms.counts, -1.0, 1.0)
    assert counts.sum() == 7
    assert np.array_equal(counts, np.histogram(values, edges)[0])


def test_edges_rise_and_end_at_the_extremes() -> None:
    values = samples(3, 2.0)
    histograms = counted(values)
    edges, counts = display_histogram(histograms.levels, histograms.counts, values.min(), values.max())
    assert (np.diff(edges) > 0).all()
    assert edges[0] == values.min()
    assert edges[-1] == values.max()
    assert len(edges) == len(counts) + 1 <= BINS + 1


def test_zeros_alone_are_one_bin() -> None:
    histograms = counted(np.zeros((1, 5), np.float32))
    edges, counts = display_histogram(histograms.levels, histograms.counts, 0.0, 0.0)
    assert counts.tolist() == [5]
    assert edges[0] <= 0 <= edges[-1]


def test_zeros_do_not_raise_the_level() -> None:
    zeros, small = np.zeros((1, 3), np.float32), np.full((1, 3), 0.1, np.float32)
    merged = counted(zeros)
    merged.merge(counted(small))
    whole = counted(np.concatenate([zeros, small], axis=1))
    assert np.array_equal(merged.levels, whole.levels)
    assert np.array_equal(merged.counts, whole.counts)


def test_values_that_are_not_finite_are_left_out() -> None:
    histograms = DyadicHistograms.empty(2)
    histograms.make_room(np.array([1, 0], np.float32))
    histograms.add(np.array([[0.5, np.nan, 1, np.inf, -np.inf, np.nan]], np.float32), np.array([3, 6]))
    assert histograms.counts.sum(axis=1).tolist() == [2, 0]


def test_channels_may_have_different_numbers_of_values() -> None:
    values = np.array([0.3, 0.6, -0.6, 0.9], np.float32)
    histograms = DyadicHistograms.empty(3)
    histograms.make_room(np.full(3, 0.9, np.float32))
    histograms.add(values[np.newaxis], np.array([1, 1, 4]))
    assert histograms.counts.sum(axis=1).tolist() == [1, 0, 3]
    assert np.array_equal(histograms.counts[2], counted(values[np.newaxis, 1:]).counts[0])


@pytest.mark.parametrize("largest", [np.finfo(np.float32).max, np.float32(2**-130), np.float32(1)])
def test_a_histogram_reaches_as_far_as_float32(largest: np.float32) -> None:
    values = np.array([[largest, -largest, 0]], np.float32)
    histograms = counted(values)
    assert histograms.counts.sum() == 3
    assert histograms.counts[0, BINS // 2] >= 1


@pytest.mark.parametrize("value", [1.0, -1.5, 1e30])
def test_a_value_there_is_no_room_for_is_an_error(value: float) -> None:
    histograms = DyadicHistograms.empty(1)
    histograms.make_room(np.array([0.7], np.float32))
    with pytest.raises(ValueError, match="within the levels"):
        histograms.add(np.array([[value]], np.float32), np.array([1]))


def test_nothing_counted_gives_an_empty_histogram() -> None:
    histograms = DyadicHistograms.empty(2)
    _, counts = display_histogram(histograms.levels, histograms.counts, 0.0, 0.0)
    assert counts.tolist() == [0]
