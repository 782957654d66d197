from __future__ import annotations

import numpy as np
import pytest

from reportgen.analysis.dyadic_histogram import BINS, DyadicHistograms, display_histogram


def counted(values: np.ndarray, channels: np.ndarray, count: int) -> DyadicHistograms:
    histograms = DyadicHistograms.empty(count)
    largest = np.zeros(count, np.float32)
    np.maximum.at(largest, channels, np.abs(values))
    histograms.add(values, channels, largest)
    return histograms


def samples(seed: int, scale: float) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(0, scale, 400).astype(np.float32), random.integers(0, 3, 400)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_merging_in_any_order_is_as_counting_at_once(order: tuple[int, ...]) -> None:
    parts = [samples(0, 0.01), samples(1, 30.0), samples(2, 1.0)]
    merged = DyadicHistograms.empty(3)
    for place in order:
        merged.merge(counted(*parts[place], 3))
    whole = counted(np.concatenate([v for v, _ in parts]), np.concatenate([c for _, c in parts]), 3)
    assert np.array_equal(merged.levels, whole.levels)
    assert np.array_equal(merged.counts, whole.counts)


def test_every_value_lies_between_the_edges_of_its_bin() -> None:
    values = np.array([-1.0, -0.5, 0.0, 0.49, 0.5, 0.99, 1.0], np.float32)
    histograms = counted(values, np.zeros(7, np.intp), 1)
    edges, counts = display_histogram(histograms.levels, histograms.counts, -1.0, 1.0)
    assert counts.sum() == 7
    assert np.array_equal(counts, np.histogram(values, edges)[0])


def test_edges_rise_and_end_at_the_extremes() -> None:
    values, channels = samples(3, 2.0)
    histograms = counted(values, channels, 3)
    edges, counts = display_histogram(histograms.levels, histograms.counts, values.min(), values.max())
    assert (np.diff(edges) > 0).all()
    assert edges[0] == values.min()
    assert edges[-1] == values.max()
    assert len(edges) == len(counts) + 1 <= BINS + 1


def test_zeros_alone_are_one_bin() -> None:
    histograms = counted(np.zeros(5, np.float32), np.zeros(5, np.intp), 1)
    edges, counts = display_histogram(histograms.levels, histograms.counts, 0.0, 0.0)
    assert counts.tolist() == [5]
    assert edges[0] <= 0 <= edges[-1]


def test_zeros_do_not_raise_the_level() -> None:
    zeros, small = np.zeros(3, np.float32), np.full(3, 0.1, np.float32)
    merged = counted(zeros, np.zeros(3, np.intp), 1)
    merged.merge(counted(small, np.zeros(3, np.intp), 1))
    whole = counted(np.concatenate([zeros, small]), np.zeros(6, np.intp), 1)
    assert np.array_equal(merged.levels, whole.levels)
    assert np.array_equal(merged.counts, whole.counts)


def test_nothing_counted_gives_an_empty_histogram() -> None:
    histograms = DyadicHistograms.empty(2)
    _, counts = display_histogram(histograms.levels, histograms.counts, 0.0, 0.0)
    assert counts.tolist() == [0]
