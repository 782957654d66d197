"""Figures of images made to excite channels or classes, and of dreams."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reportgen import formats
from reportgen.draw.figures import drawing_id, mark_counts
from reportgen.draw.montage import grid_columns, montage
from reportgen.draw.pixels import draw_mark
from reportgen.facts import TileGrid
from reportgen.results import ByteArray, Drawing

SECTION = "activation-maximization"

GAP = 4  # pixels
# Smaller canvases (of layers with a small receptive field) and dreams of small networks are enlarged to
# about this.
SHOWN_SIDE = 128  # CSS pixels
DREAM_SIDE = 320


def draw_maximized(
    layer: str,
    names: Sequence[str],
    pictures: Sequence[ByteArray | None],
    *,
    channels: Sequence[int],
    values: Sequence[float | None],
    of: str,
    what: str,
    made: str,
) -> Drawing:
    """The maximised images of one layer or output side by side, each pixel as it was made; failed ones crossed out.

    Args:
        layer: its name, or that of the layer which gives the output.
        names: of the channels or classes, for the alternative text.
        pictures: uint8 `(height, width, 3)`, all of one size, None where the ascent failed.
        channels: one for each picture.
        values: the activation of each.
        of: the name of the layer or output.
        what: is shown, a phrase such as "8 channels of conv1".
        made: how, a sentence.
    """
    shapes = {picture.shape[:2] for picture in pictures if picture is not None}
    height, width = shapes.pop() if shapes else (SHOWN_SIDE, SHOWN_SIDE)
    crossed = draw_mark("failed", height, width)
    tiles = np.stack([crossed if picture is None else picture for picture in pictures])
    marks = tuple("failed" if picture is None else None for picture in pictures)
    columns = grid_columns(len(tiles))
    pixels = montage(tiles, columns, gap=GAP)
    enlarged = max(1, round(SHOWN_SIDE / max(height, width)))
    return Drawing(
        id=drawing_id("maximized", of, made),
        kind="activation_maximization",
        section=SECTION,
        title=f"What excites {of}",
        shows=f"Images made to excite {what}, {formats.size((width, height))} pixels each.",
        reading="Trust a picture as far as its numbers go: its activation against the highest over the input "
        "images, and the rank of its channel on it. A cross stands where no image could be made.",
        made=made,
        alt=f"{of}, images made to excite {', '.join(names[:8])}{mark_counts(marks)}",
        pixels=pixels,
        layer=layer,
        channels=tuple(channels),
        display=(pixels.shape[0] * enlarged, pixels.shape[1] * enlarged),
        pixelated=enlarged > 1,
        lossless=True,
        tiles=TileGrid(columns=columns, rows=-(-len(tiles) // columns), width=width, height=height, gap=GAP),
        values=tuple(values),
        marks=marks,
    )


def draw_dream(image: str, layer: str, variant: str, original: ByteArray, dream: ByteArray, made: str) -> Drawing:
    """A dream beside the image it was started from, both uint8 `(height, width, 3)`.

    Args:
        variant: which of several dreams of the same image.
        made: how, a sentence.
    """
    height, width = dream.shape[:2]
    pixels = montage(np.stack([original, dream]), 2, gap=GAP)
    enlarged = max(1, DREAM_SIDE // max(height, width))
    return Drawing(
        id=drawing_id("dream", image, layer, variant),
        kind="deep_dream",
        section="deep-dream",
        group=drawing_id("dream", image, layer),
        variant=variant,
        title=f"Deep dream of {layer}",
        shows=f"On the left {image} as the network gets it, on the right the same after raising what {layer} answers.",
        reading="What appears on the right is what the layer looks for; where nothing changed, nothing was found.",
        made=made,
        alt=f"{image} beside the same image with what excites {layer} brought out",
        pixels=pixels,
        layer=layer,
        image=image,
        display=(pixels.shape[0] * enlarged, pixels.shape[1] * enlarged),
        pixelated=enlarged > 1,
        tiles=TileGrid(columns=2, rows=1, width=width, height=height, gap=GAP),
    )
