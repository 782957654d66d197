"""Occlusion: how far a target falls when a window of the image is covered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.attribution.integrated_gradients import MID_GREY
from reportgen.analysis.attribution.results import AttributionMaps
from reportgen.analysis.attribution.targets import Target
from reportgen.analysis.attribution.tracing import TracedCall, runs, score_images

# The window's side as a share of the image's; it moves by half of it.
WINDOW = 1 / 8

Window = tuple[slice, slice]


def occlusion(
    traced: TracedCall,
    pixels: NDArray[Any],
    targets: Sequence[Target],
    *,
    window: float = WINDOW,
    grey: float = MID_GREY,
) -> AttributionMaps:
    """Cover each place in turn (Zeiler and Fergus, 2014); a pixel's value is the mean fall of the windows over it.

    Args:
        pixels: `(images, height, width, channels)` of 0..255.
        window: side of the window as a share of the image's.
        grey: what it is covered with, in the units of `pixels`.
    """
    height, width = pixels.shape[1:3]
    windows = place_windows(height, width, window)
    scores = score_images(traced, pixels, targets)
    maps = np.zeros((len(targets), len(pixels), height, width), np.float64)
    covers = np.zeros((height, width))
    for place in windows:
        covers[place] += 1
    rows = traced.rows(pixels.shape[1:], gradient=False)
    for index in range(len(pixels)):
        own, here = [target.only(index) for target in targets], traced.at([index])
        for run in runs(len(windows), rows):
            part = windows[run.start : run.stop]
            falls = scores[:, index : index + 1] - score_images(here, _covered(pixels[index], part, grey), own)
            for place, fall in zip(part, falls.T, strict=True):
                maps[:, index, place[0], place[1]] += fall[:, None, None]
    return AttributionMaps("occlusion", None, (maps / covers).astype(np.float32), scores)


def place_windows(height: int, width: int, share: float = WINDOW) -> list[Window]:
    """Where the window lies, row by row; together they cover every pixel."""
    return [(rows, columns) for rows in _stretches(height, share) for columns in _stretches(width, share)]


def _stretches(side: int, share: float) -> list[slice]:
    length = _length(side, share)
    starts = list(range(0, side - length + 1, max(1, length // 2)))
    if starts[-1] != side - length:
        starts.append(side - length)
    return [slice(start, start + length) for start in starts]


def _length(side: int, share: float) -> int:
    return min(side, max(1, round(side * share)))


def _covered(image: NDArray[Any], windows: Sequence[Window], grey: float) -> NDArray[np.float32]:
    """Copies of `image`, each with one of `windows` covered."""
    copies = np.repeat(image[None].astype(np.float32), len(windows), axis=0)
    for copy, place in zip(copies, windows, strict=True):
        copy[place] = grey
    return copies
