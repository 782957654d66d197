"""Answers that are pictures: a mask over the photograph, its outlines, a picture and how it differs from the input."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reportgen.draw.bands import to_rgb
from reportgen.draw.photo import reduce_to
from reportgen.draw.pixels import coloured, to_levels
from reportgen.facts import Placement
from reportgen.results import ByteArray, FloatArray

LONG_SIDE = 640  # pixels of the photograph under a mask

# Okabe and Ito, "Color Universal Design" (2008): told apart by readers of any colour vision; then in their order but
# for black, which photographs have much of.
_UNIVERSAL = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#b4b4b4")

# The one class of a mask of probabilities: seen on most photographs.
ONE_CLASS = "#e69f00"

# Where a map of sigmoids has no class, its mask has this index, which masks of right answers leave out, too.
NO_CLASS = 255
_NO_CLASS_COLOUR = (64, 64, 64)

_OPACITY = 0.55  # of a mask over the photograph
_LINE = 2  # pixels of each of the two lines that make an outline
_PLACE_SIDE = 96  # pixels of the map on which the inside of a class is looked for
_LEAST_DIFFERENCE = 16.0  # of 255: smaller ones are not drawn as if they were large


def class_colour(index: int, classes: int) -> str:
    """The colour of a class, "#rrggbb"; past the universal ones hues far from one another, light and dark in turn.

    >>> class_colour(1, 3), class_colour(0, 1)
    ('#e69f00', '#e69f00')
    """
    if classes == 1:
        return ONE_CLASS
    if index < len(_UNIVERSAL):
        return _UNIVERSAL[index]
    red, green, blue = colorsys.hls_to_rgb(index * 0.618034 % 1, (0.35, 0.55, 0.75)[index % 3], 0.75)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def mask_palette(classes: int) -> ByteArray:
    """The colours of all indices of a mask, `(256, 3)`."""
    colours = [rgb_of(class_colour(index, classes)) for index in range(min(classes, NO_CLASS))]
    colours += [_NO_CLASS_COLOUR] * (256 - len(colours))
    return np.array(colours, np.uint8)


def rgb_of(colour: str) -> tuple[int, int, int]:
    """The levels of a colour "#rrggbb"."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


@dataclass(frozen=True, eq=False)
class DrawnMap:
    """A map as pictures.

    `mask` at the map's own size: of indices, uint8 (uint16 for more classes than a palette has), or of one class its
    probability times 255, rounded. `photograph` and, under the mask, `overlay` are `(height, width, 3)`; `outlines`
    `(height, width, 4)` of their size, None where no border is. `places` are points `(y, x)` well inside of what each
    class covers, in their pixels, by class.
    """

    mask: NDArray[Any]
    photograph: ByteArray
    overlay: ByteArray
    outlines: ByteArray | None
    places: dict[int, tuple[float, float]]


def draw_map(indices: NDArray[np.int64], probabilities: FloatArray, photograph: ByteArray) -> DrawnMap:
    """Draw a map over the photograph that it speaks of.

    Args:
        indices: `(height, width)`, the class of each pixel, -1 where it has none.
        probabilities: `(height, width, classes)`.
        photograph: uint8 `(height, width, 3)`, what the map covers, at any size.
    """
    classes, size = probabilities.shape[2], (photograph.shape[1], photograph.shape[0])
    no_class = max(classes, NO_CLASS)
    shown = np.where(indices < 0, no_class, indices)
    large = np.asarray(Image.fromarray(shown.astype(np.int32), mode="I").resize(size, Image.Resampling.NEAREST))
    opacity = np.where(large == no_class, 0.0, _OPACITY)
    if classes == 1:
        chance = np.nan_to_num(np.clip(probabilities[..., 0], 0, 1)).astype(np.float32)
        mask = np.round(chance * 255).astype(np.uint8)
        opacity = _OPACITY * np.asarray(Image.fromarray(chance).resize(size, Image.Resampling.BILINEAR))
        colours = np.broadcast_to(np.array(rgb_of(ONE_CLASS)), (*large.shape, 3))
    else:
        mask = shown.astype(np.uint8 if classes <= NO_CLASS else np.uint16)
        table = [rgb_of(class_colour(index, classes)) for index in range(no_class + 1)]
        colours = np.array(table)[large]
    overlay = photograph + opacity[..., None] * (colours - photograph.astype(np.float64))
    return DrawnMap(
        mask=mask,
        photograph=photograph,
        overlay=np.round(overlay).astype(np.uint8),
        outlines=_outlines(large),
        places=_places(indices, photograph.shape[:2]),
    )


def _outlines(large: NDArray[np.int32]) -> ByteArray | None:
    """The borders between classes as a white line in a black one, seen on any photograph, transparent elsewhere."""
    border = np.zeros(large.shape, bool)
    border[:-1] |= large[:-1] != large[1:]
    border[:, :-1] |= large[:, :-1] != large[:, 1:]
    if not border.any():
        return None
    inner = _grown(border, _LINE // 2)
    outer = _grown(inner, _LINE)
    lines = np.zeros((*large.shape, 4), np.uint8)
    lines[outer, 3] = 255
    lines[inner, :3] = 255
    return lines


def _grown(shape: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    """A shape and all that lies within so many pixels of it."""
    for _ in range(steps):
        padded = np.pad(shape, 1)
        shape = shape | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    return shape


def _places(indices: NDArray[np.int64], size: tuple[int, int]) -> dict[int, tuple[float, float]]:
    """For each class there is, the point `(y, x)`, in pixels of a picture of `size`, that goes last as it is eroded."""
    height, width = min(indices.shape[0], _PLACE_SIDE), min(indices.shape[1], _PLACE_SIDE)
    rows = (np.arange(height) + 0.5) * indices.shape[0] / height
    columns = (np.arange(width) + 0.5) * indices.shape[1] / width
    small = indices[np.ix_(rows.astype(int), columns.astype(int))]
    places = {}
    for index in np.unique(small[small >= 0]).tolist():
        left = small == index
        while left.any():
            last, padded = left, np.pad(left, 1)
            left = left & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
        y, x = (int(part[0]) for part in np.nonzero(last))
        places[index] = ((y + 0.5) * size[0] / height, (x + 0.5) * size[1] / width)
    return places


def photograph_under(shown: ByteArray, pixels: FloatArray, placement: Placement, size: tuple[int, int]) -> ByteArray:
    """The part of a photograph that the network's input shows, `(height, width, 3)`, at most `LONG_SIDE` a side.

    Where the input goes beyond the photograph, which was padded, it is the input itself.

    Args:
        shown: the photograph as it is shown, `(height, width, 3)`.
        pixels: as fitted into the network's input, on 0..255.
        placement: how it was fitted.
        size: of the network's input.
    """
    top, left = (-placement.top / placement.scale_y, -placement.left / placement.scale_x)
    bottom, right = top + size[0] / placement.scale_y, left + size[1] / placement.scale_x
    height, width = shown.shape[:2]
    if top < -1 or left < -1 or bottom > height + 1 or right > width + 1:
        return reduce_to(draw_picture(pixels.astype(np.float64)), LONG_SIDE)
    rows = slice(max(0, round(top)), max(round(top) + 1, min(height, round(bottom))))
    columns = slice(max(0, round(left)), max(round(left) + 1, min(width, round(right))))
    return reduce_to(shown[rows, columns], LONG_SIDE)


def draw_picture(levels: NDArray[np.float64]) -> ByteArray:
    """A picture `(height, width, channels)` on 0..255 in its own colours; what lies beyond is cut off."""
    return to_rgb(np.round(np.clip(np.nan_to_num(levels), 0, 255)).astype(np.uint8))


def mean_difference(levels: NDArray[np.float64], wanted: NDArray[np.generic]) -> NDArray[np.float64]:
    """How much lighter a picture on 0..255 is than the one `wanted`, on average over channels, `(height, width)`."""
    away: NDArray[np.float64] = np.nan_to_num((levels - wanted.astype(np.float64)).mean(axis=2))
    return away


def strongest(differences: Iterable[NDArray[np.float64]]) -> float:
    """What the strongest colours of differences stand for: the largest there is, at least 16 of 255."""
    return max([_LEAST_DIFFERENCE, *(float(np.abs(away).max()) for away in differences)])


def draw_difference(levels: NDArray[np.float64], wanted: NDArray[np.generic], most: float | None = None) -> ByteArray:
    """Where a picture on 0..255 is lighter (red) and darker (blue) than the one `wanted`, on average over channels.

    White is no difference; the ends are `most`, by default the `strongest` there is.
    """
    away = mean_difference(levels, wanted)
    end = strongest([away]) if most is None else most
    return coloured(to_levels(away, -end, end), "diverging")
