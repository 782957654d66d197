"""Whole sites made of the records in `support.records`, and the page that shows every component."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from reportgen.files.manifest import write_manifest
from reportgen.record import Record, dump_record
from reportgen.site.environment import make_environment
from reportgen.site.figures import FigureGroup, FigureView
from reportgen.site.outline import Link
from reportgen.site.page import HOME, Page
from reportgen.site.pages import outline_of, settle_pages
from reportgen.site.search import search_entries
from reportgen.site.strip import draw_strip
from reportgen.site.writer import render_page, view_site, write_assets, write_site, write_text

COMPONENTS = Path(__file__).with_name("components")

# One page of each kind of the small report.
KINDS = (
    "index.html",
    "layers/index.html",
    "layers/conv1.html",
    "graph.html",
    "filters.html",
    "activation-maximization.html",
    "deep-dream.html",
    "units/index.html",
    "units/conv1/index.html",
    "units/conv1/0.html",
    "units/conv1/2.html",
    "images/index.html",
    "images/checks.html",
    "evaluation.html",
)
COMPONENTS_PAGE = "components.html"


def write_report(make: Callable[[Path], Record], folder: Path) -> Record:
    """Write the report of the record that `make` puts together with its pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    record = make(folder)
    write_text(folder / "report.json", dump_record(record))
    write_site(record, folder)
    write_manifest(folder, "report")
    return record


def _renamed(view: FigureView) -> FigureView:
    return replace(view, figure=view.figure.model_copy(update={"id": f"again-{view.figure.id}"}))


def write_components(folder: Path, record: Record) -> None:
    """Add `components.html`, every component once, to the report of the small record in `folder`."""
    pages = {page.path: page for page in settle_pages(record)}
    layer, image = pages["layers/conv1.html"].view, pages["images/checks.html"].view
    views = {
        "pages": (Link("1", "components.html"), Link("2", "index.html")),
        "front": pages["index.html"].view,
        "layer": layer,
        # Two variants of one thing; the layer's page shows one of them small already.
        "front_group": FigureGroup("variants", tuple(_renamed(one) for one in image.sections[0].groups[0].variants)),
        "maximized": pages["activation-maximization.html"].view.layers[0].maximizations,
    }
    page = Page(COMPONENTS_PAGE, "Components", "components.html.jinja2", views, (HOME,), "layers/index.html", "conv1")
    page = replace(page, previous=Link("before", "index.html"), next=Link("after", "filters.html"))
    site = view_site(record, write_assets(folder, search_entries(record)))
    text = render_page(
        make_environment(COMPONENTS), page, site, outline_of(record, list(pages.values())), draw_strip(record)
    )
    write_text(folder / page.path, text)
    write_manifest(folder, "report")
