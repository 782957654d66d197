"""The images and a page for each image of the sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reportgen.record import Image
from reportgen.site.catalogue import LIKENESS, Catalogue
from reportgen.site.contrasts import ContrastView, view_contrasts
from reportgen.site.facts import image_facts
from reportgen.site.figures import FigureGroup, group_figures, view_figure
from reportgen.site.outline import Link
from reportgen.site.page import HOME, IMAGES, Page, chained
from reportgen.site.parts import (
    page_contents,
    page_links,
    page_paths,
    split,
    view_findings,
    view_image,
    view_section,
    view_sections,
)
from reportgen.site.views import ImagesView, ImageView, SectionView

# On one page, below 1,500 elements with the outline.
CARDS = 48
GROUPS = 12

_ALL = Link("Images", IMAGES)


def image_pages(catalogue: Catalogue) -> list[Page]:
    """The images as cards, then a page for each one that has one, followed by its further pages."""
    own = [_pages_of(image, catalogue) for image in catalogue.record.images if image.page is not None]
    first = chained([pages[0] for pages in own])
    return [
        *_card_pages(catalogue),
        *(page for page, pages in zip(first, own, strict=True) for page in (page, *pages[1:])),
    ]


def card_paths(catalogue: Catalogue) -> list[str]:
    """The pages of the images as cards; what was left out stands on the last."""
    return page_paths(IMAGES, "images/index-{}.html", len(split(catalogue.record.images, CARDS)))


def _card_pages(catalogue: Catalogue) -> list[Page]:
    record = catalogue.record
    runs, paths = split(record.images, CARDS), card_paths(catalogue)
    return chained(
        [
            Page(
                path,
                "Images" if len(runs) == 1 else f"Images, page {number} of {len(runs)}",
                "images.html.jinja2",
                ImagesView(
                    cards=tuple(view_image(image, catalogue) for image in run),
                    total=len(record.images),
                    skipped=record.skipped if number == len(runs) else (),
                    pages=page_links(paths),
                ),
                crumbs=(HOME,),
                parent=IMAGES,
            )
            for number, (path, run) in enumerate(zip(paths, runs, strict=True), 1)
        ]
    )


def _pages_of(image: Image, catalogue: Catalogue) -> list[Page]:
    """The page of an image, and further ones where it has more figures than one page should carry."""
    assert image.page is not None
    figures = catalogue.figures_on("on_images", catalogue.figures_of_image.get(image.file, ()), "whole")
    likenesses = tuple(view_figure(figure, catalogue) for figure in figures if figure.kind in LIKENESS)
    groups = group_figures((figure for figure in figures if figure.kind not in LIKENESS), catalogue)
    contrasts = view_contrasts(image, groups, catalogue)
    contrasted = {name for contrast in contrasts for name in contrast.groups}
    runs = split([group for group in groups if group.id not in contrasted], GROUPS)
    paths = page_paths(image.page, image.page.removesuffix(".html") + "/figures-{}.html", len(runs))
    card = view_image(image, catalogue)
    pages = []
    for number, (path, run) in enumerate(zip(paths, runs, strict=True), 1):
        sections = _sections(image, run, contrasts, catalogue, first=number == 1)
        view = ImageView(
            card=card,
            first=number == 1,
            facts=image_facts(image) if number == 1 else (),
            head_note=catalogue.record.model.head.note,
            likenesses=likenesses if number == 1 else (),
            findings=view_findings(catalogue.findings_of_image.get(image.file, ()), catalogue) if number == 1 else (),
            sections=sections,
            contents=page_contents(sections, *((Link("What the network says", "#seen"),) if number == 1 else ())),
            pages=page_links(paths),
        )
        pages.append(
            Page(
                path,
                image.file if number == 1 else f"{image.file}, page {number}",
                "image.html.jinja2",
                view,
                crumbs=(HOME, _ALL) if number == 1 else (HOME, _ALL, Link(image.file, image.page)),
                parent=IMAGES if number == 1 else image.page,
                previous=Link(f"page {number - 1}", paths[number - 2]) if number > 1 else None,
                next=Link(f"page {number + 1}", paths[number]) if 1 < number < len(paths) else None,
            )
        )
    return pages


def _sections(
    image: Image,
    groups: Sequence[FigureGroup],
    contrasts: Sequence[ContrastView],
    catalogue: Catalogue,
    *,
    first: bool,
) -> tuple[SectionView, ...]:
    found = view_sections((), [view.figure for group in groups for view in group.variants], catalogue)
    arrays = catalogue.features_of_image.get(image.file, ()) if first else ()
    for slug, section in catalogue.sections.items():
        features = tuple(array for array in arrays if array.section == slug)
        if features:
            found[slug] = replace(found.get(slug, view_section(section)), features=features)
    for contrast in contrasts if first else ():
        section = catalogue.sections[contrast.difference.first.figure.section]
        own = found.get(section.slug, view_section(section))
        found[section.slug] = replace(own, contrasts=(*own.contrasts, contrast))
    return tuple(found[slug] for slug in catalogue.sections if slug in found)
