"""Small pictures of images, in one mosaic."""

from __future__ import annotations

import numpy as np
from PIL import Image

from reportgen.results import ByteArray

# The longer side of a small picture, in pixels.
SIDE = 96


def draw_thumbnail(pixels: ByteArray) -> ByteArray:
    """An image in a square of SIDE pixels on grey, `(SIDE, SIDE, 3)`.

    Args:
        pixels: uint8 `(height, width, channels)`; of one or two channels the first is shown as grey, of more the first
            three as red, green and blue.
    """
    shown = np.repeat(pixels[..., :1], 3, axis=-1) if pixels.shape[-1] < 3 else pixels[..., :3]
    height, width = shown.shape[:2]
    if max(height, width) <= SIDE // 2:
        # Whole steps keep the pixels of small images square.
        times = SIDE // max(height, width)
        small = shown.repeat(times, axis=0).repeat(times, axis=1)
    else:
        scale = SIDE / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = np.asarray(Image.fromarray(np.ascontiguousarray(shown)).resize(size, Image.Resampling.BILINEAR))
    canvas = np.full((SIDE, SIDE, 3), 128, np.uint8)
    top, left = (SIDE - small.shape[0]) // 2, (SIDE - small.shape[1]) // 2
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas
