"""The classes a network finds in an image, best first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.models import Head
from reportgen.results import ClassScore

TOP_CLASSES = 5


def top_classes(
    answer: NDArray[Any], head: Head, labels: Sequence[str] | None, k: int = TOP_CLASSES
) -> tuple[ClassScore, ...]:
    """The `k` classes of highest score, of equal ones the lower index first.

    Scores are as the network gives them: probabilities of a softmax or sigmoid, else plain logits. A
    single sigmoid between two labels speaks for the second, so the first gets the rest. Scores that are
    not finite have no place in the order and are left out.

    Args:
        answer: the scores for one image, `(classes,)`.
        head: what they are; of kind "none", there are no classes.
        labels: names by index; classes beyond them have none.
        k: how many.
    """
    if head.kind == "none":
        return ()
    scores = np.asarray(answer, dtype=np.float64).ravel()
    if head.kind == "sigmoid" and scores.size == 1 and labels is not None and len(labels) == 2:
        scores = np.array([1 - scores[0], scores[0]])
    order = np.argsort(-scores, kind="stable")
    best = [int(index) for index in order if np.isfinite(scores[index])][:k]
    return tuple(
        ClassScore(index, (labels[index] or None) if labels and index < len(labels) else None, float(scores[index]))
        for index in best
    )
