"""The figure of an image as it was given."""

from __future__ import annotations

import numpy as np
from PIL import Image

from reportgen import formats
from reportgen.draw.figures import drawing_id
from reportgen.results import ByteArray, Drawing

SECTION = "overview"

# Sharp on a page of usual width, light enough for fifty of them.
LONG_SIDE = 640  # pixels


def to_rgb(pixels: ByteArray) -> ByteArray:
    """Pixels of any number of channels as `(height, width, 3)`: grey for one or two, else the first three.

    >>> to_rgb(np.full((1, 1, 1), 7, np.uint8)).tolist()
    [[[7, 7, 7]]]
    """
    return pixels[:, :, :3] if pixels.shape[2] >= 3 else np.repeat(pixels[:, :, :1], 3, axis=2)


def reduce_to(pixels: ByteArray, long_side: int) -> ByteArray:
    """`(height, width, 3)` made smaller, where it is larger, so that no side exceeds `long_side`."""
    height, width = pixels.shape[:2]
    factor = long_side / max(height, width)
    if factor >= 1:
        return np.ascontiguousarray(pixels)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize(size, Image.Resampling.LANCZOS))


def draw_photo(file: str, pixels: ByteArray) -> Drawing:
    """The image itself, upright, at most `LONG_SIDE` pixels wide or high.

    Args:
        file: its name.
        pixels: uint8 `(height, width, channels)`.
    """
    height, width, channels = pixels.shape
    small = reduce_to(to_rgb(pixels), LONG_SIDE)
    reduced = "" if small.shape[:2] == (height, width) else f", shown at {formats.size(small.shape[1::-1])}"
    first = "" if channels in (1, 3) else f" Of its {channels} channels the first {min(channels, 3)} make the picture."
    return Drawing(
        id=drawing_id("photo", file),
        kind="photo",
        section=SECTION,
        title="As it was given",
        shows=f"{file}, {formats.size((width, height))} pixels{reduced}.{first}",
        made="Turned upright, transparency on white; no colours changed.",
        alt=f"The image {file}",
        pixels=small,
        image=file,
        display=small.shape[:2],
    )
