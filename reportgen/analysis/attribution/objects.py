"""How much of the evidence of a map lies on an object, which a mask shows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.attribution.curves import enlarged
from reportgen.analysis.figures_of_merit.maps import IGNORED
from reportgen.facts import Placement


def object_of(mask: NDArray[np.integer], index: int | None = None) -> NDArray[np.bool_]:
    """Where in a mask the object is.

    Args:
        mask: the number of each pixel.
        index: the number of the object; None is any above zero. 255 is ignored, but where a mask has no other number
            above zero, it is drawn in black and white.
    """
    if index is not None:
        return np.asarray(mask == index)
    marked = mask > 0
    others = marked & (mask != IGNORED)
    return others if others.any() else marked


def place_object(
    shape: NDArray[np.bool_], sides: tuple[int, int], size: tuple[int, int], placement: Placement
) -> NDArray[np.bool_]:
    """An object at the pixels of the network's input, `(height, width)`; nowhere outside the photograph.

    Args:
        shape: `(rows, columns)` over the photograph.
        sides: height and width of the photograph.
        size: of the network's input, into which `placement` fits it.
    """
    rows = np.floor(((np.arange(size[0]) + 0.5) - placement.top) / placement.scale_y * (shape.shape[0] / sides[0]))
    columns = np.floor(((np.arange(size[1]) + 0.5) - placement.left) / placement.scale_x * (shape.shape[1] / sides[1]))
    inside = ((rows >= 0) & (rows < shape.shape[0]))[:, None] & ((columns >= 0) & (columns < shape.shape[1]))
    y = np.clip(rows, 0, shape.shape[0] - 1).astype(np.int64)
    x = np.clip(columns, 0, shape.shape[1] - 1).astype(np.int64)
    return np.asarray(shape[y][:, x] & inside)


def share_on_object(values: NDArray[Any], place: NDArray[np.bool_]) -> float | None:
    """The share of a map's positive evidence on an object or within a cell of the map from it.

    A map of few cells cannot keep to the object's outline: what lies at most a cell beside it may come from it.

    Args:
        values: `(rows, columns)` over the network's input.
        place: where the object is, at the pixels of the input.

    Returns:
        None where there is no object in the input, or no evidence.
    """
    large = np.maximum(enlarged(np.nan_to_num(values), place.shape), 0).astype(np.float64)
    if not place.any() or not large.any():
        return None
    near = place
    for axis, cells in enumerate(values.shape):
        near = _widened(near, -(-place.shape[axis] // cells), axis)
    return float(large[near].sum() / large.sum())


def _widened(place: NDArray[np.bool_], reach: int, axis: int) -> NDArray[np.bool_]:
    """True as well up to `reach` before and behind along an axis."""
    around = [(reach, reach) if each == axis else (0, 0) for each in range(2)]
    sums = np.cumsum(np.pad(place, around).astype(np.int64), axis=axis)
    first = np.zeros_like(sums[:1] if axis == 0 else sums[:, :1])
    sums = np.concatenate([first, sums], axis=axis)
    width = 2 * reach + 1
    count = place.shape[axis]
    ends = np.take(sums, np.arange(count) + width, axis=axis)
    return np.asarray(ends > np.take(sums, np.arange(count), axis=axis))
