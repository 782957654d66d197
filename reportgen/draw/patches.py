"""Pictures of where in a photograph a channel answered: what it saw, and the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reportgen.draw.bands import to_rgb
from reportgen.draw.photo import reduce_to
from reportgen.results import ByteArray

Box = tuple[int, int, int, int]  # top, left, bottom, right in pixels of the photograph

# Enough to recognise what is in a receptive field, little enough for hundreds of channels.
PATCH_SIDE = 96  # pixels


@dataclass(frozen=True)
class Place:
    """Where in a sprite a picture lies: `(left, top, width, height)`."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class Sprite:
    """Several pictures in one, uint8 `(height, width, 3)`, and the place of each."""

    pixels: ByteArray
    places: tuple[Place, ...]


def cut_patch(photo: ByteArray, box: Box) -> ByteArray:
    """What stands in `box`, its longer side `PATCH_SIDE` or, where it is small, a whole multiple near it.

    Args:
        photo: uint8 `(height, width, channels)`.

    Returns:
        uint8 `(height, width, 3)`.
    """
    top, left, bottom, right = box
    patch = to_rgb(photo)[top:bottom, left:right]
    side = max(patch.shape[:2])
    if side > PATCH_SIDE:
        return reduce_to(patch, PATCH_SIDE)
    # Few pixels are shown as the squares they are.
    return np.repeat(np.repeat(patch, PATCH_SIDE // side, axis=0), PATCH_SIDE // side, axis=1)


def make_small(photo: ByteArray) -> ByteArray:
    """The whole photograph, its longer side `PATCH_SIDE`.

    Args:
        photo: uint8 `(height, width, channels)`.

    Returns:
        uint8 `(height, width, 3)`.
    """
    return reduce_to(to_rgb(photo), PATCH_SIDE)


def pack(pictures: Sequence[ByteArray], columns: int) -> Sprite:
    """Put pictures of at most `PATCH_SIDE` a side into one, `columns` in a row, each in a cell of its own.

    >>> sprite = pack([np.zeros((2, 3, 3), np.uint8), np.ones((4, 2, 3), np.uint8)], columns=2)
    >>> sprite.pixels.shape, sprite.places[1]
    ((96, 192, 3), Place(left=96, top=0, width=2, height=4))
    """
    rows = -(-len(pictures) // columns)
    pixels = np.zeros((rows * PATCH_SIDE, min(columns, len(pictures)) * PATCH_SIDE, 3), np.uint8)
    places = []
    for index, picture in enumerate(pictures):
        row, column = divmod(index, columns)
        height, width = picture.shape[:2]
        place = Place(column * PATCH_SIDE, row * PATCH_SIDE, width, height)
        pixels[place.top : place.top + height, place.left : place.left + width] = picture
        places.append(place)
    return Sprite(pixels, tuple(places))
