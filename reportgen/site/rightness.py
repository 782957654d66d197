"""Whether the network is right, as far as right classes were given: numbers, and what they are worth."""

from __future__ import annotations

from reportgen import formats
from reportgen.record import Evaluation, EvaluationOutput
from reportgen.site import evaluation_words
from reportgen.site.catalogue import Catalogue
from reportgen.site.parts import view_image
from reportgen.site.review_shots import picture_of_worst, view_shot
from reportgen.site.views import RightView

# Wrong images on the front page.
MOST_WRONG = 6


def view_right(catalogue: Catalogue) -> RightView | None:
    """The network's answers against the right classes, None where none were given or none fits an image."""
    evaluation = catalogue.record.evaluation
    if evaluation is None or not evaluation.images:
        return None
    if evaluation.accuracy is None:
        return _right_output(evaluation.outputs[0], catalogue)
    images = [catalogue.images.get(mistake.image) for mistake in evaluation.mistakes[:MOST_WRONG]]
    return RightView(
        key_facts=(
            ("classed rightly", formats.percent(evaluation.accuracy)),
            ("95 % interval", _interval(evaluation)),
            ("images judged", formats.count(evaluation.images)),
            (
                "right class among the best five",
                "" if evaluation.top5_accuracy is None else formats.percent(evaluation.top5_accuracy),
            ),
            (
                "always naming the most frequent class",
                "" if catalogue.baseline is None else formats.percent(catalogue.baseline),
            ),
        ),
        words=_worth(catalogue),
        trusted=catalogue.better_than_baseline,
        wrong=tuple(
            view_image(image, catalogue, "wrong-", view_shot(image.file, catalogue))
            for image in images
            if image is not None
        ),
    )


def _right_output(output: EvaluationOutput, catalogue: Catalogue) -> RightView:
    """Answers that are no classes against the right ones."""
    shots = {one.image: picture_of_worst(one, output, catalogue) for one in reversed(output.worst)}
    files = dict.fromkeys(worst.image for worst in output.worst)
    images = [catalogue.images[file] for file in files if file in catalogue.images]
    doubt = evaluation_words.doubt(output)
    return RightView(
        key_facts=(*evaluation_words.key_facts(output), ("images judged", formats.count(output.images))),
        words=doubt or evaluation_words.lead(output),
        trusted=not doubt,
        wrong=tuple(view_image(image, catalogue, "wrong-", shots[image.file]) for image in images[:MOST_WRONG]),
        heading="The worst",
    )


def _interval(evaluation: Evaluation) -> str:
    """How far chance alone may move the accuracy, empty where that was not recorded."""
    found = evaluation.outputs[0].interval if evaluation.outputs else None
    return "" if found is None else " to ".join(formats.percent(end) for end in found)


def _worth(catalogue: Catalogue) -> str:
    """What the accuracy is worth, empty where there is nothing to set it against."""
    if catalogue.baseline is None:
        return ""
    if not catalogue.better_than_baseline:
        return (
            "That is no better than naming the most frequent class for every image, without looking: "
            "on these images the network shows nothing that it learned."
        )
    return "That is better than naming the most frequent class for every image."
