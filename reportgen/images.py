"""Image files, shards and arrays as RGB pixels, and how they are fitted into a network's input."""

from __future__ import annotations

import glob
import hashlib
import io
import math
import os
import tarfile
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from reportgen.errors import ReportgenError
from reportgen.results import ByteArray, Placement, SkippedImage

# What is looked for in folders and shards; a file named by itself is tried whatever it is called.
SUFFIXES = (".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")

# Pillow registers its formats at the first picture it meets, which threads must not do at the same time.
Image.init()

# A picture of more pixels needs half a gigabyte to decode; cameras and telephones stay below in their
# usual setting, and below it Pillow gives no warning of its own (from 89 million on).
MAX_PIXELS = 80_000_000

# Sets up to this size are decoded once while they are collected, so that a broken picture is known before
# the work begins; in larger ones it comes to light, and is skipped, when its turn comes.
CHECKED_IMAGES = 256

_READERS = 4  # threads; hashing and decoding let go of the interpreter

_WHITE = (255, 255, 255)

_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}

Resize = Literal["crop", "squash", "pad"]
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]


class UnreadableImageError(ReportgenError):
    """A picture that cannot be decoded; `reason` is a phrase that follows its name."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file}: {reason}")
        self.file = file
        self.reason = reason

    def __reduce__(self) -> tuple[type[UnreadableImageError], tuple[str, str]]:
        return type(self), (self.file, self.reason)


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
    skipped: tuple[SkippedImage, ...]

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[ImageFile]:
        return iter(self.images)


@dataclass(frozen=True)
class _Candidate:
    """A picture found but not yet looked at, by the name it would like."""

    name: str
    source: ImageSource


# --- collecting -----------------------------------------------------------------------------------


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

    def look(item: tuple[str, _Candidate]) -> ImageFile | SkippedImage:
        name, candidate = item
        try:
            return _inspect(name, candidate.source, channels, thorough=thorough)
        except UnreadableImageError as error:
            return SkippedImage(name, error.reason)

    # The limit on pixels is checked here and with a reason; Pillow's own warning would only repeat it.
    with warnings.catch_warnings(), ThreadPoolExecutor(_READERS) as readers:
        warnings.simplefilter("ignore")
        looked_at = list(readers.map(look, zip(names, candidates, strict=True)))
    images = tuple(item for item in looked_at if isinstance(item, ImageFile))
    skipped = tuple(item for item in looked_at if isinstance(item, SkippedImage))
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
        return [candidate for file in _walk(path) for candidate in _open(file, _inner_name(file, path))]
    if path.exists():
        return _open(path, _printable(path.name))
    if not glob.has_magic(argument):
        raise ReportgenError(f"{argument}: there is no such file or folder; expected images")
    base = _fixed_folder(argument)
    found: list[_Candidate] = []
    for match in sorted(glob.glob(argument, recursive=True)):  # noqa: PTH207 - takes absolute patterns too
        file = Path(match)
        inner = _walk(file) if file.is_dir() else [file]
        found += [candidate for part in inner for candidate in _open(part, _inner_name(part, base))]
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
    real = str(path.resolve())
    if suffix == ".tar":
        return _tar_candidates(path, real, name)
    if suffix == ".npy":
        return _array_file_candidates(path, real, name)
    return [_Candidate(name, FileSource(real))]


def _tar_candidates(path: Path, real: str, name: str) -> list[_Candidate]:
    try:
        with tarfile.open(path, "r:") as archive:
            members = [member for member in archive if member.isreg() and member.name.lower().endswith(SUFFIXES)]
    except (OSError, tarfile.TarError) as error:
        raise ReportgenError(f"{path}: expected an uncompressed .tar of images, cannot read it: {error}") from error
    return [
        _Candidate(
            f"{name}/{_printable(str(PurePosixPath(member.name)))}",
            TarSource(real, member.offset_data, member.size),
        )
        for member in sorted(members, key=lambda member: member.name)
    ]


def _array_file_candidates(path: Path, real: str, name: str) -> list[_Candidate]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ReportgenError(f"{path}: expected an array of images (.npy), cannot read it: {error}") from error
    _check_array(array, str(path))
    digits = len(str(len(array) - 1))
    return [_Candidate(f"{name}/{index:0{digits}d}", ArrayFileSource(real, index)) for index in range(len(array))]


def _array_candidates(array: NDArray[Any]) -> list[_Candidate]:
    _check_array(array, "the images")
    digits = len(str(len(array) - 1))
    return [_Candidate(f"image-{index:0{digits}d}", ArraySource(pixels)) for index, pixels in enumerate(array)]


def _check_array(array: NDArray[Any], name: str) -> None:
    if array.ndim not in (3, 4) or array.dtype.kind not in "uif" or 0 in array.shape:
        raise ReportgenError(
            f"{name}: expected numbers (images, height, width, channels) of 0..255, got {array.dtype} {array.shape}"
        )
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


def _inspect(name: str, source: ImageSource, channels: int, *, thorough: bool) -> ImageFile:
    """Read the header of a picture, and all of it if `thorough`."""
    content = _read(name, source)
    if isinstance(content, bytes):
        if channels not in (1, 3):
            raise UnreadableImageError(name, f"a picture file, but the network takes {channels} channels; give a .npy")
        with _opened(name, content) as picture:
            width, height = _upright_size(picture)
            if thorough:
                _decode(name, picture, channels)
        digest = hashlib.sha256(content)
    else:
        height, width = content.shape[:2]
        digest = hashlib.sha256(f"{content.dtype} {content.shape}".encode() + np.ascontiguousarray(content).tobytes())
        if thorough:
            _from_array(name, content, channels)
    return ImageFile(name, source, digest.hexdigest(), width, height)


def _read(name: str, source: ImageSource) -> bytes | NDArray[Any]:
    try:
        content = source.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableImageError(name, f"cannot be read: {reason}") from error
    if isinstance(content, bytes) and not content:
        raise UnreadableImageError(name, "is empty")
    return content


def _opened(name: str, content: bytes) -> Image.Image:
    """The picture with its header read, of a size that may be decoded."""
    try:
        picture = Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise UnreadableImageError(
            name, "is no image of a known format (JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF)"
        ) from error
    except Image.DecompressionBombError as error:
        raise UnreadableImageError(name, _too_large()) from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise UnreadableImageError(name, f"is damaged: {error}") from error
    if picture.width * picture.height > MAX_PIXELS:
        raise UnreadableImageError(name, f"is {picture.width}x{picture.height}, {_too_large()}")
    return picture


def _too_large() -> str:
    return f"more than {MAX_PIXELS // 10**6} million pixels; make it smaller"


def _upright_size(picture: Image.Image) -> tuple[int, int]:
    turned = picture.getexif().get(0x0112) in (5, 6, 7, 8)
    return (picture.height, picture.width) if turned else (picture.width, picture.height)


# --- loading --------------------------------------------------------------------------------------


def load_image(image: ImageFile, channels: int = 3) -> ByteArray:
    """The upright pixels of a picture, uint8 `(height, width, channels)`: red, green, blue, or grey for one channel.

    Raises:
        UnreadableImageError: it cannot be decoded, or has other channels.
    """
    content = _read(image.file, image.source)
    if not isinstance(content, bytes):
        return _from_array(image.file, content, channels)
    with _opened(image.file, content) as picture:
        return _decode(image.file, picture, channels)


def _decode(name: str, picture: Image.Image, channels: int) -> ByteArray:
    if channels not in (1, 3):
        raise UnreadableImageError(name, f"a picture file, but the network takes {channels} channels; give a .npy")
    try:
        upright = ImageOps.exif_transpose(picture)
        pixels = np.asarray(_in_colour(upright).convert("RGB" if channels == 3 else "L"))
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, MemoryError) as error:
        raise UnreadableImageError(name, f"is damaged or cut off: {error}") from error
    return pixels.reshape(*pixels.shape[:2], channels)


def _in_colour(picture: Image.Image) -> Image.Image:
    """A picture of any mode as one of eight bits without transparency."""
    if picture.mode.startswith("I") or picture.mode == "F":
        return _scaled_to_bytes(picture)
    if picture.has_transparency_data:
        with_alpha = picture.convert("RGBA")
        background = Image.new("RGBA", picture.size, (*_WHITE, 255))
        return Image.alpha_composite(background, with_alpha)
    return picture.convert("RGB") if picture.mode not in ("RGB", "L") else picture


def _scaled_to_bytes(picture: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits, or in floating point, brought to 0..255 by the range its values come from."""
    values = np.nan_to_num(np.asarray(picture, dtype=np.float64))
    highest = float(values.max(initial=0.0))
    if picture.mode.startswith("I;16"):
        top = 65535.0
    else:
        # No header says what white is: the smallest range in use that holds all values.
        top = next((top for top in (1.0, 255.0, 65535.0) if highest <= top), highest)
        if picture.mode == "I" and top == 1.0:
            top = 255.0
    return Image.fromarray(np.clip(np.rint(values * (255.0 / top)), 0, 255).astype(np.uint8))


def _from_array(name: str, values: NDArray[Any], channels: int) -> ByteArray:
    pixels: ByteArray = np.clip(np.rint(np.nan_to_num(values)), 0, 255).astype(np.uint8)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.shape[2] == channels:
        return pixels
    if pixels.shape[2] in (1, 3, 4) and channels in (1, 3):
        picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        return _decode(name, picture, channels)
    raise UnreadableImageError(name, f"has {pixels.shape[2]} channels, the network takes {channels}")


# --- fitting --------------------------------------------------------------------------------------


def fit_image(
    pixels: ByteArray, size: tuple[int, int], resize: Resize = "squash", interpolation: Interpolation = "bilinear"
) -> tuple[ByteArray, Placement]:
    """Bring a picture to the size a network takes.

    `crop` scales the short side to fit and cuts the rest off evenly, `squash` gives up the proportions, `pad`
    scales the long side to fit and leaves black beside it. Reductions average over all pixels.

    Args:
        pixels: uint8 `(height, width, channels)`.
        size: `(height, width)` wanted.

    Returns:
        uint8 `(*size, channels)`, and where its pixels lie in the picture.
    """
    height, width = pixels.shape[:2]
    scales = size[0] / height, size[1] / width
    if resize == "squash":
        return _resized(pixels, size, (0, 0, width, height), interpolation), Placement(*scales, 0.0, 0.0)
    if resize == "crop":
        scale = max(scales)
        inner = size[0] / scale, size[1] / scale
        top, left = (height - inner[0]) / 2, (width - inner[1]) / 2
        box = max(0.0, left), max(0.0, top), min(width, left + inner[1]), min(height, top + inner[0])
        return _resized(pixels, size, box, interpolation), Placement(scale, scale, -top * scale, -left * scale)
    scale = min(scales)
    inner_size = (
        min(size[0], max(1, math.floor(height * scale + 0.5))),
        min(size[1], max(1, math.floor(width * scale + 0.5))),
    )
    top_margin, left_margin = (size[0] - inner_size[0]) // 2, (size[1] - inner_size[1]) // 2
    padded = np.zeros((*size, pixels.shape[2]), np.uint8)
    padded[top_margin : top_margin + inner_size[0], left_margin : left_margin + inner_size[1]] = _resized(
        pixels, inner_size, (0, 0, width, height), interpolation
    )
    return padded, Placement(inner_size[0] / height, inner_size[1] / width, top_margin, left_margin)


def _resized(
    pixels: ByteArray, size: tuple[int, int], box: tuple[float, float, float, float], interpolation: Interpolation
) -> ByteArray:
    if pixels.shape[2] != 3:
        planes = [_resized_plane(pixels[:, :, channel], size, box, interpolation) for channel in range(pixels.shape[2])]
        return np.stack(planes, axis=2)
    return _resized_plane(pixels, size, box, interpolation)


def _resized_plane(
    plane: ByteArray, size: tuple[int, int], box: tuple[float, float, float, float], interpolation: Interpolation
) -> ByteArray:
    picture = Image.fromarray(np.ascontiguousarray(plane))
    return np.asarray(picture.resize((size[1], size[0]), _RESAMPLING[interpolation], box=box))
