"""Encoded pictures and arrays as upright pixels, their values as they are."""

from __future__ import annotations

import hashlib
import io
import re
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from reportgen.errors import ReportgenError, one_line
from reportgen.images.deep_png import read_deep_png
from reportgen.images.heif import INSTALL_HEIC, heif_formats, is_heif, reads_heif
from reportgen.images.sources import MAX_PIXELS, TOO_LARGE, ImageFile, ImageSource, depth_of
from reportgen.images.tiff import MissingCodecError, read_tiff, upright
from reportgen.machine.memory import Room
from reportgen.results import PixelArray

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")

# Pillow's modes of pictures of 8 bits; those of other depths have values of their own.
_BYTE_MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV")

# How red, green and blue add up to grey, as in ITU-R 601, which Pillow follows for 8 bits.
_LUMA = (0.299, 0.587, 0.114)

# Pillow registers its formats at the first picture it meets, which threads must not do at the same time.
Image.init()

# A picture whose notes (time, place, lens) are damaged is still a picture; Pillow would warn of each.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")

# What decoding takes of memory: the picture, one without transparency, one turned, one in the network's colours.
_BYTES_PER_PIXEL = 12

# Values of one picture of many bands.
_MOST_BYTES = 2 << 30

# What all threads that decode take together; one picture of the most pixels has room.
_DECODING = Room(MAX_PIXELS * _BYTES_PER_PIXEL)

_WHITE = (255, 255, 255)

_PNG_DEPTH = 24  # the byte of a PNG that says how many bits a sample has
_TIFF_MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

# What Pillow's decoders raise on files that are damaged; they have no common base.
_DECODING_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)


# Hears of the name of an image and its pixels.
Decoded = Callable[[str, PixelArray], None]


class UnreadableImageError(ReportgenError):
    """A picture that cannot be decoded; `reason` is a phrase that follows its name."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file}: {reason}")
        self.file = file
        self.reason = reason

    def __reduce__(self) -> tuple[type[UnreadableImageError], tuple[str, str]]:
        return type(self), (self.file, self.reason)


def load_image(image: ImageFile, channels: int = 3) -> PixelArray:
    """The upright pixels of an image, `(height, width, channels)`: red, green, blue, grey for one channel, or bands.

    Pictures of 8 bits are uint8, those of 16 bits uint16 or int16, all others float32; no value is changed but
    where colours become grey.

    Raises:
        UnreadableImageError: it cannot be decoded, or has other channels.
    """
    return _pixels(image.file, _read(image.file, image.source), channels)


def inspect_image(
    name: str, source: ImageSource, channels: int, *, thorough: bool, decoded: Decoded | None = None
) -> ImageFile:
    """Read the header of a picture; all of it if `thorough`, or where its values are not of 8 bits.

    `decoded` is given the pixels that were read for that, so that nobody need read them again.
    """
    content = _read(name, source)
    if isinstance(content, bytes):
        digest = hashlib.sha256(content)
        with _opened(name, content) as picture:
            width, height = _upright_size(name, picture, content)
            plain = picture is not None and _is_plain(picture, content)
    else:
        height, width = content.shape[:2]
        digest = hashlib.sha256(f"{content.dtype} {content.shape}".encode() + np.ascontiguousarray(content).tobytes())
        plain = False
    if plain and not thorough:
        if channels not in (1, 3):
            raise UnreadableImageError(name, _other_channels("a picture file", channels))
        return ImageFile(name, source, digest.hexdigest(), width, height)
    pixels = _pixels(name, content, channels)
    if decoded is not None:
        decoded(name, pixels)
    finite = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels
    return ImageFile(
        name,
        source,
        digest.hexdigest(),
        pixels.shape[1],
        pixels.shape[0],
        depth=depth_of(pixels.dtype),
        extremes=(float(finite.min()), float(finite.max())) if finite.size else None,
        finite=finite.size == pixels.size,
    )


def _pixels(name: str, content: bytes | NDArray[Any], channels: int) -> PixelArray:
    if not isinstance(content, bytes):
        return _from_array(name, content, channels)
    with _opened(name, content) as picture, _DECODING.taken(_decoding_bytes(picture)):
        if picture is None or (picture.format == "TIFF" and not _is_plain(picture, content, channels)):
            return _from_array(name, _tiff_values(name, picture, content, channels), channels)
        return _decode(name, picture, content, channels)


@contextmanager
def decoding_room(image: ImageFile) -> Iterator[None]:
    """Wait, before an image is decoded and made to fit in the block, until those under way leave memory for it."""
    with _DECODING.taken(image.width * image.height * _BYTES_PER_PIXEL):
        yield


def _decoding_bytes(picture: Image.Image | None) -> int:
    """Bytes that decoding a picture takes; of one whose size is not known, all there are."""
    return _DECODING.size if picture is None else picture.width * picture.height * _BYTES_PER_PIXEL


def _tiff_values(name: str, picture: Image.Image | None, content: bytes, channels: int) -> NDArray[Any]:
    def check_size(width: int, height: int, bands: int, size: int) -> None:
        if width * height > MAX_PIXELS:
            raise UnreadableImageError(name, f"is {width}x{height}, {TOO_LARGE}")
        if bands not in (1, 3, 4, channels):
            raise UnreadableImageError(name, f"has {bands} channels, the network takes {channels}")
        if width * height * bands * size > _MOST_BYTES:
            raise UnreadableImageError(name, f"is {width}x{height}x{bands}, more than 2 GB of values; make it smaller")

    with _damage_named(name):
        try:
            return read_tiff(content, channels, check_size)
        except MissingCodecError:
            # Pillow has decoders of its own, but no picture of several bands of more than 8 bits.
            if picture is None or picture.mode in _BYTE_MODES or len(picture.getbands()) > 1:
                reason = "is compressed in a way that needs a further package: pip install imagecodecs"
                raise UnreadableImageError(name, reason) from None
            return _deep_values(ImageOps.exif_transpose(picture))


def _is_plain(picture: Image.Image, content: bytes, channels: int = 3) -> bool:
    """Whether Pillow gives all there is in a picture for networks of `channels`: 8 bits, grey or colours."""
    if picture.format == "PNG":
        return picture.mode in _BYTE_MODES and content[_PNG_DEPTH] != 16
    if picture.format != "TIFF":
        return picture.mode in _BYTE_MODES
    notes = picture.getexif()
    bits = notes.get(ExifTags.Base.BitsPerSample, 1)
    deepest = max(bits) if isinstance(bits, tuple) else bits
    bands = notes.get(ExifTags.Base.SamplesPerPixel, 1)
    return picture.mode in _BYTE_MODES and deepest <= 8 and bands <= 4 and channels in (1, 3)


def _read(name: str, source: ImageSource) -> bytes | NDArray[Any]:
    try:
        content = source.read()
    except (OSError, ValueError, LookupError, MemoryError) as error:
        reason = one_line(getattr(error, "strerror", None) or error or "it has no room in memory", 200)
        raise UnreadableImageError(name, f"cannot be read: {reason}") from error
    if isinstance(content, bytes) and not content:
        raise UnreadableImageError(name, "is empty")
    return content


@contextmanager
def _damage_named(name: str) -> Iterator[None]:
    """Turn what a decoder raises during the block into the reason why `name` cannot be used."""
    try:
        yield
    except UnidentifiedImageError as error:
        raise UnreadableImageError(
            name, "is no image of a known kind (JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF, HEIC)"
        ) from error
    except Image.DecompressionBombError as error:
        raise UnreadableImageError(name, TOO_LARGE) from error
    except _DECODING_ERRORS as error:
        # Without the addresses of objects, which differ from run to run.
        text = " ".join(re.sub(r"<[^>]*>", "", str(error)).split())[:200]
        raise UnreadableImageError(name, f"is damaged or cut off ({text or type(error).__name__})") from error


@contextmanager
def _opened(name: str, content: bytes) -> Iterator[Image.Image | None]:
    """The picture with its header read, of a size that may be decoded; None for a TIFF that Pillow cannot read."""
    with _damage_named(name):
        formats = (*FORMATS, *heif_formats(content))
        try:
            picture = Image.open(io.BytesIO(content), formats=formats)
        except UnidentifiedImageError:
            if is_heif(content) and not reads_heif():
                raise UnreadableImageError(name, INSTALL_HEIC) from None
            if not content.startswith(_TIFF_MARKS):
                raise
            picture = None
        if picture is not None and picture.width * picture.height > MAX_PIXELS:
            raise UnreadableImageError(name, f"is {picture.width}x{picture.height}, {TOO_LARGE}")
    if picture is None:
        yield None
        return
    with picture:
        yield picture


def _upright_size(name: str, picture: Image.Image | None, content: bytes) -> tuple[int, int]:
    if picture is None:
        return 0, 0  # its pixels will tell
    # Pillow decodes a whole PNG to look for notes behind the pixels; most have none.
    if picture.format == "PNG" and not any(mark in content for mark in (b"eXIf", b"Raw profile type exif")):
        return picture.size
    with _damage_named(name):
        turned = picture.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
    return (picture.height, picture.width) if turned else (picture.width, picture.height)


def _decode(name: str, picture: Image.Image, content: bytes, channels: int) -> PixelArray:
    with _damage_named(name):
        deep = picture.format == "PNG" and picture.mode in _BYTE_MODES and content[_PNG_DEPTH] == 16
        if deep:
            turned = picture.getexif().get(ExifTags.Base.Orientation, 1)
            return _from_array(name, upright(read_deep_png(content), turned), channels)
        transposed = ImageOps.exif_transpose(picture)
        if picture.mode not in _BYTE_MODES:
            return _from_array(name, _deep_values(transposed), channels)
        if len(picture.getbands()) == channels and channels not in (1, 3):
            pixels = np.asarray(transposed)
        elif channels in (1, 3):
            pixels = np.asarray(_in_colour(transposed).convert("RGB" if channels == 3 else "L"))
        else:
            raise UnreadableImageError(name, _other_channels("a picture file", channels))
    return pixels.reshape(*pixels.shape[:2], channels)


def _other_channels(what: str, channels: int) -> str:
    return f"{what}, but the network takes {channels} channels; give a .npy, or a TIFF of {channels} bands"


def _in_colour(picture: Image.Image) -> Image.Image:
    """A picture of 8 bits as one without transparency."""
    if picture.has_transparency_data:
        with_alpha = picture.convert("RGBA")
        background = Image.new("RGBA", picture.size, (*_WHITE, 255))
        return Image.alpha_composite(background, with_alpha)
    return picture.convert("RGB") if picture.mode not in ("RGB", "L") else picture


def _deep_values(picture: Image.Image) -> PixelArray:
    """Grey of 16 or 32 bits, or in floating point."""
    if picture.mode == "I" and picture.format == "PNG":
        return np.asarray(picture).astype(np.uint16)
    return np.asarray(picture)


def _from_array(name: str, values: NDArray[Any], channels: int) -> PixelArray:
    """An array `(height, width[, channels])` as the network's channels, in one of the types images are held in."""
    depth = depth_of(values.dtype)
    pixels: PixelArray = np.ascontiguousarray(values, dtype=depth)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    given = pixels.shape[2]
    if given == channels:
        return pixels
    if given not in (1, 3, 4) or channels not in (1, 3):
        raise UnreadableImageError(name, f"has {given} channels, the network takes {channels}")
    if depth == "uint8":
        picture = Image.fromarray(pixels[:, :, 0] if given == 1 else pixels)
        colours = np.asarray(_in_colour(picture).convert("RGB" if channels == 3 else "L"))
        return colours.reshape(*colours.shape[:2], channels)
    if given == 4:
        pixels = _on_white(name, pixels)
    if channels == 3:
        return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
    grey = pixels.astype(np.float64) @ np.array(_LUMA) if pixels.shape[2] == 3 else pixels[:, :, 0]
    return np.asarray(np.rint(grey) if depth != "float32" else grey).astype(depth)[:, :, None]


def _on_white(name: str, pixels: PixelArray) -> PixelArray:
    """Four channels of 16 bits, the last of them transparency, as three on white."""
    if pixels.dtype != np.uint16:
        raise UnreadableImageError(name, f"has 4 channels of {pixels.dtype}; what the fourth means is not known")
    share = pixels[:, :, 3:] / 65535.0
    return np.asarray(np.rint(pixels[:, :, :3] * share + 65535.0 * (1 - share))).astype(np.uint16)
