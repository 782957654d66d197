"""Maps of why the network answered so, as the pages show them: in words, with what was checked."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen import formats
from reportgen.record import Attribution, AttributionCurve, Figure, Image
from reportgen.sampling import sample_evenly
from reportgen.site.catalogue import Catalogue

# Maps on the front page: a row on a wide screen.
MOST_STRIPPED = 6

_ROLES = {
    "predicted": "predicted",
    "truth": "the right class",
    "runner-up": "the runner-up",
    "value": "a value",
    "region": "where it is predicted",
    "nearest": "the image most alike",
    "points": "points",
    "boxes": "boxes",
}

# What the number is that stands with a map where it is not the answer itself.
_SCORES = {"region": "Share of the map that is predicted", "nearest": "Likeness"}


@dataclass(frozen=True)
class AttributionView:
    """A map: what it explains and in which role, and what the checks say; `state` styles the badge."""

    shown: Attribution
    subject: str
    role: str
    badge: str
    state: str
    facts: tuple[tuple[str, str | None], ...]


def view_attribution(figure: Figure, catalogue: Catalogue) -> AttributionView | None:
    """What there is to say of a figure that shows a map, None for other figures."""
    shown = catalogue.attributions.get(figure.group or figure.id)
    if shown is None:
        return None
    badge, state = _badge(shown)
    return AttributionView(
        shown=shown,
        subject=shown.subject,
        role=_ROLES[shown.target.kind],
        badge=badge,
        state=state,
        facts=_facts(shown, catalogue),
    )


def _badge(shown: Attribution) -> tuple[str, str]:
    if not shown.positive_evidence:
        return "no evidence", "failed"
    states = {"holds": "ok", "weak": "weak", "explains nothing": "failed"}
    return (shown.verdict, states[shown.verdict]) if shown.verdict is not None else ("not checked", "info")


def _facts(shown: Attribution, catalogue: Catalogue) -> tuple[tuple[str, str | None], ...]:
    """The numbers of the checks, in the order in which one reads them."""
    summary = catalogue.record.attribution
    randomization = next(
        (
            found.randomization
            for found in (summary.methods if summary is not None else ())
            if (found.method, found.layer) == (shown.method, shown.layer)
        ),
        None,
    )
    error = shown.completeness_error
    return (
        (_SCORES.get(shown.target.kind, "Answer"), None if shown.score is None else formats.number(shown.score)),
        ("Gain on the reverse order", _of_one(shown.gain, "0 is chance, 0.5 the most")),
        ("Answer as pixels are deleted", _against(shown.deletion, "lower")),
        ("The same to what leaves less of it", _against(shown.fair_deletion, "lower")),
        ("Answer as pixels come back", _against(shown.insertion, "higher")),
        ("The same from what has less of it", _against(shown.fair_insertion, "higher")),
        ("Likeness to maps of shuffled weights", _of_one(randomization, "0 is best")),
        ("Agreement with another method", _of_one(shown.agreement, "1 is full")),
        ("Evidence on the object", None if shown.on_object is None else formats.percent(shown.on_object)),
        ("Error of completeness", None if error is None else formats.percent(error)),
    )


def _of_one(value: float | None, reading: str) -> str | None:
    """A figure of at most 1 to two digits behind the point, and how it is read."""
    return None if value is None else f"{formats.number(round(value, 2))} ({reading})"


def _against(curve: AttributionCurve | None, better: str) -> str | None:
    if curve is None:
        return None
    return f"{curve.area:.3g} on average, {curve.random:.3g} in a random order ({better} is better)"


def strip_figures(catalogue: Catalogue) -> list[Figure]:
    """The maps for the front page: one of each image, mistakes first, the others spread evenly."""
    wrong: list[Figure] = []
    others: list[Figure] = []
    for image in catalogue.record.images:
        asked = [one for one in image.attributions if one.target.kind not in ("runner-up", "truth")]
        # Of several methods one that found something; the first where none did.
        first = next((one for one in asked if one.positive_evidence), asked[0] if asked else None)
        figure = catalogue.figures.get(first.figure or "") if first is not None else None
        if figure is not None:
            (wrong if _is_mistaken(image) else others).append(figure)
    wrong = wrong[:MOST_STRIPPED]
    return [*wrong, *sample_evenly(others, MOST_STRIPPED - len(wrong))]


def begins_with_mistakes(catalogue: Catalogue) -> bool:
    """Whether there is a mistake among the images with maps, which then stands first on the front page."""
    return any(_is_mistaken(image) for image in catalogue.record.images)


def _is_mistaken(image: Image) -> bool:
    """Whether the right class was asked about beside the answer: that is done for mistakes alone."""
    return any(one.target.kind == "truth" for one in image.attributions)
