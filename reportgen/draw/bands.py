"""What is shown of images that are no pictures: of many channels, or of values that are not 8 bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reportgen import formats
from reportgen.draw.pixels import finite_range, to_levels
from reportgen.results import ByteArray, PixelArray

# A few values far out, as of clouds or dead pixels, would leave the rest without contrast.
PERCENTILES = (2, 98)

Bands = tuple[int, int, int]

STRETCHED = f"stretched from percentile {PERCENTILES[0]} to {PERCENTILES[1]} of its values"


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture of an image: uint8 `(height, width, 3)`.

    `bands` are the channels it is made of, one for grey; `ranges` the values of black and white in each, None where
    the image is a picture already and shown as it is.
    """

    pixels: ByteArray
    bands: tuple[int, ...]
    ranges: tuple[tuple[float, float], ...] | None

    def words(self, channels: int, *, chosen: bool) -> str:
        """What the picture is of an image of `channels`, as sentences; "" for an image shown as it is.

        `chosen` says that the user chose the bands.
        """
        ranges = [] if self.ranges is None else [_words(*ends) for ends in self.ranges]
        if len(self.bands) == 1:
            which = f"Channel {self.bands[0]} of {channels} in grey" if channels > 1 else "Its values in grey"
            return f"{which}, {STRETCHED}, {ranges[0]}." if ranges else ("" if channels == 1 else f"{which}.")
        if not ranges and self.bands == (0, 1, 2) and channels == 3:
            return ""
        first = "" if chosen or channels == 3 else " (the first three; --bands R,G,B chooses others)"
        named = ", ".join(str(band) for band in self.bands)
        colours = f"Channels {named} of {channels} as red, green and blue{first}"
        if not ranges:
            return f"{colours}."
        each = ", ".join(f"channel {band} {words}" for band, words in zip(self.bands, ranges, strict=True))
        return f"{colours}, each {STRETCHED}: {each}."


def _words(low: float, high: float) -> str:
    return f"{formats.number(low)} to {formats.number(high)}"


def show_image(values: PixelArray, bands: Bands | None = None) -> Shown:
    """A picture of an image `(height, width, channels)` of any type.

    8-bit images of one or three channels are shown as they are. Of others each band shown is stretched by itself.

    Args:
        values: of the image.
        bands: the channels shown as red, green and blue; by default the first three, of fewer the first in grey.

    >>> show_image(np.array([[[0], [1000]]], np.uint16)).pixels[..., 0].tolist()
    [[0, 255]]
    """
    which = shown_bands(values.shape[2], bands)
    if values.dtype == np.uint8 and values.shape[2] in (1, 3):
        return Shown(to_rgb(values, bands), which, None)
    return stretched(values, which, tuple(stretch(values[:, :, band]) for band in which))


def stretched(values: PixelArray, bands: tuple[int, ...], ranges: tuple[tuple[float, float], ...]) -> Shown:
    """`bands` of an image, the values of black and white of each given."""
    levels = [to_levels(values[:, :, band], *ends) for band, ends in zip(bands, ranges, strict=True)]
    return Shown(np.stack(levels * (3 // len(levels)), axis=2), bands, ranges)


def stretch(values: PixelArray) -> tuple[float, float]:
    """The values of one band, `(height, width)`, that are shown as black and as white."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 0.0
    low, high = (float(end) for end in np.percentile(finite, PERCENTILES))
    return (low, high) if high > low else finite_range(values) or (0.0, 0.0)


def shown_bands(channels: int, bands: Bands | None) -> tuple[int, ...]:
    """The channels that make the picture: three, or one in grey.

    >>> shown_bands(13, None), shown_bands(13, (3, 2, 1)), shown_bands(2, None)
    ((0, 1, 2), (3, 2, 1), (0,))
    """
    return (0,) if channels < 3 else bands or (0, 1, 2)


def to_rgb(pixels: ByteArray, bands: Bands | None = None) -> ByteArray:
    """8-bit pixels of any number of channels as `(height, width, 3)`: grey for one or two, else `bands`.

    >>> to_rgb(np.full((1, 1, 1), 7, np.uint8)).tolist()
    [[[7, 7, 7]]]
    """
    which = shown_bands(pixels.shape[2], bands)
    return pixels[:, :, list(which * (3 // len(which)))]
