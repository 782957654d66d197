"""Answers beside the right ones: maps in flat colours, where they differ, and pictures small enough for a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reportgen.draw.answers import NO_CLASS, class_colour, mask_palette, rgb_of
from reportgen.draw.photo import LONG_SIDE
from reportgen.results import ByteArray

# The longer side of a picture in a list of the worst images, in pixels.
PANEL_SIDE = 176

Difference = Literal["right", "found", "wrong", "missed", "extra", "unjudged"]

# What is right is pale; the two strong colours (Okabe and Ito 2008) are told apart, and from the greys, by readers of
# any colour vision, and by their lightness in print. `found` is what is right of the one class of a mask.
DIFFERENCE_COLOURS: dict[Difference, str] = {
    "right": "#f4f4f4",
    "found": "#a8a8a8",
    "wrong": "#d55e00",
    "missed": "#0072b2",
    "extra": "#d55e00",
    "unjudged": "#404040",
}
_DIFFERENCES: tuple[Difference, ...] = tuple(DIFFERENCE_COLOURS)

IntArray = NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class DrawnComparison:
    """A map and its mask as pictures of indices, uint8 `(height, width)`, each with its palette `(256, 3)`.

    `truth` and `answer` are of classes, `NO_CLASS` where nothing is judged; `difference` is of `kinds`, those that
    occur.
    """

    truth: ByteArray
    answer: ByteArray
    difference: ByteArray
    palette: ByteArray
    difference_palette: ByteArray
    kinds: tuple[Difference, ...]

    def panels(self, size: tuple[int, int]) -> dict[str, ByteArray]:
        """Truth, answer and difference in colours, `(*size, 3)`."""
        palettes = {"truth": self.palette, "answer": self.palette, "difference": self.difference_palette}
        return {name: palette[sampled(getattr(self, name), size)] for name, palette in palettes.items()}


def sampled(indices: IntArray, size: tuple[int, int]) -> IntArray:
    """The index that lies in the middle of each pixel of a picture of `size`.

    >>> sampled(np.array([[0, 1], [2, 3]]), (1, 4)).tolist()
    [[2, 2, 3, 3]]
    """
    rows = ((np.arange(size[0]) + 0.5) * indices.shape[0] / size[0]).astype(int)
    columns = ((np.arange(size[1]) + 0.5) * indices.shape[1] / size[1]).astype(int)
    return indices[np.ix_(rows, columns)]


def draw_comparison(truth: IntArray, answered: IntArray, classes: int, *, single: bool) -> DrawnComparison:
    """Draw a map beside its mask.

    Args:
        truth: `(height, width)`, the class of each pixel; one that is none of the classes is not judged.
        answered: `(height, width)`, the class that was answered.
        classes: how many there are.
        single: the classes are those without and with the one class of a mask.
    """
    size = panel_size(truth.shape[:2], LONG_SIDE, enlarged=False)
    right, given = sampled(truth, size), sampled(answered, size)
    judged = (right >= 0) & (right < classes) & (right != NO_CLASS)
    palette = _single_palette() if single else mask_palette(min(classes, NO_CLASS))
    kinds = _kinds(right, given, judged, single=single)
    difference = np.select([kinds == name for name in _DIFFERENCES], range(len(_DIFFERENCES)))
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(_DIFFERENCES)] = [rgb_of(colour) for colour in DIFFERENCE_COLOURS.values()]
    return DrawnComparison(
        # Of more classes than a picture has indices the last ones share one.
        truth=np.where(judged, np.minimum(right, NO_CLASS - 1), NO_CLASS).astype(np.uint8),
        answer=np.where(judged, np.minimum(given, NO_CLASS - 1), NO_CLASS).astype(np.uint8),
        difference=difference.astype(np.uint8),
        palette=palette,
        difference_palette=colours,
        kinds=tuple(name for name in _DIFFERENCES if (kinds == name).any()),
    )


def _kinds(right: IntArray, given: IntArray, judged: NDArray[np.bool_], *, single: bool) -> NDArray[np.str_]:
    """What each pixel is, by name."""
    if not single:
        return np.where(~judged, "unjudged", np.where(right == given, "right", "wrong"))
    there, named = right == 1, given == 1
    return np.select([~judged, there & named, there, named], ["unjudged", "found", "missed", "extra"], "right")


def judged_colour(index: int, classes: int, *, single: bool) -> str:
    """The colour of a class that maps are judged by, "#rrggbb"; of a mask's one class, index 1, as in the mask."""
    if single:
        return class_colour(0, 1) if index else DIFFERENCE_COLOURS["right"]
    return class_colour(index, classes)


def _single_palette() -> ByteArray:
    palette = mask_palette(1)
    palette[:2] = [rgb_of(judged_colour(index, 2, single=True)) for index in (0, 1)]
    return palette


# --- pictures of a list ---------------------------------------------------------------------------


def panel_size(shape: tuple[int, int], side: int, *, enlarged: bool = True) -> tuple[int, int]:
    """Height and width of a picture whose longer side is at most `side`; a small one is `enlarged` by whole steps.

    >>> panel_size((100, 400), 200), panel_size((10, 40), 200), panel_size((10, 40), 200, enlarged=False)
    ((50, 200), (50, 200), (10, 40))
    """
    height, width = shape
    longest = max(height, width)
    if longest <= side:
        times = max(1, side // longest) if enlarged else 1
        return height * times, width * times
    return max(1, round(height * side / longest)), max(1, round(width * side / longest))


def draw_panel(pixels: ByteArray, size: tuple[int, int]) -> ByteArray:
    """A picture `(height, width, 3)` at `size`: reduced smoothly, enlarged so that its pixels stay squares."""
    larger = size[0] >= pixels.shape[0] and size[1] >= pixels.shape[1]
    how = Image.Resampling.NEAREST if larger else Image.Resampling.BOX
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(picture.resize((size[1], size[0]), how))
