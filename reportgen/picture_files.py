"""Pictures of others, decoded within limits: what is none, or is too large, is a line before its pixels are made."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from reportgen.opening import read_regular

# What reports keep pictures in, and what masks come in. Others start programs to be decoded, or have decoders nobody
# looks after.
STORED = ("WEBP", "PNG", "JPEG", "GIF", "AVIF")
MASKS = (*STORED, "BMP", "TIFF")

MOST_PIXELS = 80_000_000

# What decoders raise on damaged files, beside OSError and ValueError.
_DAMAGE = (
    EOFError, LookupError, RuntimeError, SyntaxError, TypeError, struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip


@contextmanager
def opened_picture(source: bytes | Path, formats: Sequence[str]) -> Iterator[Image.Image]:
    """A picture, which is decoded during the block.

    Args:
        source: the file, or what is in it.
        formats: those it may have, by Pillow's names.

    Raises:
        OSError, ValueError: also during the block: it is none of `formats`, damaged, or has too many pixels.
    """
    data = source if isinstance(source, bytes) else read_regular(source, "image")
    try:
        with Image.open(io.BytesIO(data), formats=list(formats)) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise ValueError(f"it has {picture.width} x {picture.height} pixels, more than {MOST_PIXELS:,}")
            yield picture
    except UnidentifiedImageError as error:
        raise ValueError("it is no picture") from error
    except _DAMAGE as error:
        raise ValueError(f"it is damaged ({error or type(error).__name__})") from error
