from __future__ import annotations

import numpy as np
import pytest

from reportgen.analysis.statistics.measurements import LayerLayout, Reduced
from reportgen.analysis.statistics.reduction import as_positions, reduce_map, take_samples


def reduce(values: np.ndarray, floors: np.ndarray | None = None) -> Reduced:
    """Reduce a map `(height, width, channels)`."""
    channels = values.shape[2]
    reduced = Reduced.empty(channels)
    floors = np.full(channels, -np.inf, np.float32) if floors is None else floors
    reduce_map(values.reshape(-1, channels), floors, reduced)
    return reduced


def some_map(height: int, width: int, channels: int) -> np.ndarray:
    random = np.random.default_rng(height * 100 + width)
    return np.round(np.maximum(random.normal(size=(height, width, channels)), 0), 1).astype(np.float32)


@pytest.mark.parametrize(
    "shape",
    [(8, 8, 4), (7, 5, 3), (1, 1, 6), (13, 1, 2), (600, 3, 2), (4, 12, 300), (3137, 1, 2), (45, 40, 300), (6, 6, 256)],
)
def test_a_map_reduces_to_what_plain_numpy_says(shape: tuple[int, int, int]) -> None:
    values = some_map(*shape)
    flat = values.reshape(-1, shape[2]).astype(np.float64)
    reduced = reduce(values)
    assert np.array_equal(reduced.extremes, [flat.max(axis=0), flat.min(axis=0)])
    assert np.allclose(reduced.totals, [flat.sum(axis=0), (flat**2).sum(axis=0)], rtol=1e-6)
    nothing = np.zeros(shape[2])
    assert np.array_equal(reduced.counts, [flat.argmax(axis=0), (flat == 0).sum(axis=0), nothing, nothing])


def test_long_sums_lose_nothing_that_shows() -> None:
    values = np.full((1024, 1024, 1), 0.1, np.float32)
    assert np.isclose(reduce(values).totals[0, 0], 1024**2 * float(np.float32(0.1)), rtol=2e-6)


def test_part_of_a_row_is_filled_and_the_rest_left() -> None:
    row, values = Reduced.empty(7), some_map(5, 5, 3)
    reduce_map(values.reshape(-1, 3), np.zeros(3, np.float32), row.part(slice(2, 5)))
    alone = reduce(values, np.zeros(3, np.float32))
    for name in ("extremes", "totals", "counts"):
        assert np.array_equal(getattr(row, name)[:, 2:5], getattr(alone, name)), name
        assert not getattr(row, name)[:, [0, 1, 5, 6]].any(), name


def test_places_below_the_floor_are_left_out() -> None:
    values = some_map(6, 6, 5)
    maxima = values.max(axis=(0, 1))
    floors = maxima + np.array([0, 1, -1, np.float32(1e-3), -np.inf], np.float32)
    reduced = reduce(values, floors)
    places = values.reshape(-1, 5).argmax(axis=0)
    assert reduced.counts[0].tolist() == [places[0], 0, places[2], 0, places[4]]
    assert np.array_equal(reduced.extremes[0], maxima)


def test_of_equal_maxima_the_first_place_counts() -> None:
    values = np.zeros((4, 4, 2), np.float32)
    values[1, 3, 0] = values[2, 0, 0] = 5
    assert reduce(values).counts[0].tolist() == [7, 0]


@pytest.mark.parametrize("channels", [1, 2, 300])
def test_the_first_of_equal_maxima_is_found_wherever_it_stands(channels: int) -> None:
    values = np.zeros((40, 40, channels), np.float32)
    for first in (0, 1, 127, 128, 700, 1599):
        values[...] = 0
        values.reshape(-1, channels)[first:, channels // 2] = 2
        assert reduce(values).counts[0, channels // 2] == first


def test_negative_zero_is_zero() -> None:
    reduced = reduce(np.full((3, 3, 1), -0.0, np.float32))
    assert reduced.counts[:2, 0].tolist() == [0, 9]
    assert not np.signbit(reduced.extremes).any()


def test_what_is_not_finite_is_counted_and_left_out() -> None:
    values = some_map(4, 4, 3)
    values[0, 0, 0] = np.nan
    values[1, 1, 1] = np.inf
    values[2, 2, 1] = -np.inf
    values[..., 2] = np.nan
    reduced = reduce(values)
    assert reduced.counts[2:].tolist() == [[1, 0, 16], [0, 2, 0]]
    first = values[..., 0].ravel()[1:].astype(np.float64)
    assert reduced.extremes[0, 0] == first.max()
    assert np.isclose(reduced.totals[0, 0], first.sum())
    assert reduced.extremes[:, 2].tolist() == [-np.inf, np.inf]


def test_squares_beyond_float32_do_not_overflow() -> None:
    reduced = reduce(np.full((2, 2, 1), 1e30, np.float32))
    assert np.isclose(reduced.totals[1, 0], 4e60)
    assert reduced.counts[3, 0] == 0


def test_tokens_fold_into_their_grid() -> None:
    tokens = np.arange(1 * 7 * 2, dtype=np.float32).reshape(1, 7, 2)
    folded = as_positions(tokens, LayerLayout("tokens", 0, 2, 3, 2, True), (2, 3, 1))
    assert folded.shape == (6, 2)
    assert folded[0].tolist() == [2, 3]


def test_samples_come_from_all_over_the_map_and_move_on_with_each_image() -> None:
    values = np.arange(20, dtype=np.float32).reshape(10, 2)
    samples = np.empty((2, 4), np.float32)
    take_samples(values, 0, samples)
    assert samples.tolist() == [[0, 4, 10, 14], [1, 5, 11, 15]]
    take_samples(values, 1, samples)
    assert samples[0].tolist() == [12, 16, 2, 6]


@pytest.mark.parametrize(
    ("images", "side", "count"), [(64, 256, 256), (32, 256, 512), (73, 224, 224), (32, 512, 512), (500, 224, 32)]
)
def test_samples_of_few_images_come_from_all_columns_of_a_wide_map(images: int, side: int, count: int) -> None:
    """Where places lie a multiple of the width apart, an image gives values of a few columns alone."""
    columns = np.tile(np.arange(side, dtype=np.float32), side)[:, None]
    rows = np.repeat(np.arange(side, dtype=np.float32), side)[:, None]
    samples = np.empty((1, count), np.float32)
    for values in (columns, rows):
        found = []
        for index in range(images):
            take_samples(values, index, samples)
            found.append(samples[0].copy())
        quarters = np.bincount((np.concatenate(found) * 4 / side).astype(int), minlength=4) / (images * count)
        assert np.allclose(quarters, 0.25, atol=0.04)
