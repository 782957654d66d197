from __future__ import annotations

import numpy as np
import pytest

from reportgen.draw.filters import draw_filters, draw_first_filters
from reportgen.draw.pixels import colour_table, draw_mark
from reportgen.results import Drawing, FilterBank, FloatArray, WeightStatistics


def _bank(kernel: FloatArray, *, sees_colour: bool = False, order: tuple[int, int, int] = (0, 1, 2)) -> FilterBank:
    kernel = np.asarray(kernel, np.float32)
    return FilterBank("conv", kernel, None, kernel.shape, sees_colour, order)


def _statistics(bank: FilterBank, dead: tuple[int, ...] = ()) -> WeightStatistics:
    finite = bank.kernel[np.isfinite(bank.kernel)]
    ends = (float(finite.min()), float(finite.max())) if finite.size else (None, None)
    return WeightStatistics(
        layer="conv",
        kernel_shape=bank.kernel.shape,
        bias_shape=None,
        min=ends[0],
        max=ends[1],
        mean=None,
        std=None,
        zero_fraction=None,
        nonfinite_count=0,
        zero_filters=dead,
        edges=np.zeros(2, np.float32),
        counts=np.zeros(1, np.int64),
    )


def _tile(drawing: Drawing, index: int) -> np.ndarray:
    grid = drawing.tiles
    assert grid is not None
    top, left = index // grid.columns * (grid.height + grid.gap), index % grid.columns * (grid.width + grid.gap)
    return drawing.pixels[top : top + grid.height, left : left + grid.width]


def _random(*shape: int) -> FloatArray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_first_filters_are_six_rows_of_three_channels_on_one_scale() -> None:
    bank = _bank(_random(3, 3, 5, 9))
    drawing = draw_first_filters(bank, _statistics(bank))
    assert (drawing.tiles.rows, drawing.tiles.columns) == (6, 3)
    low, high = bank.kernel.min(), bank.kernel.max()
    for row in range(6):
        for column in range(3):
            expected = (bank.kernel[:, :, column, row] - low) / (high - low) * 255
            drawn = _tile(drawing, row * 3 + column)
            step = drawn.shape[0] // 3
            np.testing.assert_allclose(drawn[::step, ::step, 0], expected, atol=0.51)
            assert (drawn == drawn[:, :, :1]).all()
    assert drawing.scale.low == pytest.approx(low)
    assert drawing.scale.high == pytest.approx(high)
    assert drawing.channels[:4] == (0, 0, 0, 1)
    assert "the first 6 of 9 filters" in drawing.alt
    assert "the first 3 of 5 input channels" in drawing.alt


def test_fewer_filters_and_channels_than_six_and_three() -> None:
    bank = _bank(_random(5, 5, 2, 4))
    drawing = draw_first_filters(bank, _statistics(bank))
    assert (drawing.tiles.rows, drawing.tiles.columns) == (4, 2)


def test_colour_filters_show_true_colours_whatever_the_order_of_channels() -> None:
    kernel = np.zeros((3, 3, 3, 2), np.float32)
    kernel[:, :, 0, 0] = 1  # excited by the first channel
    kernel[:, :, 2, 1] = -1
    first = {}
    for order in ((0, 1, 2), (2, 1, 0)):
        bank = _bank(kernel, sees_colour=True, order=order)
        first[order] = draw_filters(bank, _statistics(bank))[1]
        assert first[order].scale.colormap == "colour"
    assert (_tile(first[0, 1, 2], 0) == (255, 128, 128)).all()
    assert (_tile(first[2, 1, 0], 0) == (128, 128, 255)).all()
    assert (_tile(first[0, 1, 2], 1) == (128, 128, 0)).all()


def test_filters_of_many_channels_show_the_norm_over_them() -> None:
    bank = _bank(_random(3, 3, 16, 4))
    drawing = draw_filters(bank, _statistics(bank))[1]
    norms = np.sqrt((bank.kernel**2).sum(axis=2))
    assert drawing.values == pytest.approx(tuple(norms.max(axis=(0, 1))), rel=1e-5)
    assert drawing.scale.high == pytest.approx(norms.max())
    brightest = np.unravel_index(norms.argmax(), norms.shape)
    tile = _tile(drawing, int(brightest[2]))
    step = tile.shape[0] // 3
    assert (tile[brightest[0] * step, brightest[1] * step] == colour_table("viridis")[255]).all()
    assert "all 16 input channels" in drawing.shows


def test_filters_of_one_channel_keep_their_sign() -> None:
    kernel = np.zeros((3, 3, 1, 2), np.float32)
    kernel[0, 0, 0] = (2, -1)
    bank = _bank(kernel)
    _, shared, each = draw_filters(bank, _statistics(bank))
    table = colour_table("diverging")
    assert (_tile(shared, 0)[0, 0] == table[255]).all()
    assert (_tile(shared, 1)[0, 0] == table[64]).all()
    assert (_tile(each, 1)[0, 0] == table[0]).all()
    assert (_tile(shared, 0)[-1, -1] == table[128]).all()
    assert (shared.scale.low, shared.scale.high) == (-2, 2)
    assert (each.scale.low, each.scale.high, each.scale.basis) == (None, None, "each filter")


def test_both_scales_are_variants_of_one_group() -> None:
    bank = _bank(_random(3, 3, 4, 4))
    _, shared, each = draw_filters(bank, _statistics(bank))
    assert shared.group == each.group
    assert shared.variant != each.variant
    assert shared.id != each.id


def test_dead_and_not_finite_filters_are_marked_and_counted() -> None:
    kernel = _random(3, 3, 3, 5)
    kernel[..., 1] = 0
    kernel[0, 0, 0, 3] = np.nan
    bank = _bank(kernel, sees_colour=True)
    rows, shared, each = draw_filters(bank, _statistics(bank, dead=(1,)))
    for drawing in (shared, each):
        assert drawing.marks == (None, "dead", None, "nan", None)
        tile = _tile(drawing, 1)
        np.testing.assert_array_equal(tile, draw_mark("dead", *tile.shape[:2]))
        assert drawing.alt.endswith("1 zero, 1 with NaN or infinite values")
    assert rows.marks[3:6] == ("dead",) * 3
    assert rows.alt.endswith("1 zero, 1 with NaN or infinite values")


def test_a_kernel_without_a_finite_weight_is_drawn_as_such() -> None:
    bank = _bank(np.full((3, 3, 2, 2), np.nan))
    for drawing in draw_filters(bank, _statistics(bank)):
        assert set(drawing.marks) == {"nan"}


def test_left_out_filters_are_stated() -> None:
    bank = _bank(_random(3, 3, 1, 10))
    drawing = draw_filters(bank, _statistics(bank), max_channels=4)[1]
    assert drawing.channels == (0, 1, 2, 3)
    assert "the first 4 of 10 filters" in drawing.shows
    assert "the first 4 of 10 filters" in drawing.alt


def test_one_by_one_filters_are_rows_of_a_matrix() -> None:
    bank = _bank(_random(1, 1, 300, 70))
    drawings = draw_filters(bank, _statistics(bank, dead=(2,)))
    assert [drawing.scale.basis for drawing in drawings] == ["whole layer", "each filter"]
    shared = drawings[0]
    assert shared.pixels.shape == (64, 256, 3)
    assert (shared.tiles.rows, shared.tiles.width) == (64, 256)
    end = np.abs(bank.kernel[0, 0, :256, :64]).max()
    level = round((bank.kernel[0, 0, 7, 5] + end) / (2 * end) * 255)
    drawn = shared.pixels[5, 7].astype(int)
    assert np.abs(colour_table("diverging")[level - 1 : level + 2].astype(int) - drawn).sum(axis=1).min() == 0
    assert shared.marks[2] == "dead"
    assert len({tuple(colour) for colour in shared.pixels[2].tolist()}) == 2
    assert "the first 64 of 70 filters" in shared.shows
    assert "the first 256 of 300 input channels" in shared.shows
