"""Where pictures come from: files, shards, arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reportgen.facts import Skipped


class ImageSource(Protocol):
    """Where a picture's bytes or values are; sources travel between processes."""

    def read(self) -> bytes | NDArray[Any]:
        """The encoded bytes, or an array `(height, width, channels)` of 0..255."""


@dataclass(frozen=True)
class FileSource:
    """A picture file."""

    path: str

    def read(self) -> bytes:
        """The file's bytes."""
        return Path(self.path).read_bytes()


@dataclass(frozen=True)
class TarSource:
    """A member of an uncompressed `.tar`: the `size` bytes from `offset` on."""

    path: str
    offset: int
    size: int

    def read(self) -> bytes:
        """The member's bytes."""
        with Path(self.path).open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


@dataclass(frozen=True)
class ArrayFileSource:
    """One image of a `.npy` file `(images, height, width, channels)`, read without the others."""

    path: str
    index: int

    def read(self) -> NDArray[Any]:
        """The image's values."""
        return np.array(np.load(self.path, mmap_mode="r", allow_pickle=False)[self.index])


@dataclass(frozen=True, eq=False)
class ArraySource:
    """One image of an array given from Python."""

    pixels: NDArray[Any]

    def read(self) -> NDArray[Any]:
        """The image's values."""
        return self.pixels


@dataclass(frozen=True)
class ImageFile:
    """A picture that can be loaded: `file` is its name in the report, unique and without private folders.

    `width` and `height` are those of the upright picture, after its EXIF orientation.
    """

    file: str
    source: ImageSource
    sha256: str
    width: int
    height: int

    @property
    def path(self) -> str | None:
        """The file the picture is in, None for an array given from Python; not for reports."""
        return getattr(self.source, "path", None)


@dataclass(frozen=True)
class ImageSet:
    """The pictures to work on, in order, and those that were skipped."""

    images: tuple[ImageFile, ...]
    skipped: tuple[Skipped, ...]

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[ImageFile]:
        return iter(self.images)
