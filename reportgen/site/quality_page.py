"""The page on what the images are worth: copies, labels, outliers."""

from __future__ import annotations

from collections.abc import Iterable

from reportgen import formats
from reportgen.record import Dataset
from reportgen.record.addresses import section_page
from reportgen.record.review import Duplicate
from reportgen.site.catalogue import Catalogue
from reportgen.site.facts import Facts
from reportgen.site.figures import group_figures
from reportgen.site.page import HOME, Page
from reportgen.site.review_shots import view_shot
from reportgen.site.review_views import (
    QualityView,
    Shot,
)

# Images with pictures in the lists of the page, and of one group of copies.
MOST_LISTED = 24
MOST_SHOTS = 12


def quality_pages(catalogue: Catalogue) -> list[Page]:
    """What the images are worth, where they were compared."""
    found = catalogue.record.dataset
    if found is None:
        return []
    figures = [figure for figure in catalogue.record.figures if figure.section == "images-quality"]
    view = QualityView(
        dataset=found,
        lead=_quality_lead(found),
        key_facts=_quality_facts(found),
        leaks=_view_copies((one for one in found.duplicates if one.reference), catalogue),
        copies=_view_copies((one for one in found.duplicates if not one.reference), catalogue),
        suspicious=tuple((one, view_shot(one.image, catalogue)) for one in found.suspicious_labels[:MOST_LISTED]),
        outliers=tuple((one, view_shot(one.image, catalogue)) for one in found.outliers[:MOST_LISTED]),
        figures=group_figures(figures, catalogue),
    )
    path = section_page("images-quality")
    return [Page(path, "Images' quality", "images-quality.html.jinja2", view, crumbs=(HOME,), listed=True)]


def _view_copies(found: Iterable[Duplicate], catalogue: Catalogue) -> tuple[tuple[Duplicate, tuple[Shot, ...]], ...]:
    groups = list(found)[:MOST_LISTED]
    return tuple((one, tuple(view_shot(file, catalogue) for file in one.images[:MOST_SHOTS])) for one in groups)


def _quality_lead(found: Dataset) -> str:
    words = f"{formats.counted(found.images, 'image')}, compared by their pixels"
    if found.layer is not None:
        words += f" and by what {found.layer} gives for them"
    if found.compared < found.images:
        words += (
            f"; the latter {formats.counted(found.compared, 'image')} of them, those whose number, mixed, is lowest"
        )
    return f"{words}."


def _quality_facts(found: Dataset) -> Facts:
    facts = [("groups of copies", formats.count(found.duplicate_total))]
    if found.leak_total is not None:
        facts.append(("copies of reference images", formats.count(found.leak_total)))
    facts.append(("labels the network contradicts", formats.count(len(found.suspicious_labels))))
    facts.append(("images unlike all others", formats.count(found.outlier_total)))
    if found.few_images:
        facts.append(("classes of too few images", formats.count(len(found.few_images))))
    return tuple(facts)
