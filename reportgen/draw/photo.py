"""The figure of an image as it was given."""

from __future__ import annotations

import numpy as np
from PIL import Image

from reportgen import formats
from reportgen.draw.bands import Bands, show_image
from reportgen.draw.figures import drawing_id
from reportgen.results import ByteArray, Drawing, PixelArray

SECTION = "overview"

# Sharp on a page of usual width, light enough for fifty of them.
LONG_SIDE = 640  # pixels

# Larger photographs are first averaged down to so many times the size asked for: half of the time, and half a level of
# 255 away from what the filter makes of all pixels.
REDUCING_GAP = 2.0


def reduce_to(pixels: ByteArray, long_side: int) -> ByteArray:
    """`(height, width, 3)` made smaller, where it is larger, so that no side exceeds `long_side`."""
    height, width = pixels.shape[:2]
    factor = long_side / max(height, width)
    if factor >= 1:
        return np.ascontiguousarray(pixels)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP))


def draw_photo(file: str, values: PixelArray, bands: Bands | None = None) -> Drawing:
    """The image itself, upright, at most `LONG_SIDE` pixels wide or high.

    Args:
        file: its name.
        values: `(height, width, channels)`, of any type.
        bands: the channels to be shown as red, green and blue, where the user chose them.
    """
    height, width, channels = values.shape
    shown = show_image(values, bands)
    small = reduce_to(shown.pixels, LONG_SIDE)
    reduced = "" if small.shape[:2] == (height, width) else f", shown at {formats.size(small.shape[1::-1])}"
    words = shown.words(channels, chosen=bands is not None)
    return Drawing(
        id=drawing_id("photo", file),
        kind="photo",
        section=SECTION,
        title="As it was given",
        shows=f"{file}, {formats.size((width, height))} pixels{reduced}.",
        made=f"{words} The network gets the values themselves, not this picture."
        if words
        else "Turned upright, transparency on white; no colours changed.",
        alt=f"The image {file}",
        pixels=small,
        image=file,
        display=small.shape[:2],
    )
