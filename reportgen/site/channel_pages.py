"""Channels: an overview, a sheet of all channels of each layer, and a page for each channel shown in detail."""

from __future__ import annotations

from collections.abc import Mapping

from reportgen.record import Image, Layer, Neighbour, Tile, TopImage, Unit
from reportgen.record.objectives import objective_words
from reportgen.site.catalogue import Catalogue
from reportgen.site.charts import draw_histogram, draw_profile
from reportgen.site.explanation_pages import class_anchors
from reportgen.site.facts import unit_facts
from reportgen.site.figures import FigureView, crop_channel, crop_of, group_figures, view_figure
from reportgen.site.outline import Link
from reportgen.site.page import HOME, LAYERS, UNITS, Page, chained
from reportgen.site.parts import page_links, page_paths, split, view_findings, view_maximizations
from reportgen.site.views import (
    ChannelRow,
    FilterView,
    NeighbourView,
    Rectangle,
    SheetView,
    TopImageView,
    UnitsLayer,
    UnitsView,
    UnitTile,
    UnitView,
)

# Rows on one page of a sheet, fewer where many of them have a picture: with the outline they stay below 1,500
# elements. Networks count their channels in powers of two.
CHANNELS = 128
PICTURED_CHANNELS = 64
FEW_PICTURES = 32

# CSS pixels: the longer side of a filter, and the height of one that is a single row of weights.
FILTER_SIDE = 168
LEAST_HEIGHT = 12

# Pixels around the place in a small photograph: its frame hides nothing of it, and is not cut off at the edge.
FRAME = 1.0

# Layers on the overview with their channels' pictures; of more, only the links.
MOST_TILES = 160

_OVERVIEW = Link("Channels", UNITS)


def unit_pages(catalogue: Catalogue) -> list[Page]:
    """All pages about channels; none where no channel was looked at."""
    if not catalogue.record.units and not catalogue.sheets:
        return []
    pages, anchors = [_overview(catalogue)], class_anchors(catalogue)
    for layer in catalogue.record.layers:
        pages += chained(_sheet_pages(layer, catalogue))
        units = catalogue.units_of_layer.get(layer.name, ())
        pages += chained([_unit_page(unit, anchors, catalogue) for unit in units])
    return pages


def _overview(catalogue: Catalogue) -> Page:
    with_pictures = len(catalogue.record.units) <= MOST_TILES
    layers = tuple(
        UnitsLayer(
            layer=layer,
            anchor=units[0].page.rpartition("/")[0] if units else "",
            sheet=catalogue.sheets.get(layer.name),
            tiles=tuple(_tile(unit, catalogue, with_pictures) for unit in units),
        )
        for layer in catalogue.record.layers
        if (units := catalogue.units_of_layer.get(layer.name, [])) or _has_own_sheet(layer, catalogue)
    )
    view = UnitsView(
        layers=tuple(entry for entry in layers if entry.tiles),
        others=tuple(entry for entry in layers if not entry.tiles),
    )
    return Page(UNITS, "Channels", "units.html.jinja2", view, crumbs=(HOME,))


def _tile(unit: Unit, catalogue: Catalogue, with_picture: bool) -> UnitTile:
    return UnitTile(unit, _picture_of(unit.layer, unit.channel, catalogue) if with_picture else None)


def _picture_of(layer: str, channel: int, catalogue: Catalogue) -> Tile | None:
    """What was made to excite a channel, the first of several."""
    crops = (crop_of(one) for one in catalogue.made_for(layer, channel))
    return next((crop for crop in crops if crop is not None), None)


def _has_own_sheet(layer: Layer, catalogue: Catalogue) -> bool:
    return layer.name in catalogue.sheets and layer.name not in catalogue.activates


def _sheet_pages(layer: Layer, catalogue: Catalogue) -> list[Page]:
    if not _has_own_sheet(layer, catalogue):
        return []
    assert layer.activations is not None
    assert layer.activations.columns is not None
    first, after = catalogue.sheets[layer.name], catalogue.activated.get(layer.name)
    # Those with a picture first: a reader looks at them before reading numbers.
    rows = sorted(_channel_rows(layer, after or layer, catalogue), key=lambda row: row.crop is None)
    pictured = sum(row.crop is not None for row in rows)
    few = pictured <= FEW_PICTURES
    runs = split(rows, CHANNELS if few else PICTURED_CHANNELS)
    paths = page_paths(first, first.removesuffix("index.html") + "index-{}.html", len(runs))
    return [
        Page(
            path,
            f"All channels of {layer.name}" + (f", page {number} of {len(runs)}" if len(runs) > 1 else ""),
            "sheet.html.jinja2",
            SheetView(
                rows=tuple(run),
                total=len(rows),
                profile=draw_profile(layer.activations.columns.max) if number == 1 else "",
                after=None if after is None else after.name,
                with_pictures=any(row.crop is not None for row in run),
                pictures_first=pictured not in (0, len(rows)),
                pages=page_links(paths),
            ),
            crumbs=(HOME, Link("Layers", LAYERS), Link(layer.name, layer.page or LAYERS)),
            parent=first,
            here=layer.name,
            short=f"page {number}",
        )
        for number, (path, run) in enumerate(zip(paths, runs, strict=True), 1)
    ]


def _channel_rows(layer: Layer, after: Layer, catalogue: Catalogue) -> list[ChannelRow]:
    """A row for each channel of `layer`; whether it fires is what `after`, the activation, makes of it."""
    assert layer.activations is not None
    assert after.activations is not None
    columns, fired = layer.activations.columns, after.activations.columns
    assert columns is not None
    assert fired is not None
    dead = set(after.activations.dead_channels)
    pictures = {
        one.channel: crop_of(one)
        for one in reversed(catalogue.maximizations_of_layer.get(layer.name, []))
        if one.picture and objective_words(one.objective).is_channel
    }
    values = zip(columns.min, columns.max, columns.mean, fired.zero_fraction, fired.firing_rate, strict=True)
    return [
        ChannelRow(
            channel=channel,
            page=catalogue.unit_page(layer.name, channel),
            crop=pictures.get(channel),
            min=low,
            max=high,
            mean=mean,
            zero_fraction=zeros,
            firing_rate=firing,
            dead=channel in dead,
        )
        for channel, (low, high, mean, zeros, firing) in enumerate(values)
    ]


def _unit_page(unit: Unit, anchors: Mapping[str, str], catalogue: Catalogue) -> Page:
    """The page of a channel; `anchors` are where the classes stand with the maps of their images."""
    layer = catalogue.layers.get(unit.layer)
    sheet = catalogue.sheets.get(unit.layer)
    use = catalogue.uses.get((unit.layer, unit.channel))
    view = UnitView(
        unit=unit,
        facts=unit_facts(unit),
        maximizations=view_maximizations(catalogue.made_for(unit.layer, unit.channel), catalogue),
        top=tuple(
            TopImageView(top, catalogue.image_page(top.image), _frame(top, catalogue.images.get(top.image)))
            for top in unit.top_images
        ),
        histogram=draw_histogram(unit.activation.histogram),
        before=tuple(_view_neighbour(one, catalogue) for one in unit.before),
        after=tuple(_view_neighbour(one, catalogue) for one in unit.after),
        selectivity=unit.selectivity,
        use=use,
        used=tuple(
            (one, _likeness(one.image, catalogue), catalogue.image_page(one.image))
            for one in (use.images if use is not None else ())
        ),
        served=tuple((one, anchors.get(one.label)) for one in (use.classes if use is not None else ())),
        findings=view_findings(
            (one for one in catalogue.findings_of_layer.get(unit.layer, ()) if unit.channel in one.channels), catalogue
        ),
        filters=_view_filters(unit, catalogue),
    )
    own = Link(unit.layer, layer.page) if layer is not None and layer.page is not None else _OVERVIEW
    return Page(
        unit.page,
        f"{unit.layer}, channel {unit.channel}",
        "unit.html.jinja2",
        view,
        crumbs=(HOME, Link("Layers", LAYERS), own, *([Link("All channels", sheet)] if sheet else [])),
        parent=sheet or f"{UNITS}#{unit.page.rpartition('/')[0]}",
        here=unit.layer,
        short=f"channel {unit.channel}",
    )


def _frame(top: TopImage, image: Image | None) -> Rectangle | None:
    """The box of a top image as a line around it, in pixels of the small picture of the whole."""
    if top.box is None or top.whole is None or image is None:
        return None
    height, width = top.whole.tile[3], top.whole.tile[2]
    down, across = height / image.height, width / image.width
    upper, left = max(FRAME, top.box[0] * down - FRAME), max(FRAME, top.box[1] * across - FRAME)
    lower, right = min(height - FRAME, top.box[2] * down + FRAME), min(width - FRAME, top.box[3] * across + FRAME)
    return Rectangle(round(left, 1), round(upper, 1), round(right - left, 1), round(lower - upper, 1))


def _likeness(file: str, catalogue: Catalogue) -> FigureView | None:
    figure = catalogue.likenesses.get(file)
    return None if figure is None else view_figure(figure, catalogue)


def _view_neighbour(neighbour: Neighbour, catalogue: Catalogue) -> NeighbourView:
    layer, channel = neighbour.layer, neighbour.channel
    name = catalogue.class_names.get((layer, channel))
    return NeighbourView(neighbour, name, catalogue.unit_page(layer, channel), _picture_of(layer, channel, catalogue))


def _view_filters(unit: Unit, catalogue: Catalogue) -> tuple[FilterView, ...]:
    """The channel's tile in each drawing of all filters of its layer, in the scale shown first."""
    figures = [
        figure
        for figure in catalogue.figures_of_layer.get(unit.layer, ())
        if catalogue.sections[figure.section].on_channels
    ]
    # The figure of the first few filters has no group: a filter has several tiles there.
    groups = group_figures((figure for figure in figures if figure.group is not None), catalogue)
    found = []
    for group in groups:
        crop = crop_channel(group.first.figure, unit.channel)
        if crop is not None:
            width, height = crop.tile[2:]
            enlarged = max(1, FILTER_SIDE // max(width, height))
            found.append(FilterView(group.first, crop, width * enlarged, max(height * enlarged, LEAST_HEIGHT)))
    return tuple(found)
