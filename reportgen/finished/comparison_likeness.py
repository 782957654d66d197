"""How alike the layers of two networks are on the same images: linear CKA from what both reports kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reportgen.array_files import load_array
from reportgen.errors import ReportgenError
from reportgen.files.inside import Inside
from reportgen.record import Record
from reportgen.similarity import LEAST_IMAGES, debiased_cka


@dataclass(frozen=True)
class Likeness:
    """Linear CKA of every kept layer of A, a row each, with every kept layer of B, over so many `images`."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    images: int

    def of(self, first: str | None, second: str | None) -> float | None:
        """How alike a layer of A and one of B are, None where one of them was not kept."""
        if first not in self.rows or second not in self.columns:
            return None
        return self.values[self.rows.index(first)][self.columns.index(second)]


def compare_kept(
    first: Record, second: Record, folders: tuple[Path, Path], shared: Iterable[tuple[str, str]]
) -> Likeness | None:
    """Compare all kept layers on the images of `shared` (A's name, B's name); None where too few were kept by both.

    Raises:
        ReportgenError: a report's kept products are not what its record says.
    """
    one, two = first.products, second.products
    if one is None or two is None:
        return None
    places = [{file: place for place, file in enumerate(kept.images)} for kept in (one, two)]
    pairs = [(places[0][a], places[1][b]) for a, b in shared if a in places[0] and b in places[1]]
    if len(pairs) < LEAST_IMAGES:
        return None
    chosen = [np.array([pair[side] for pair in pairs]) for side in (0, 1)]
    mine, theirs = (
        {layer: matrix[np.ix_(which, which)] for layer, matrix in _products(record, folder).items()}
        for record, folder, which in zip((first, second), folders, chosen, strict=True)
    )
    values = tuple(tuple(debiased_cka(a, b) for b in theirs.values()) for a in mine.values())
    return Likeness(tuple(mine), tuple(theirs), values, len(pairs))


def _products(record: Record, folder: Path) -> Mapping[str, NDArray[np.float64]]:
    """The matrices of products `(images, images)` by layer."""
    kept = record.products
    if kept is None:
        return {}
    count, file = len(kept.images), folder / kept.file
    try:
        triangles = load_array(Inside(folder).find(kept.file, "products.file"))
    except (OSError, ValueError) as error:
        raise ReportgenError(f"expected an array at {file}, cannot read it; make the report again") from error
    if triangles.shape != (len(kept.layers), count * (count + 1) // 2) or triangles.dtype != np.float32:
        raise ReportgenError(f"expected the products of {count} images at {file}, got others; make the report again")
    rows, columns = np.triu_indices(count)
    matrices = np.zeros((len(kept.layers), count, count))
    matrices[:, rows, columns] = matrices[:, columns, rows] = triangles
    return dict(zip(kept.layers, matrices, strict=True))
