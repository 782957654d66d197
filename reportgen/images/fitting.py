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
    placement = place_image(height, width, size, resize)
    if resize != "pad":
        top, left = -placement.top / placement.scale_y, -placement.left / placement.scale_x
        bottom, right = top + size[0] / placement.scale_y, left + size[1] / placement.scale_x
        box = max(0.0, left), max(0.0, top), min(width, right), min(height, bottom)
        return _resized(pixels, size, box, interpolation), placement
    inner = round(height * placement.scale_y), round(width * placement.scale_x)
    top_margin, left_margin = _margins(size, inner)
    padded = np.zeros((*size, pixels.shape[2]), np.uint8)
    padded[top_margin : top_margin + inner[0], left_margin : left_margin + inner[1]] = _resized(
        pixels, inner, (0, 0, width, height), interpolation
    )
    return padded, placement


def place_image(height: int, width: int, size: tuple[int, int], resize: Resize) -> Placement:
    """Where a picture of `height` and `width` comes to lie in an input of `size`."""
    scales = size[0] / height, size[1] / width
    if resize == "squash":
        return Placement(*scales, 0.0, 0.0)
    if resize == "crop":
        scale = max(scales)
        return Placement(scale, scale, (size[0] - height * scale) / 2, (size[1] - width * scale) / 2)
    scale = min(scales)
    inner = (
        min(size[0], max(1, math.floor(height * scale + 0.5))),
        min(size[1], max(1, math.floor(width * scale + 0.5))),
    )
    return Placement(inner[0] / height, inner[1] / width, *_margins(size, inner))


def _margins(size: tuple[int, int], inner: tuple[int, int]) -> tuple[int, int]:
    return (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2


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
