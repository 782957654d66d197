"""Fit a picture into the size a network takes."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from PIL import Image

from reportgen.results import ByteArray, Placement

_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}

Resize = Literal["crop", "squash", "pad"]
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]


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
