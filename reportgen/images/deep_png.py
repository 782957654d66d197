"""PNGs of 16 bits a colour, of which Pillow gives 8 (it reads those of grey as they are)."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# How Pillow unpacks such pixels: each takes the byte it holds to be the higher one of two.
_HIGH_FIRST, _LOW_FIRST = ";16B", ";16L"


def read_deep_png(content: bytes) -> NDArray[np.uint16]:
    """The pixels of a PNG of 16 bits a colour, `(height, width, channels)`, with its transparency where it has some.

    Pillow keeps the higher byte of each value. Told that the lower one comes first, it keeps the other.

    Raises:
        OSError, ValueError: it is damaged, or of grey with transparency.
    """
    high, low = (_bytes(content, order) for order in (_HIGH_FIRST, _LOW_FIRST))
    return high.astype(np.uint16) * 256 + low


def _bytes(content: bytes, order: str) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
        tile = picture.tile[0]
        if tile.args not in (f"{picture.mode}{_HIGH_FIRST}", f"{picture.mode}{_LOW_FIRST}"):
            raise ValueError(f"is a PNG of 16 bits in mode {picture.mode}; save it as grey or as colours")
        picture.tile = [tile._replace(args=f"{picture.mode}{order}")]
        return np.array(picture)
