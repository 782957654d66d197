"""Pixels to the bytes of a picture file; the same pixels give the same bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import PIL
from PIL import Image, features

if TYPE_CHECKING:  # what makes no pictures need not load numpy
    import numpy as np
    from numpy.typing import NDArray

# The format keeps 14 bits for a side.
MAX_WEBP_SIDE = 16383

# Below this the thin lines of feature maps lose their colour. Above it files grow and little is gained: what is lost
# first, colour at half the resolution, is lost at any quality.
QUALITY = 60

# Of 0 to 6, of a lossy file. Measured on a report's pictures, time and bytes against those of 6: 0.53 and 1.01 with
# 5, 0.47 and 1.02 with 3, 0.21 and 1.07 with 2, 0.16 and 1.13 with 1.
EFFORT = 2

# Of a lossless file: `quality` is how hard it is tried, 0 to 100. A quarter of the time of 100 and 4, and 1.005 of the
# bytes; from a quality of 25 down files are a tenth larger.
LOSSLESS_QUALITY, LOSSLESS_EFFORT = 30, 2


def encoder() -> str:
    """What a WebP file depends on beside the pixels and what `encode_webp` is asked for."""
    return (
        f"Pillow {PIL.__version__}, libwebp {features.version('webp')}, {EFFORT}, {LOSSLESS_QUALITY}, {LOSSLESS_EFFORT}"
    )


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
        image.save(buffer, "WEBP", lossless=True, quality=LOSSLESS_QUALITY, method=LOSSLESS_EFFORT)
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
