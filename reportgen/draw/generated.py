"""Figures of generators: the pictures they make of vectors, and the vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reportgen import formats
from reportgen.draw.figures import drawing_id
from reportgen.draw.montage import enlarge, grid_columns, montage
from reportgen.draw.pixels import finite_range, to_levels
from reportgen.facts import Scale, TileGrid
from reportgen.results import ByteArray, Drawing, FloatArray

SECTION = "overview"

GAP = 4  # pixels
PICTURE_SIDE = 256  # CSS pixels, about, of a picture by itself
TILE_SIDE = 96  # CSS pixels, about, of one among others
NUMBER_SIDE = 12  # pixels of the square that stands for a number of a vector


def draw_picture(sample: str, pixels: ByteArray, values: tuple[float, float]) -> Drawing:
    """What a network makes of a vector.

    Args:
        sample: the vector's name.
        pixels: uint8 `(height, width, 3)`.
        values: what is black and what white.
    """
    height, width = pixels.shape[:2]
    factor = max(1, PICTURE_SIDE // max(height, width))
    return Drawing(
        id=drawing_id("photo", sample),
        kind="photo",
        section=SECTION,
        title="What the network makes of it",
        shows=f"The picture the network makes of {sample}, {formats.size((width, height))} pixels.",
        made=_scale_words(values),
        alt=f"Picture made of {sample}",
        pixels=pixels,
        image=sample,
        display=(height * factor, width * factor),
        pixelated=factor > 1,
    )


def draw_pictures(samples: Sequence[str], pixels: ByteArray, values: tuple[float, float]) -> Drawing:
    """What a network makes of several vectors, side by side.

    Args:
        samples: their names.
        pixels: uint8 `(samples, height, width, 3)`.
        values: what is black and what white.
    """
    count, height, width = pixels.shape[:3]
    factor = max(1, TILE_SIDE // max(height, width))
    columns = grid_columns(count)
    picture = montage(pixels, columns, gap=GAP)
    return Drawing(
        id="generated",
        kind="generated",
        section=SECTION,
        title="What the network makes",
        shows=f"The pictures of {formats.counted(count, 'vector')}, row by row from {samples[0]} to {samples[-1]}.",
        reading="Pictures that hardly differ, or one that comes again and again, show that the network gives little "
        "for the differences between vectors.",
        made=_scale_words(values),
        alt=f"Pictures made of {formats.counted(count, 'vector')}",
        pixels=picture,
        display=(picture.shape[0] * factor, picture.shape[1] * factor),
        pixelated=factor > 1,
        tiles=TileGrid(columns=columns, rows=-(-count // columns), width=width, height=height, gap=GAP),
    )


def draw_vector(sample: str, vector: FloatArray) -> Drawing:
    """The numbers of a vector as grey squares, row by row."""
    low, high = finite_range(vector) or (0.0, 0.0)
    columns = grid_columns(len(vector))
    squares = enlarge(to_levels(vector, low, high)[:, None, None], NUMBER_SIDE)
    pixels = montage(np.repeat(squares[..., None], 3, axis=3), columns, gap=1)
    return Drawing(
        id=drawing_id("input", sample),
        kind="input",
        section=SECTION,
        title="As the network gets it",
        shows=f"The {formats.counted(len(vector), 'number')} of {sample}, row by row, {columns} in each.",
        made=_scale_words((low, high)),
        alt=f"{sample}: {formats.counted(len(vector), 'number')} as grey squares",
        pixels=pixels,
        image=sample,
        display=pixels.shape[:2],
        pixelated=True,
        scale=Scale(low=low, high=high, colormap="grey", basis="whole input"),
    )


def _scale_words(values: tuple[float, float]) -> str:
    return f"Drawn with {formats.number(values[0])} as black and {formats.number(values[1])} as white."
