from __future__ import annotations

import itertools

import matplotlib
import numpy as np
import pytest

from reportgen.draw.pixels import (
    MARK_SIDE,
    colour_table,
    coloured,
    draw_mark,
    finite_range,
    shared_levels,
    signed_levels,
    single_levels,
    standardized_levels,
    tile_marks,
    to_levels,
    with_marks,
)

LARGEST = np.finfo(np.float32).max


def test_viridis_is_matplotlibs() -> None:
    expected = matplotlib.colormaps["viridis"](np.linspace(0, 1, 256))[:, :3] * 255
    np.testing.assert_allclose(colour_table("viridis"), expected, atol=0.51)


def test_grey_is_its_own_level() -> None:
    assert (colour_table("grey") == np.arange(256)[:, None]).all()


def test_colour_tables_cannot_be_changed_by_a_caller() -> None:
    with pytest.raises(ValueError, match="read-only"):
        colour_table("grey")[0] = 1


def test_diverging_colours_are_white_at_zero_blue_below_and_red_above() -> None:
    low, zero, high = coloured(np.array([0, 128, 255], np.uint8), "diverging").astype(int)
    assert zero.min() > 240
    assert low[2] > low[0]
    assert high[0] > high[2]


@pytest.mark.parametrize("values", [[], [np.nan], [np.inf, -np.inf]])
def test_no_finite_value_has_no_range(values: list[float]) -> None:
    assert finite_range(np.array(values)) is None


def test_levels_survive_the_widest_range_of_float32() -> None:
    values = np.array([-LARGEST, 0, LARGEST], np.float32)
    assert to_levels(values, -LARGEST, LARGEST).tolist() == [0, 128, 255]


def test_levels_of_values_that_are_not_finite() -> None:
    assert to_levels(np.array([np.nan, -np.inf, np.inf, 0.5]), 0, 1).tolist() == [0, 0, 255, 128]


def test_a_constant_map_has_no_nan_in_any_scale() -> None:
    tiles = np.full((1, 3, 3), 5.0, np.float32)
    assert (single_levels(tiles) == 128).all()
    assert (standardized_levels(tiles) == 128).all()
    assert (shared_levels(tiles)[0] == 128).all()


def test_input_is_left_as_it_was() -> None:
    tiles = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    before = tiles.copy()
    for levels in (shared_levels, single_levels, signed_levels, standardized_levels):
        levels(tiles)
    np.testing.assert_array_equal(tiles, before)


def test_standardized_as_in_the_book() -> None:
    tiles = np.random.default_rng(0).normal(3, 2, (4, 9, 9))
    for tile, drawn in zip(tiles, standardized_levels(tiles), strict=True):
        expected = tile - tile.mean()
        expected /= tile.std()
        expected *= 64
        expected += 128
        np.testing.assert_array_equal(drawn, np.clip(expected, 0, 255).astype("uint8"))


def test_standardized_takes_what_is_not_finite_for_the_mean() -> None:
    drawn = standardized_levels(np.array([[[0.0, 2.0, np.nan, np.inf]], [[np.nan] * 4]]))
    assert drawn[0, 0, 2] == drawn[0, 0, 3] == 128
    assert (drawn[1] == 128).all()


def test_a_nearly_constant_map_of_large_values_is_no_noise() -> None:
    # The deviation of equal values may come out as a rounding error instead of zero.
    assert (standardized_levels(np.full((1, 7, 7), 0.1)) == 128).all()


def test_signed_scale_keeps_zero_in_the_middle_of_each_tile() -> None:
    tiles = np.array([[[-1.0, 0.0, 0.5]], [[0.0, 4.0, 2.0]], [[0.0, 0.0, 0.0]]])
    levels, largest = signed_levels(tiles, each=True)
    assert largest == 4
    assert levels[:, 0].tolist() == [[0, 128, 191], [128, 255, 191], [128, 128, 128]]


def test_no_tiles_make_no_marks() -> None:
    assert tile_marks(np.zeros((0, 4, 4))) == ()


def test_one_value_is_no_constant_map() -> None:
    assert tile_marks(np.array([[[3.0]], [[0.0]], [[np.nan]]])) == (None, "silent", "nan")


@pytest.mark.parametrize("mark", ["silent", "dead", "constant", "nan", "failed"])
@pytest.mark.parametrize("table", ["viridis", "diverging"])
def test_marks_have_colours_no_map_has(mark: str, table: str) -> None:
    drawn = draw_mark(mark, MARK_SIDE, MARK_SIDE).astype(int)
    greys = {tuple(colour) for colour in drawn.reshape(-1, 3)}
    assert len(greys) == 2
    assert all(len(set(grey)) == 1 for grey in greys)
    saturation = np.ptp(colour_table(table).astype(int), axis=1)
    chromatic = colour_table(table)[saturation > 3]
    assert not greys & {tuple(map(int, colour)) for colour in chromatic}


def test_marks_differ_at_the_smallest_size() -> None:
    drawn = [draw_mark(mark, MARK_SIDE, MARK_SIDE).astype(int) for mark in ("silent", "constant", "nan")]
    for one, other in itertools.combinations(drawn, 2):
        assert (np.abs(one - other).max(axis=2) > 60).mean() > 0.2


def test_marks_stand_out_against_themselves() -> None:
    for mark in ("silent", "constant", "nan"):
        assert np.ptp(draw_mark(mark, MARK_SIDE, MARK_SIDE).astype(int)) > 100


def test_unknown_mark() -> None:
    with pytest.raises(ValueError, match="got 'odd'"):
        draw_mark("odd", 16, 16)


def test_marked_tiles_are_replaced_and_others_kept() -> None:
    tiles = np.full((3, 16, 20, 3), 7, np.uint8)
    marked = with_marks(tiles, (None, "silent", "nan"))
    assert (marked[0] == 7).all()
    np.testing.assert_array_equal(marked[1], draw_mark("silent", 16, 20))
    np.testing.assert_array_equal(marked[2], draw_mark("nan", 16, 20))
    assert (tiles == 7).all()
