"""How right the answers of an output are, in a sentence, in figures and in notes: on its page and on the front page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from reportgen import formats
from reportgen.facts import AnswerKind
from reportgen.record import EvaluationOutput
from reportgen.record.review import ValueScore
from reportgen.site.answer_views import join_words
from reportgen.site.facts import Facts

# Classes without images that are named.
_MOST_NAMED = 12


def lead(output: EvaluationOutput) -> str:
    """Whether it is right, in a sentence."""
    if not output.images:
        return f"No answer of {output.output} could be judged."
    write = _LEADS.get(output.kind)
    return f"{output.output}: {_images(output)} with right answers." if write is None else write(output)


def _images(output: EvaluationOutput) -> str:
    return formats.counted(output.images, "image")


def _classes_lead(output: EvaluationOutput) -> str:
    words = f"{formats.percent(output.accuracy)} of {_images(output)} are classed rightly"
    if output.interval is None:
        return f"{words}."
    low, high = (formats.percent(end) for end in output.interval)
    words += f"; on other images of the kind it would be {low} to {high}, in 19 of 20 such samples."
    if output.baseline is not None and output.baseline_class is not None:
        words += f" Answering {output.baseline_class} always would be right on {formats.percent(output.baseline)}."
    return words


def _labels_lead(output: EvaluationOutput) -> str:
    return f"All labels are right on {formats.percent(output.accuracy)} of {_images(output)}."


def _map_lead(output: EvaluationOutput) -> str:
    judged = sum(row.count > 0 for row in output.per_class or ())
    words = (
        f"{formats.percent(output.pixel_accuracy)} of the judged pixels of {_images(output)} are right; the mean IoU "
        f"of {formats.counted(judged, 'class')} is {formats.number(output.mean_iou)}."
    )
    if output.baseline is not None and output.baseline_class is not None:
        words += (
            f" Answering {output.baseline_class} everywhere would be right on {formats.percent(output.baseline)} "
            "of the pixels."
        )
    return words


def _values_lead(output: EvaluationOutput) -> str:
    known = [row for row in output.values or () if row.mae is not None]
    if len(known) == 1:
        (row,) = known
        words = f"On {_images(output)} {row.name} is off by {formats.number(row.mae)} on average."
        if row.baseline_rmse is None:
            return words
        return (
            f"{words} Its root mean square error is {formats.number(row.rmse)}; always answering the mean of the right "
            f"values would make that {formats.number(row.baseline_rmse)}."
        )
    explained = sorted((row.r2, row.name) for row in known if row.r2 is not None)
    if not explained:
        return f"{formats.counted(len(known), 'value')} judged on {_images(output)}."
    return (
        f"On {_images(output)} the answers explain the right values worst for {explained[0][1]} (R² "
        f"{formats.number(explained[0][0])}) and best for {explained[-1][1]} (R² {formats.number(explained[-1][0])})."
    )


def _picture_lead(output: EvaluationOutput) -> str:
    words = f"On {_images(output)} the picture is off by {formats.number(output.mae)} of 255 on average"
    if output.ssim is None:
        return f"{words}."
    return f"{words}; its structure is alike by {formats.number(output.ssim)} of 1 (SSIM)."


_LEADS: Mapping[AnswerKind, Callable[[EvaluationOutput], str]] = {
    "classes": _classes_lead,
    "multilabel": _labels_lead,
    "map": _map_lead,
    "values": _values_lead,
    "points": _values_lead,
    "boxes": _values_lead,
    "picture": _picture_lead,
}


def doubt(output: EvaluationOutput) -> str:
    """A word of warning where an answer that looks at no image may do as well; else empty."""
    if output.values is not None:
        no_better = [row.name for row in output.values or () if row.r2 is not None and row.r2 <= 0]
        named = formats.listed(no_better[:_MOST_NAMED])
        words = f"Always giving the mean of the right values would be no worse for {named}: nothing was learned there."
        return words if no_better else ""
    surely = output.pixel_accuracy if output.kind == "map" else output.interval and output.interval[0]
    if output.baseline is None or surely is None or surely > output.baseline:
        return ""
    if output.kind == "map":
        return "That is no better than answering the most frequent class everywhere."
    return (
        "That is no better than always giving the most frequent class: on these images the network shows nothing that "
        "it learned."
    )


def key_facts(output: EvaluationOutput) -> Facts:
    """The figures that say most, as far as the output has them."""
    interval = "" if output.interval is None else " to ".join(formats.percent(end) for end in output.interval)
    value = output.values[0] if output.values is not None and len(output.values) == 1 else None
    by_value = () if value is None else _value_facts(value)
    named = (
        ("all labels right" if output.kind == "multilabel" else "accuracy", formats.percent, output.accuracy),
        ("balanced accuracy", formats.percent, output.balanced_accuracy),
        ("among the best five", formats.percent, output.top5_accuracy),
        ("mean IoU", formats.number, output.mean_iou),
        ("right pixels", formats.percent, output.pixel_accuracy),
        ("most frequent class", formats.percent, output.baseline),
        ("mean average precision", formats.number, output.mean_average_precision),
        *by_value,
        ("mean absolute error, of 255", formats.number, output.mae),
        ("PSNR, dB", formats.number, output.psnr),
        ("SSIM", formats.number, output.ssim),
        ("area under ROC", formats.number, output.roc_auc),
        ("calibration error", formats.percent, output.ece),
        ("log loss", formats.number, output.nll),
        ("Brier score", formats.number, output.brier),
    )
    facts = [(name, write(figure)) for name, write, figure in named if figure is not None]
    if interval:
        facts.insert(1, ("95 % interval", interval))
    return tuple(facts)


def _value_facts(value: ValueScore) -> tuple[tuple[str, Callable[[float | None], str], float | None], ...]:
    return (
        ("mean absolute error", formats.number, value.mae),
        ("root mean square error", formats.number, value.rmse),
        ("R²", formats.number, value.r2),
        ("bias", formats.number, value.bias),
    )


def without_slices(output: EvaluationOutput) -> str:
    """What it means that no group of images was found on which the network fails."""
    if output.searched is None:
        return "No group of images stands out: differences are within chance."
    if not output.searched:
        return (
            "No group of images is large enough to be told from chance: it takes ten images in the group, and ten "
            "outside of it."
        )
    return f"No group of images stands out: by {join_words(output.searched)}, differences are within chance."


def notes(output: EvaluationOutput) -> Iterable[str]:
    """What was left out, and how figures are to be taken."""
    if output.without_truth:
        yield f"{formats.counted(output.without_truth, 'image')} not judged: no right answer was given."
    if output.unmatched:
        yield f"{formats.counted(output.unmatched, 'image')} left out: the class given is none of the network's."
    if output.not_finite:
        yield f"{formats.counted(output.not_finite, 'image')} left out: the answer is not a number."
    if output.unmatched_pixels:
        yield (
            f"{formats.counted(output.unmatched_pixels, 'pixel')} of the masks left out: the class given is none of "
            "the network's."
        )
    if output.ignored_pixels:
        yield (
            f"{formats.counted(output.ignored_pixels, 'pixel')} of the masks not judged: they have the value 255, "
            "which says so, or lie where the network did not see."
        )
    shown = [row.label for row in output.per_class or () if row.count]
    if output.kind == "map" and output.ignored_pixels > output.unseen_pixels and len(shown) == 1:
        yield (
            f"The masks show {shown[0]} alone: in masks of black and white 255 is not judged, write the number of the "
            "class instead."
        )
    if output.without_images:
        absent = formats.counted(len(output.without_images), "class")
        named = f": {formats.listed(output.without_images)}" if len(output.without_images) <= _MOST_NAMED else ""
        yield f"Averages over classes leave out {absent} without images{named}."
    if output.plain:
        yield "The network gives plain scores: probabilities below are their softmax."
