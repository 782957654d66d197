"""The pages of a comparison: two reports, A and B, side by side; what matters first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from reportgen import formats
from reportgen._version import __version__
from reportgen.files.inside import Inside
from reportgen.finished.comparison import Comparison, MaximizationPair, PicturePair
from reportgen.finished.comparison_rows import (
    alike_view,
    answer_card,
    fact_row,
    figure_pair,
    graphs_view,
    image_rows,
    layer_row,
    maximization_pair,
    most_changed,
    ordered_findings,
    score_facts,
)
from reportgen.finished.comparison_views import (
    CardsView,
    ComparisonView,
    LayersView,
    PairsView,
    RowsView,
)
from reportgen.finished.comparison_words import sentences
from reportgen.site.environment import make_environment
from reportgen.site.outline import Link, Outline
from reportgen.site.page import FRONT, HOME, Page, chained
from reportgen.site.parts import page_links, page_paths, split
from reportgen.site.writer import SiteView, finish_site, render_page, write_assets, write_text

Item = TypeVar("Item")

# Items on one page: with all that both reports say of each it stays below 1,500 elements.
ROWS = 90
LAYERS = 60
CARDS = 36
PAIRS = 18

# Of more figures those that changed most are shown: the others are in the reports.
MOST_PAIRS = 54

# What the front page shows of each part.
FRONT_CARDS = 8
FRONT_LAYERS = 6
FRONT_PAIRS = 3


def write_comparison(comparison: Comparison, folders: tuple[Path, Path], folder: Path) -> None:
    """Write the pages of `comparison` into `folder`, with the pictures they show from the two reports' `folders`.

    Raises:
        ReportgenError: a picture is missing from its report.
    """
    pages = _settle(comparison)
    title = f"{comparison.titles[0]} and {comparison.titles[1]}"
    site = SiteView(
        title=title,
        description="two reports on image networks side by side",
        generator=f"reportgen {__version__}",
        created=None,
        logo=None,
        css=None,
        record=None,
        assets=write_assets(folder, [("page", page.title, page.path) for page in pages]),
    )
    general = tuple(
        Link(page.title if page.path != FRONT else HOME.text, page.path) for page in pages if not page.parent
    )
    environment = make_environment()
    for page in pages:
        write_text(folder / page.path, render_page(environment, page, site, Outline(general, ()), ()))
    for source, pictures in zip(folders, _pictures(comparison), strict=True):
        for picture in sorted(pictures):
            Inside(source).copy(picture, "a picture to compare", folder)
    finish_site(folder)


def _settle(comparison: Comparison) -> list[Page]:
    """All pages, the front page first."""
    titles, figures = comparison.titles, comparison.figures[:MOST_PAIRS]
    cards = [answer_card(image) for image in comparison.images if image.change == "changed"]
    layers = [layer_row(layer) for layer in comparison.layers]
    rows = [row for image in comparison.images for row in image_rows(image)]
    left = len(comparison.figures) - len(figures)
    note = f"These changed most; {formats.counted(left, 'other figure')} changed less." if left else ""
    parts = [
        *_paged(
            "changed", "Answers that changed", cards, CARDS, "changed-answers", lambda *two: CardsView(titles, *two)
        ),
        *_paged("images", "All answers", rows, ROWS, "compared-rows", lambda *two: RowsView(titles, "Image", *two)),
        *_paged("layers", "Layers", layers, LAYERS, "compared-layers", lambda *two: LayersView(titles, *two)),
        *_single("alike", "How alike the layers are", "compared-alike", alike_view(comparison)),
        *_single("graph", "Graph", "compared-graph", graphs_view(comparison)),
        *_paged(
            "figures",
            "Figures",
            [figure_pair(pair) for pair in figures],
            PAIRS,
            "compared-pairs",
            lambda pairs, links: PairsView(titles, pairs, links, note),
        ),
        *_paged(
            "maximized",
            "Maximised images",
            [maximization_pair(pair) for pair in comparison.maximizations],
            PAIRS,
            "compared-pairs",
            lambda *two: PairsView(titles, *two),
        ),
    ]
    return [_front(comparison, parts), *parts]


def _front(comparison: Comparison, parts: Sequence[Page]) -> Page:
    """What one reads first."""
    titles, said = comparison.titles, sentences(comparison)
    changed = [image for image in comparison.images if image.change == "changed"]
    findings = ordered_findings(comparison.findings)
    counts = {
        "changed.html": f"{formats.counted(len(changed), 'image')}, those for the worse first",
        "images.html": _changed(comparison.images, "image")
        if any(image.comparable for image in comparison.images)
        else "answers are not of one kind",
        "layers.html": _changed(comparison.layers, "layer"),
        "alike.html": "linear CKA of every two layers",
        "graph.html": "what was added, removed and changed",
        "figures.html": f"{formats.count(len(comparison.figures))} in both, those that changed most first",
        "maximized.html": f"{formats.count(len(comparison.maximizations))} in both",
    }
    view = ComparisonView(
        titles=titles,
        lead=said[0],
        sentences=said[1:],
        key_facts=score_facts(comparison),
        facts=tuple(fact_row(fact) for fact in comparison.model),
        cards=tuple(answer_card(image) for image in changed[:FRONT_CARDS]),
        changed_count=len(changed),
        changed_page="changed.html" if changed else None,
        findings=tuple((one, _came(one.change)) for one in findings if one.change != "same"),
        kept_findings=tuple(one for one in findings if one.change == "same"),
        layers=tuple(layer_row(layer) for layer in most_changed(comparison.layers, FRONT_LAYERS)),
        pairs=tuple(figure_pair(pair) for pair in _first_figures(comparison.figures)),
        parts=tuple((Link(page.title, page.path), counts[page.path]) for page in parts if page.parent is None),
    )
    return Page(FRONT, f"{titles[0]} and {titles[1]}", "comparison.html.jinja2", view)


def _came(change: str) -> str:
    return {"only B": "came", "only A": "went", "changed": "severity changed"}[change]


def _first_figures(figures: Sequence[PicturePair]) -> Iterator[PicturePair]:
    """The figures that changed most, of different layers."""
    shown: set[str | None] = set()
    for pair in figures:
        if pair.apart and pair.first.layer not in shown and len(shown) < FRONT_PAIRS:
            shown.add(pair.first.layer)
            yield pair


def _single(stem: str, title: str, template: str, view: object | None) -> list[Page]:
    """A page, none where there is nothing to show."""
    return [] if view is None else [Page(f"{stem}.html", title, f"{template}.html.jinja2", view, crumbs=(HOME,))]


def _paged(
    stem: str,
    title: str,
    items: Sequence[Item],
    size: int,
    template: str,
    view: Callable[[tuple[Item, ...], tuple[Link, ...]], Any],
) -> list[Page]:
    """The pages of one part of the comparison, none where it is empty."""
    if not items:
        return []
    runs = split(items, size)
    paths = page_paths(f"{stem}.html", f"{stem}-{{}}.html", len(runs))
    pages = []
    for number, (path, run) in enumerate(zip(paths, runs, strict=True), 1):
        name = title if number == 1 else f"{title}, page {number}"
        shown = view(tuple(run), page_links(paths))
        parent = paths[0] if number > 1 else None
        pages.append(Page(path, name, f"{template}.html.jinja2", shown, crumbs=(HOME,), parent=parent))
    return chained(pages)


def _changed(items: Sequence[Any], noun: str) -> str:
    """How many of `items` changed."""
    changed = sum(item.change not in ("same", "not compared") for item in items)
    return f"{formats.count(changed)} of {formats.counted(len(items), noun)} differ"


def _pictures(comparison: Comparison) -> tuple[set[str], set[str]]:
    """The pictures shown from each of the two reports."""
    first, second = set[str](), set[str]()
    # The front page shows figures of different layers, which need not be among those that changed most.
    pairs: tuple[PicturePair | MaximizationPair, ...] = (
        *comparison.figures[:MOST_PAIRS],
        *_first_figures(comparison.figures),
        *comparison.maximizations,
    )
    for pair in pairs:
        if pair.first.picture is not None and pair.second.picture is not None:
            first.add(pair.first.picture)
            second.add(pair.second.picture)
    for image in comparison.images:
        if image.change == "changed":
            for figure, side in zip((image.likeness, *image.evidence), (image.likeness_in, 0, 1), strict=True):
                if figure is not None:
                    (first, second)[side].add(figure.picture)
    return first, second
