"""Pictures of a finished report, decoded: whoever made it, within limits of format and size."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from PIL import Image

from reportgen.errors import ReportgenError, one_line

# What reports keep pictures in. Others start programs to be decoded, or have decoders nobody looks after.
FORMATS = ("WEBP", "PNG", "JPEG", "GIF", "AVIF")

# Of one picture: figures of a report stay far below.
MOST_PIXELS = 80_000_000

# What decoders raise on damaged files.
_DAMAGE = (OSError, ValueError, SyntaxError, LookupError, EOFError, TypeError, struct.error, zlib.error)


@contextmanager
def stored_picture(data: bytes, name: str, formats: Sequence[str] = FORMATS) -> Iterator[Image.Image]:
    """The picture that `data` holds, under the path `name` in its report; it is decoded during the block.

    Raises:
        ReportgenError: also during the block: it is none of `formats`, damaged, or has too many pixels.
    """
    try:
        with Image.open(io.BytesIO(data), formats=list(formats)) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise ValueError(f"it has {picture.width} x {picture.height} pixels")
            yield picture
    except (*_DAMAGE, Image.DecompressionBombError) as error:
        raise ReportgenError(
            f"expected a picture of a report in {name}, cannot read it ({one_line(error, 80)}); make the report again"
        ) from error
