"""Figures of the weights of a convolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reportgen import formats
from reportgen.draw.figures import (
    FILTER_TILE,
    Mosaic,
    draw_mosaic,
    drawing_id,
    highest,
    mark_counts,
    shown_of,
    tile_size,
)
from reportgen.draw.montage import GAP_COLOUR
from reportgen.draw.pixels import coloured, shared_levels, signed_levels, single_levels, to_levels, with_marks
from reportgen.facts import Scale, TileGrid
from reportgen.results import ByteArray, Drawing, FilterBank, FloatArray, WeightStatistics

SECTION = "filters"

# The figure of the tutorials: six filters, three of their input channels.
ROW_COUNT, COLUMN_COUNT = 6, 3

# A row of a matrix of 1x1 filters then still fits the width of a page.
MATRIX_INPUTS = 256
MATRIX_WIDTH, MATRIX_HEIGHT = 768, 480  # CSS pixels
MATRIX_CELL = 12

# Lines between tiles whose zero is mid grey.
DARK = (24, 24, 28)

WHOLE_LAYER, EACH_FILTER = "whole layer", "each filter"


@dataclass(frozen=True, eq=False)
class _Content:
    """What the tiles of a mosaic hold and how to say it."""

    tiles: FloatArray  # (filters, height, width[, 3])
    colormap: str
    what: str
    reading: str


def draw_filters(bank: FilterBank, statistics: WeightStatistics, *, max_channels: int = 64) -> tuple[Drawing, ...]:
    """All figures of a kernel: first rows, and a mosaic (of 1x1 filters: a matrix) in both scales.

    Args:
        bank: the kernel.
        statistics: of the same kernel; its filters that are zero are marked.
        max_channels: the most filters in a mosaic.
    """
    if bank.kernel.shape[:2] == (1, 1):
        return tuple(_draw_matrix(bank, statistics, max_channels, basis) for basis in (WHOLE_LAYER, EACH_FILTER))
    content = _content(bank, max_channels)
    return (
        draw_first_filters(bank, statistics),
        *(_draw_all(bank, statistics, content, basis) for basis in (WHOLE_LAYER, EACH_FILTER)),
    )


def draw_first_filters(bank: FilterBank, statistics: WeightStatistics) -> Drawing:
    """The first six filters, a row each, one column for each of their first three input channels, in grey."""
    height, width, inputs, filters = bank.kernel.shape
    rows, columns = min(ROW_COUNT, filters), min(COLUMN_COUNT, inputs)
    tiles = bank.kernel[:, :, :columns, :rows].transpose(3, 2, 0, 1).reshape(rows * columns, height, width)
    low, high = _range(statistics)
    marks = tuple(mark for mark in _marks(bank, statistics, rows) for _ in range(columns))
    size = tile_size(height, width, target=FILTER_TILE)
    mosaic = draw_mosaic(coloured(to_levels(tiles, low, high), "grey"), marks, size, columns=columns, background=DARK)
    inputs_shown = shown_of(columns, inputs, "input channel")
    across = f"each column one of {inputs_shown}" if inputs > 1 else "drawn for the one input channel it reads"
    return Drawing(
        id=_id(bank, "rows"),
        kind="filters",
        section=SECTION,
        title=f"First filters of {_name(bank)}",
        shows=f"Each row is one of {shown_of(rows, filters, 'filter')}, {across}.",
        reading="Black is the layer's lowest weight, white its highest. Filters of one even grey have learned little.",
        made=f"Weights put on 0 to 1 over the whole layer: {formats.number(low)} is black, "
        f"{formats.number(high)} white.",
        alt=f"{_name(bank)}, {shown_of(rows, filters, 'filter')} of {formats.size((height, width))}, "
        f"{inputs_shown} each{mark_counts(marks[::columns])}",
        pixels=mosaic.pixels,
        layer=bank.layer,
        channels=tuple(row for row in range(rows) for _ in range(columns)),
        display=mosaic.display,
        pixelated=True,
        lossless=True,
        tiles=mosaic.tiles,
        values=highest(tiles),
        marks=marks,
        scale=Scale(low=low, high=high, colormap="grey", basis=WHOLE_LAYER),
    )


def _content(bank: FilterBank, max_channels: int) -> _Content:
    """What one tile can show of a filter of this kernel."""
    kernel = bank.kernel[..., :max_channels]
    inputs = kernel.shape[2]
    if bank.sees_colour:
        return _Content(
            tiles=kernel[:, :, list(bank.colour_order)].transpose(3, 0, 1, 2),
            colormap="colour",
            what="its weights for red, green and blue as one colour",
            reading="Mid grey is zero. A colour is the light that excites the filter, its complement the light that "
            "inhibits it: edges show as a step from light to dark, colour detectors as a patch of one colour.",
        )
    if inputs == 1:
        return _Content(
            tiles=kernel[:, :, 0].transpose(2, 0, 1),
            colormap="diverging",
            what="its weights for the one channel it reads",
            reading="White is zero, red is positive and excites, blue is negative and inhibits.",
        )
    # A mean over inputs would let weights of opposite sign cancel, a single input would leave all others
    # out; the norm says truthfully where in its window a filter looks, and how hard.
    return _Content(
        tiles=np.linalg.norm(kernel, axis=2).transpose(2, 0, 1),
        colormap="viridis",
        what=f"the root of the sum of squares of its weights over all {inputs:,} input channels",
        reading="Bright is where in its window the filter looks. The sign of the weights is not shown.",
    )


def _draw_all(bank: FilterBank, statistics: WeightStatistics, content: _Content, basis: str) -> Drawing:
    """The mosaic of all filters, up to the limit, in one of the two scales."""
    tiles = content.tiles
    marks = _marks(bank, statistics, len(tiles))
    pixels, scale = _coloured(content, basis)
    background = DARK if content.colormap == "colour" else GAP_COLOUR
    mosaic = draw_mosaic(pixels, marks, tile_size(*tiles.shape[1:3], target=FILTER_TILE), background=background)
    shown = shown_of(len(tiles), bank.kernel.shape[3], "filter")
    return _drawing(
        bank,
        mosaic,
        shows=f"Each tile is one of {shown}: {content.what}.",
        reading=content.reading,
        alt=f"{_name(bank)}, {shown} of {formats.size(tiles.shape[1:3])}{mark_counts(marks)}",
        values=highest(tiles),
        marks=marks,
        scale=scale,
    )


def _coloured(content: _Content, basis: str) -> tuple[ByteArray, Scale]:
    """The tiles in colour, and what the colours mean."""
    each = basis == EACH_FILTER
    if content.colormap == "viridis":
        shared, ends = shared_levels(content.tiles)
        levels = single_levels(content.tiles) if each else shared
    else:
        levels, end = signed_levels(content.tiles, each=each)
        ends = None if end is None else (-end, end)
    low, high = (None, None) if each or ends is None else ends
    pixels = levels if content.colormap == "colour" else coloured(levels, content.colormap)
    return pixels, Scale(low=low, high=high, colormap=content.colormap, basis=basis)


def _draw_matrix(bank: FilterBank, statistics: WeightStatistics, max_channels: int, basis: str) -> Drawing:
    """Filters of 1 x 1 as a matrix: a row for each filter, a column for each of its input channels."""
    inputs, total = bank.kernel.shape[2:]
    weights = bank.kernel[0, 0, :MATRIX_INPUTS, :max_channels].T
    filters, columns = weights.shape
    marks = _marks(bank, statistics, filters)
    content = _Content(weights[:, None, :], "diverging", "", "")
    tiles, scale = _coloured(content, basis)
    pixels = with_marks(tiles, marks)[:, 0]
    magnified = max(1, min(MATRIX_WIDTH // columns, MATRIX_HEIGHT // filters, MATRIX_CELL))
    grid = TileGrid(columns=1, rows=filters, width=columns, height=1, gap=0)
    mosaic = Mosaic(pixels, grid, (filters * magnified, columns * magnified))
    shown, shown_inputs = shown_of(filters, total, "filter"), shown_of(columns, inputs, "input channel")
    return _drawing(
        bank,
        mosaic,
        shows=f"Each row is one of {shown}, each column one of {shown_inputs}.",
        reading="White is zero, red is positive and excites, blue is negative and inhibits. "
        "A filter of 1 x 1 has no shape: it mixes the channels of one position.",
        alt=f"{_name(bank)}, {shown} of 1 x 1 as a matrix, {shown_inputs} across{mark_counts(marks)}",
        values=highest(weights),
        marks=marks,
        scale=scale,
    )


def _drawing(
    bank: FilterBank,
    mosaic: Mosaic,
    *,
    shows: str,
    reading: str,
    alt: str,
    values: tuple[float | None, ...],
    marks: tuple[str | None, ...],
    scale: Scale,
) -> Drawing:
    """A figure of all filters, up to the limit, as one of the two variants of its group."""
    return Drawing(
        id=_id(bank, "all", "shared" if scale.basis == WHOLE_LAYER else "each"),
        kind="filters",
        section=SECTION,
        title=f"Filters of {_name(bank)}",
        shows=shows,
        reading=reading,
        made=_scale_words(scale),
        alt=alt,
        pixels=mosaic.pixels,
        group=_id(bank, "all"),
        variant=f"scale of {scale.basis}",
        layer=bank.layer,
        channels=tuple(range(len(marks))),
        display=mosaic.display,
        pixelated=True,
        lossless=True,
        tiles=mosaic.tiles,
        values=values,
        marks=marks,
        scale=scale,
    )


def _scale_words(scale: Scale) -> str:
    if scale.basis == EACH_FILTER:
        ends = "from its lowest to its highest value" if scale.colormap == "viridis" else "up to its largest weight"
        return f"Each filter has a scale of its own, {ends}: compare shapes, not strengths."
    if scale.low is None or scale.high is None:
        return "No weight is finite, so there is no scale."
    ends = f"{formats.number(scale.low)} to {formats.number(scale.high)}"
    return f"One scale for the whole layer, from {ends}: strengths compare."


def _id(bank: FilterBank, *parts: str) -> str:
    return drawing_id("filters", bank.layer, *((bank.part,) if bank.part else ()), *parts)


def _name(bank: FilterBank) -> str:
    return f"{bank.layer} ({bank.part})" if bank.part else bank.layer


def _marks(bank: FilterBank, statistics: WeightStatistics, count: int) -> tuple[str | None, ...]:
    """Which of the first `count` filters are zero or hold weights that are not finite."""
    finite = np.isfinite(np.abs(bank.kernel[..., :count]).max(axis=(0, 1, 2)))
    zero = set(statistics.zero_filters)
    return tuple("nan" if not finite[index] else "dead" if index in zero else None for index in range(count))


def _range(statistics: WeightStatistics) -> tuple[float, float]:
    """The layer's lowest and highest weight; zeros where none is finite."""
    return statistics.min or 0.0, statistics.max or 0.0
