"""The nearest images of each image by the cosine of their features, a block of products at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.machine.memory import processor_count
from reportgen.machine.threads import in_threads

NEIGHBOURS = 12

# Rows whose products are held at a time, by all processors together; and no fewer for each of them.
_ROWS, _LEAST_ROWS = 512, 32

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Of each image the places of the others nearest to it, nearest first, and the cosines: `(images, neighbours)`."""

    place: NDArray[np.int64]
    cosine: FloatArray


def unit_length(features: FloatArray) -> FloatArray:
    """Each row divided by its length; a row of zeros stays one, and is like no other."""
    lengths = np.sqrt(np.square(features, dtype=np.float64).sum(axis=1, keepdims=True))
    return (features / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def find_neighbours(features: FloatArray, others: FloatArray | None = None) -> Neighbours:
    """The at most NEIGHBOURS rows of `others` nearest to each of `features`; of `features` themselves where None.

    Args:
        features: `(images, values)`.
        others: `(other images, values)`.
    """
    units = unit_length(features)
    targets = units if others is None else unit_length(others)
    most = min(NEIGHBOURS, len(targets) - (others is None))
    places = np.zeros((len(units), max(0, most)), np.int64)
    cosines = np.zeros(places.shape, np.float32)
    block = max(_LEAST_ROWS, _ROWS // processor_count())

    def of_block(start: int) -> tuple[NDArray[np.int64], FloatArray]:
        products = units[start : start + block] @ targets.T
        rows = np.arange(len(products))
        if others is None:
            products[rows, start + rows] = -np.inf
        nearest = np.sort(np.argpartition(-products, most - 1, axis=1)[:, :most], axis=1)
        exact = np.stack([_products(units[start + row], targets[nearest[row]]) for row in rows])
        order = np.argsort(-exact, axis=1, kind="stable")
        return np.take_along_axis(nearest, order, axis=1), np.take_along_axis(exact, order, axis=1)

    starts = range(0, len(units) if most > 0 else 0, block)
    for start, (place, cosine) in zip(starts, in_threads(of_block, starts), strict=True):
        places[start : start + block], cosines[start : start + block] = place, cosine
    return Neighbours(places, np.clip(cosines, -1, 1))


def _products(unit: FloatArray, others: FloatArray) -> FloatArray:
    """The products of a row with each of others, `(others,)`, whose bits do not depend on how threads share the work.

    Those of a whole matrix do, so they choose the nearest and are not handed on.
    """
    return np.asarray(np.einsum("j,kj->k", unit, others))
