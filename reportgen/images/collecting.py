"""Find the pictures that files, folders, globs, shards and arrays hold."""

from __future__ import annotations

import glob
import os
import tarfile
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import ReportgenError
from reportgen.facts import Skipped
from reportgen.images.decoding import UnreadableImageError, inspect_image
from reportgen.images.sources import (
    ArrayFileSource,
    ArraySource,
    FileSource,
    ImageFile,
    ImageSet,
    ImageSource,
    TarSource,
)

# What is looked for in folders and shards; a file named by itself is tried whatever it is called.
SUFFIXES = (".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")

# Sets up to this size are decoded once while they are collected, so that a broken picture is known before
# the work begins; in larger ones it comes to light, and is skipped, when its turn comes.
CHECKED_IMAGES = 256

_READERS = 4  # threads; hashing and decoding let go of the interpreter


@dataclass(frozen=True)
class _Candidate:
    """A picture found but not yet looked at, by the name it would like."""

    name: str
    source: ImageSource


def collect_images(
    arguments: Sequence[str | os.PathLike[str]] | NDArray[Any], *, channels: int = 3, strict: bool = False
) -> ImageSet:
    """Find the pictures `arguments` name and read their headers.

    Args:
        arguments: files, folders (searched recursively, sorted), globs, `.tar` shards and `.npy` files; or
            an array `(images, height, width, channels)` of 0..255.
        channels: what the network takes; pictures have 1 or 3, arrays any number.
        strict: a picture that cannot be used is an error.

    Raises:
        ReportgenError: nothing is found, no picture can be read, or, if `strict`, one cannot.
    """
    if isinstance(arguments, np.ndarray):
        candidates = _array_candidates(arguments)
    else:
        candidates = _find([os.fspath(argument) for argument in arguments])
    names = _unique_names([candidate.name for candidate in candidates])
    thorough = len(candidates) <= CHECKED_IMAGES

    def look(item: tuple[str, _Candidate]) -> ImageFile | Skipped:
        name, candidate = item
        try:
            return inspect_image(name, candidate.source, channels, thorough=thorough)
        except UnreadableImageError as error:
            return Skipped(file=name, reason=error.reason)

    # The limit on pixels is checked here and with a reason; Pillow's own warning would only repeat it.
    with warnings.catch_warnings(), ThreadPoolExecutor(_READERS) as readers:
        warnings.simplefilter("ignore")
        looked_at = list(readers.map(look, zip(names, candidates, strict=True)))
    images = tuple(item for item in looked_at if isinstance(item, ImageFile))
    skipped = tuple(item for item in looked_at if isinstance(item, Skipped))
    if skipped and (strict or not images):
        first = f"{skipped[0].file}: {skipped[0].reason}"
        which = "an image cannot be used (--strict)" if strict else f"none of the {len(skipped)} images can be used"
        raise ReportgenError(f"{which}; the first is {first}")
    return ImageSet(images, skipped)


def _find(arguments: Sequence[str]) -> list[_Candidate]:
    if not arguments:
        raise ReportgenError("expected images: files, folders or globs; none were given")
    found: list[_Candidate] = []
    for argument in arguments:
        candidates = _find_one(argument)
        if not candidates:
            raise ReportgenError(
                f"{argument}: no images there; expected files, a folder or a glob of "
                f"{', '.join(SUFFIXES)}, .tar or .npy"
            )
        found += candidates
    # The same picture may be named twice, as a file and by its folder; it counts once.
    return list({candidate.source: candidate for candidate in reversed(found)}.values())[::-1]


def _find_one(argument: str) -> list[_Candidate]:
    path = Path(argument)
    if path.is_dir():
        inside = [(file, _inner_name(file, path)) for file in _walk(path)]
        return [
            candidate for file, name in inside for candidate in _open(path.resolve() / file.relative_to(path), name)
        ]
    if path.exists():
        return _open(path.parent.resolve() / path.name, _printable(path.name))
    if not glob.has_magic(argument):
        raise ReportgenError(f"{argument}: there is no such file or folder; expected images")
    base = _fixed_folder(argument)
    found: list[_Candidate] = []
    for match in sorted(glob.glob(argument, recursive=True)):  # noqa: PTH207 - takes absolute patterns too
        file = Path(match)
        inner = _walk(file) if file.is_dir() else [file]
        found += [candidate for part in inner for candidate in _open(part.absolute(), _inner_name(part, base))]
    return found


def _fixed_folder(pattern: str) -> Path:
    """The part of a glob before its first wildcard."""
    parts = Path(pattern).parts
    fixed = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:fixed])


def _walk(folder: Path) -> list[Path]:
    """Pictures and shards below `folder`, sorted by their path in it; hidden files and folders are left out."""
    found: list[Path] = []
    visited: set[str] = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in visited:  # a link back up
            folders.clear()
            continue
        visited.add(real)
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        found += [
            Path(parent, name)
            for name in files
            if not name.startswith(".") and name.lower().endswith((*SUFFIXES, ".tar"))
        ]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _inner_name(path: Path, folder: Path) -> str:
    return _printable(path.relative_to(folder).as_posix())


def _printable(name: str) -> str:
    """`name` with what is not UTF-8 in it replaced."""
    return os.fsencode(name).decode("utf-8", "replace")


def _open(path: Path, name: str) -> list[_Candidate]:
    """The one picture of a file, or those of a shard or array file."""
    suffix = path.suffix.lower()
    if suffix == ".tar":
        return _tar_candidates(path, name)
    if suffix == ".npy":
        return _array_file_candidates(path, name)
    return [_Candidate(name, FileSource(str(path)))]


def _tar_candidates(path: Path, name: str) -> list[_Candidate]:
    try:
        with tarfile.open(path, "r:") as archive:
            members = [member for member in archive if member.isreg() and member.name.lower().endswith(SUFFIXES)]
    except (OSError, tarfile.TarError) as error:
        raise ReportgenError(f"{path}: expected an uncompressed .tar of images, cannot read it: {error}") from error
    return [
        _Candidate(
            f"{name}/{_printable(str(PurePosixPath(member.name)))}",
            TarSource(str(path), member.offset_data, member.size),
        )
        for member in sorted(members, key=lambda member: member.name)
    ]


def _array_file_candidates(path: Path, name: str) -> list[_Candidate]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ReportgenError(f"{path}: expected an array of images (.npy), cannot read it: {error}") from error
    _check_array(array, str(path))
    digits = len(str(len(array) - 1))
    return [_Candidate(f"{name}/{index:0{digits}d}", ArrayFileSource(str(path), index)) for index in range(len(array))]


def _array_candidates(array: NDArray[Any]) -> list[_Candidate]:
    _check_array(array, "the images")
    digits = len(str(len(array) - 1))
    return [_Candidate(f"image-{index:0{digits}d}", ArraySource(pixels)) for index, pixels in enumerate(array)]


def _check_array(array: NDArray[Any], name: str) -> None:
    if array.ndim not in (3, 4) or array.dtype.kind not in "uif" or 0 in array.shape:
        raise ReportgenError(
            f"{name}: expected numbers (images, height, width, channels) of 0..255, got {array.dtype} {array.shape}"
        )
    if array.ndim == 3 and array.shape[2] in (1, 3, 4):
        raise ReportgenError(f"{name}: expected several images, got one of shape {array.shape}; give array[None]")
    if array.dtype.kind == "f" and 0 < float(array[:CHECKED_IMAGES].max()) <= 1:
        raise ReportgenError(f"{name}: expected pixels of 0..255, these lie in 0..1; multiply them by 255")


def _unique_names(names: Sequence[str]) -> list[str]:
    """Number the further pictures of a name, before its suffix: `a.png`, `a (2).png`."""
    taken = set(names)
    used: set[str] = set()
    unique = []
    for name in names:
        candidate, number = name, 1
        while candidate in used or (number > 1 and candidate in taken):
            number += 1
            path = PurePosixPath(name)
            candidate = str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
        used.add(candidate)
        unique.append(candidate)
    return unique
