"""The figure of an image as the network gets it."""

from __future__ import annotations

import numpy as np

from reportgen import formats
from reportgen.draw.bands import STRETCHED, stretch
from reportgen.draw.figures import MAP_TILE, drawing_id
from reportgen.draw.montage import enlarge, grid_columns, montage
from reportgen.draw.pixels import finite_range, to_levels
from reportgen.facts import Scale, TileGrid
from reportgen.results import Drawing, InputView

SECTION = "overview"

# More channels than these would make a page of their own.
MAX_CHANNELS = 64

GAP = 4  # pixels


def draw_input(view: InputView) -> Drawing:
    """The input as a picture: in its colours where it is one, else each of its channels in grey."""
    channels = view.prepared.shape[2]
    return _draw_picture(view) if view.is_picture and channels in (1, 3) else _draw_bands(view)


def _draw_picture(view: InputView) -> Drawing:
    """The input in its colours and, beside it, each of its channels in grey.

    Values are put back on 0..255 by the range the preprocessing is known to give; where it is not known,
    by the lowest and highest value. One scale serves all channels, so that a shift between them is seen.
    """
    low, high = view.value_range or finite_range(view.prepared) or (0.0, 0.0)
    levels = to_levels(view.prepared, low, high)
    height, width, channels = levels.shape
    tiles = [np.repeat(levels[:, :, index : index + 1], 3, axis=2) for index in range(channels)]
    if channels == 3:
        tiles.insert(0, levels[:, :, ::-1] if view.reverses_channels else levels)
    pixels = montage(np.stack(tiles), len(tiles), gap=GAP)
    names = _channel_names(view)
    ranges = "; ".join(f"{name} {_range_words(view.prepared[:, :, i])}" for i, name in enumerate(names))
    first = "the picture, then " if channels == 3 else ""
    return Drawing(
        id=drawing_id("input", view.image),
        kind="input",
        section=SECTION,
        title="As the network gets it",
        shows=f"From the left: {first}{_channel_words(names)}.",
        reading="What was cropped, squashed or shifted in colour on the way in is seen here as the network sees it.",
        made=f"Values on the way in: {ranges}. "
        f"Drawn with {formats.number(low)} as black and {formats.number(high)} as white.",
        alt=f"Input made of {view.image}, {formats.size((height, width))}: {first}{_channel_words(names)}",
        pixels=pixels,
        image=view.image,
        display=pixels.shape[:2],
        scale=Scale(low=low, high=high, colormap="grey", basis="whole input"),
    )


def _draw_bands(view: InputView) -> Drawing:
    """Every channel of the input as a grey tile, each stretched by percentiles of its own values."""
    height, width, channels = view.prepared.shape
    shown = min(channels, MAX_CHANNELS)
    ends = [stretch(view.prepared[:, :, channel]) for channel in range(shown)]
    tiles = np.stack([to_levels(view.prepared[:, :, channel], *ends[channel]) for channel in range(shown)])
    # Small inputs are looked at with pixels as squares.
    factor = max(1, MAP_TILE // max(height, width))
    columns = grid_columns(shown)
    pixels = montage(np.repeat(enlarge(tiles, factor)[..., None], 3, axis=3), columns, gap=GAP)
    which = "its one channel" if channels == 1 else f"its {shown} channels"
    which = which if shown == channels else f"the first {shown} of its {channels} channels"
    words = "; ".join(
        f"{f'channel {channel} ' if channels > 1 else ''}{formats.number(low)} to {formats.number(high)}"
        for channel, (low, high) in enumerate(ends)
    )
    return Drawing(
        id=drawing_id("input", view.image),
        kind="input",
        section=SECTION,
        title="As the network gets it",
        shows=f"{which.capitalize()} in grey{', each' if channels > 1 else ','} {STRETCHED}.",
        reading="A tile shows what is in its channel, not how its values compare with another's: each has black and "
        "white of its own.",
        made=f"{'Black and white of each' if channels > 1 else 'Black and white'}: {words}.",
        alt=f"Input made of {view.image}, {formats.size((height, width))}: {which} in grey",
        pixels=pixels,
        image=view.image,
        channels=tuple(range(shown)),
        display=pixels.shape[:2],
        pixelated=factor > 1,
        tiles=TileGrid(
            columns=columns, rows=-(-shown // columns), width=width * factor, height=height * factor, gap=GAP
        ),
        values=tuple(high for _, high in ends),
    )


def _channel_names(view: InputView) -> tuple[str, ...]:
    if view.prepared.shape[-1] == 1:
        return ("grey",)
    return ("blue", "green", "red") if view.reverses_channels else ("red", "green", "blue")


def _channel_words(names: tuple[str, ...]) -> str:
    return "its one channel" if len(names) == 1 else f"its channels {', '.join(names)}"


def _range_words(values: np.ndarray) -> str:
    ends = finite_range(values)
    return "not finite" if ends is None else f"{formats.number(ends[0])} to {formats.number(ends[1])}"
