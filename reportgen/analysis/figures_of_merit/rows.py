"""A few numbers for each image, which arrive in any order and leave in that of the images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

IMAGE = "image"

# Rows arrive in small batches; so many are kept apart before they become one array.
_MOST_CHUNKS = 256


class ImageRows:
    """Columns of numbers, one row for each image.

    Args:
        columns: the type of each column; the index of the image is another, int64, called `image`.
    """

    def __init__(self, **columns: DTypeLike) -> None:
        self._types = {IMAGE: np.dtype(np.int64), **{name: np.dtype(kind) for name, kind in columns.items()}}
        self._chunks: list[dict[str, NDArray[Any]]] = []

    def add(self, images: ArrayLike, **columns: ArrayLike) -> None:
        """Take in rows: the images' indices `(n,)`, and for each column an array whose first axis is `n`."""
        given = {IMAGE: images, **columns}
        chunk = {name: np.array(given[name], kind) for name, kind in self._types.items()}
        if len({len(column) for column in chunk.values()}) != 1:
            lengths = {name: len(column) for name, column in chunk.items()}
            raise ValueError(f"expected as many rows in each column, got {lengths}")
        if len(chunk[IMAGE]):
            self._chunks.append(chunk)
        if len(self._chunks) > _MOST_CHUNKS:
            self._chunks = [self._joined()]

    def merge(self, other: ImageRows) -> None:
        """Take in all rows of `other`."""
        self._chunks += other._chunks

    def __len__(self) -> int:
        return sum(len(chunk[IMAGE]) for chunk in self._chunks)

    def keep_lowest(self, keys: Callable[[NDArray[np.int64]], NDArray[np.uint64]], most: int) -> None:
        """Drop all rows but the at most `most` of the lowest keys, which follow from the images' indices."""
        if len(self) <= most:
            return
        of_chunks = [keys(chunk[IMAGE]) for chunk in self._chunks]
        highest = np.partition(np.concatenate(of_chunks), most - 1)[most - 1]
        for place, (chunk, of_chunk) in enumerate(zip(self._chunks, of_chunks, strict=True)):
            kept = of_chunk <= highest
            self._chunks[place] = {name: column[kept] for name, column in chunk.items()}

    def sorted(self) -> dict[str, NDArray[Any]]:
        """All columns in ascending order of the images.

        Raises:
            ValueError: an image was added twice.
        """
        joined = self._joined()
        images = joined[IMAGE]
        order = np.argsort(images, kind="stable")
        twice = np.flatnonzero(np.diff(images[order]) == 0)
        if len(twice):
            raise ValueError(f"expected each image once, got image {images[order[twice[0]]]} again")
        return {name: column[order] for name, column in joined.items()}

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """All rows, to be stored, under names that begin with `prefix`."""
        return {f"{prefix}_{name}": column for name, column in self._joined().items()}

    def take_arrays(self, prefix: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take in the rows that `to_arrays` stored."""
        chunk = {name: arrays[f"{prefix}_{name}"] for name in self._types}
        if len(chunk[IMAGE]):
            self._chunks.append(chunk)

    def _joined(self) -> dict[str, NDArray[Any]]:
        if not self._chunks:
            return {name: np.zeros(0, kind) for name, kind in self._types.items()}
        return {name: np.concatenate([chunk[name] for chunk in self._chunks]) for name in self._types}
