"""Labels that look wrong, and classes of too few images to say anything about."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.figures_of_merit.classes import ClassAnswers, ClassRow

MOST_SUSPICIOUS = 200

# Of 20 images, 18 right, the 95 % interval of the share of right answers reaches from 0.70 to 0.97.
FEWEST_IMAGES = 20


@dataclass(frozen=True)
class SuspiciousLabel:
    """An image whose given class the network believes less than it does for other images of that class.

    `relative` is `self_confidence`, the given class's probability, over its mean for the images given that class.
    `confident` says that the likely class has a probability of at least its own such mean, which is when confident
    learning counts a label as wrong.
    """

    image: int
    given: int
    likely: int
    self_confidence: float
    relative: float
    confident: bool


def suspicious_labels(answers: ClassAnswers, classes: int) -> tuple[SuspiciousLabel, ...]:
    """Images whose label the network contradicts, the least believed first, MOST_SUSPICIOUS at most.

    After Northcutt, Jiang and Chuang 2021, with the likely class the one predicted. A ranking alone: it needs
    probabilities, and images that the network was not trained on, since of those it believes what it was told.
    """
    expected = _mean_self_confidence(answers, classes)
    wrong = np.flatnonzero(~answers.right)
    relative = answers.self_confidence[wrong] / expected[answers.truth[wrong]]
    order = np.lexsort((answers.image[wrong], relative))[:MOST_SUSPICIOUS]
    return tuple(
        SuspiciousLabel(
            image=int(answers.image[place]),
            given=int(answers.truth[place]),
            likely=int(answers.predicted[place]),
            self_confidence=float(answers.self_confidence[place]),
            relative=float(share),
            confident=bool(answers.confidence[place] >= expected[answers.predicted[place]]),
        )
        for place, share in zip(wrong[order], relative[order], strict=True)
    )


def _mean_self_confidence(answers: ClassAnswers, classes: int) -> NDArray[np.float64]:
    """Of each class, over the images given it; 1 of a class without images or whose mean is 0."""
    order = np.argsort(answers.truth, kind="stable")
    parts = np.split(
        answers.self_confidence[order].astype(np.float64),
        np.searchsorted(answers.truth[order], np.arange(1, classes)),
    )
    return np.array([(math.fsum(part) / len(part) if len(part) else 0.0) or 1.0 for part in parts])


def too_few(per_class: Sequence[ClassRow]) -> tuple[ClassRow, ...]:
    """The classes with some, but fewer than FEWEST_IMAGES images."""
    return tuple(row for row in per_class if 0 < row.count < FEWEST_IMAGES)
