"""Features to compare images by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.answers.kind import Given, Kind, is_vector, layer_words
from reportgen.analysis.answers.seen import SeenOutput

# How far from one the length of a vector may be that is said to be normalised.
_LENGTH_TOLERANCE = 1e-3

NEAREST = 5  # other images shown for each


def _find(seen: SeenOutput, _given: Given) -> str | None:
    if not seen.is_vector or seen.size[0] < 2:
        return None
    lengths = np.linalg.norm(seen.answers.astype(np.float64), axis=1)
    if seen.activation != "softmax" and bool((np.abs(lengths - 1) <= _LENGTH_TOLERANCE).all()):
        return "Its vectors have the length one on the images."
    if seen.last_sum in ("convolution", "none") and seen.activation in (None, "linear", "relu", "relu6"):
        return f"{layer_words(seen)} gives features: there is no dense layer behind them."
    return None


def nearest(
    vectors: NDArray[np.float32], places: NDArray[np.int64], wanted: Sequence[int]
) -> dict[int, tuple[tuple[int, float], ...]]:
    """The images most alike, `(place, cosine)`, the most alike first, of equal ones the earlier first.

    Args:
        vectors: `(images, size)`, those that were kept.
        places: of these images in the set.
        wanted: places of the images asked about; those of which no vector was kept are left out.
    """
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        units = vectors / lengths
    rows = {int(place): row for row, place in enumerate(places)}
    found = {}
    for place in wanted:
        if place not in rows:
            continue
        cosines = units @ units[rows[place]]
        cosines[rows[place]] = np.nan
        order = [row for row in np.argsort(-cosines, kind="stable") if np.isfinite(cosines[row])][:NEAREST]
        found[place] = tuple((int(places[row]), float(cosines[row])) for row in order)
    return found


EMBEDDING = Kind("embedding", _find, "a vector", is_vector, keeps_vector=True)
