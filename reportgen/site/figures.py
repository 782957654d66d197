"""Figures as the pages show them: variants together, tiles named for the script, peculiar tiles in words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from reportgen.record import Figure, Maximization, Scale, Tile
from reportgen.site.attributions import AttributionView, view_attribution
from reportgen.site.catalogue import Catalogue

# The colour maps that the style sheet draws as bars. Others ("colour", "original") show colours as they are.
BARS = frozenset({"grey", "viridis", "diverging"})

# A list of channels in words stops here: the marks stand in the picture, and all of them in report.json.
MOST_NAMED = 12

_WORDS = {"nan": "not finite"}

# Hexadecimal digits: among a hundred figures on a page two are alike once in a million pages.
_KEY_LENGTH = 8


@dataclass(frozen=True)
class TileData:
    """The tiles of a mosaic as the script reads them from attributes: lists with commas between."""

    layer: str
    grid: str  # columns rows width height gap, in pixels of the picture, and the number of tiles
    channels: str  # empty where tile 0 shows channel 0, tile 1 channel 1, and so on
    values: str
    marks: str
    units: str  # the channels that have a page
    unit_folder: str | None  # where those pages lie


@dataclass(frozen=True)
class FigureView:
    """A figure, ready for a page."""

    figure: Figure
    tiles: TileData | None
    bar: Scale | None
    marked: tuple[str, ...]  # such as "3 silent: 4, 17, 23"
    layer_page: str | None
    image_page: str | None
    likeness: Figure | None  # of the image it speaks of
    attribution: AttributionView | None = None  # where it shows why the network answered so

    @property
    def key(self) -> str:
        """The figure's id made short, for the many ids of its controls."""
        return hashlib.sha256(self.figure.id.encode()).hexdigest()[:_KEY_LENGTH]


@dataclass(frozen=True)
class FigureGroup:
    """Drawings of the same thing, told apart by their variant; the first is shown first."""

    id: str
    variants: tuple[FigureView, ...]

    @property
    def first(self) -> FigureView:
        """The drawing shown first."""
        return self.variants[0]

    @property
    def tiles(self) -> TileData | None:
        """The tiles of every variant where they have the same, else None."""
        tiles = self.first.tiles
        return tiles if all(view.tiles == tiles for view in self.variants) else None


def view_figure(figure: Figure, catalogue: Catalogue) -> FigureView:
    """`figure` with all that a page says about it."""
    return replace(
        view_alone(figure),
        tiles=_tile_data(figure, catalogue),
        layer_page=catalogue.layer_page(figure.layer),
        image_page=catalogue.image_page(figure.image),
        likeness=catalogue.likenesses.get(figure.image) if figure.image is not None else None,
        attribution=view_attribution(figure, catalogue),
    )


def view_alone(figure: Figure) -> FigureView:
    """`figure` without links to pages of layers and images."""
    scale = figure.scale
    return FigureView(
        figure=figure,
        tiles=None,
        bar=scale if scale is not None and scale.colormap in BARS else None,
        marked=describe_marks(figure.channels, figure.marks),
        layer_page=None,
        image_page=None,
        likeness=None,
    )


def group_figures(figures: Iterable[Figure], catalogue: Catalogue) -> tuple[FigureGroup, ...]:
    """Put variants of the same group together; groups stand where their first figure stood."""
    groups: dict[str, list[FigureView]] = {}
    for figure in figures:
        groups.setdefault(figure.group or figure.id, []).append(view_figure(figure, catalogue))
    return tuple(FigureGroup(views[0].figure.id, tuple(views)) for views in groups.values())


def describe_marks(channels: Sequence[int], marks: Sequence[str | None] | None) -> tuple[str, ...]:
    """What is peculiar about which channels, a line for each kind of mark.

    >>> describe_marks([4, 5, 6], ["silent", None, "silent"])
    ('2 silent: 4, 6',)
    """
    found: dict[str, list[int]] = {}
    for channel, mark in zip(channels, marks or (), strict=False):
        if mark is not None and channel not in found.setdefault(mark, []):
            found[mark].append(channel)
    return tuple(f"{len(named)} {_WORDS.get(mark, mark)}: {list_channels(named)}" for mark, named in found.items())


def list_channels(channels: Sequence[int]) -> str:
    """Channels in words, the first of them where there are many.

    >>> list_channels(range(20))
    '0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 8 more'
    """
    named = ", ".join(str(channel) for channel in channels[:MOST_NAMED])
    more = len(channels) - MOST_NAMED
    return f"{named} and {more} more" if more > 0 else named


def crop_of(shown: Maximization) -> Tile | None:
    """The part of a picture that shows a maximised image, None where there is none to show."""
    if shown.picture is None or shown.width is None or shown.height is None:
        return None
    return Tile(
        picture=shown.picture,
        tile=shown.tile or (0, 0, shown.width, shown.height),
        width=shown.width,
        height=shown.height,
    )


def crop_channel(figure: Figure, channel: int) -> Tile | None:
    """The tile of a mosaic that shows `channel`, None where it has none."""
    grid = figure.tiles
    if grid is None or channel not in figure.channels:
        return None
    row, column = divmod(figure.channels.index(channel), grid.columns)
    left, top = column * (grid.width + grid.gap), row * (grid.height + grid.gap)
    tile = (left, top, grid.width, grid.height)
    return Tile(picture=figure.picture, tile=tile, width=figure.width, height=figure.height)


def _tile_data(figure: Figure, catalogue: Catalogue) -> TileData | None:
    grid = figure.tiles
    if grid is None or not figure.channels:
        return None
    paged = [unit for unit in catalogue.units_of_layer.get(figure.layer or "", []) if unit.channel in figure.channels]
    count = len(figure.channels)
    in_order = figure.channels == list(range(count))
    return TileData(
        layer=figure.layer or "",
        grid=f"{grid.columns} {grid.rows} {grid.width} {grid.height} {grid.gap} {count}",
        channels="" if in_order else ",".join(str(channel) for channel in figure.channels),
        values=",".join("" if value is None else f"{value:.4g}" for value in figure.values or ()),
        marks=",".join(mark or "" for mark in figure.marks) if figure.marks and any(figure.marks) else "",
        units=",".join(str(unit.channel) for unit in paged),
        unit_folder=paged[0].page.rpartition("/")[0] if paged else None,
    )
