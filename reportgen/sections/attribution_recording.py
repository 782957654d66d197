"""Maps of why the network answered so, for the record: with their checks, and how they were made in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reportgen import formats, record
from reportgen.analysis.attribution.checks import HOLDING_GAIN, INCOMPLETE, NOISE_GAIN, is_flat
from reportgen.analysis.attribution.contrasts import Contrast
from reportgen.analysis.attribution.explained import Explained, MethodChecked
from reportgen.analysis.attribution.planning import Plan
from reportgen.analysis.attribution.questions import Question
from reportgen.analysis.attribution.results import Curve
from reportgen.analysis.attribution.uses import channel_uses
from reportgen.sections.section import Contribution

# Channels that spoke for the answer, and as many that spoke for what is right.
MOST_CHANNELS = 5


def record_map(one: Explained, figure: record.Figure, array: str, on_object: float | None) -> record.Attribution:
    """A map with what its checks found; `figure` shows it over the photograph, `on_object` is what masks tell."""
    question, curves = one.question, one.faithfulness
    error = None if one.completeness_error is None else formats.finite(one.completeness_error)
    return record.Attribution(
        output=question.output,
        target=record.AttributionTarget(kind=question.kind, index=question.index, label=question.label),
        method=one.method,
        layer=one.layer,
        picture=figure.picture,
        array=array,
        shape=list(one.values.shape),
        positive_evidence=one.positive_evidence,
        deletion=_curve(curves.deletion if curves is not None else None),
        insertion=_curve(curves.insertion if curves is not None else None),
        completeness_error=error,
        agreement=None if one.agreement is None else formats.finite(one.agreement),
        verdict=one.verdict,
        fair_deletion=_curve(curves.fair_deletion if curves is not None else None),
        fair_insertion=_curve(curves.fair_insertion if curves is not None else None),
        points=one.points,
        score=None if question.score is None else formats.finite(question.score),
        subject=question.subject,
        figure=figure.id,
        on_object=on_object,
        gain=None if curves is None else formats.finite(curves.gain),
    )


def _curve(curve: Curve | None) -> record.AttributionCurve | None:
    if curve is None or not np.isfinite([curve.area, curve.random]).all():
        return None
    return record.AttributionCurve(area=curve.area, random=curve.random)


def record_method(one: MethodChecked) -> record.AttributionMethod:
    """What was found of a method."""
    return record.AttributionMethod(
        method=one.method,
        layer=one.layer,
        randomization=None if one.randomization is None else formats.finite(one.randomization),
        images=one.images,
    )


def record_contrast(
    one: Contrast,
    figure: record.Figure,
    array: str,
    nearest: tuple[str | None, str | None],
    maps: Sequence[Explained],
    files: Sequence[str],
) -> record.Contrast:
    """Why an image was taken for what it is not.

    Args:
        figure: shows the difference over the photograph.
        nearest: the images of the two classes that are most like it.
        maps: of all images, which tell what the channels serve otherwise.
        files: the names of all images.
    """
    for_answer, for_right = one.strongest(MOST_CHANNELS)
    uses = channel_uses(maps, one.layer, (*for_answer, *reversed(for_right)))
    return record.Contrast(
        image=files[one.image],
        output=one.answer.output,
        layer=one.layer,
        answer=_side(one.answer, nearest[0]),
        right=_side(one.right, nearest[1]),
        channels=[
            record.ContrastChannel(
                channel=use.channel,
                evidence=float(one.channels[use.channel]),
                serves=use.classes[0].label if use.classes else None,
                image=files[use.classes[0].strongest] if use.classes else None,
            )
            for use in uses
        ],
        picture=figure.picture,
        array=array,
        shape=list(one.values.shape),
        figure=figure.id,
    )


def record_attribution(made: Contribution) -> record.AttributionSummary | None:
    """What was found beside the maps themselves; None where no method ran."""
    if not made.attribution_methods:
        return None
    return record.AttributionSummary(
        methods=list(made.attribution_methods), channels=made.channel_uses, contrasts=made.contrasts
    )


def _side(question: Question, nearest: str | None) -> record.ContrastSide:
    return record.ContrastSide(index=question.index, subject=question.subject, nearest=nearest)


def how_made(one: Explained, plan: Plan) -> str:
    """How a map was made, in a sentence."""
    if one.method == "grad-cam":
        return (
            f"The maps of {one.layer}, each weighted by the mean gradient of {_explained(one)}, added up; "
            "what lies below zero is cut off (Selvaraju et al., 2017)."
        )
    if one.method == "layer-cam":
        return (
            f"The maps of {one.layer}, each value weighted by the gradient of {_explained(one)} there where that is "
            "above zero, added up (Jiang et al., 2021)."
        )
    if one.method == "integrated-gradients":
        error = one.completeness_error
        known = error is not None and np.isfinite(error)
        missed = f" Their sum misses its change from grey to the image by {formats.percent(error)}." if known else ""
        return (
            f"The gradients of {_explained(one)} at {one.points} points of the way from grey "
            f"({plan.settings.baseline:g} of 255) to the image, times the difference of the two (Sundararajan et al., "
            f"2017).{missed}"
        )
    if one.method == "occlusion":
        return (
            f"A window of {100 * plan.settings.window:.3g}% of the side, grey ({plan.settings.grey:g} of 255), covers "
            f"each place in turn; a pixel shows how far {_explained(one)} falls on average (Zeiler and Fergus, 2014)."
        )
    return (
        "The attention of all layers multiplied, the mean over heads, the identity added for the way around each "
        "layer (Abnar and Zuidema, 2020)."
    )


def _explained(one: Explained) -> str:
    """The number that is explained, in words."""
    kind = one.question.kind
    if kind == "value":
        return "the value"
    if kind == "nearest":
        return "the likeness (the cosine of both embeddings)"
    if kind in ("points", "boxes"):
        return f"the sum of the {kind}' coordinates"
    score = "the region's mean" if kind == "region" else "the"
    return f"{score} logit (the score, where it has none)"


def what_checks_say(one: Explained) -> str:
    """The verdict on a map in a sentence, with what decided it; one that was not checked says so."""
    if one.verdict is None:
        return "Not checked."
    if one.verdict == "holds":
        return "Holds: as pixels go and come in its order, the answer follows."
    gain = one.faithfulness.gain if one.faithfulness is not None else 0.0
    return _doubt(one, gain) if one.verdict == "weak" else _failure(one, gain)


def _doubt(one: Explained, gain: float) -> str:
    if not gain >= HOLDING_GAIN:
        return "Weak: the answer follows it only somewhat better than chance."
    if one.completeness_error is not None and not one.completeness_error <= INCOMPLETE:
        return "Weak: it does not add up to what it explains."
    return "Weak: maps of shuffled weights are somewhat like those of this method."


def _failure(one: Explained, gain: float) -> str:
    if is_flat(one.values):
        return "Explains nothing: it says the same of every place."
    if not gain > NOISE_GAIN:
        return "Explains nothing: the answer follows it no better than chance."
    return "Explains nothing: maps of shuffled weights are like those of this method, whatever was learnt."
