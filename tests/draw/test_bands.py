"""What is shown of images that are no pictures."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.draw.bands import PERCENTILES, show_image
from reportgen.draw.photo import draw_photo


def scene(channels: int, dtype: str) -> np.ndarray:
    """Channel `c` holds a ramp of 101 values from `100 * c` on, in steps of one."""
    ramp = np.arange(101)[None, :, None] + 100 * np.arange(channels)
    return np.repeat(ramp, 4, axis=0).astype(dtype)


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_of_8_bits_are_shown_as_they_are(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 6, channels), np.uint8)
    shown = show_image(pixels)
    np.testing.assert_array_equal(shown.pixels, np.broadcast_to(pixels, (5, 6, 3)))
    assert (shown.ranges, shown.words(channels, chosen=False)) == (None, "")
    assert "no colours changed" in draw_photo("a.png", pixels).made


def test_each_band_is_stretched_by_itself_and_the_page_says_from_where_to_where() -> None:
    values = scene(13, "uint16")
    drawing = draw_photo("tile.npy", values)
    assert PERCENTILES == (2, 98)
    assert (
        "Channels 0, 1, 2 of 13 as red, green and blue (the first three; --bands R,G,B chooses others)" in drawing.made
    )
    assert "channel 0 2 to 98, channel 1 102 to 198, channel 2 202 to 298" in drawing.made
    assert drawing.pixels[0, [0, 50, 100]].tolist() == [[0] * 3, [128] * 3, [255] * 3]


def test_other_bands() -> None:
    values = scene(13, "float32")
    values[:, :, 7] = values[:, ::-1, 7]
    drawing = draw_photo("tile.npy", values, (7, 3, 2))
    assert "Channels 7, 3, 2 of 13 as red, green and blue, each" in drawing.made
    assert drawing.pixels[0, 0].tolist() == [255, 0, 0]
    shown = show_image(np.arange(9, dtype=np.uint8).reshape(1, 3, 3), (2, 1, 0))
    assert shown.pixels[0, 0].tolist() == [2, 1, 0]


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32"])
def test_one_channel_of_other_values_is_grey(dtype: str) -> None:
    shown = show_image(scene(1, dtype))
    assert shown.pixels[0, [0, 50, 100]].tolist() == [[0] * 3, [128] * 3, [255] * 3]
    assert shown.words(1, chosen=False).startswith("Its values in grey, stretched from percentile 2 to 98")


def test_values_that_are_no_numbers_are_black_and_spoil_no_scale() -> None:
    values = scene(1, "float32")
    values[:, 0] = np.nan
    shown = show_image(values)
    assert shown.pixels[0, 0].tolist() == [0, 0, 0]
    assert shown.ranges is not None
    assert shown.ranges[0] == pytest.approx((3, 98.02), abs=0.1)
    assert show_image(np.full((2, 2, 1), np.nan, np.float32)).pixels.shape == (2, 2, 3)
