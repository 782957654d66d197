"""How far two pictures of two reports differ: those that changed most come first, and masks by their classes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reportgen.files.inside import Inside
from reportgen.finished.stored_picture import stored_picture

# Pictures are compared at this many pixels a side: enough to see what changed, and quick for hundreds of pairs.
_SIDE = 96

# Of a probability times 255, the highest that is no class.
_HALF = 127

Place = tuple[Path, str]


def picture_distance(first: Place, second: Place) -> float:
    """The mean absolute difference of two pictures, each the folder of a report and a path in it, 0 (the same) to 1.

    Raises:
        ReportgenError: one of them cannot be read.
    """
    one, two = (_small(*place) for place in (first, second))
    return float(np.abs(one - two).mean() / 255)


def pixels_that_changed(masks: tuple[Place, Place], classes: Mapping[int, int] | None) -> float | None:
    """The share of pixels whose class is another in the second of two masks; None where they are not of one form.

    Args:
        masks: the folder of a report and a path in it, of both: indices of classes or, of one class, probabilities.
        classes: the first network's index of each class of the second, by the second's; None where indices are the
            same classes in both. Negative is one that the first network does not have.

    Raises:
        ReportgenError: one of them cannot be read.
    """
    (one, mode), (two, other) = (_mask(*place) for place in masks)
    if one.shape != two.shape or (mode == "L") != (other == "L"):
        return None
    if mode == "L":
        return float(((one > _HALF) != (two > _HALF)).mean())
    if classes is not None:
        table = np.arange(int(two.max(initial=0)) + 1)  # what stands for no class stays as it is
        known = [index for index in classes if index < len(table)]
        table[known] = [classes[index] for index in known]
        two = table[two]
    return float((one != two).mean())


def _mask(folder: Path, path: str) -> tuple[NDArray[np.int64], str]:
    """The values of a mask `(height, width)`, and Pillow's name of its form: "L" for probabilities times 255."""
    data = Inside(folder).read(path, "a mask to compare", "picture")
    with stored_picture(data, path) as picture:
        values = np.asarray(picture)
        return (values if values.ndim == 2 else values[..., 0]).astype(np.int64), picture.mode


def _small(folder: Path, path: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    data = Inside(folder).read(path, "a picture to compare", "picture")
    with stored_picture(data, path) as picture:
        return np.asarray(picture.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float32)
