"""Fit an image into what a network takes: its size, and the range of its values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image

from reportgen.facts import Placement
from reportgen.images.sources import depth_of
from reportgen.images.values import BYTES, ValueScale
from reportgen.results import PixelArray

_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}

Resize = Literal["crop", "squash", "pad"]
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]


@dataclass(frozen=True)
class Fitting:
    """How images are made to fit a network.

    `resize` "crop" scales the short side to fit and cuts the rest off evenly, "squash" gives up the proportions,
    "pad" scales the long side to fit and leaves black beside it. Reductions average over all pixels.

    Attributes:
        size: height and width of the network's input.
        scale: what becomes of the values.
    """

    size: tuple[int, int]
    resize: Resize = "squash"
    interpolation: Interpolation = "bilinear"
    scale: ValueScale = BYTES

    def apply(self, pixels: PixelArray) -> tuple[PixelArray, Placement]:
        """Bring an image to the size and the range of values in which it goes in.

        Args:
            pixels: `(height, width, channels)`, as `load_image` gives them.

        Returns:
            `(*size, channels)`, uint8 where all images of the set have 8 bits, else float32 that was not rounded;
            and where its pixels lie in the image.
        """
        height, width = pixels.shape[:2]
        placement = self.place(height, width)
        depth = depth_of(pixels.dtype)
        if self.resize != "pad":
            top, left = -placement.top / placement.scale_y, -placement.left / placement.scale_x
            bottom, right = top + self.size[0] / placement.scale_y, left + self.size[1] / placement.scale_x
            box = max(0.0, left), max(0.0, top), min(width, right), min(height, bottom)
            return self.scale.apply(_resized(pixels, self.size, box, self.interpolation), depth), placement
        inner = round(height * placement.scale_y), round(width * placement.scale_x)
        top_margin, left_margin = _margins(self.size, inner)
        resized = _resized(pixels, inner, (0, 0, width, height), self.interpolation)
        padded = np.full((*self.size, pixels.shape[2]), self.scale.black_of(depth), resized.dtype)
        padded[top_margin : top_margin + inner[0], left_margin : left_margin + inner[1]] = resized
        return self.scale.apply(padded, depth), placement

    def place(self, height: int, width: int) -> Placement:
        """Where an image of `height` and `width` comes to lie in the network's input."""
        scale_y, scale_x = self.size[0] / height, self.size[1] / width
        if self.resize == "squash":
            return Placement(scale_y=scale_y, scale_x=scale_x, top=0.0, left=0.0)
        if self.resize == "crop":
            scale = max(scale_y, scale_x)
            top, left = (self.size[0] - height * scale) / 2, (self.size[1] - width * scale) / 2
            return Placement(scale_y=scale, scale_x=scale, top=top, left=left)
        scale = min(scale_y, scale_x)
        inner = (
            min(self.size[0], max(1, math.floor(height * scale + 0.5))),
            min(self.size[1], max(1, math.floor(width * scale + 0.5))),
        )
        top, left = _margins(self.size, inner)
        return Placement(scale_y=inner[0] / height, scale_x=inner[1] / width, top=top, left=left)

    def content(self) -> list[Any]:
        """Everything a fitted image depends on besides the image, for keys of kept results."""
        scale = self.scale
        return [self.size, self.resize, self.interpolation, scale.dtype, scale.kept, list(map(list, scale.ranges))]


def _margins(size: tuple[int, int], inner: tuple[int, int]) -> tuple[int, int]:
    return (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2


def _resized(
    pixels: PixelArray, size: tuple[int, int], box: tuple[float, float, float, float], interpolation: Interpolation
) -> PixelArray:
    """8-bit pixels in 8 bits, all others as float32, by the same kernels at the same places."""
    if pixels.dtype != np.uint8:
        pixels = pixels.astype(np.float32)
        if pixels.shape[:2] == size and box == (0, 0, size[1], size[0]):
            return pixels
    elif pixels.shape[2] == 3:
        return _resized_plane(pixels, size, box, interpolation)
    planes = [_resized_plane(pixels[:, :, channel], size, box, interpolation) for channel in range(pixels.shape[2])]
    return np.stack(planes, axis=2)


def _resized_plane(
    plane: PixelArray, size: tuple[int, int], box: tuple[float, float, float, float], interpolation: Interpolation
) -> PixelArray:
    picture = Image.fromarray(np.ascontiguousarray(plane))
    return np.asarray(picture.resize((size[1], size[0]), _RESAMPLING[interpolation], box=box))
