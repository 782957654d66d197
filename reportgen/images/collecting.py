"""Find the pictures that files, folders, globs, shards and arrays hold."""

from __future__ import annotations

import glob
import os
import tarfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import ReportgenError, UsageError, one_line
from reportgen.facts import Skipped
from reportgen.images.decoding import Decoded, UnreadableImageError, inspect_image
from reportgen.images.endings import ARRAY_SUFFIXES, SHARD_SUFFIX, SUFFIXES, is_read, why_not_read
from reportgen.images.sources import (
    ArrayFileSource,
    ArraySource,
    FileSource,
    ImageFile,
    ImageSet,
    ImageSource,
    TarSource,
    open_arrays,
)
from reportgen.opening import open_regular

# Sets up to this size are decoded once while they are collected, so that a broken picture is known before
# the work begins; in larger ones it comes to light, and is skipped, when its turn comes.
CHECKED_IMAGES = 256

_KINDS = f"{', '.join(SUFFIXES)}, .tar, .npy or .npz"

# What Python raises on archives that are damaged.
_TAR_DAMAGE = (ArithmeticError, EOFError, LookupError, MemoryError, OSError, TypeError, ValueError, tarfile.TarError)

_READERS = 4  # threads; hashing and decoding let go of the interpreter


@dataclass(frozen=True)
class _Candidate:
    """An image found but not yet looked at, by the name it would like."""

    name: str
    source: ImageSource


# What is found: an image to look at, or a file that is no use.
_Found = _Candidate | Skipped

# Whether a folder is passed over, with all that is in it.
PassedOver = Callable[[Path], bool]


def _none(folder: Path) -> bool:  # noqa: ARG001 - whichever it is
    return False


def collect_images(
    arguments: Sequence[str | os.PathLike[str]] | NDArray[Any],
    *,
    channels: int = 3,
    strict: bool = False,
    name: str = "image",
    decoded: Decoded | None = None,
    passed_over: PassedOver = _none,
) -> ImageSet:
    """Find the images `arguments` name and read their headers.

    Args:
        arguments: files, folders (searched recursively, sorted), globs, `.tar` shards, `.npy` and `.npz` files; or
            an array of images, its last axis the network's channels: one image, or a stack.
        channels: what the network takes; pictures have 1 or 3, arrays and TIFFs any number.
        strict: an image that cannot be used is an error.
        name: what images of an array are called, before their number.
        decoded: is given the pixels of those that are read to the end here, from any thread.
        passed_over: whether a folder below those that were named is passed over, such as a report.

    Raises:
        UsageError: nothing was named.
        ReportgenError: nothing is found, no image can be read, or, if `strict`, one cannot.
    """
    if isinstance(arguments, np.ndarray):
        found = _array_candidates(arguments, channels, name)
    else:
        found = _find([os.fspath(argument) for argument in arguments], channels, cache(passed_over))
    candidates = [item for item in found if isinstance(item, _Candidate)]
    names = _unique_names([candidate.name for candidate in candidates])
    thorough = len(candidates) <= CHECKED_IMAGES

    def look(item: tuple[str, _Candidate]) -> ImageFile | Skipped:
        unique, candidate = item
        try:
            return inspect_image(unique, candidate.source, channels, thorough=thorough, decoded=decoded)
        except UnreadableImageError as error:
            return Skipped(file=unique, reason=error.reason)

    # The limit on pixels is checked here and with a reason; Pillow's own warning would only repeat it.
    with warnings.catch_warnings(), ThreadPoolExecutor(_READERS) as readers:
        warnings.simplefilter("ignore")
        looked_at = list(readers.map(look, zip(names, candidates, strict=True)))
    images = tuple(item for item in looked_at if isinstance(item, ImageFile))
    skipped = tuple(item for item in (*looked_at, *found) if isinstance(item, Skipped))
    _check(images, skipped, strict=strict)
    return ImageSet(images, tuple(sorted(skipped, key=lambda item: not item.is_image)))


def _check(images: Sequence[ImageFile], skipped: Sequence[Skipped], *, strict: bool) -> None:
    """See that there are images, and all of them if `strict`."""
    unusable = [item for item in skipped if item.is_image]
    if not images and not unusable:
        raise ReportgenError(f"no images there; expected files, a folder or a glob of {_KINDS}")
    if unusable and (strict or not images):
        first = f"{unusable[0].file}: {unusable[0].reason}"
        which = "an image cannot be used (--strict)" if strict else f"none of the {len(unusable)} images can be used"
        raise ReportgenError(f"{which}; the first is {first}")


def _find(arguments: Sequence[str], channels: int, passed_over: PassedOver) -> list[_Found]:
    if not arguments:
        raise UsageError("expected IMAGE...: files, folders or globs of images; none were given")
    found: list[_Found] = []
    for argument in arguments:
        here = _find_one(argument, channels, passed_over)
        if not any(isinstance(item, _Candidate) or item.is_image for item in here):
            raise ReportgenError(f"{argument}: no images there; expected files, a folder or a glob of {_KINDS}")
        found += here
    # The same image may be named twice, as a file and by its folder; it counts once.
    by_source = {item.source if isinstance(item, _Candidate) else item.file: item for item in reversed(found)}
    return list(by_source.values())[::-1]


def _find_one(argument: str, channels: int, passed_over: PassedOver) -> list[_Found]:
    path = Path(argument)
    if path.is_dir():
        found: list[_Found] = []
        for file in _walk(path, passed_over):
            name = _inner_name(file, path)
            if is_read(name):
                found += _open(path.resolve() / file.relative_to(path), name, channels)
            else:
                found.append(why_not_read(name))
        return found
    if path.exists():
        return _open(path.parent.resolve() / path.name, _printable(path.name), channels)
    if not glob.has_magic(argument):
        raise ReportgenError(f"{argument}: there is no such file or folder; expected images")
    return _find_by_pattern(argument, channels, passed_over)


def _find_by_pattern(pattern: str, channels: int, passed_over: PassedOver) -> list[_Found]:
    base = _fixed_folder(pattern)
    found: list[_Found] = []
    for match in sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207 - takes absolute patterns too
        file = Path(match)
        is_folder = file.is_dir()
        above = file.relative_to(base).parents[-2::-1]  # the folders below the fixed one, the highest first
        if any(passed_over(base / folder) for folder in above) or (is_folder and passed_over(file)):
            continue
        if not is_folder:
            found += _open(file.absolute(), _inner_name(file, base), channels)
            continue
        for part in _walk(file, passed_over):
            name = _inner_name(part, base)
            found += _open(part.absolute(), name, channels) if is_read(name) else [why_not_read(name)]
    return found


def _fixed_folder(pattern: str) -> Path:
    """The part of a glob before its first wildcard."""
    parts = Path(pattern).parts
    fixed = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:fixed])


def _walk(folder: Path, passed_over: PassedOver) -> list[Path]:
    """Files below `folder`, sorted by their path in it, without hidden files and folders and those passed over."""
    found: list[Path] = []
    visited: set[str] = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in visited:  # a link back up
            folders.clear()
            continue
        visited.add(real)
        folders[:] = [
            name for name in folders if not name.startswith((".", "__MACOSX")) and not passed_over(Path(parent, name))
        ]
        found += [Path(parent, name) for name in files if not name.startswith(".")]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _inner_name(path: Path, folder: Path) -> str:
    return _printable(path.relative_to(folder).as_posix())


def _printable(name: str) -> str:
    """`name` with what is not UTF-8 in it replaced."""
    return os.fsencode(name).decode("utf-8", "replace")


def _open(path: Path, name: str, channels: int) -> list[_Found]:
    """The one image of a file, or those of a shard or array file."""
    suffix = path.suffix.lower()
    if suffix == SHARD_SUFFIX:
        return _tar_candidates(path, name)
    if suffix in ARRAY_SUFFIXES:
        return _array_file_candidates(path, name, channels)
    return [_Candidate(name, FileSource(str(path)))]


def _tar_candidates(path: Path, name: str) -> list[_Found]:
    try:
        with open_regular(path, "archive") as file, tarfile.open(fileobj=file, mode="r:") as archive:
            members = [
                member for member in _forward(archive) if member.isreg() and member.name.lower().endswith(SUFFIXES)
            ]
    except _TAR_DAMAGE as error:
        reason = one_line(getattr(error, "strerror", None) or error, 100)
        raise ReportgenError(f"{path}: expected an uncompressed .tar of images, cannot read it: {reason}") from error
    return [
        _Candidate(
            f"{name}/{_printable(str(PurePosixPath(member.name)))}",
            TarSource(str(path), member.offset_data, member.size),
        )
        for member in sorted(members, key=lambda member: member.name)
    ]


def _forward(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The members in their order; sizes below nothing would lead back to those that were read."""
    last = -1
    for member in archive:
        if member.offset <= last or member.size < 0:
            raise ValueError(f"the entry {one_line(member.name, 40)} leads back")
        last = member.offset
        yield member


def _array_file_candidates(path: Path, name: str, channels: int) -> list[_Found]:
    try:
        arrays = open_arrays(str(path))
    except (OSError, ValueError) as error:
        reason = one_line(getattr(error, "strerror", None) or error, 200)
        return [Skipped(file=name, reason=f"cannot be read as an array: {reason}")]
    found: list[_Found] = []
    for key, array in arrays.items():
        inner = name if key is None else f"{name}/{_printable(key)}"
        problem = _why_no_images(array, channels)
        if problem is not None:
            # A .npz of images often holds their labels too.
            found.append(Skipped(file=inner, reason=problem, is_image=key is None or array.ndim >= 3))
        else:
            indices = _indices(array, channels)
            found += [_Candidate(_numbered(inner, i, array), ArrayFileSource(str(path), i, key)) for i in indices]
    return found


def _array_candidates(array: NDArray[Any], channels: int, name: str) -> list[_Found]:
    problem = _why_no_images(array, channels)
    if problem is not None:
        raise ReportgenError(f"the images: {problem}")
    return [
        _Candidate(_numbered(name, index, array, "-"), ArraySource(array if index is None else array[index]))
        for index in _indices(array, channels)
    ]


def _indices(array: NDArray[Any], channels: int) -> list[int | None]:
    """The places of the images in a stack; None alone for an array that is one image."""
    return [None] if _is_one_image(array, channels) else list(range(len(array)))


def _numbered(name: str, index: int | None, stack: NDArray[Any], join: str = "/") -> str:
    """The name of an image of a stack, all of them equally long."""
    return name if index is None else f"{name}{join}{index:0{len(str(len(stack) - 1))}d}"


def _is_one_image(array: NDArray[Any], channels: int) -> bool:
    """Whether an array is one image, for networks of `channels`: with them, in colours, or grey without an axis."""
    return array.ndim == 2 or (array.ndim == 3 and (array.shape[2] == channels or _can_become(array, channels)))


def _can_become(array: NDArray[Any], channels: int) -> bool:
    """Whether the last axis is colours, or grey, that become the network's."""
    return channels in (1, 3) and array.shape[-1] in (1, 3, 4)


def _why_no_images(array: NDArray[Any], channels: int) -> str | None:
    """Why an array holds no images for networks of `channels`; None where it does."""
    expected = f"(height, width, {channels}) or (images, height, width, {channels})"
    if channels == 1:
        expected = f"(height, width), (images, height, width), {expected}"
    if array.dtype.kind not in "buif" or 0 in array.shape:
        return f"is an array of {array.dtype} and shape {array.shape}; expected numbers of shape {expected}"
    grey = channels in (1, 3) and array.ndim == 3
    with_channels = array.ndim in (3, 4) and (array.shape[-1] == channels or _can_become(array, channels))
    if with_channels or grey or (channels == 1 and array.ndim == 2):
        return None
    if array.ndim in (3, 4):
        return f"has {array.shape[-1]} channels, the network takes {channels}; expected {expected}, got {array.shape}"
    return f"is an array of shape {array.shape}; expected {expected}"


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
