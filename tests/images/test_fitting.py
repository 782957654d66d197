"""Pictures fitted into the network's input, and places found again in them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from support.images import gradient, random_images

from reportgen.facts import Placement
from reportgen.images import Fitting


def fit_image(
    pixels: np.ndarray, size: tuple[int, int], resize: str = "squash", interpolation: str = "bilinear"
) -> tuple[np.ndarray, Placement]:
    return Fitting(size, resize, interpolation).apply(pixels)


def test_squash_fills_the_input():
    fitted, placement = fit_image(gradient(20, 40), (10, 10))
    assert fitted.shape == (10, 10, 3)
    assert (placement.scale_y, placement.scale_x, placement.top, placement.left) == (0.5, 0.25, 0, 0)
    assert placement.box((0, 0, 10, 10), 20, 40) == (0, 0, 20, 40)


def test_crop_keeps_proportions_and_the_middle():
    pixels = gradient(20, 40)
    fitted, placement = fit_image(pixels, (20, 20), "crop")
    np.testing.assert_array_equal(fitted, pixels[:, 10:30])
    assert placement.box((0, 0, 20, 20), 20, 40) == (0, 10, 20, 30)
    halved, placement = fit_image(pixels, (10, 10), "crop")
    np.testing.assert_array_equal(halved, np.asarray(Image.fromarray(pixels).resize((20, 10), 2))[:, 5:15])
    assert placement.box((2, 3, 4, 5), 20, 40) == (4, 16, 8, 20)


def test_pad_keeps_everything():
    pixels = gradient(20, 40)
    fitted, placement = fit_image(pixels, (20, 20), "pad")
    assert not fitted[:5].any()
    assert not fitted[15:].any()
    np.testing.assert_array_equal(fitted[5:15], np.asarray(Image.fromarray(pixels).resize((20, 10), 2)))
    assert placement.box((5, 0, 15, 20), 20, 40) == (0, 0, 20, 40)
    assert placement.box((0, 0, 20, 20), 20, 40) == (0, 0, 20, 40)


@pytest.mark.parametrize("resize", ["crop", "squash", "pad"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize(("height", "width"), [(30, 50), (61, 37), (9, 13), (24, 24), (500, 7)])
def test_a_marked_pixel_is_found_where_the_placement_says(resize, interpolation, height, width):
    pixels = np.zeros((height, width, 3), np.uint8)
    half = min(height, width) // 8
    top, left, bottom, right = height // 2 - half, width // 2 - half, height // 2 + half + 1, width // 2 + half + 1
    pixels[top:bottom, left:right] = 255
    fitted, placement = fit_image(pixels, (24, 20), resize, interpolation)
    assert fitted.shape == (24, 20, 3)
    if min(placement.scale_y * (bottom - top), placement.scale_x * (right - left)) < 1:
        return  # the mark is less than a pixel of the input
    rows, columns = np.nonzero(fitted[..., 0] > 100)
    centre_y = (rows.mean() + 0.5 - placement.top) / placement.scale_y
    centre_x = (columns.mean() + 0.5 - placement.left) / placement.scale_x
    assert abs(centre_y - (top + bottom) / 2) <= 0.75 / placement.scale_y
    assert abs(centre_x - (left + right) / 2) <= 0.75 / placement.scale_x


def test_reductions_average_over_all_pixels():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    fitted, _ = fit_image(stripes, (8, 8))
    assert np.abs(fitted[:, 1:-1].astype(int) - 127).max() <= 4
    assert set(np.unique(fit_image(stripes, (8, 8), interpolation="nearest")[0])) <= {0, 255}


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_fitting_any_number_of_channels(channels):
    pixels = np.repeat(gradient(16, 12)[..., :1], channels, axis=2)
    fitted, _ = fit_image(pixels, (8, 8), "pad")
    assert fitted.shape == (8, 8, channels)
    np.testing.assert_array_equal(
        fitted, np.repeat(fit_image(gradient(16, 12), (8, 8), "pad")[0][..., :1], channels, 2)
    )


def test_a_picture_of_the_right_size_is_left_alone():
    pixels = random_images(1, 16, 16)[0]
    for resize in ("crop", "squash", "pad"):
        np.testing.assert_array_equal(fit_image(pixels, (16, 16), resize)[0], pixels)
