"""Pages that show one thing over the whole network: filters, maximised images, dreams, the graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reportgen.record import GraphEdge, GraphNode, Section
from reportgen.site.catalogue import Catalogue
from reportgen.site.explanation_pages import explanation_pages
from reportgen.site.figures import group_figures
from reportgen.site.page import GRAPH, HOME, Page, chained
from reportgen.site.parts import page_links, page_paths, split, view_maximizations, view_section
from reportgen.site.views import (
    EdgeView,
    GraphView,
    MaximizationView,
    MaximizedLayer,
    MaximizedView,
    NodeView,
    PlatesView,
)

# Small pictures on one page.
PLATES = 32
MAXIMIZED = 96

# CSS pixels from one line of a node to the next.
LINE_HEIGHT = 14

# CSS pixels from a line of the graph to its label.
LABEL_GAP = 5


def gallery_pages(catalogue: Catalogue) -> list[Page]:
    """The galleries of sections that have something to show."""
    pages: list[Page] = []
    for section in catalogue.record.sections:
        if section.gallery == "maximizations":
            pages += _maximized_pages(section, catalogue)
        elif section.gallery == "explanations":
            pages += explanation_pages(section, catalogue)
        elif section.gallery is not None:
            pages += _plates_pages(section, catalogue)
    return pages


def gallery_path(section: Section) -> str:
    """The page of a section that has one of its own."""
    return f"{section.slug}.html"


def _plates_pages(section: Section, catalogue: Catalogue) -> list[Page]:
    """The figures of a section; of each thing drawn the last group alone, where it asks for that."""
    figures = [figure for figure in catalogue.record.figures if figure.section == section.slug]
    if not figures:
        return []
    groups = group_figures(figures, catalogue)
    latest = {(group.first.figure.layer, group.first.figure.image): group.first for group in groups}
    plates = latest.values() if section.gallery == "last" else [group.first for group in groups]
    view = view_section(section)
    return _gallery(section, [PlatesView(replace(view, plates=tuple(run)), ()) for run in split(list(plates), PLATES)])


def _maximized_pages(section: Section, catalogue: Catalogue) -> list[Page]:
    made = view_maximizations(catalogue.maximizations_of_section.get(section.slug, ()), catalogue)
    if not made:
        return []
    views = []
    for run in split(made, MAXIMIZED):
        layers: dict[str, list[MaximizationView]] = {}
        for one in run:
            layers.setdefault(one.shown.layer, []).append(one)
        shown = tuple(MaximizedLayer(name, catalogue.layer_page(name), tuple(ones)) for name, ones in layers.items())
        views.append(MaximizedView(view_section(section), shown, ()))
    return _gallery(section, views)


def _gallery(section: Section, views: Sequence[PlatesView | MaximizedView]) -> list[Page]:
    paths = page_paths(gallery_path(section), f"{section.slug}-{{}}.html", len(views))
    template = "maximized.html.jinja2" if isinstance(views[0], MaximizedView) else "plates.html.jinja2"
    return chained(
        [
            Page(
                path,
                section.title if number == 1 else f"{section.title}, page {number}",
                template,
                replace(view, pages=page_links(paths)),
                crumbs=(HOME,),
                parent=paths[0],
                listed=number == 1,
            )
            for number, (path, view) in enumerate(zip(paths, views, strict=True), 1)
        ]
    )


def graph_pages(catalogue: Catalogue) -> list[Page]:
    """The drawn layer graph, if there is one."""
    graph = catalogue.record.graph
    if graph is None:
        return []
    view = GraphView(graph, tuple(map(view_node, graph.nodes)), tuple(map(view_edge, graph.edges)))
    return [Page(GRAPH, "Graph", "graph.html.jinja2", view, crumbs=(HOME,), listed=True)]


def view_node(node: GraphNode) -> NodeView:
    """A node with its lines of text in their places."""
    middle = node.x + node.width / 2
    first = node.y + (node.height - (len(node.text) - 1) * LINE_HEIGHT) / 2
    lines = tuple(
        (round(middle, 1), round(first + LINE_HEIGHT * place, 1), text) for place, text in enumerate(node.text)
    )
    return NodeView(node, ", ".join(node.layers) or node.name, lines)


def view_edge(edge: GraphEdge) -> EdgeView:
    """The edge as a path; its label stands beside the middle of its points."""
    x, y = edge.points[len(edge.points) // 2]
    if len(edge.points) % 2 == 0:
        before = edge.points[len(edge.points) // 2 - 1]
        x, y = (x + before[0]) / 2, (y + before[1]) / 2
    path = "M" + "L".join(f"{left:g} {top:g}" for left, top in edge.points)
    return EdgeView(path, edge.label, round(x + LABEL_GAP, 1), round(y, 1))
