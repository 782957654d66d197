"""The layer table and a page for each layer shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reportgen.facts import SEVERITIES
from reportgen.record import Layer
from reportgen.site.catalogue import Catalogue
from reportgen.site.charts import draw_histogram, draw_profile
from reportgen.site.facts import activation_facts, layer_facts, weight_facts
from reportgen.site.figures import FigureView, group_figures
from reportgen.site.outline import Link
from reportgen.site.page import HOME, LAYERS, Page, chained
from reportgen.site.parts import (
    page_contents,
    page_links,
    page_paths,
    split,
    view_findings,
    view_maximizations,
    view_section,
    view_sections,
)
from reportgen.site.views import LayerRow, LayersView, LayerView, PlatesView, SectionView

# Rows on one page of the table: with the outline they stay below 1,500 elements.
ROWS = 80

# Small pictures on one page beside all else a layer has: with 64 maps each they stay below 100 kB.
PLATES = 20

# Arrays that a layer's page lists; the rest are listed on the images' pages.
ARRAYS = 20

_TABLE = Link("Layers", LAYERS)


def table_pages(catalogue: Catalogue) -> list[Page]:
    """The layer table, over as many pages as its length asks for."""
    record = catalogue.record
    runs = split(record.layers, ROWS)
    paths = page_paths(LAYERS, "layers/index-{}.html", len(runs))
    pages = []
    for path, run in zip(paths, runs, strict=True):
        view = LayersView(
            rows=tuple(_table_row(layer, catalogue) for layer in run),
            total=len(record.layers),
            model=record.model,
            pages=page_links(paths),
        )
        title = "Layers" if len(runs) == 1 else f"Layers, page {paths.index(path) + 1} of {len(runs)}"
        pages.append(Page(path, title, "layers.html.jinja2", view, crumbs=(HOME,), parent=LAYERS))
    return chained(pages)


def layer_pages(catalogue: Catalogue) -> list[Page]:
    """A page for each layer that has one, each followed by the further pages of its pictures."""
    shown = [layer for layer in catalogue.record.layers if layer.page is not None]
    own = chained([_layer_page(layer, catalogue) for layer in shown])
    return [
        page for layer, first in zip(shown, own, strict=True) for page in (first, *_further_pages(layer, catalogue))
    ]


def _table_row(layer: Layer, catalogue: Catalogue) -> LayerRow:
    findings = catalogue.findings_of_layer.get(layer.name, [])
    worst = min((finding.severity for finding in findings), key=SEVERITIES.index, default=None)
    return LayerRow(layer, len(findings), worst)


def _layer_page(layer: Layer, catalogue: Catalogue) -> Page:
    assert layer.page is not None
    plates, paths = _plates(layer, catalogue)
    weights, activations = layer.weights, layer.activations
    columns = None if activations is None else activations.columns
    sections = _sections(layer, plates[0], catalogue)
    view = LayerView(
        layer=layer,
        facts=layer_facts(layer),
        weight_facts=weight_facts(weights),
        activation_facts=activation_facts(activations),
        before=_layer_links(layer.inputs, catalogue),
        after=_layer_links(catalogue.following.get(layer.name, ()), catalogue),
        sheet=catalogue.sheets.get(layer.name),
        units=tuple(catalogue.units_of_layer.get(layer.name, ())),
        weights=draw_histogram(None if weights is None else weights.histogram),
        activations=draw_histogram(None if activations is None else activations.histogram),
        profile="" if columns is None else draw_profile(columns.max),
        channel_count=0 if columns is None else len(columns.max),
        findings=view_findings(catalogue.findings_of_layer.get(layer.name, ()), catalogue),
        sections=sections,
        contents=page_contents(sections, Link("Facts", "#facts")),
        pages=page_links(paths),
    )
    return Page(
        layer.page, layer.name, "layer.html.jinja2", view, crumbs=(HOME, _TABLE), parent=LAYERS, here=layer.name
    )


def _layer_links(names: Sequence[str], catalogue: Catalogue) -> tuple[tuple[str, str | None], ...]:
    return tuple((name, catalogue.layer_page(name)) for name in dict.fromkeys(names))


def _sections(layer: Layer, plates: Sequence[FigureView], catalogue: Catalogue) -> tuple[SectionView, ...]:
    """What the sections have to show of a layer; figures that also speak of an image are shown small."""
    figures = catalogue.figures_on("on_layers", catalogue.figures_of_layer.get(layer.name, ()), "whole")
    found = view_sections((), figures, catalogue)
    maximizations = view_maximizations(catalogue.maximizations_of_layer.get(layer.name, ()), catalogue)
    features = tuple(catalogue.features_of_layer.get(layer.name, ()))
    sections = []
    for slug, declared in catalogue.sections.items():
        arrays = [array for array in features if array.section == slug]
        section = replace(
            found.get(slug, view_section(declared)),
            plates=tuple(plate for plate in plates if plate.figure.section == slug),
            maximizations=tuple(view for view in maximizations if view.shown.section == slug),
            features=tuple(arrays[:ARRAYS]),
            features_elsewhere=len(arrays[ARRAYS:]),
        )
        if section.groups or section.plates or section.maximizations or section.features:
            sections.append(section)
    return tuple(sections)


def _plates(layer: Layer, catalogue: Catalogue) -> tuple[list[Sequence[FigureView]], list[str]]:
    """A layer's small pictures, the first variant of each, in runs of a page, and the pages' paths."""
    assert layer.page is not None
    figures = catalogue.figures_on("on_layers", catalogue.figures_of_layer.get(layer.name, ()), "small")
    runs = split([group.first for group in group_figures(figures, catalogue)], PLATES)
    return runs, page_paths(layer.page, layer.page.removesuffix(".html") + "/images-{}.html", len(runs))


def _further_pages(layer: Layer, catalogue: Catalogue) -> list[Page]:
    assert layer.page is not None
    runs, paths = _plates(layer, catalogue)
    if len(runs) == 1:
        return []
    sections = [catalogue.sections[run[0].figure.section] for run in runs]
    return [
        Page(
            path,
            f"{layer.name}: {section.title.lower()}, page {number}",
            "plates.html.jinja2",
            PlatesView(replace(view_section(section), note=None, plates=tuple(run)), page_links(paths)),
            crumbs=(HOME, _TABLE, Link(layer.name, layer.page)),
            parent=layer.page,
            here=layer.name,
            previous=Link(f"page {number - 1}", paths[number - 2]),
            next=Link(f"page {number + 1}", paths[number]) if number < len(paths) else None,
        )
        for number, (path, run, section) in enumerate(zip(paths[1:], runs[1:], sections[1:], strict=True), 2)
    ]
