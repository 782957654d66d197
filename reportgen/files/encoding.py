"""Pixels to the bytes of a picture file; the same pixels give the same bytes."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# The format keeps 14 bits for a side.
MAX_WEBP_SIDE = 16383

# Below this the thin lines of feature maps lose their colour. Above it files grow and little is gained: what is lost
# first, colour at half the resolution, is lost at any quality.
QUALITY = 60

# Of 0 to 6: the most saves a tenth of a lossy file over the usual 4. It saves nothing of a lossless one.
EFFORT = 6


def encode_webp(pixels: NDArray[np.uint8], *, quality: int = QUALITY, lossless: bool = False) -> bytes:
    """A WebP file of uint8 `(height, width)` or `(height, width, 3)`.

    Args:
        pixels: sides of at most `MAX_WEBP_SIDE`.
        quality: 0..100, of a picture that is not lossless.
        lossless: every pixel keeps its colour.

    Raises:
        ValueError: a side is too long for the format.
    """
    height, width = pixels.shape[:2]
    if max(height, width) > MAX_WEBP_SIDE:
        raise ValueError(f"expected sides of at most {MAX_WEBP_SIDE} pixels for WebP, got {width} x {height}")
    buffer = io.BytesIO()
    image = Image.fromarray(pixels).convert("RGB")
    if lossless:
        image.save(buffer, "WEBP", lossless=True, quality=100, method=4)
    else:
        image.save(buffer, "WEBP", quality=quality, method=EFFORT)
    return buffer.getvalue()


def encode_png(pixels: NDArray[Any], *, palette: NDArray[np.uint8] | None = None) -> bytes:
    """A PNG file of uint8 or uint16 `(height, width)` levels, or, with a `palette` `(colours, 3)`, of indices into it.

    With four channels, `(height, width, 4)`, the last is how opaque a pixel is.
    """
    image = Image.fromarray(pixels)
    if palette is not None:
        image = Image.fromarray(pixels, mode="P")
        image.putpalette(palette.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
