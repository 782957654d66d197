from __future__ import annotations

import numpy as np
import pytest

from reportgen.analysis.measurements import LayerLayout
from reportgen.analysis.reduction import SMALL, Reduced, as_map, reduce_maps


def reduce_map(values: np.ndarray) -> Reduced:
    (reduced,) = reduce_maps([values])
    return reduced


def some_map(height: int, width: int, channels: int) -> np.ndarray:
    random = np.random.default_rng(height * 100 + width)
    return np.round(np.maximum(random.normal(size=(height, width, channels)), 0), 1).astype(np.float32)


@pytest.mark.parametrize(
    "shape", [(8, 8, 4), (7, 5, 3), (1, 1, 6), (13, 1, 2), (600, 3, 2), (4, 12, 300), (3137, 1, 2), (45, 40, 300)]
)
def test_a_map_reduces_to_what_plain_numpy_says(shape: tuple[int, int, int]) -> None:
    values = some_map(*shape)
    flat = values.reshape(-1, shape[2]).astype(np.float64)
    reduced = reduce_map(values)
    assert np.array_equal(reduced.maxima, flat.max(axis=0))
    assert np.array_equal(reduced.places, flat.argmax(axis=0))
    assert np.array_equal(reduced.minima, flat.min(axis=0))
    assert np.allclose(reduced.sums, flat.sum(axis=0), rtol=1e-6)
    assert np.allclose(reduced.squares, (flat**2).sum(axis=0), rtol=1e-6)
    assert np.array_equal(reduced.zeros, (flat == 0).sum(axis=0))
    assert not reduced.not_numbers.any()
    assert not reduced.infinities.any()


FIELDS = ("maxima", "places", "minima", "sums", "squares", "zeros", "not_numbers", "infinities")


@pytest.mark.parametrize("lost", [False, True])
def test_a_small_map_gives_the_same_bits_alone_and_beside_others(lost: bool) -> None:
    random = np.random.default_rng(0)
    maps = [random.normal(size=(28, 28, channels)).astype(np.float32) for channels in (3, 200, 2)]
    assert maps[0][..., 0].size == SMALL
    if lost:
        maps[1][0, 0, 7] = np.nan
    together, alone = reduce_maps(maps), [reduce_map(values) for values in maps]
    for name in FIELDS:
        joined = np.concatenate([getattr(one, name) for one in together])
        assert np.array_equal(joined, np.concatenate([getattr(one, name) for one in alone])), name


def test_places_below_the_floor_are_left_out() -> None:
    values = some_map(6, 6, 5)
    maxima = values.max(axis=(0, 1))
    floors = maxima + np.array([0, 1, -1, np.float32(1e-3), -np.inf], np.float32)
    (reduced,) = reduce_maps([values], floors)
    places = values.reshape(-1, 5).argmax(axis=0)
    assert reduced.places.tolist() == [places[0], 0, places[2], 0, places[4]]
    assert np.array_equal(reduced.maxima, maxima)


def test_of_equal_maxima_the_first_place_counts() -> None:
    values = np.zeros((4, 4, 2), np.float32)
    values[1, 3, 0] = values[2, 0, 0] = 5
    assert reduce_map(values).places.tolist() == [7, 0]


def test_what_is_not_finite_is_counted_and_left_out() -> None:
    values = some_map(4, 4, 3)
    values[0, 0, 0] = np.nan
    values[1, 1, 1] = np.inf
    values[2, 2, 1] = -np.inf
    values[..., 2] = np.nan
    reduced = reduce_map(values)
    assert reduced.not_numbers.tolist() == [1, 0, 16]
    assert reduced.infinities.tolist() == [0, 2, 0]
    first = values[..., 0].ravel()[1:].astype(np.float64)
    assert reduced.maxima[0] == first.max()
    assert np.isclose(reduced.sums[0], first.sum())
    assert reduced.maxima[2] == -np.inf
    assert reduced.minima[2] == np.inf


def test_squares_beyond_float32_do_not_overflow() -> None:
    values = np.full((2, 2, 1), 1e30, np.float32)
    reduced = reduce_map(values)
    assert np.isclose(reduced.squares[0], 4e60)
    assert reduced.infinities[0] == 0


def test_tokens_fold_into_their_grid() -> None:
    tokens = np.arange(1 * 7 * 2, dtype=np.float32).reshape(1, 7, 2)
    folded = as_map(tokens, LayerLayout("tokens", 0, 2, 3, 2, True), (2, 3, 1))
    assert folded.shape == (2, 3, 2)
    assert folded[0, 0].tolist() == [2, 3]
