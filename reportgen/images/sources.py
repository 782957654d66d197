"""Where pictures come from: files, shards, arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from reportgen.array_files import loaded_arrays
from reportgen.facts import Skipped
from reportgen.opening import MOST_BYTES, open_regular, read_regular
from reportgen.results import PixelArray

# A picture of more pixels needs half a gigabyte to decode; cameras and telephones stay below in their
# usual setting, and below it Pillow gives no warning of its own (from 89 million on).
MAX_PIXELS = 80_000_000
TOO_LARGE = f"more than {MAX_PIXELS // 10**6} million pixels; make it smaller"

# The types that values of images are held in; all but bytes and 16-bit numbers become float32.
Depth = Literal["uint8", "uint16", "int16", "float32"]


def depth_of(dtype: np.dtype[Any]) -> Depth:
    """The type values of `dtype` are held in.

    >>> depth_of(np.dtype("uint16")), depth_of(np.dtype("int64"))
    ('uint16', 'float32')
    """
    match dtype.name:
        case "uint8" | "uint16" | "int16" as depth:
            return depth
    return "float32"


class ImageSource(Protocol):
    """Where a picture's bytes or values are; sources travel between processes."""

    def read(self) -> bytes | NDArray[Any]:
        """The encoded bytes, or an array `(height, width[, channels])` of numbers."""


@dataclass(frozen=True)
class FileSource:
    """A picture file."""

    path: str

    def read(self) -> bytes:
        """The file's bytes."""
        return read_regular(Path(self.path), "image")


@dataclass(frozen=True)
class TarSource:
    """A member of an uncompressed `.tar`: the `size` bytes from `offset` on."""

    path: str
    offset: int
    size: int

    def read(self) -> bytes:
        """The member's bytes."""
        if self.size > MOST_BYTES["image"]:
            raise ValueError(f"it has {self.size:,} bytes, more than the {MOST_BYTES['image']:,} of an image")
        with open_regular(Path(self.path), "archive") as file:
            file.seek(self.offset)
            return file.read(self.size)


@dataclass(frozen=True)
class ArrayFileSource:
    """One image of a `.npy` or `.npz` file.

    `index` is its place in a stack, None where the array is one image; `key` the array's name in a `.npz`.
    """

    path: str
    index: int | None
    key: str | None = None

    def read(self) -> PixelArray:
        """The image's values; those of a `.npy` without the other images of its stack."""
        if self.key is None:
            stack = open_arrays(self.path)[None]
        else:
            stack = _unpacked(self.path, self.key, Path(self.path).stat().st_mtime_ns)
        one = stack if self.index is None else stack[self.index]
        if one.shape[0] * one.shape[1] > MAX_PIXELS:
            raise ValueError(f"it is {one.shape[1]}x{one.shape[0]}, {TOO_LARGE}")
        return np.array(one)


def open_arrays(path: str) -> dict[str | None, PixelArray]:
    """The arrays of a file: that of a `.npy`, mapped and not read, under None; those of a `.npz` by their names.

    Raises:
        OSError, ValueError: it cannot be read, or is more than this machine has room for.
    """
    with loaded_arrays(Path(path), mapped=True) as content:
        if isinstance(content, np.ndarray):
            return {None: content}
        return {name: np.asarray(content[name]) for name in content.files}  # bytes of what is none


@lru_cache(maxsize=1)
def _unpacked(path: str, key: str, _changed: int) -> PixelArray:
    """An array of a `.npz`, which has to be unpacked as a whole; its images are read one after the other."""
    with loaded_arrays(Path(path)) as content:
        array: PixelArray = content[key]
        return array


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

    `width` and `height` are those of the upright picture, after its EXIF orientation. `extremes` are its lowest
    and highest finite value, None where they are not known, as of 8-bit pictures in large sets; `finite` says
    whether all values are.
    """

    file: str
    source: ImageSource
    sha256: str
    width: int
    height: int
    depth: Depth = "uint8"
    extremes: tuple[float, float] | None = None
    finite: bool = True

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
