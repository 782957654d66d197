"""What can be measured on every image without a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ByteArray = NDArray[np.uint8]

# Of red, green and blue in the brightness that is seen (ITU-R BT.601).
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class ImageProperties:
    """Properties of an image's 8-bit pixels, and its size as it was given.

    `brightness` and `contrast` are mean and standard deviation of the grey values, 0 to 255. `sharpness` is the mean
    absolute difference of a pixel from the mean of its four neighbours, in grey values. `colourfulness` is that of
    Hasler and Suesstrunk 2003, None where there are not three channels. `aspect_ratio` is width over height.
    """

    brightness: float
    contrast: float
    sharpness: float
    colourfulness: float | None
    height: int
    width: int
    aspect_ratio: float


def measure_image(pixels: ByteArray, original_size: tuple[int, int] | None = None) -> ImageProperties:
    """Measure an image.

    Args:
        pixels: `(height, width, channels)`, as they reach the network's preprocessing.
        original_size: `(height, width)` before the image was fitted to the network; that of `pixels` where None.
    """
    grey = grey_values(pixels)
    height, width = original_size or grey.shape
    inner = grey[1:-1, 1:-1]
    around = (grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]) / 4
    return ImageProperties(
        brightness=float(grey.mean(dtype=np.float64)),
        contrast=float(grey.std(dtype=np.float64)),
        sharpness=float(np.abs(inner - around).mean(dtype=np.float64)) if inner.size else 0.0,
        colourfulness=_colourfulness(pixels) if pixels.shape[-1] == 3 else None,
        height=height,
        width=width,
        aspect_ratio=width / height,
    )


def as_bytes(values: NDArray[Any], levels: tuple[float, float]) -> ByteArray:
    """Values of an image as 8 bits: those of 8 bits as they are, others between black and white (`levels`).

    >>> as_bytes(np.array([0.0, 0.5, 2.0], np.float32), (0, 1)).tolist()
    [0, 128, 255]
    """
    if values.dtype == np.uint8:
        return values
    low, high = levels
    scaled = (np.nan_to_num(values.astype(np.float32)) - low) * (255 / (high - low))
    return np.asarray(np.clip(np.rint(scaled), 0, 255), np.uint8)


def grey_values(pixels: ByteArray) -> NDArray[np.float32]:
    """The brightness `(height, width)` of pixels `(height, width, channels)`: luma of three, the mean of others."""
    if pixels.shape[-1] == 3:
        return np.asarray(pixels.astype(np.float32) @ _LUMA)
    return np.asarray(pixels.mean(axis=-1, dtype=np.float32))


def _colourfulness(pixels: ByteArray) -> float:
    red, green, blue = np.moveaxis(pixels.astype(np.float32), -1, 0)
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    spread = np.hypot(red_green.std(dtype=np.float64), yellow_blue.std(dtype=np.float64))
    return float(spread + 0.3 * np.hypot(red_green.mean(dtype=np.float64), yellow_blue.mean(dtype=np.float64)))
