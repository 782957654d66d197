"""How far two pictures differ, for putting those first that changed most."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from reportgen.errors import ReportgenError

# Pictures are compared at this many pixels a side: enough to see what changed, and quick for hundreds of pairs.
_SIDE = 96


def picture_distance(first: Path, second: Path) -> float:
    """The mean absolute difference of two pictures, 0 (the same) to 1; the second is brought to the first's shape.

    Raises:
        ReportgenError: one of them cannot be read.
    """
    one, two = (_small(file) for file in (first, second))
    return float(np.abs(one - two).mean() / 255)


def _small(file: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    try:
        with Image.open(file) as picture:
            shown = picture.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ReportgenError(f"expected a picture at {file}, cannot read it; make the report again") from error
    return np.asarray(shown, np.float32)
