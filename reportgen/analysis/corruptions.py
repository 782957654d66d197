"""Images made worse in named ways and five severities, and shifted, flipped, scaled and cropped.

In the manner of ImageNet-C (Hendrycks and Dietterich 2019), but not its corruptions: they act on the 8-bit image as
fitted to the network, of any size and number of channels, so lengths are shares of the image's shorter side.

All are pure functions of pixels `(height, width, channels)` uint8, to the same. What is random follows from the seed
and the image's index alone; a corruption draws the same at every severity, so that severities differ in nothing else.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from reportgen.errors import UsageError

ByteArray = NDArray[np.uint8]

SEVERITIES = (1, 2, 3, 4, 5)

# For each severity. Grey values are shares of 255, lengths shares of the image's shorter side.
NOISE_DEVIATION = (0.04, 0.08, 0.12, 0.18, 0.26)
BLUR_DEVIATION = (0.008, 0.014, 0.02, 0.03, 0.045)
MOTION_LENGTH = (0.05, 0.08, 0.12, 0.17, 0.24)
BRIGHTNESS_ADDED = (0.1, 0.2, 0.3, 0.4, 0.5)
CONTRAST_KEPT = (0.6, 0.45, 0.3, 0.2, 0.1)
PIXELS_KEPT = (0.6, 0.5, 0.4, 0.3, 0.22)
JPEG_QUALITY = (40, 25, 15, 10, 6)
ROTATION_DEGREES = (5.0, 10.0, 15.0, 22.0, 30.0)

Corruption = Callable[[ByteArray, int, np.random.Generator], ByteArray]


def _noise(pixels: ByteArray, severity: int, random: np.random.Generator) -> ByteArray:
    """Add independent normal noise to each value."""
    deviation = np.float32(NOISE_DEVIATION[severity - 1] * 255)
    noisy = random.standard_normal(pixels.shape, np.float32)
    noisy *= deviation
    noisy += pixels
    np.rint(noisy, out=noisy)
    return np.clip(noisy, 0, 255, out=noisy).astype(np.uint8)


def _blur(pixels: ByteArray, severity: int, _random: np.random.Generator) -> ByteArray:
    """Blur with a Gaussian, which Pillow makes of three boxes."""
    radius = BLUR_DEVIATION[severity - 1] * min(pixels.shape[:2])
    return _by_pillow(pixels, lambda picture: picture.filter(ImageFilter.GaussianBlur(radius)))


def _motion_blur(pixels: ByteArray, severity: int, random: np.random.Generator) -> ByteArray:
    """Blur along a line of random direction: the mean of the image moved to each place of it."""
    angle = random.uniform(0, math.pi)
    half = MOTION_LENGTH[severity - 1] * min(pixels.shape[:2]) / 2
    reach = max(1, math.ceil(half))
    steps = np.linspace(-half, half, 2 * reach + 1)
    places = [(round(step * math.sin(angle)), round(step * math.cos(angle))) for step in steps.tolist()]
    padded = np.pad(pixels, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    height, width = pixels.shape[:2]
    total = np.full(pixels.shape, len(places) // 2, np.uint32)
    for down, right in places:
        total += padded[reach + down : reach + down + height, reach + right : reach + right + width]
    return (total // len(places)).astype(np.uint8)


def _brightness(pixels: ByteArray, severity: int, _random: np.random.Generator) -> ByteArray:
    """Add the same to each value."""
    return _mapped(pixels, np.arange(256) + BRIGHTNESS_ADDED[severity - 1] * 255)


def _contrast(pixels: ByteArray, severity: int, _random: np.random.Generator) -> ByteArray:
    """Draw each value towards the image's mean."""
    mean = float(pixels.mean(dtype=np.float64))
    return _mapped(pixels, mean + CONTRAST_KEPT[severity - 1] * (np.arange(256) - mean))


def _pixelate(pixels: ByteArray, severity: int, _random: np.random.Generator) -> ByteArray:
    """Make the image smaller by means over its area, and large again by repeating pixels."""
    size = pixels.shape[1], pixels.shape[0]
    small = tuple(max(1, round(length * PIXELS_KEPT[severity - 1])) for length in size)

    def both_ways(picture: Image.Image) -> Image.Image:
        return picture.resize(small, Image.Resampling.BOX).resize(size, Image.Resampling.NEAREST)

    return _by_pillow(pixels, both_ways)


def _jpeg(pixels: ByteArray, severity: int, _random: np.random.Generator) -> ByteArray:
    """Store as a JPEG file and read it back; three channels as colour, others each by itself."""
    quality = JPEG_QUALITY[severity - 1]

    def stored(picture: Image.Image) -> Image.Image:
        file = BytesIO()
        picture.save(file, "JPEG", quality=quality)
        return Image.open(BytesIO(file.getvalue()))

    return _by_pillow(pixels, stored)


def _rotation(pixels: ByteArray, severity: int, random: np.random.Generator) -> ByteArray:
    """Turn about the centre, one way or the other; what comes in from outside repeats the edge."""
    angle = math.radians(ROTATION_DEGREES[severity - 1]) * random.choice([-1, 1])
    return _moved(pixels, np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]))


CORRUPTIONS: Mapping[str, Corruption] = {
    "noise": _noise,
    "blur": _blur,
    "motion-blur": _motion_blur,
    "brightness": _brightness,
    "contrast": _contrast,
    "pixelate": _pixelate,
    "jpeg": _jpeg,
    "rotation": _rotation,
}


def corrupt(pixels: ByteArray, name: str, severity: int, *, seed: int, image: int) -> ByteArray:
    """An image made worse.

    Args:
        pixels: `(height, width, channels)`.
        name: of the corruption.
        severity: 1 to 5.
        seed: of what is random.
        image: the image's index.

    Raises:
        UsageError: there is no such corruption or severity.
    """
    if name not in CORRUPTIONS:
        raise UsageError(f"expected a corruption of {', '.join(CORRUPTIONS)}, got {name}")
    if severity not in SEVERITIES:
        raise UsageError(f"expected a severity of 1 to {SEVERITIES[-1]}, got {severity}")
    random = np.random.default_rng([seed, image, zlib.crc32(name.encode())])
    return CORRUPTIONS[name](pixels, severity, random)


# The share of the image that a larger shift moves by, that a crop keeps, and by which a scale enlarges or shrinks.
SHIFT_SHARE = 0.05
CROP_KEPT = 0.9
SCALE = 1.1


def _shift(pixels: ByteArray, down: int, right: int) -> ByteArray:
    height, width = pixels.shape[:2]
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - right, 0, width - 1)
    return pixels[rows[:, np.newaxis], columns]


def _far(pixels: ByteArray) -> int:
    """How many pixels a larger shift moves by, never less than two."""
    height, width = pixels.shape[:2]
    return max(2, round(SHIFT_SHARE * float(min(height, width))))


def _crop(pixels: ByteArray, top: float, left: float) -> ByteArray:
    """The part of the image at `top`, `left` (0 to 1 of what is cut off), enlarged to the image's size."""
    height, width = pixels.shape[:2]
    cut_y, cut_x = (1 - CROP_KEPT) * height, (1 - CROP_KEPT) * width
    box = (left * cut_x, top * cut_y, width - (1 - left) * cut_x, height - (1 - top) * cut_y)
    return _by_pillow(pixels, lambda picture: picture.resize((width, height), Image.Resampling.BILINEAR, box=box))


SHIFTS: Mapping[str, Callable[[ByteArray], ByteArray]] = {
    "up-1": lambda pixels: _shift(pixels, -1, 0),
    "down-1": lambda pixels: _shift(pixels, 1, 0),
    "left-1": lambda pixels: _shift(pixels, 0, -1),
    "right-1": lambda pixels: _shift(pixels, 0, 1),
    "up": lambda pixels: _shift(pixels, -_far(pixels), 0),
    "down": lambda pixels: _shift(pixels, _far(pixels), 0),
    "left": lambda pixels: _shift(pixels, 0, -_far(pixels)),
    "right": lambda pixels: _shift(pixels, 0, _far(pixels)),
    "flip-horizontal": lambda pixels: np.ascontiguousarray(pixels[:, ::-1]),
    "flip-vertical": lambda pixels: np.ascontiguousarray(pixels[::-1]),
    "larger": lambda pixels: _moved(pixels, np.eye(2) / SCALE),
    "smaller": lambda pixels: _moved(pixels, np.eye(2) * SCALE),
    "crop-top-left": lambda pixels: _crop(pixels, 0, 0),
    "crop-bottom-right": lambda pixels: _crop(pixels, 1, 1),
}

# Shifts by one pixel, whose agreement says how steady the network's answers are.
ONE_PIXEL_SHIFTS = ("up-1", "down-1", "left-1", "right-1")


def shift(pixels: ByteArray, name: str) -> ByteArray:
    """An image moved, mirrored, scaled or cropped, of the same size; what comes in from outside repeats the edge.

    Raises:
        UsageError: there is no such shift.
    """
    if name not in SHIFTS:
        raise UsageError(f"expected a shift of {', '.join(SHIFTS)}, got {name}")
    return SHIFTS[name](pixels)


def _mapped(pixels: ByteArray, values: NDArray[np.floating[Any]]) -> ByteArray:
    """Each of the 256 values replaced by the one `values` has for it, rounded."""
    table = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return np.asarray(table[pixels])


def _moved(pixels: ByteArray, matrix: NDArray[np.float64]) -> ByteArray:
    """The image whose pixel at `p` is that at `matrix @ p`, both `(x, y)` from the centre, between four pixels."""
    height, width = pixels.shape[:2]
    # Turned by 30 degrees, an image reaches out by at most a quarter of its longer side; scaled, by a twentieth.
    margin = math.ceil(0.3 * max(height, width)) + 1
    padded = np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    centre = np.array([width / 2, height / 2])
    offset = centre + margin - matrix @ centre
    (a, b), (c, d) = matrix.tolist()
    values = (a, b, float(offset[0]), c, d, float(offset[1]))

    def transformed(picture: Image.Image) -> Image.Image:
        return picture.transform((width, height), Image.Transform.AFFINE, values, Image.Resampling.BILINEAR)

    return _by_pillow(padded, transformed)


def _by_pillow(pixels: ByteArray, act: Callable[[Image.Image], Image.Image]) -> ByteArray:
    """What `act` makes of the image: of three channels at once, of any others one by one."""
    if pixels.shape[-1] == 3:
        return np.array(act(Image.fromarray(pixels)), np.uint8)
    bands = [
        np.array(act(Image.fromarray(np.ascontiguousarray(band))), np.uint8) for band in np.moveaxis(pixels, -1, 0)
    ]
    return np.stack(bands, axis=-1)
