from __future__ import annotations

import numpy as np
import pytest

from reportgen.draw.montage import enlarge, grid_columns, montage, reduce_maps


@pytest.mark.parametrize("count", [1, 3, 7, 8, 12])
@pytest.mark.parametrize("gap", [0, 1, 3])
def test_each_tile_lies_where_its_place_says(count: int, gap: int) -> None:
    tiles = np.random.default_rng(0).integers(0, 256, (count, 4, 5, 3), np.uint8)
    columns = 3
    picture = montage(tiles, columns, gap=gap)
    rows = -(-count // columns)
    assert picture.shape == (rows * (4 + gap) - gap, columns * (5 + gap) - gap, 3)
    for i, tile in enumerate(tiles):
        top, left = i // columns * (4 + gap), i % columns * (5 + gap)
        np.testing.assert_array_equal(picture[top : top + 4, left : left + 5], tile)


def test_gaps_and_empty_places_are_background() -> None:
    picture = montage(np.zeros((3, 2, 2, 3), np.uint8), 2, gap=1, background=(9, 8, 7))
    assert (picture[2] == (9, 8, 7)).all()
    assert (picture[:, 2] == (9, 8, 7)).all()
    assert (picture[3:, 3:] == (9, 8, 7)).all()
    assert picture.flags.c_contiguous


def test_tiles_without_colour() -> None:
    picture = montage(np.full((4, 2, 2), 5, np.uint8), 2, gap=2)
    assert picture.shape == (6, 6)
    assert picture[0, 0] == 5
    assert picture[2, 2] == 128


def test_columns_leave_few_places_empty() -> None:
    for count in range(1, 300):
        columns = grid_columns(count)
        rows = -(-count // columns)
        assert 1 <= columns <= count
        assert rows * columns - count < columns
        assert columns <= max(10, rows + 1)


def test_enlarging_repeats_and_one_changes_nothing() -> None:
    tiles = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)
    assert enlarge(tiles, 1) is tiles
    np.testing.assert_array_equal(enlarge(tiles, 3)[:, ::3, ::3], tiles)
    assert enlarge(tiles[..., None], 2).shape == (2, 4, 4, 1)


def test_reducing_takes_means() -> None:
    maps = np.random.default_rng(0).normal(size=(8, 6, 5)).astype(np.float32)
    expected = maps.reshape(4, 2, 3, 2, 5).mean(axis=(1, 3))
    np.testing.assert_allclose(reduce_maps(maps, 2), expected, rtol=1e-5, atol=1e-6)


def test_reducing_what_does_not_divide_keeps_the_rest() -> None:
    maps = np.arange(15, dtype=np.float32).reshape(3, 5, 1)
    reduced = reduce_maps(maps, 2)
    assert reduced.shape == (2, 3, 1)
    assert reduced[1, 2, 0] == 14
    assert reduced[0, 0, 0] == np.mean([0, 1, 5, 6])
