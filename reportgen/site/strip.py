"""The network strip: all layers in order, tall where their maps are large, set apart by block."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from reportgen.formats import size
from reportgen.record import Layer, Record, Shape

# CSS pixels. A layer with a page is a target for a finger, so it is as wide as accessibility rules ask for;
# others only need to be seen.
HEIGHT = 40
_LINKED_WIDTH = 24
_PLAIN_WIDTH = 6
_NARROWEST, _WIDEST = 3, 12
_WHOLE_WIDTH = 900  # of a strip without links, with room for its gaps
_GAP = 1
_LEAST_HEIGHT = 4

_SIDES = re.compile(r"\d+ ?x ?\d+")

# With more layers to link, the strip would fill several rows of a screen; then only its blocks are links.
MOST_LINKED = 40


@dataclass(frozen=True)
class Bar:
    """A layer of the strip that is a link."""

    layer: str
    page: str
    label: str
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class StripBlock:
    """A block: its bars, those of layers without a page as one path."""

    name: str
    resolution: str
    page: str | None
    path: str
    bars: tuple[Bar, ...]
    places: Mapping[str, tuple[int, int]]  # left edge and width, by layer, for the mark of the layer one is at
    width: int
    height: int = HEIGHT


def draw_strip(record: Record) -> tuple[StripBlock, ...]:
    """The strip of a network; the same for all pages."""
    with_links = sum(layer.page is not None for layer in record.layers) <= MOST_LINKED
    plain_width = _PLAIN_WIDTH
    if not with_links:
        plain_width = max(_NARROWEST, min(_WIDEST, _WHOLE_WIDTH // max(1, len(record.layers)) - _GAP))
    resolutions = {layer.name: _resolution(layer.actual_shape) for layer in record.layers}
    largest = max((sides[0] * sides[1] for sides in resolutions.values() if sides), default=1)
    return tuple(
        _draw_block(name, layers, resolutions, math.log2(largest) + 1, plain_width, with_links)
        for name, layers in _blocks(record.layers)
    )


def _blocks(layers: Sequence[Layer]) -> Iterator[tuple[str, list[Layer]]]:
    """Runs of layers of one block, in order; those before the first block are the stem, after the last the head.

    A layer outside any block in between goes with the run before it.
    """
    blocked = [place for place, layer in enumerate(layers) if layer.block is not None]
    if not blocked:
        yield "layers", list(layers)
        return
    first, end = blocked[0], blocked[-1] + 1
    if first:
        yield "stem", list(layers[:first])
    starts = [first, *(here for before, here in pairwise(blocked) if layers[before].block != layers[here].block), end]
    for start, stop in pairwise(starts):
        yield layers[start].block or "", list(layers[start:stop])
    if end < len(layers):
        yield "head", list(layers[end:])


def _draw_block(
    name: str,
    layers: Sequence[Layer],
    resolutions: Mapping[str, tuple[int, int] | None],
    scale: float,
    plain_width: int,
    with_links: bool,
) -> StripBlock:
    """One block's bars, from left to right."""
    path, bars, places = [], [], {}
    x = 0
    for layer in layers:
        page = layer.page if with_links else None
        width = _LINKED_WIDTH if page else plain_width
        sides = resolutions[layer.name]
        height = _bar_height(sides, scale)
        places[layer.name] = (x, width)
        if page is None:
            path.append(f"M{x} {HEIGHT - height}h{width}v{height}h-{width}")
        else:
            text = f"{layer.name}, {size(sides)}" if sides else layer.name
            bars.append(Bar(layer.name, page, text, x, HEIGHT - height, width, height))
        x += width + _GAP
    last = next((resolutions[layer.name] for layer in reversed(layers) if resolutions[layer.name]), None)
    return StripBlock(
        name=name,
        # A block that is named after its resolution needs not say it twice.
        resolution=size(last) if last and not _SIDES.match(name) else "",
        page=next((layer.page for layer in reversed(layers) if layer.page is not None), None),
        path="".join(path),
        bars=tuple(bars),
        places=places,
        width=max(x - _GAP, 1),
    )


def _bar_height(sides: tuple[int, int] | None, scale: float) -> int:
    """Pixels of a bar: by the logarithm of the map's positions, so that 7 x 7 still shows beside 224 x 224."""
    if sides is None:
        return _LEAST_HEIGHT
    share = (math.log2(sides[0] * sides[1]) + 1) / scale
    return max(_LEAST_HEIGHT, round(share * HEIGHT))


def _resolution(shape: Shape | None) -> tuple[int, int] | None:
    """Height and width of a map `(batch, height, width, channels)`, both known and above zero."""
    if shape is None or len(shape) != 4 or not shape[1] or not shape[2]:
        return None
    return shape[1], shape[2]
