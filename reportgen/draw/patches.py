"""Pictures of where in a photograph a channel answered: what it saw, and the place in the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reportgen.draw.photo import reduce_to, to_rgb
from reportgen.results import ByteArray

Box = tuple[int, int, int, int]  # top, left, bottom, right in pixels of the photograph

# Enough to recognise what is in a receptive field, little enough for hundreds of channels.
PATCH_SIDE = 96  # pixels
_INNER, _OUTER = (255, 255, 255), (200, 30, 60)


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


def mark_box(photo: ByteArray, box: Box) -> ByteArray:
    """The whole photograph, reduced to `PATCH_SIDE`, with a red and white frame around `box`.

    Args:
        photo: uint8 `(height, width, channels)`.

    Returns:
        uint8 `(height, width, 3)`.
    """
    small = np.array(reduce_to(to_rgb(photo), PATCH_SIDE))
    height, width = small.shape[:2]
    rows = [round(edge * height / photo.shape[0]) for edge in (box[0], box[2])]
    columns = [round(edge * width / photo.shape[1]) for edge in (box[1], box[3])]
    # A frame of two colours is seen on any photograph; around a few pixels it needs room of its own.
    for grow, colour in ((1, _INNER), (2, _OUTER)):
        top, bottom = max(0, rows[0] - grow), min(height - 1, rows[1] - 1 + grow)
        left, right = max(0, columns[0] - grow), min(width - 1, columns[1] - 1 + grow)
        small[[top, bottom], left : right + 1] = colour
        small[top : bottom + 1, [left, right]] = colour
    return small


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
