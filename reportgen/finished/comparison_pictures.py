"""How far two pictures differ, for putting those first that changed most."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from reportgen.errors import ReportgenError
from reportgen.files.inside import Inside

# Pictures are compared at this many pixels a side: enough to see what changed, and quick for hundreds of pairs.
_SIDE = 96


def picture_distance(first: tuple[Path, str], second: tuple[Path, str]) -> float:
    """The mean absolute difference of two pictures, each the folder of a report and a path in it, 0 (the same) to 1.

    Raises:
        ReportgenError: one of them cannot be read.
    """
    one, two = (_small(*place) for place in (first, second))
    return float(np.abs(one - two).mean() / 255)


def _small(folder: Path, path: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    data = Inside(folder).read(path, "a picture to compare", "picture")
    try:
        with Image.open(io.BytesIO(data)) as picture:
            shown = picture.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ReportgenError(f"expected a picture at {folder / path}, cannot read it; make the report again") from error
    return np.asarray(shown, np.float32)
