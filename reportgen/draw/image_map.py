"""A map of images: each a small picture where its features place it, the others as points."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray

from reportgen.draw.montage import enlarge
from reportgen.results import ByteArray, Drawing

HEIGHT, WIDTH = 720, 1080
_MARGIN, _FRAME = 24, 3

# Pictures on the map are as large as this at most, in pixels.
_PICTURE = 32

_PAPER = 244
_GOLDEN = 0.61803398875
_WRONG = np.array([190, 20, 20], np.uint8)


def draw_image_map(
    points: NDArray[np.float64],
    thumbnails: ByteArray,
    groups: NDArray[np.int64],
    wrong: NDArray[np.bool_],
    *,
    layer: str,
    explained: tuple[float, float],
) -> Drawing:
    """The map of images.

    Args:
        points: `(images, 2)`, the first to the right and the second upwards.
        thumbnails: grey, `(images, height, width)`.
        groups: a number for each image, below 0 for none; its colour frames the picture.
        wrong: images to be marked by a cross, those answered wrongly.
        layer: whose output the points are made from.
        explained: the shares of the variance along both directions.
    """
    canvas = np.full((HEIGHT, WIDTH, 3), _PAPER, np.uint8)
    places = _places(points)
    shown = _without_overlap(places, wrong)
    for index in np.flatnonzero(~shown).tolist():
        y, x = places[index]
        canvas[y - 1 : y + 2, x - 1 : x + 2] = _colour(int(groups[index]))
    for index in np.flatnonzero(shown).tolist():
        _put(canvas, places[index], thumbnails[index], _colour(int(groups[index])), crossed=bool(wrong[index]))
    many = f"{int(shown.sum()):,} of {len(points):,} images as pictures, the others as points"
    return Drawing(
        id="image-map",
        kind="image-map",
        section="images-quality",
        title="Map of the images",
        shows=f"{many}; images that the network sees alike lie together.",
        reading="Frames and points have the colour of the image's class, where classes are known; a cross in the "
        "corner marks an image that was answered wrongly. Look for pictures of one class among another's, and for "
        "those that lie far from all others.",
        made=f"The output of {layer} along the two directions in which it varies most (principal components), which "
        f"hold {explained[0]:.0%} and {explained[1]:.0%} of its variance. Wrong answers are placed first, then images "
        "in their order, as long as pictures do not cover each other.",
        alt=f"Map of {len(points):,} images by the output of {layer}",
        pixels=canvas,
        layer=layer,
    )


def _places(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rows and columns on the canvas, `(images, 2)`."""
    low, high = points.min(axis=0), points.max(axis=0)
    share = (points - low) / np.where(high > low, high - low, 1)
    room = _MARGIN + _PICTURE // 2
    columns = room + share[:, 0] * (WIDTH - 2 * room)
    rows = HEIGHT - room - share[:, 1] * (HEIGHT - 2 * room)
    places: NDArray[np.int64] = np.rint(np.stack([rows, columns], axis=1)).astype(np.int64)
    return places


def _without_overlap(places: NDArray[np.int64], wrong: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which images are shown as pictures: each unless it would cover one chosen before."""
    taken = np.zeros((HEIGHT, WIDTH), np.bool_)
    shown = np.zeros(len(places), np.bool_)
    half = _PICTURE // 2 + _FRAME
    for index in np.argsort(~wrong, kind="stable").tolist():
        y, x = places[index]
        spot = taken[y - half : y + half, x - half : x + half]
        if not spot.any():
            spot[...] = True
            shown[index] = True
    return shown


def _put(
    canvas: ByteArray, place: NDArray[np.int64], thumbnail: ByteArray, colour: NDArray[np.uint8], *, crossed: bool
) -> None:
    times = max(1, _PICTURE // max(thumbnail.shape))
    small = enlarge(thumbnail[np.newaxis], times)[0, :_PICTURE, :_PICTURE]
    height, width = small.shape
    top, left = int(place[0]) - height // 2, int(place[1]) - width // 2
    canvas[top - _FRAME : top + height + _FRAME, left - _FRAME : left + width + _FRAME] = colour
    canvas[top : top + height, left : left + width] = small[..., np.newaxis]
    if crossed:
        side = max(7, min(height, width) // 3)
        corner = canvas[top : top + side, left : left + side]
        corner[...] = 255
        steps = np.arange(corner.shape[0])
        for shift in (-1, 0, 1):
            along = np.clip(steps + shift, 0, corner.shape[1] - 1)
            corner[steps, along] = _WRONG
            corner[steps, corner.shape[1] - 1 - along] = _WRONG


def _colour(group: int) -> NDArray[np.uint8]:
    """Colours far from each other for numbers that are near."""
    if group < 0:
        return np.array([110, 110, 110], np.uint8)
    red, green, blue = colorsys.hsv_to_rgb(group * _GOLDEN % 1, 0.75, 0.75)
    return np.array([red * 255, green * 255, blue * 255]).astype(np.uint8)
