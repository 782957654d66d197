"""The pages of a comparison: two reports, A and B, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from reportgen import formats
from reportgen._version import __version__
from reportgen.facts import SEVERITIES
from reportgen.files.inside import Inside
from reportgen.finished.comparison import (
    Change,
    Comparison,
    Fact,
    FindingComparison,
    ImageComparison,
    MaximizationPair,
    PicturePair,
)
from reportgen.record import Figure, Prediction, Tile
from reportgen.site.environment import make_environment
from reportgen.site.facts import trust_words
from reportgen.site.figures import FigureView, crop_of, view_alone
from reportgen.site.outline import Link, Outline
from reportgen.site.page import FRONT, HOME, Page, chained
from reportgen.site.parts import page_links, page_paths, split
from reportgen.site.writer import SiteView, finish_site, render_page, write_assets, write_text

Item = TypeVar("Item")

# Items on one page: with all that both reports say of each it stays below 1,500 elements.
ROWS = 90
PAIRS = 18

_WORDS = {"same": "same", "changed": "changed", "only A": "only in A", "only B": "only in B"}


@dataclass(frozen=True)
class FactRow:
    """One line of a table: what is asked, both answers in words, and what changed."""

    name: str
    first: str
    second: str
    change: Change
    words: str


@dataclass(frozen=True)
class ComparisonView:
    """The front page of a comparison."""

    titles: tuple[str, str]
    summary: str
    facts: tuple[FactRow, ...]
    findings: tuple[tuple[FindingComparison, str], ...]
    parts: tuple[tuple[Link, str], ...]


@dataclass(frozen=True)
class RowsView:
    """Layers or answers, each as a line of a table, or one page of them; the first column is called `name`."""

    titles: tuple[str, str]
    name: str
    rows: tuple[FactRow, ...]
    pages: tuple[Link, ...]


@dataclass(frozen=True)
class Half:
    """What one report has to show of a pair."""

    figure: FigureView | None
    crop: Tile | None
    words: str


@dataclass(frozen=True)
class PairView:
    """Something that both reports show."""

    name: str
    halves: tuple[Half, Half]


@dataclass(frozen=True)
class PairsView:
    """Pairs of pictures, or one page of them."""

    titles: tuple[str, str]
    pairs: tuple[PairView, ...]
    pages: tuple[Link, ...]


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
    layers = list(_layer_rows(comparison))
    images = [row for image in comparison.images for row in _image_rows(image)]
    figures = [_figure_pair(pair) for pair in comparison.figures]
    maximized = [_maximization_pair(pair) for pair in comparison.maximizations]
    titles = comparison.titles
    parts = [
        *_paged("layers", "Layers", layers, ROWS, lambda run, links: RowsView(titles, "Layer", tuple(run), links)),
        *_paged("images", "Answers", images, ROWS, lambda run, links: RowsView(titles, "Image", tuple(run), links)),
        *_paged("figures", "Figures", figures, PAIRS, lambda run, links: PairsView(titles, tuple(run), links)),
        *_paged(
            "maximized", "Maximised images", maximized, PAIRS, lambda run, links: PairsView(titles, tuple(run), links)
        ),
    ]
    counts = {
        "layers.html": _changed(comparison.layers, "layer"),
        "images.html": _changed(comparison.images, "answer"),
        "figures.html": f"{formats.count(len(figures))} in both",
        "maximized.html": f"{formats.count(len(maximized))} in both",
    }
    front = ComparisonView(
        titles=titles,
        summary=_summary(comparison),
        facts=tuple(_fact_row(fact) for fact in comparison.model),
        findings=tuple(_ordered_findings(comparison)),
        parts=tuple((Link(page.title, page.path), counts[page.path]) for page in parts if page.parent is None),
    )
    return [Page(FRONT, f"{titles[0]} and {titles[1]}", "comparison.html.jinja2", front), *parts]


def _paged(
    stem: str,
    title: str,
    items: Sequence[Item],
    size: int,
    view: Callable[[Sequence[Item], tuple[Link, ...]], RowsView | PairsView],
) -> list[Page]:
    """The pages of one part of the comparison, none where it is empty."""
    if not items:
        return []
    runs = split(items, size)
    paths = page_paths(f"{stem}.html", f"{stem}-{{}}.html", len(runs))
    pages = []
    for number, (path, run) in enumerate(zip(paths, runs, strict=True), 1):
        shown = view(run, page_links(paths))
        template = "compared-rows.html.jinja2" if isinstance(shown, RowsView) else "compared-pairs.html.jinja2"
        name = title if number == 1 else f"{title}, page {number}"
        pages.append(Page(path, name, template, shown, crumbs=(HOME,), parent=paths[0] if number > 1 else None))
    return chained(pages)


def _summary(comparison: Comparison) -> str:
    agreement = comparison.agreement
    shared = [image for image in comparison.images if image.first is not None and image.second is not None]
    if not shared:
        answers = "They share no image."
    elif agreement is None:
        same = sum(image.change == "same" for image in shared)
        answers = f"The answers are the same on {formats.percent(same / len(shared))} of the shared images."
    else:
        answers = f"The best class is the same on {formats.percent(agreement)} of the shared images."
    changed = sum(layer.change != "same" for layer in comparison.layers)
    return f"{answers} {formats.count(changed)} of {formats.count(len(comparison.layers))} layers differ."


def _changed(items: Sequence[object], noun: str) -> str:
    changed = sum(getattr(item, "change", "same") != "same" for item in items)
    return f"{formats.count(changed)} of {formats.counted(len(items), noun)} differ"


def _fact_row(fact: Fact) -> FactRow:
    return FactRow(fact.name, _words(fact.first), _words(fact.second), fact.change, _WORDS[fact.change])


def _words(value: str | int | float | tuple[int | None, ...] | None) -> str:
    """A fact's value as the pages of a report write it."""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return formats.shape(value)
    return formats.count(value) if isinstance(value, int) else formats.number(value)


def _layer_rows(comparison: Comparison) -> Iterator[FactRow]:
    """A line for each layer, or for each of the facts that differ."""
    for layer in comparison.layers:
        if not layer.facts:
            types = [one.type if one is not None else formats.NOTHING for one in (layer.first, layer.second)]
            yield FactRow(layer.name, types[0], types[1], layer.change, _WORDS[layer.change])
        for fact in layer.facts:
            yield FactRow(
                f"{layer.name}: {fact.name}", _words(fact.first), _words(fact.second), fact.change, _WORDS[fact.change]
            )


def _image_rows(image: ImageComparison) -> Iterator[FactRow]:
    """A line for each output that both describe, else one for the best class."""
    if not image.answers:
        first, second = (_answer(best) for best in image.best)
        yield FactRow(image.file, first, second, image.change, _WORDS[image.change])
    for answer, change in image.answers:
        about = f" ({answer.about})" if answer.about else ""
        name = f"{image.file}{about}" if len(image.answers) == 1 else f"{image.file}: {answer.output}{about}"
        yield FactRow(name, answer.first, answer.second, change, _WORDS[change])


def _answer(best: Prediction | None) -> str:
    if best is None:
        return formats.NOTHING
    return f"{best.label or f'class {best.index}'} ({formats.number(best.score)})"


def _ordered_findings(comparison: Comparison) -> Iterator[tuple[FindingComparison, str]]:
    for one in sorted(
        comparison.findings, key=lambda item: (item.change == "same", SEVERITIES.index(item.finding.severity))
    ):
        yield one, "in both" if one.change == "same" else _WORDS[one.change]


def _figure_pair(pair: PicturePair) -> PairView:
    first, second = (
        Half(view_alone(figure.model_copy(update={"id": f"{side}-{figure.id}"})), None, "")
        for side, figure in (("a", pair.first), ("b", pair.second))
    )
    return PairView(_figure_name(pair.first), (first, second))


def _figure_name(figure: Figure) -> str:
    return ", ".join(part for part in (figure.title, figure.image, figure.variant) if part)


def _maximization_pair(pair: MaximizationPair) -> PairView:
    first, second = (Half(None, crop_of(shown), trust_words(shown)) for shown in (pair.first, pair.second))
    what = f"class {pair.first.label}" if pair.first.label is not None else f"channel {pair.first.channel}"
    return PairView(f"{pair.first.layer}, {what}", (first, second))


def _pictures(comparison: Comparison) -> tuple[set[str], set[str]]:
    """The pictures shown from each of the two reports."""
    pairs: tuple[PicturePair | MaximizationPair, ...] = (*comparison.figures, *comparison.maximizations)
    first = {pair.first.picture for pair in pairs if pair.first.picture is not None}
    return first, {pair.second.picture for pair in pairs if pair.second.picture is not None}
