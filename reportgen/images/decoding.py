"""Encoded pictures and arrays as upright 8-bit pixels."""

from __future__ import annotations

import hashlib
import io
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from reportgen.errors import ReportgenError
from reportgen.images.sources import ImageFile, ImageSource
from reportgen.results import ByteArray

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")

# Pillow registers its formats at the first picture it meets, which threads must not do at the same time.
Image.init()

# A picture whose notes (time, place, lens) are damaged is still a picture; Pillow would warn of each.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")

# A picture of more pixels needs half a gigabyte to decode; cameras and telephones stay below in their
# usual setting, and below it Pillow gives no warning of its own (from 89 million on).
MAX_PIXELS = 80_000_000

_WHITE = (255, 255, 255)

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


class UnreadableImageError(ReportgenError):
    """A picture that cannot be decoded; `reason` is a phrase that follows its name."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file}: {reason}")
        self.file = file
        self.reason = reason

    def __reduce__(self) -> tuple[type[UnreadableImageError], tuple[str, str]]:
        return type(self), (self.file, self.reason)


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


def inspect_image(name: str, source: ImageSource, channels: int, *, thorough: bool) -> ImageFile:
    """Read the header of a picture, and all of it if `thorough`."""
    content = _read(name, source)
    if isinstance(content, bytes):
        if channels not in (1, 3):
            raise UnreadableImageError(name, f"a picture file, but the network takes {channels} channels; give a .npy")
        with _opened(name, content) as picture:
            width, height = _upright_size(name, picture, content)
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


@contextmanager
def _damage_named(name: str) -> Iterator[None]:
    """Turn what a decoder raises during the block into the reason why `name` cannot be used."""
    try:
        yield
    except UnidentifiedImageError as error:
        raise UnreadableImageError(
            name, "is no image of a known kind (JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF)"
        ) from error
    except Image.DecompressionBombError as error:
        raise UnreadableImageError(name, _too_large()) from error
    except _DECODING_ERRORS as error:
        # Without the addresses of objects, which differ from run to run.
        text = " ".join(re.sub(r"<[^>]*>", "", str(error)).split())[:200]
        raise UnreadableImageError(name, f"is damaged or cut off ({text or type(error).__name__})") from error


@contextmanager
def _opened(name: str, content: bytes) -> Iterator[Image.Image]:
    """The picture with its header read, of a size that may be decoded."""
    with _damage_named(name):
        picture = Image.open(io.BytesIO(content), formats=FORMATS)
        if picture.width * picture.height > MAX_PIXELS:
            raise UnreadableImageError(name, f"is {picture.width}x{picture.height}, {_too_large()}")
    with picture:
        yield picture


def _too_large() -> str:
    return f"more than {MAX_PIXELS // 10**6} million pixels; make it smaller"


def _upright_size(name: str, picture: Image.Image, content: bytes) -> tuple[int, int]:
    # Pillow decodes a whole PNG to look for notes behind the pixels; most have none.
    if picture.format == "PNG" and not any(mark in content for mark in (b"eXIf", b"Raw profile type exif")):
        return picture.size
    with _damage_named(name):
        turned = picture.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
    return (picture.height, picture.width) if turned else (picture.width, picture.height)


def _decode(name: str, picture: Image.Image, channels: int) -> ByteArray:
    if channels not in (1, 3):
        raise UnreadableImageError(name, f"a picture file, but the network takes {channels} channels; give a .npy")
    with _damage_named(name):
        upright = ImageOps.exif_transpose(picture)
        pixels = np.asarray(_in_colour(upright).convert("RGB" if channels == 3 else "L"))
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
