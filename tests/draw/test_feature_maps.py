from __future__ import annotations

import numpy as np
import pytest

from reportgen.draw.feature_maps import EACH, SHARED, STANDARDISED, draw_feature_maps
from reportgen.draw.pixels import colour_table, draw_mark
from reportgen.results import Drawing, FeatureMaps


def _maps(activations: np.ndarray, channel_count: int | None = None) -> FeatureMaps:
    channels = activations.shape[-1]
    return FeatureMaps(
        layer="block1/conv",
        image="a <b>.png",
        activations=activations.astype(np.float32),
        channels=tuple(range(channels)),
        channel_count=channel_count or channels,
    )


def _ramps() -> FeatureMaps:
    """Four 4x4 maps: rising to 15, rising to 1.5, silent, constant; and one with a NaN."""
    ramp = np.arange(16.0).reshape(4, 4)
    broken = ramp.copy()
    broken[0, 0] = np.nan
    return _maps(np.stack([ramp, ramp / 10, ramp * 0, ramp * 0 + 3, broken], axis=-1))


def _corner(drawing: Drawing, index: int) -> tuple[int, int, int]:
    """The colour of the last position of tile `index`."""
    grid = drawing.tiles
    assert grid is not None
    bottom = index // grid.columns * (grid.height + grid.gap) + grid.height - 1
    right = index % grid.columns * (grid.width + grid.gap) + grid.width - 1
    return tuple(int(value) for value in drawing.pixels[bottom, right])


def _viridis(level: int) -> tuple[int, int, int]:
    return tuple(int(value) for value in colour_table("viridis")[level])


def test_shared_scale_compares_maps_and_each_map_stretches_them() -> None:
    shared, each = draw_feature_maps(_ramps())
    assert _corner(shared, 0) == _viridis(255)
    assert _corner(shared, 1) == _viridis(26)
    assert _corner(each, 0) == _corner(each, 1) == _viridis(255)
    assert (shared.scale.low, shared.scale.high, shared.scale.basis) == (0, 15, "whole layer")
    assert (each.scale.low, each.scale.high, each.scale.basis) == (None, None, "each map")
    assert shared.group == each.group
    assert [shared.variant, each.variant] == [SHARED, EACH]


def test_standardised_on_request() -> None:
    (drawing,) = draw_feature_maps(_ramps(), variants=[STANDARDISED])
    ramp = np.arange(16.0)
    level = int((15 - ramp.mean()) / ramp.std() * 64 + 128)
    assert _corner(drawing, 0) == _corner(drawing, 1) == _viridis(level)


@pytest.mark.parametrize("variant", [SHARED, EACH, STANDARDISED])
def test_maps_with_nothing_to_show_are_marked_in_every_variant(variant: str) -> None:
    (drawing,) = draw_feature_maps(_ramps(), variants=[variant])
    assert drawing.marks == (None, None, "silent", "constant", "nan")
    assert drawing.values == pytest.approx((15, 1.5, 0, 3, None))
    grid = drawing.tiles
    left = 2 * (grid.width + grid.gap)
    tile = drawing.pixels[: grid.height, left : left + grid.width]
    np.testing.assert_array_equal(tile, draw_mark("silent", grid.height, grid.width))
    assert (
        drawing.alt == "block1/conv, 5 feature maps of a <b>.png, 1 constant, 1 with NaN or infinite values, 1 silent"
    )


def test_sixty_four_maps_lie_eight_by_eight() -> None:
    shared, _ = draw_feature_maps(_maps(np.random.default_rng(0).normal(size=(14, 14, 64))))
    assert (shared.tiles.rows, shared.tiles.columns) == (8, 8)
    assert shared.lossless
    assert shared.pixelated


def test_left_out_maps_are_stated() -> None:
    shared, _ = draw_feature_maps(_maps(np.ones((4, 4, 2)) * [[[1, 2]]], channel_count=512))
    assert "the first 2 of 512 feature maps" in shared.alt
    assert shared.shows.startswith("The first 2 of 512 feature maps")
    assert shared.scale.basis == "maps shown"


def test_large_maps_are_reduced_by_means_and_say_so() -> None:
    activations = np.random.default_rng(0).random((224, 224, 2), np.float32)
    shared, _ = draw_feature_maps(_maps(activations))
    assert shared.pixels.shape == (112, 228, 3)
    assert "mean of 2 \N{MULTIPLICATION SIGN} 2 positions" in shared.made
    assert shared.scale.high == pytest.approx(activations.max())
    mean = activations[:2, :2, 0].mean()
    level = (mean - activations.min()) / (activations.max() - activations.min()) * 255
    assert tuple(shared.pixels[0, 0]) in {_viridis(int(level)), _viridis(int(level) + 1)}


def test_signed_maps_have_zero_in_the_middle_of_the_shared_scale() -> None:
    activations = np.zeros((4, 4, 2))
    activations[-1, -1] = (-3, 1.5)
    shared, each = draw_feature_maps(_maps(activations))
    assert (shared.scale.low, shared.scale.high, shared.scale.colormap) == (-3, 3, "diverging")
    table = colour_table("diverging").astype(int)
    assert _corner(shared, 0) == tuple(table[0])
    assert _corner(shared, 1) == tuple(table[191])
    assert each.scale.colormap == "viridis"


def test_a_small_negative_tail_does_not_make_maps_signed() -> None:
    activations = np.zeros((4, 4, 1))
    activations[0, 0], activations[1, 1] = -0.27, 9
    shared, _ = draw_feature_maps(_maps(activations))
    assert (shared.scale.low, shared.scale.high, shared.scale.colormap) == pytest.approx((-0.27, 9, "viridis"))


def test_maps_of_one_position() -> None:
    shared, each = draw_feature_maps(_maps(np.array([[[0.0, 1.0, 2.0]]])))
    assert shared.marks == ("silent", None, None)
    assert _corner(shared, 2) == _viridis(255)
    assert shared.tiles.width >= 16
    assert each.pixels.shape == shared.pixels.shape


def test_infinite_and_huge_values_draw_without_a_warning() -> None:
    activations = np.ones((4, 4, 3), np.float32)
    activations[0, 0] = (np.finfo(np.float32).max, np.inf, 0)
    activations[1, 1] = (np.finfo(np.float32).min, -np.inf, 0)
    drawings = draw_feature_maps(_maps(activations), variants=[SHARED, EACH, STANDARDISED])
    assert drawings[0].marks == (None, "nan", None)


def test_nothing_finite_at_all() -> None:
    shared, _ = draw_feature_maps(_maps(np.full((4, 4, 2), np.nan)))
    assert shared.scale.low is None
    assert "no scale" in shared.made
