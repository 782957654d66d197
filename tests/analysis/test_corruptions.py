from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from reportgen.analysis import corruptions
from reportgen.analysis.corruptions import CORRUPTIONS, ONE_PIXEL_SHIFTS, SEVERITIES, SHIFTS, corrupt, shift
from reportgen.errors import UsageError


def scene(height: int = 48, width: int = 64, channels: int = 3, seed: int = 0) -> np.ndarray:
    """A picture with structure of several sizes, of which corruptions have something to spoil."""
    random = np.random.default_rng(seed)
    picture = np.zeros((height, width, channels))
    for scale in (2, 5, 11, 23):
        coarse = random.integers(0, 256, (height // scale + 2, width // scale + 2, channels)).astype(np.uint8)
        bands = [
            Image.fromarray(band).resize((width, height), Image.Resampling.BICUBIC)
            for band in np.ascontiguousarray(np.moveaxis(coarse, -1, 0))
        ]
        picture += np.stack([np.asarray(band) for band in bands], axis=-1) * (scale / 41)
    return np.clip(picture, 0, 255).astype(np.uint8)


def distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other).mean())


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
def test_any_number_of_channels_and_the_input_is_left_as_it_is(name: str, channels: int) -> None:
    pixels = scene(channels=channels)
    before = pixels.copy()
    for severity in SEVERITIES:
        worse = corrupt(pixels, name, severity, seed=0, image=1)
        assert (worse.shape, worse.dtype) == (pixels.shape, np.uint8)
    np.testing.assert_array_equal(pixels, before)
    assert distance(worse, pixels) > 3


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_severity_is_further_from_the_image_than_the_one_below(name: str) -> None:
    pixels = scene(160, 200)
    distances = [distance(corrupt(pixels, name, severity, seed=0, image=0), pixels) for severity in SEVERITIES]
    assert distances == sorted(distances)
    assert len(set(distances)) == len(SEVERITIES)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_seed_and_the_image_settle_what_is_random(name: str) -> None:
    pixels = scene()
    one = corrupt(pixels, name, 3, seed=5, image=8)
    np.testing.assert_array_equal(one, corrupt(pixels, name, 3, seed=5, image=8))
    others = [corrupt(pixels, name, 3, seed=seed, image=image) for seed in (5, 6) for image in range(10, 14)]
    differs = any(not np.array_equal(one, other) for other in others)
    assert differs is (name in {"noise", "motion-blur", "rotation"})


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 9, 3), (5, 2, 1), (28, 28, 1)])
def test_small_images_pass(name: str, shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    assert corrupt(pixels, name, 5, seed=0, image=0).shape == shape


def test_noise_has_the_deviation_it_names() -> None:
    grey = np.full((200, 200, 1), 128, np.uint8)
    for severity in SEVERITIES[:3]:
        noisy = corrupt(grey, "noise", severity, seed=0, image=0).astype(float)
        assert noisy.std() == pytest.approx(255 * corruptions.NOISE_DEVIATION[severity - 1], rel=0.02)
        assert noisy.mean() == pytest.approx(128, abs=1)


def test_brightness_and_contrast_by_hand() -> None:
    pixels = np.array([[[0], [100]], [[200], [240]]], np.uint8)
    np.testing.assert_array_equal(corrupt(pixels, "brightness", 1, seed=0, image=0).ravel(), [26, 126, 226, 255])
    kept = 135 + corruptions.CONTRAST_KEPT[0] * (pixels.ravel().astype(float) - 135)
    np.testing.assert_array_equal(corrupt(pixels, "contrast", 1, seed=0, image=0).ravel(), np.rint(kept))


def test_blurs_keep_a_plain_image_and_the_mean_of_any() -> None:
    plain, pixels = np.full((40, 40, 3), 77, np.uint8), scene(96, 96)
    for name in ("blur", "motion-blur", "pixelate", "rotation", "jpeg"):
        assert distance(corrupt(plain, name, 5, seed=0, image=0), plain) <= 1
    for name in ("blur", "motion-blur", "pixelate"):
        assert corrupt(pixels, name, 3, seed=0, image=0).mean() == pytest.approx(pixels.mean(), abs=3)


def test_motion_blurs_along_a_line_alone() -> None:
    dot = np.zeros((101, 101, 1), np.uint8)
    dot[50, 50] = 255
    rows, columns = np.nonzero(corrupt(dot, "motion-blur", 4, seed=1, image=2)[..., 0])
    directions = np.linalg.svd(np.stack([rows - 50, columns - 50], axis=1).astype(float))[1]
    assert directions[1] < 0.1 * directions[0]


def test_the_jpeg_is_pillows_of_the_same_quality() -> None:
    pixels, file = scene(), BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=corruptions.JPEG_QUALITY[1])
    np.testing.assert_array_equal(corrupt(pixels, "jpeg", 2, seed=0, image=0), np.asarray(Image.open(file)))


def test_a_rotation_turns_the_way_and_by_the_angle_it_says() -> None:
    bar = np.zeros((101, 101, 1), np.uint8)
    bar[48:53] = 255
    for image in range(4):
        turned = corrupt(bar, "rotation", 5, seed=0, image=image)[..., 0]
        rows, columns = np.nonzero(turned[:, 20:81] > 128)
        slope = np.polyfit(columns, rows, 1)[0]
        assert abs(np.degrees(np.arctan(slope))) == pytest.approx(30, abs=1)
    assert turned[50, 50] == 255


@pytest.mark.parametrize("name", ["smear", ""])
def test_unknown_names_and_severities_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="expected a corruption of noise, blur"):
        corrupt(scene(), name, 1, seed=0, image=0)
    with pytest.raises(UsageError, match="expected a shift of up-1"):
        shift(scene(), name)
    for severity in (0, 6):
        with pytest.raises(UsageError, match="severity of 1 to 5"):
            corrupt(scene(), "blur", severity, seed=0, image=0)


@pytest.mark.parametrize("name", SHIFTS)
@pytest.mark.parametrize("shape", [(1, 1, 1), (28, 28, 1), (40, 30, 3), (20, 24, 5)])
def test_shifts_keep_shape_and_type(name: str, shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    moved = shift(pixels, name)
    assert (moved.shape, moved.dtype) == (shape, np.uint8)


def test_shifts_by_one_pixel_move_by_one_and_repeat_the_edge() -> None:
    pixels = scene()
    rolls = {"up-1": (-1, 0), "down-1": (1, 0), "left-1": (0, -1), "right-1": (0, 1)}
    assert set(rolls) == set(ONE_PIXEL_SHIFTS)
    for name, roll in rolls.items():
        expected = np.roll(pixels, roll, axis=(0, 1))
        np.testing.assert_array_equal(shift(pixels, name)[1:-1, 1:-1], expected[1:-1, 1:-1])
    np.testing.assert_array_equal(shift(pixels, "down-1")[0], pixels[0])


def test_flips_are_mirrors_and_undo_themselves() -> None:
    pixels = scene()
    np.testing.assert_array_equal(shift(pixels, "flip-horizontal"), pixels[:, ::-1])
    for name in ("flip-horizontal", "flip-vertical"):
        np.testing.assert_array_equal(shift(shift(pixels, name), name), pixels)


def test_scales_move_a_mark_from_and_to_the_centre() -> None:
    mark = np.zeros((101, 101, 1), np.uint8)
    mark[29:32, 69:72] = 255  # 20 up and 20 right of the centre
    for name, factor in (("larger", 1.1), ("smaller", 1 / 1.1)):
        rows, columns = np.nonzero(shift(mark, name)[..., 0] > 100)
        assert rows.mean() == pytest.approx(50 - 20 * factor, abs=0.6)
        assert columns.mean() == pytest.approx(50 + 20 * factor, abs=0.6)


def test_crops_keep_their_own_corner() -> None:
    pixels = scene(80, 80)
    for name, corner in (("crop-top-left", np.s_[:72, :72]), ("crop-bottom-right", np.s_[8:, 8:])):
        expected = np.asarray(Image.fromarray(pixels[corner]).resize((80, 80), Image.Resampling.BILINEAR))
        assert distance(shift(pixels, name), expected) < 0.5
