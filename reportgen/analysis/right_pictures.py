"""Right answers that are pictures: masks of classes, and pictures like those that the network should give."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ImageOps

from reportgen.analysis.answers.maps import read_map
from reportgen.analysis.figures_of_merit.maps import IGNORED
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.array_files import load_array
from reportgen.errors import ReportgenError, one_line
from reportgen.facts import Placement
from reportgen.images import (
    ArrayFileSource,
    FileSource,
    Fitting,
    ImageFile,
    Interval,
    UnreadableImageError,
    choose_scale,
    depth_of,
    load_image,
)
from reportgen.opening import read_regular
from reportgen.picture_files import MASKS, opened_picture
from reportgen.results import FloatArray

# The bits of a grey PNG's sample, and what its decoder multiplies a sample of so few bits by.
_PNG_DEPTH, _PNG_COLOURS, _GREY = 24, 25, 0
_STRETCHED = {2: 85, 4: 17}

_BEYOND = 2**30  # numbers that are of no class

IntArray = NDArray[np.integer]


def read_mask(path: Path, option: str = "--truth") -> IntArray:
    """The class of each pixel, `(height, width)`: of a grey or palette picture its numbers, of an array its values.

    Args:
        path: the file.
        option: what named its folder.

    Raises:
        ReportgenError: the file cannot be read, or its colours or values are no numbers of classes.
    """
    try:
        return _array_mask(path) if path.suffix.lower() == ".npy" else _picture_mask(read_regular(path, "image"))
    except (OSError, ValueError) as error:
        why = one_line(getattr(error, "strerror", None) or error, 160)
        raise ReportgenError(
            f"{option}: expected a mask of class indices, grey or with a palette, got {path.name}: {why}"
        ) from error


def _array_mask(path: Path) -> IntArray:
    values = load_array(path)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    if values.ndim != 2:
        raise ValueError(f"its array is {values.shape}, a class for each pixel would be (height, width)")
    if values.dtype.kind not in "buif":
        raise ValueError(f"its values are of {values.dtype}, not numbers")
    if values.dtype.kind == "b":
        return values.astype(np.uint8)
    if values.dtype.kind in "ui":
        return values
    return _whole(values)


def _picture_mask(content: bytes) -> IntArray:
    with opened_picture(content, MASKS) as opened:
        picture = ImageOps.exif_transpose(opened)
        is_grey_png = opened.format == "PNG" and content[_PNG_COLOURS] == _GREY
        stretched = _STRETCHED.get(content[_PNG_DEPTH], 1) if is_grey_png else 1
        values = np.asarray(picture.getchannel(0) if picture.mode in ("LA", "PA") else picture)
    if values.ndim == 3:
        colours = values[:, :, :3]
        if (colours != colours[:, :, :1]).any():
            raise ValueError("its pixels have colours, not numbers of classes")
        values = colours[:, :, 0]
    if values.dtype.kind == "b":
        return values.astype(np.uint8)
    return _whole(values) if values.dtype.kind == "f" else values // stretched


def _whole(values: FloatArray) -> IntArray:
    """Floats that are whole numbers; those beyond all classes stay so."""
    if not np.array_equal(values, np.round(values)):
        raise ValueError("its values are no whole numbers")
    return np.clip(values, -1, _BEYOND).astype(np.int32)


def read_picture(
    path: Path, fitting: Fitting, size: tuple[int, int], channels: int, wanted: Interval | None
) -> NDArray[np.float64]:
    """A right picture on 0..255, `(*size, channels)`, made to fit as the images are.

    Args:
        path: a picture, or an array `(height, width[, channels])`.
        fitting: of the images.
        size: of the network's picture.
        channels: of the network's picture.
        wanted: black and white of values that are not 8 bits, where they were given.

    Raises:
        ReportgenError: it cannot be read, has other channels, or what its black and white are is not known.
    """
    source = ArrayFileSource(str(path), None) if path.suffix.lower() == ".npy" else FileSource(str(path))
    image = ImageFile(path.name, source, "", 0, 0)
    try:
        pixels = load_image(image, channels)
    except UnreadableImageError as error:
        raise ReportgenError(f"--truth: expected a picture, got one that cannot be used: {error}") from error
    finite = pixels[np.isfinite(pixels)]
    extremes = (float(finite.min()), float(finite.max())) if finite.size else None
    scale = choose_scale([replace(image, depth=depth_of(pixels.dtype), extremes=extremes)], wanted, kept=False)
    fitted, _ = replace(fitting, size=size, scale=scale).apply(pixels)
    return np.asarray(fitted, np.float64)


# --- maps beside their masks ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ComparedMap:
    """A map and its mask, both `(height, width)` at the size of the mask, which covers the whole image.

    `truth` is `IGNORED` where the network did not see; `unseen` are the pixels that are so for that reason alone.
    """

    truth: IntArray
    answered: NDArray[np.int32]
    unseen: int


def judged_classes(output: SettledOutput) -> int:
    """The classes that a map is judged by: of one probability, those without it and with it."""
    return max(2, output.classes)


def judged_names(output: SettledOutput) -> list[str]:
    """What the classes that a map is judged by are called."""
    names = [output.label(index) or str(index) for index in range(output.classes)]
    return ["background", output.label(0) or output.name] if output.classes == 1 else names


def compare_map(
    answer: FloatArray,
    output: SettledOutput,
    mask: IntArray,
    placement: Placement,
    image_size: tuple[int, int],
    input_size: tuple[int, int],
) -> ComparedMap:
    """Bring a map to its mask: the class answered at each of the mask's pixels.

    Args:
        answer: to one image, `(height, width, classes)`.
        output: that gave it.
        mask: of the whole image, of any size.
        placement: of the image in the network's input.
        image_size: height and width of the image.
        input_size: height and width of the network's input.
    """
    read = read_map(answer, output)
    # Where none of several sigmoids is above a half, the strongest is what the network would say if it had to.
    classes = read.indices + 1 if output.classes == 1 else read.probabilities.argmax(axis=-1)
    predicted = classes.astype(np.int32)
    height, width = predicted.shape
    rows = (np.arange(mask.shape[0]) + 0.5) * image_size[0] / mask.shape[0] * placement.scale_y + placement.top
    columns = (np.arange(mask.shape[1]) + 0.5) * image_size[1] / mask.shape[1] * placement.scale_x + placement.left
    y = np.floor(rows * height / input_size[0]).astype(np.int64)
    x = np.floor(columns * width / input_size[1]).astype(np.int64)
    seen = ((y >= 0) & (y < height))[:, np.newaxis] & ((x >= 0) & (x < width))
    answered = predicted[np.clip(y, 0, height - 1)[:, np.newaxis], np.clip(x, 0, width - 1)]
    unseen = int(np.count_nonzero(~seen & (mask != IGNORED)))
    return ComparedMap(np.where(seen, mask, np.asarray(IGNORED, mask.dtype)), answered, unseen)
