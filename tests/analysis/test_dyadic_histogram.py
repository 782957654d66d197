from __future__ import annotations

import numpy as np
import pytest

from reportgen.analysis.dyadic_histogram import BINS, DyadicHistograms, display_histogram


def counted(values: np.ndarray) -> DyadicHistograms:
    """Histograms of `values` `(channels, samples)`."""
    histograms = DyadicHistograms.empty(len(values))
    histograms.make_room(np.abs(values).max(axis=1))
    histograms.add(0, values)
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
    histograms.add(0, np.array([[0.5, np.nan, 1], [np.inf, -np.inf, np.nan]], np.float32))
    assert histograms.counts.sum(axis=1).tolist() == [2, 0]


def test_channels_from_the_middle_on_can_be_counted_alone() -> None:
    values = samples(4, 1.0)
    parts = DyadicHistograms.empty(3)
    parts.make_room(np.abs(values).max(axis=1))
    parts.add(1, values[1:])
    parts.add(0, values[:1])
    assert np.array_equal(parts.counts, counted(values).counts)


def test_nothing_counted_gives_an_empty_histogram() -> None:
    histograms = DyadicHistograms.empty(2)
    _, counts = display_histogram(histograms.levels, histograms.counts, 0.0, 0.0)
    assert counts.tolist() == [0]
