"""Pictures of a finished report, decoded, whoever made it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from PIL import Image

from reportgen.errors import ReportgenError, one_line
from reportgen.picture_files import STORED, opened_picture


@contextmanager
def stored_picture(data: bytes, name: str, formats: Sequence[str] = STORED) -> Iterator[Image.Image]:
    """The picture that `data` holds, under the path `name` in its report; it is decoded during the block.

    Raises:
        ReportgenError: also during the block: it is none of `formats`, damaged, or has too many pixels.
    """
    try:
        with opened_picture(data, formats) as picture:
            yield picture
    except (OSError, ValueError) as error:
        raise ReportgenError(
            f"expected a picture of a report in {name}, cannot read it ({one_line(error, 80)}); make the report again"
        ) from error
