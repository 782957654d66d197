"""The page on whether answers hold when images change."""

from __future__ import annotations

from reportgen import formats
from reportgen.record import Robustness
from reportgen.record.addresses import section_page
from reportgen.record.review import Corruption
from reportgen.site.catalogue import Catalogue
from reportgen.site.facts import Facts
from reportgen.site.page import HOME, Page
from reportgen.site.review_charts import (
    HEIGHT,
    WIDTH,
    draw_band,
    draw_shares,
)
from reportgen.site.review_views import (
    CorruptionView,
    RobustnessView,
)

MOST_SHOTS = 12


def robustness_pages(catalogue: Catalogue) -> list[Page]:
    """Answers under corruptions and shifts, where they were measured."""
    found = catalogue.record.robustness
    if found is None:
        return []
    by_truth = found.clean is not None
    corruptions = [_view_corruption(one, found, catalogue) for one in found.corruptions]
    section = catalogue.sections.get("robustness")
    view = RobustnessView(
        robustness=found,
        by_truth=by_truth,
        lead=_robustness_lead(found),
        key_facts=_robustness_facts(found),
        corruptions=tuple(sorted(corruptions, key=_mean_score)),
        shifts=tuple(sorted(found.shifts, key=lambda one: (1.0 if one.agreement is None else one.agreement, one.name))),
        note=None if section is None else section.note,
        width=WIDTH,
        height=HEIGHT,
    )
    return [Page(section_page("robustness"), "Robustness", "robustness.html.jinja2", view, crumbs=(HOME,), listed=True)]


def _view_corruption(corruption: Corruption, found: Robustness, catalogue: Catalogue) -> CorruptionView:
    by_truth = found.clean is not None
    scores = tuple(
        (one, one.score, one.interval) if by_truth else (one, one.agreement, one.agreement_interval)
        for one in corruption.severities
    )
    start = found.clean if by_truth else 1.0
    interval = found.clean_interval if by_truth else None
    last = max((one.severity for one, _, _ in scores), default=1)
    return CorruptionView(
        corruption=corruption,
        scores=scores,
        line=draw_shares([(0, start), *((one.severity / last, score) for one, score, _ in scores)]),
        band=draw_band([(0, interval), *((one.severity / last, ends) for one, _, ends in scores)]),
        start=start,
        flips=tuple((flip, catalogue.image_page(flip.image)) for flip in corruption.flips),
    )


def _mean_score(view: CorruptionView) -> tuple[float, str]:
    known = [score for _, score, _ in view.scores if score is not None]
    return sum(known) / len(known) if known else 1.0, view.corruption.name


def _robustness_lead(found: Robustness) -> str:
    what = "right answers" if found.clean is not None else "answers that stay the same"
    return (
        f"The share of {what} on {formats.counted(found.images, 'image')}, drawn with seed {found.seed}, when they are "
        "made worse in named ways and five severities, and when they are moved a little."
    )


def _robustness_facts(found: Robustness) -> Facts:
    facts: list[tuple[str, str]] = []
    if found.clean is not None:
        facts.append(("right as they are", formats.percent(found.clean)))
    scores = [
        (one.score if found.clean is not None else one.agreement, corruption.name, one.severity)
        for corruption in found.corruptions
        for one in corruption.severities
    ]
    known = [(score, name, severity) for score, name, severity in scores if score is not None]
    if known:
        worst = min(known)
        facts.append(("mean over all corruptions", formats.percent(sum(score for score, _, _ in known) / len(known))))
        facts.append((f"the worst: {worst[1]} of severity {worst[2]}", formats.percent(worst[0])))
    if found.one_pixel is not None:
        facts.append(("unchanged by shifts of one pixel", formats.percent(found.one_pixel)))
    return tuple(facts)


# --- the set of images ----------------------------------------------------------------------------
