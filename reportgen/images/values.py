"""What black and white are in images of any type, and how their values go on to the network.

Images of 8 bits are 0..255. Those of 16 bits have the range of their type, floats that lie in 0..1 that one, and
other numbers 0..255 where they lie there; `--value-range` settles it. Every mode of preprocessing but `none` is
made for 0..255: values are brought there first, neither rounded nor clipped. Under `none` they go in as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from reportgen.errors import ReportgenError
from reportgen.images.sources import Depth, ImageFile
from reportgen.results import FloatArray, PixelArray

Interval = tuple[float, float]

BYTE_RANGE: Interval = (0.0, 255.0)
_TYPE_RANGES: dict[Depth, Interval] = {
    "uint8": BYTE_RANGE,
    "uint16": (0.0, 65535.0),
    "int16": (-32768.0, 32767.0),
}


@dataclass(frozen=True)
class ValueScale:
    """How the values of a set of images go in.

    Attributes:
        ranges: black and white of each type of values that occurs; None where they are not known.
        kept: values go in as they are; else each type's range is brought to 0..255.
        levels: black and white of what goes in.
    """

    ranges: tuple[tuple[Depth, Interval | None], ...] = (("uint8", BYTE_RANGE),)
    kept: bool = False
    levels: Interval = BYTE_RANGE

    @property
    def dtype(self) -> str:
        """The type in which all images of the set go in: uint8 where all have 8 bits, else float32."""
        return "uint8" if all(depth == "uint8" for depth, _ in self.ranges) else "float32"

    @property
    def stated_range(self) -> Interval:
        """Black and white of the images themselves, as far as they are of one type: the widest of several."""
        if self.kept:
            return self.levels
        known = [interval for _, interval in self.ranges if interval is not None]
        return max(known, key=lambda interval: interval[1] - interval[0], default=BYTE_RANGE)

    def range_of(self, depth: Depth) -> Interval | None:
        """Black and white of images of a type, None where that is not known."""
        return dict(self.ranges).get(depth)

    def black_of(self, depth: Depth) -> float:
        """What stands beside a padded image of a type, before its values are brought to 0..255."""
        return (self.range_of(depth) or self.levels)[0]

    def apply(self, values: PixelArray, depth: Depth) -> PixelArray:
        """Values of an image as they go in: uint8 stays so where the whole set is, all else is float32."""
        if self.dtype == "uint8":
            return values
        scaled: FloatArray = values.astype(np.float32)
        interval = self.range_of(depth)
        if self.kept or depth == "uint8" or interval is None:
            return scaled
        low, high = interval
        return (scaled - np.float32(low)) * np.float32(255 / (high - low))


# Of images of 8 bits alone.
BYTES = ValueScale()


def choose_scale(images: Iterable[ImageFile], wanted: Interval | None, *, kept: bool) -> ValueScale:
    """The scale of a set of images.

    Args:
        wanted: `--value-range`, what black and white are in images that are not 8 bits.
        kept: the network takes values as they are.

    Raises:
        ReportgenError: what black and white are is needed and not to be known.
    """
    by_depth: dict[Depth, list[ImageFile]] = {}
    for image in images:
        by_depth.setdefault(image.depth, []).append(image)
    ranges: dict[Depth, Interval | None] = {
        depth: _TYPE_RANGES["uint8"] if depth == "uint8" else wanted or _own_range(depth, found)
        for depth, found in sorted(by_depth.items())
    }
    unknown = next((depth for depth, interval in ranges.items() if interval is None), None)
    if unknown is not None and not kept:
        low, high = _extremes(by_depth[unknown]) or (0.0, 0.0)
        raise ReportgenError(
            f"{by_depth[unknown][0].file}: expected 8 or 16 bits, or floats of 0..1, "
            f"got values of {low:g} to {high:g}: black and white cannot be known; state them with "
            "--value-range LOW,HIGH, or feed the values as they are with --preprocess none"
        )
    return ValueScale(tuple(ranges.items()), kept, _levels(ranges, by_depth) if kept else BYTE_RANGE)


def _own_range(depth: Depth, images: list[ImageFile]) -> Interval | None:
    if depth in _TYPE_RANGES:
        return _TYPE_RANGES[depth]
    low, high = _extremes(images) or (0.0, 0.0)
    candidates = ((0.0, 1.0), BYTE_RANGE)
    return next((candidate for candidate in candidates if low >= candidate[0] and high <= candidate[1]), None)


def _extremes(images: Iterable[ImageFile]) -> Interval | None:
    """The lowest and highest finite value of all `images`, None where they have none."""
    known = [image.extremes for image in images if image.extremes is not None]
    return (min(low for low, _ in known), max(high for _, high in known)) if known else None


def _levels(ranges: dict[Depth, Interval | None], images: dict[Depth, list[ImageFile]]) -> Interval:
    """From the lowest black to the highest white of the types; measured where it is not known."""
    intervals = [interval or _extremes(images[depth]) for depth, interval in ranges.items()]
    known = [interval for interval in intervals if interval is not None]
    low = min((interval[0] for interval in known), default=BYTE_RANGE[0])
    high = max((interval[1] for interval in known), default=BYTE_RANGE[1])
    return (low, high) if high > low else (low, low + 1.0)
