"""The figure of an image as the network gets it."""

from __future__ import annotations

import numpy as np

from reportgen import formats
from reportgen.draw.figures import drawing_id
from reportgen.draw.montage import montage
from reportgen.draw.pixels import finite_range, to_levels
from reportgen.facts import Scale
from reportgen.results import Drawing, InputView

SECTION = "overview"

# More channels than these (as of satellite images) would be too small to see beside one another.
MAX_CHANNELS = 8

GAP = 4  # pixels


def draw_input(view: InputView) -> Drawing:
    """The input as a picture in its colours and, beside it, each of its channels in grey.

    Values are put back on 0..255 by the range the preprocessing is known to give; where it is not known,
    by the lowest and highest value. One scale serves all channels, so that a shift between them is seen.
    """
    low, high = view.value_range or finite_range(view.prepared) or (0.0, 0.0)
    levels = to_levels(view.prepared, low, high)
    height, width, channels = levels.shape
    shown = min(channels, MAX_CHANNELS)
    tiles = [np.repeat(levels[:, :, index : index + 1], 3, axis=2) for index in range(shown)]
    if channels == 3:
        tiles.insert(0, levels[:, :, ::-1] if view.reverses_channels else levels)
    pixels = montage(np.stack(tiles), len(tiles), gap=GAP)
    names = _channel_names(view)
    ranges = "; ".join(f"{name} {_range_words(view.prepared[:, :, i])}" for i, name in enumerate(names[:shown]))
    first = "the picture, then " if channels == 3 else ""
    return Drawing(
        id=drawing_id("input", view.image),
        kind="input",
        section=SECTION,
        title="As the network gets it",
        shows=f"From the left: {first}{_channel_words(names, shown)}.",
        reading="What was cropped, squashed or shifted in colour on the way in is seen here as the network sees it.",
        made=f"Values on the way in: {ranges}. "
        f"Drawn with {formats.number(low)} as black and {formats.number(high)} as white.",
        alt=f"Input made of {view.image}, {formats.size((height, width))}: {first}{_channel_words(names, shown)}",
        pixels=pixels,
        image=view.image,
        display=pixels.shape[:2],
        scale=Scale(low=low, high=high, colormap="grey", basis="whole input"),
    )


def _channel_names(view: InputView) -> tuple[str, ...]:
    count = view.prepared.shape[-1]
    if count == 3:
        return ("blue", "green", "red") if view.reverses_channels else ("red", "green", "blue")
    return ("grey",) if count == 1 else tuple(f"channel {index}" for index in range(count))


def _channel_words(names: tuple[str, ...], shown: int) -> str:
    if len(names) == 1:
        return "its one channel"
    words = ", ".join(names[:shown])
    return f"its channels {words}" + (f" of {formats.counted(len(names), 'channel')}" if shown < len(names) else "")


def _range_words(values: np.ndarray) -> str:
    ends = finite_range(values)
    return "not finite" if ends is None else f"{formats.number(ends[0])} to {formats.number(ends[1])}"
