"""All maps of why the network answered so: a page for each method, and one with the classes and their images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from reportgen import formats
from reportgen.attribution_settings import METHOD_TITLES
from reportgen.record import Attribution, Image, Section
from reportgen.site.catalogue import Catalogue
from reportgen.site.facts import Facts
from reportgen.site.figures import FigureView, view_figure
from reportgen.site.outline import Link
from reportgen.site.page import HOME, Page, chained
from reportgen.site.parts import page_links, page_paths, split

# Maps on one page, which then has fewer than 1,500 elements with the outline.
MAPS = 72

# What maps of a verdict are called, the best first.
_VERDICTS = {"holds": "holding", "weak": "weak", "explains nothing": "explaining nothing"}


@dataclass(frozen=True)
class WhyCard:
    """A map as one of many, with what there is to say of its image in a few words."""

    view: FigureView
    words: str


@dataclass(frozen=True)
class MethodView:
    """The maps of all images that one method made, or one page of them."""

    title: str
    note: str | None
    facts: Facts
    cards: tuple[WhyCard, ...]
    others: tuple[Link, ...]
    pages: tuple[Link, ...]


@dataclass(frozen=True)
class ClassCards:
    """A class with the images that were taken for it, and those of it that were taken for another."""

    name: str
    anchor: str
    named: tuple[WhyCard, ...]
    missed: tuple[WhyCard, ...]


@dataclass(frozen=True)
class ClassesView:
    """All classes with the maps of their images, or one page of them."""

    method: str
    classes: tuple[ClassCards, ...]
    others: tuple[Link, ...]
    pages: tuple[Link, ...]


@dataclass
class _Gathered:
    """A class while its images are gathered."""

    named: list[WhyCard] = field(default_factory=list)
    missed: list[WhyCard] = field(default_factory=list)


_Shown = tuple[Image, Attribution, FigureView]
_Key = tuple[str, str | None]


def explanation_pages(section: Section, catalogue: Catalogue) -> list[Page]:
    """A page for each method, and further ones where there are many maps; then the classes, where there are any."""
    methods = _by_method(catalogue)
    if not methods:
        return []
    paths = _paths(section.slug, list(methods))
    of_classes = f"{section.slug}-classes.html"
    telling = _telling(methods)
    classes = _classes(methods[telling])
    links = [Link(_title(key, methods), path) for key, path in paths.items()]
    others = tuple([*links, Link("Class by class", of_classes)] if classes else links if len(links) > 1 else ())
    pages: list[Page] = []
    for key, shown in methods.items():
        pages += _method_pages(section, _title(key, methods), paths[key], key, shown, others, first=not pages)
    return [*pages, *_class_pages(section, of_classes, METHOD_TITLES[telling[0]], classes, others)]


def class_anchors(catalogue: Catalogue) -> dict[str, str]:
    """Where the classes stand with the maps of their images, by name: page and fragment."""
    section = next((one for one in catalogue.record.sections if one.gallery == "explanations"), None)
    methods = _by_method(catalogue)
    if section is None or not methods:
        return {}
    runs = _class_runs(_classes(methods[_telling(methods)]))
    paths = page_paths(f"{section.slug}-classes.html", f"{section.slug}-classes-{{}}.html", len(runs))
    return {one.name: f"{path}#{one.anchor}" for run, path in zip(runs, paths, strict=True) for one in run}


def _by_method(catalogue: Catalogue) -> dict[_Key, list[_Shown]]:
    """The maps that have a picture, by method and layer."""
    found: dict[_Key, list[_Shown]] = {}
    for image in catalogue.record.images:
        for one in image.attributions:
            figure = catalogue.figures.get(one.figure or "")
            if figure is not None:
                found.setdefault((one.method, one.layer), []).append((image, one, view_figure(figure, catalogue)))
    return found


def _telling(methods: dict[_Key, list[_Shown]]) -> _Key:
    """The method that found evidence in most images, the first of those that found it in as many."""
    return max(methods, key=lambda key: sum(one.positive_evidence for _, one, _ in methods[key]))


def _paths(slug: str, keys: Sequence[_Key]) -> dict[_Key, str]:
    """The first page of each method, by its layer too where it reads several; the first method has the section's."""
    numbers: Counter[str] = Counter()
    paths = {}
    for place, key in enumerate(keys):
        numbers[key[0]] += 1
        more = f"-{numbers[key[0]]}" if numbers[key[0]] > 1 else ""
        paths[key] = f"{slug}-{key[0]}{more}.html" if place else f"{slug}.html"
    return paths


def _title(key: _Key, methods: dict[_Key, list[_Shown]]) -> str:
    several = sum(method == key[0] for method, _ in methods) > 1
    return f"{METHOD_TITLES[key[0]]} of {key[1]}" if several else METHOD_TITLES[key[0]]


def _method_pages(
    section: Section,
    title: str,
    path: str,
    key: _Key,
    shown: Sequence[_Shown],
    others: tuple[Link, ...],
    *,
    first: bool,
) -> list[Page]:
    cards = [WhyCard(view, view.attribution.role if view.attribution else "") for _, _, view in shown]
    runs = split(cards, MAPS)
    paths = page_paths(path, path.removesuffix(".html") + "-page-{}.html", len(runs))
    name = section.title if first else f"{section.title}: {title}"
    return chained(
        [
            Page(
                one,
                name if number == 1 else f"{name}, page {number}",
                "explanations.html.jinja2",
                MethodView(
                    title=title,
                    note=section.note,
                    facts=_facts(key, [shown_one for _, shown_one, _ in shown]),
                    cards=tuple(run),
                    others=others,
                    pages=page_links(paths),
                ),
                crumbs=(HOME,),
                parent=f"{section.slug}.html",
                listed=first and number == 1,
            )
            for number, (one, run) in enumerate(zip(paths, runs, strict=True), 1)
        ]
    )


def _facts(key: _Key, shown: Sequence[Attribution]) -> Facts:
    """What the checks found of a method, in words."""
    verdicts: Counter[str] = Counter(one.verdict for one in shown if one.verdict is not None and one.positive_evidence)
    said = ", ".join(f"{words}: {verdicts[word]}" for word, words in _VERDICTS.items() if verdicts[word])
    checked = f"{formats.counted(verdicts.total(), 'map')} ({said})" if said else ""
    empty = sum(not one.positive_evidence for one in shown)
    rows = (
        ("Layer", key[1] or ""),
        ("Maps", f"{len(shown)}"),
        ("Checked", checked),
        ("Without evidence", f"{empty}" if empty else ""),
    )
    return tuple(row for row in rows if row[1])


# --- classes --------------------------------------------------------------------------------------


def _classes(shown: Sequence[_Shown]) -> list[ClassCards]:
    """The classes of the first output that names any, in their order."""
    found: dict[tuple[int, str], _Gathered] = {}
    named = [item for item in shown if item[1].target.kind == "predicted" and item[1].target.index is not None]
    output = named[0][1].output if named else None
    subjects = {image.file: one.subject for image, one, _ in named if one.output == output}
    right = {image.file: one.subject for image, one, _ in shown if one.target.kind == "truth" and one.output == output}
    for image, one, view in shown:
        if one.output != output or one.target.index is None or image.file not in subjects:
            continue
        own = (one.target.index, one.subject)
        if one.target.kind == "predicted":
            words = f"is {right[image.file]}" if image.file in right else "right" if image.truth is not None else ""
            found.setdefault(own, _Gathered()).named.append(WhyCard(view, words))
        elif one.target.kind == "truth":
            found.setdefault(own, _Gathered()).missed.append(WhyCard(view, f"taken for {subjects[image.file]}"))
    return [
        ClassCards(name, f"class-{index}", tuple(cards.named), tuple(cards.missed))
        for (index, name), cards in sorted(found.items())
    ]


def _class_runs(classes: Sequence[ClassCards]) -> list[list[ClassCards]]:
    """Classes for each page, whose maps are at most MAPS where no class has more by itself."""
    runs: list[list[ClassCards]] = [[]]
    for one in classes:
        there = sum(len(other.named) + len(other.missed) for other in runs[-1])
        if runs[-1] and there + len(one.named) + len(one.missed) > MAPS:
            runs.append([])
        runs[-1].append(one)
    return runs


def _class_pages(
    section: Section, path: str, method: str, classes: Sequence[ClassCards], others: tuple[Link, ...]
) -> list[Page]:
    if not classes:
        return []
    runs = _class_runs(classes)
    paths = page_paths(path, path.removesuffix(".html") + "-{}.html", len(runs))
    name = f"{section.title}: class by class"
    return chained(
        [
            Page(
                one,
                name if number == 1 else f"{name}, page {number}",
                "explained-classes.html.jinja2",
                ClassesView(method, tuple(run), others, page_links(paths)),
                crumbs=(HOME, Link(section.title, f"{section.slug}.html")),
                parent=f"{section.slug}.html",
            )
            for number, (one, run) in enumerate(zip(paths, runs, strict=True), 1)
        ]
    )
