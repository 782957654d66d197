"""TIFFs of many bands, or of values that are not 8 bits, where Pillow stops."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable

import numpy as np

from reportgen.results import PixelArray


class MissingCodecError(Exception):
    """A TIFF is compressed in a way that needs the package imagecodecs."""


def read_tiff(content: bytes, channels: int, check_size: Callable[[int, int, int, int], None]) -> PixelArray:
    """The upright values of a TIFF as they are, `(height, width[, channels])`, the bands last.

    Bands may be interleaved, in planes, or a page each; of several pages that are no bands the first is taken.

    Args:
        channels: what the network takes.
        check_size: is told width, height, bands and bytes of a value before these are read, and raises where they
            are too many.

    Raises:
        MissingCodecError: its compression is one that is not built in.
        ValueError, RuntimeError: it is damaged.
    """
    import tifffile  # only where a TIFF needs it: pictures of 8 bits are Pillow's

    # What is wrong with a file becomes the reason why it is left out; on its way it is no message of its own.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)
    try:
        with tifffile.TiffFile(io.BytesIO(content)) as file:
            first = file.pages.first
            if isinstance(first, tifffile.TiffFrame):
                raise ValueError("has no first page")
            orientation = int(first.tags.valueof("Orientation", 1))
            series = file.series[0]
            pages = len(series.pages) if series.pages else 1
            bands = first.samplesperpixel * (pages if pages == channels else 1)
            size = first.dtype.itemsize if first.dtype is not None else 1
            check_size(first.imagewidth, first.imagelength, bands, size)
            values = np.asarray(series.asarray() if pages == channels else first.asarray())
    except (ValueError, tifffile.TiffFileError) as error:  # the latter is none of the former in older versions
        if "imagecodecs" in str(error):
            raise MissingCodecError from error
        raise ValueError(str(error)) from error
    if values.ndim == 3 and values.shape[0] == channels and values.shape[2] != channels:
        values = np.moveaxis(values, 0, 2)
    elif values.ndim == 3 and values.shape[0] in (3, 4) and values.shape[2] not in (1, 3, 4, channels):
        values = np.moveaxis(values, 0, 2)  # colours in planes
    if values.ndim not in (2, 3):
        raise ValueError(f"expected one image, got an array of shape {values.shape}")
    return upright(values, orientation)


def upright(values: PixelArray, orientation: int) -> PixelArray:
    """Turn pixels as their EXIF orientation (1 to 8) says.

    >>> upright(np.array([[1, 2], [3, 4]]), 6).tolist()
    [[3, 1], [4, 2]]
    """
    if orientation in (5, 6, 7, 8):
        values = np.swapaxes(values, 0, 1)
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    return np.ascontiguousarray(values)
