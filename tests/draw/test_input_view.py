from __future__ import annotations

import numpy as np
import pytest

from reportgen.draw.input_view import GAP, draw_input
from reportgen.results import InputView

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)


def test_the_picture_comes_back_as_it_went_in() -> None:
    view = InputView("a.png", (PIXELS / 127.5 - 1).astype(np.float32), (-1.0, 1.0), reverses_channels=False)
    drawing = draw_input(view)
    np.testing.assert_array_equal(drawing.pixels[:, :8], PIXELS)
    for channel in range(3):
        left = (channel + 1) * (8 + GAP)
        np.testing.assert_array_equal(drawing.pixels[:, left : left + 8, 1], PIXELS[:, :, channel])
    assert "red" in drawing.made
    assert drawing.pixels.shape == (6, 4 * 8 + 3 * GAP, 3)


def test_reversed_channels_are_shown_in_true_colours_and_named() -> None:
    drawing = draw_input(InputView("a.png", PIXELS[:, :, ::-1].astype(np.float32), (0, 255), reverses_channels=True))
    np.testing.assert_array_equal(drawing.pixels[:, :8], PIXELS)
    assert "blue, green, red" in drawing.alt


def test_ranges_are_those_of_each_channel() -> None:
    prepared = np.full((4, 4, 3), (0.0, 1.0, 2.0))
    prepared[0, 0] = (-5, 6, 7)
    drawing = draw_input(InputView("a.png", prepared.astype(np.float32), None, reverses_channels=False))
    assert "red \N{MINUS SIGN}5 to 0; green 1 to 6; blue 2 to 7" in drawing.made
    assert (drawing.scale.low, drawing.scale.high) == (-5, 7)


@pytest.mark.parametrize(("channels", "columns", "rows"), [(2, 2, 1), (12, 6, 2), (13, 7, 2), (80, 8, 8)])
def test_every_channel_of_many_is_a_grey_tile(channels: int, columns: int, rows: int) -> None:
    prepared = np.random.default_rng(0).random((100, 90, channels), np.float32)
    drawing = draw_input(InputView("a.npy", prepared, (0, 1), reverses_channels=False))
    assert drawing.pixels.shape == (rows * 100 + (rows - 1) * GAP, columns * 90 + (columns - 1) * GAP, 3)
    assert drawing.channels == tuple(range(min(channels, 64)))


def test_bands_are_stretched_by_percentiles_that_are_stated() -> None:
    prepared = np.empty((100, 101, 2), np.float32)
    prepared[:, :, 0] = np.linspace(1000, 2000, 101)
    prepared[:, :, 1] = np.linspace(-1, 1, 101)
    drawing = draw_input(InputView("a.npy", prepared, (0, 10000), reverses_channels=False, is_picture=False))
    assert "channel 0 1,020 to 1,980; channel 1 \N{MINUS SIGN}0.96 to 0.96" in drawing.made
    assert drawing.pixels[0, [0, 50, 100], 0].tolist() == [0, 128, 255]
    np.testing.assert_allclose(drawing.pixels[:, :101], drawing.pixels[:, 101 + GAP :], atol=1)


def test_values_that_are_not_finite() -> None:
    drawing = draw_input(InputView("a.png", np.full((4, 4, 1), np.nan, np.float32), None, reverses_channels=False))
    assert "not finite" in drawing.made
