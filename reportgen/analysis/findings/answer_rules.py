"""Rules on answers: what is wrong with the scores, the classes or their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.findings.evidence import Evidence
from reportgen.analysis.findings.wording import on_images
from reportgen.analysis.network.settled_output import SUM_TOLERANCE
from reportgen.formats import count, counted
from reportgen.results import Finding

# Fewer images than this may well show the same thing.
COLLAPSE_IMAGES = 8

# Of images of several kinds, hardly so many are of one class.
COLLAPSE_SHARE = 0.9

# With this many right classes known, an accuracy is more than chance.
JUDGED_IMAGES = 8

# Another order of the class names is proposed when it explains more than this share of the answers ...
ORDER_ACCURACY = 0.5

# ... and at least this many times as many as the order given.
ORDER_GAIN = 3


def improbable_sums(evidence: Evidence) -> Iterator[Finding]:
    """Scores of a softmax that do not sum to one."""
    sums = evidence.images.answer_sums
    answered = evidence.images.predicted >= 0
    head = evidence.network.head
    if head is None or head.kind != "classes" or head.scores != "softmax" or not answered.any():
        return
    away = np.where(answered, np.nan_to_num(np.abs(sums - 1), nan=np.inf), -1.0)
    worst = int(np.argmax(away))
    if away[worst] > SUM_TOLERANCE:
        yield Finding(
            rule="no-probabilities",
            severity="error",
            message="The scores are meant as probabilities and do not sum to one.",
            measured=f"they sum to {sums[worst]:.4g} for {evidence.images.files[worst]}",
            threshold=f"1, give or take {SUM_TOLERANCE}",
            why="Percentages made of such scores are wrong, and so is any threshold set on them.",
            action="Look at what stands between the softmax and the output.",
            image=evidence.images.files[worst],
        )


def plain_scores(evidence: Evidence) -> Iterator[Finding]:
    """Class scores without a softmax."""
    head = evidence.network.head
    if head is not None and head.kind == "classes" and head.scores == "logits" and not head.is_single:
        yield Finding(
            rule="logits",
            severity="info",
            message="The network gives plain scores (logits), not probabilities.",
            measured=head.reason,
            threshold="a softmax or sigmoid at the end",
            why="The scores order the classes, but a score of 0.9 does not mean 90%.",
            action="Put a softmax behind the network where probabilities are wanted.",
        )


def output_of_no_image(evidence: Evidence) -> Iterator[Finding]:
    """Outputs without an answer in numbers for each image, such as a loss, or a class by its name."""
    for name, given in evidence.left_out.items():
        yield Finding(
            rule="output-left-out",
            severity="info",
            message=f"The output {name} is left out: it gives {given}.",
            measured=given,
            threshold="an answer in numbers for each image",
            why="What is no answer to one image, or no number, cannot be compared, judged or explained.",
            action="Nothing, where it is a loss, a name or the like; else build the network so that each image has its "
            "answer in numbers.",
        )


def class_collapse(evidence: Evidence) -> Iterator[Finding]:
    """Nearly all images in one class."""
    predicted = evidence.images.predicted[evidence.images.predicted >= 0]
    if len(predicted) < COLLAPSE_IMAGES:
        return
    classes, times = np.unique(predicted, return_counts=True)
    best, share = int(classes[times.argmax()]), times.max() / len(predicted)
    truth = evidence.images.truth[evidence.images.truth >= 0]
    if share < COLLAPSE_SHARE or (len(truth) and (truth == best).mean() >= COLLAPSE_SHARE):
        return
    labels = evidence.network.labels
    label = labels[best] if labels is not None and best < len(labels) else f"class {best}"
    yield Finding(
        rule="class-collapse",
        severity="error" if len(truth) else "warning",
        message=f"{count(int(times.max()))} of {count(len(predicted))} images are taken for {label}.",
        measured=f"{share:.0%} in one class",
        threshold=f"{COLLAPSE_SHARE:.0%} of {COLLAPSE_IMAGES} images or more",
        why="Unless the images all show the same thing, the network does not tell them apart; "
        "wrong preprocessing is the usual reason.",
        action="Check the preprocessing; otherwise the balance of classes in training.",
    )


def label_count(evidence: Evidence) -> Iterator[Finding]:
    """A label file with more or fewer names than the network has classes."""
    head = evidence.network.head
    if head is None or head.labels is None or len(head.labels) == head.classes:
        return
    labels, classes = head.labels, head.classes
    given, hint = counted(len(labels), "name"), ""
    if classes == len(labels) + 1:
        hint = " One more class than names: the network may have a background class first."
    elif classes == len(labels) - 1:
        hint = " One name more than classes: the file may begin with a background class the network lacks."
    yield Finding(
        rule="label-count",
        severity="error",
        message=f"There {'is' if len(labels) == 1 else 'are'} {given} for {counted(classes, 'class')}.{hint}",
        measured=given,
        threshold=f"{count(classes)}, one for each class",
        why="Every name shown in this report may be that of another class.",
        action="Give the label file the network was trained with.",
    )


def label_order(evidence: Evidence) -> Iterator[Finding]:
    """Class names in another order than the network's, judged by images whose right class is known."""
    labels = evidence.network.labels
    known = (evidence.images.truth >= 0) & (evidence.images.predicted >= 0)
    truth, predicted = evidence.images.truth[known], evidence.images.predicted[known]
    if labels is None or len(truth) < JUDGED_IMAGES or len(np.unique(truth)) < 2:
        return
    accuracy = float((truth == predicted).mean())
    description, other = max(_other_orders(truth, predicted, labels), key=lambda order: order[1])
    if other > ORDER_ACCURACY and other >= ORDER_GAIN * accuracy:
        yield Finding(
            rule="label-order",
            severity="error",
            message=f"The class names seem to be in the wrong order: {other:.0%} of the answers would be right "
            f"{description}, {accuracy:.0%} are as it is.",
            measured=f"{other:.0%} against {accuracy:.0%} {on_images(len(truth))} of known class",
            threshold=f"more than {ORDER_ACCURACY:.0%} and {ORDER_GAIN} times as many",
            why="Every name shown in this report is then that of another class.",
            action="Give the names in the order of the network's outputs.",
        )


def _other_orders(
    truth: NDArray[np.int64], predicted: NDArray[np.int64], labels: Sequence[str]
) -> Iterator[tuple[str, float]]:
    """Orders that names are often confused with, and the accuracy under each."""
    if len(labels) == 2:
        yield "with the two names swapped", float((truth != predicted).mean())
        return
    yield "if the names stood one place later", float((truth + 1 == predicted).mean())
    yield "if the names stood one place earlier", float((truth - 1 == predicted).mean())
    places = {label: place for place, label in enumerate(sorted(labels))}
    alphabetical = np.array([places[labels[index]] if index < len(labels) else -1 for index in truth])
    yield "if the names stood in alphabetical order", float((alphabetical == predicted).mean())
