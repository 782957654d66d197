"""The parts that several kinds of pages share: findings, image cards, maximised images, sections, paging."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from reportgen.class_names import is_called, labels_agree
from reportgen.facts import SEVERITIES
from reportgen.record import Figure, Finding, Image, Maximization, Section
from reportgen.record.addresses import section_page
from reportgen.record.objectives import maximized_name, objective_words
from reportgen.site.answer_views import view_answers
from reportgen.site.catalogue import Catalogue
from reportgen.site.charts import draw_curve
from reportgen.site.facts import maximization_facts, trust_words
from reportgen.site.figures import crop_of, group_figures, list_channels, view_figure
from reportgen.site.outline import Link
from reportgen.site.review_views import Shot
from reportgen.site.views import FindingView, ImageCard, MaximizationView, SectionView

Item = TypeVar("Item")


def view_findings(findings: Iterable[Finding], catalogue: Catalogue) -> tuple[FindingView, ...]:
    """Findings, the worst first."""
    pages = {section_page(slug) for slug in catalogue.sections}
    ordered = sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
    return tuple(
        FindingView(
            finding=finding,
            channels=list_channels(finding.channels),
            layer_page=catalogue.layer_page(finding.layer),
            image_page=catalogue.image_page(finding.image),
            evidence_page=finding.page if finding.page in pages else None,
        )
        for finding in ordered
    )


def count_severities(findings: Sequence[Finding]) -> tuple[tuple[str, int], ...]:
    """How many findings there are of each severity, the worst first; severities without one are left out."""
    counts = Counter(finding.severity for finding in findings)
    return tuple((severity, counts[severity]) for severity in SEVERITIES if counts[severity])


def view_maximizations(shown: Iterable[Maximization], catalogue: Catalogue) -> tuple[MaximizationView, ...]:
    """Maximised images with what makes them trustworthy; those of the same channel from other seeds together."""
    alike: dict[tuple[str, str | None, int, str, str | None], list[Maximization]] = {}
    for one in shown:
        alike.setdefault((one.layer, one.output, one.channel, one.objective, one.label), []).append(one)
    return tuple(_view_maximization(one, catalogue) for group in alike.values() for one in group)


def _view_maximization(shown: Maximization, catalogue: Catalogue) -> MaximizationView:
    output = shown.output if len(catalogue.record.model.outputs) > 1 else None
    name = maximized_name(shown.objective, shown.channel, shown.label, output)
    words = objective_words(shown.objective)
    alike = [
        one.seed
        for one in catalogue.maximizations_of_unit[shown.layer, shown.channel]
        if (one.output, one.objective, one.label) == (shown.output, shown.objective, shown.label)
    ]
    seed = f"seed {shown.seed}" if len(alike) > 1 else ""
    return MaximizationView(
        shown=shown,
        name=name,
        variant=", ".join(part for part in (words.variant, seed) if part),
        crop=crop_of(shown),
        page=catalogue.unit_page(shown.layer, shown.channel) if words.is_channel else None,
        trust=trust_words(shown),
        facts=maximization_facts(shown),
        curve=draw_curve(shown.curve),
        alt=f"{shown.layer}, {name}: image made to excite it ({shown.objective}, seed {shown.seed})",
    )


def view_image(image: Image, catalogue: Catalogue, where: str = "", shot: Shot | None = None) -> ImageCard:
    """An image with its likeness and its answers; `where` tells it from the same image elsewhere on a page.

    Without a likeness the picture of `shot` stands for it, and its words stand below.
    """
    likeness = catalogue.likenesses.get(image.file)
    return ImageCard(
        image=image,
        likeness=None if likeness is None else view_figure(likeness, catalogue),
        answers=view_answers(image, catalogue, where),
        right=_is_right(image, catalogue),
        trusted=catalogue.better_than_baseline,
        shot=shot,
    )


def _is_right(image: Image, catalogue: Catalogue) -> bool | None:
    """Whether the best class is the right one, or just the right labels are given.

    None where there is no right one, it is none that the network knows, or it cannot be told.
    """
    evaluation, truth, model = catalogue.record.evaluation, image.truth, catalogue.record.model
    if truth is None or not image.predictions or (evaluation is not None and truth in evaluation.unmatched):
        return None
    if model.gives_labels:
        return None if model.head.kind != "sigmoid" else labels_agree(truth, image.predictions, model.head.classes)
    best = image.predictions[0]
    if truth in catalogue.right_classes:
        return best.index == catalogue.right_classes[truth]
    return is_called(truth, best.index, best.label)


def view_section(section: Section) -> SectionView:
    """A section with its note, so far without anything to show."""
    return SectionView(section.slug, section.title, section.note)


def view_sections(slugs: Sequence[str], figures: Iterable[Figure], catalogue: Catalogue) -> dict[str, SectionView]:
    """The sections of one page, by slug, in the order of the record; those in `slugs` even without figures."""
    by_section: dict[str, list[Figure]] = {}
    for figure in figures:
        by_section.setdefault(figure.section, []).append(figure)
    return {
        slug: replace(view_section(section), groups=group_figures(by_section.get(slug, []), catalogue))
        for slug, section in catalogue.sections.items()
        if slug in slugs or slug in by_section
    }


def page_contents(sections: Iterable[SectionView], *before: Link) -> tuple[Link, ...]:
    """Links to the parts of a page: those in `before`, then its sections."""
    return (*before, *(Link(section.title, f"#{section.slug}") for section in sections))


def split(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    """Items in runs of at most `size`; one empty run where there is none.

    >>> split([1, 2, 3], 2)
    [[1, 2], [3]]
    """
    return [items[start : start + size] for start in range(0, len(items), size)] or [items]


def page_paths(first: str, further: str, count: int) -> list[str]:
    """The path of each page of something split: `first`, then `further` with `{}` for 2, 3, ...

    >>> page_paths("layers/index.html", "layers/index-{}.html", 3)
    ['layers/index.html', 'layers/index-2.html', 'layers/index-3.html']
    """
    return [first, *(further.format(number) for number in range(2, count + 1))]


def page_links(paths: Sequence[str]) -> tuple[Link, ...]:
    """Links to the pages of something split, none where there is but one."""
    return tuple(Link(str(place), path) for place, path in enumerate(paths, 1)) if len(paths) > 1 else ()
