"""How far two pictures differ, for putting those first that changed most."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from reportgen.files.inside import Inside
from reportgen.finished.stored_picture import stored_picture

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
    with stored_picture(data, path) as picture:
        return np.asarray(picture.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float32)
