"""Answers that say yes or no: a score for the positive class, and a threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.figures_of_merit.intervals import Interval, share, wilson_interval
from reportgen.analysis.figures_of_merit.ranking import BoolArray, average_precision, roc_auc
from reportgen.analysis.figures_of_merit.rows import ImageRows

THRESHOLD = 0.5
CURVE_STEPS = 100


@dataclass(frozen=True)
class Operation:
    """What answering yes above `threshold` gives: counts, and the shares of positives and negatives found."""

    threshold: float
    true_positives: int
    false_negatives: int
    false_positives: int
    true_negatives: int
    sensitivity: float | None
    specificity: float | None
    sensitivity_interval: Interval | None
    specificity_interval: Interval | None


@dataclass(frozen=True)
class BinaryFigures:
    """How good a score is; what needs both positives and negatives is None where one is missing.

    `curve` has the threshold in hundredths from 0 to 1; `best` is the point of it with the highest sum of
    sensitivity and specificity (Youden 1950), the one nearest to the threshold in use where several are.
    """

    images: int
    positives: int
    not_finite: int
    roc_auc: float | None
    average_precision: float | None
    at_threshold: Operation
    best: Operation | None
    curve: tuple[Operation, ...]


class BinaryAccumulator:
    """Takes in scores of the positive class; keeps 13 bytes for each image, since AUC needs their order.

    Args:
        threshold: above it the answer is yes.
    """

    def __init__(self, *, threshold: float = THRESHOLD) -> None:
        self._threshold = threshold
        self._rows = ImageRows(positive=np.bool_, score=np.float32)
        self._not_finite = 0

    def add(self, images: NDArray[np.int64], positive: BoolArray, scores: NDArray[np.float32]) -> None:
        """Take in images: indices, whether each is positive, and the positive class's probability, each `(n,)`."""
        finite = np.isfinite(scores)
        self._not_finite += int((~finite).sum())
        self._rows.add(images[finite], positive=positive[finite], score=scores[finite])

    def merge(self, other: BinaryAccumulator) -> None:
        """Take in all images of `other`."""
        self._rows.merge(other._rows)
        self._not_finite += other._not_finite

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """All that was taken in, to be stored, under names that begin with `prefix`."""
        return {**self._rows.to_arrays(prefix), f"{prefix}_lost": np.array([self._not_finite], np.int64)}

    def take_arrays(self, prefix: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take in what `to_arrays` stored."""
        self._rows.take_arrays(prefix, arrays)
        self._not_finite += int(arrays[f"{prefix}_lost"][0])

    def result(self) -> BinaryFigures:
        """The figures of all images taken in."""
        rows = self._rows.sorted()
        positive, scores = rows["positive"], rows["score"]
        curve = tuple(operation_at(step / CURVE_STEPS, positive, scores) for step in range(CURVE_STEPS + 1))
        return BinaryFigures(
            images=len(scores),
            positives=int(positive.sum()),
            not_finite=self._not_finite,
            roc_auc=roc_auc(positive, scores),
            average_precision=average_precision(positive, scores),
            at_threshold=operation_at(self._threshold, positive, scores),
            best=_best(curve, self._threshold),
            curve=curve,
        )


def above(threshold: float, scores: NDArray[np.float32]) -> BoolArray:
    """Where the answer is yes; the threshold is rounded as the scores are, so that 0.2 is not above 0.2."""
    return np.greater(scores, np.float32(threshold))


def operation_at(threshold: float, positive: BoolArray, scores: NDArray[np.float32]) -> Operation:
    """Count right and wrong answers where yes is a score above `threshold`."""
    yes = above(threshold, scores)
    positives, found = int(positive.sum()), int((yes & positive).sum())
    negatives, alarms = len(positive) - positives, int((yes & ~positive).sum())
    return Operation(
        threshold=threshold,
        true_positives=found,
        false_negatives=positives - found,
        false_positives=alarms,
        true_negatives=negatives - alarms,
        sensitivity=share(found, positives),
        specificity=share(negatives - alarms, negatives),
        sensitivity_interval=wilson_interval(found, positives),
        specificity_interval=wilson_interval(negatives - alarms, negatives),
    )


def _best(curve: tuple[Operation, ...], threshold: float) -> Operation | None:
    def merit(one: Operation) -> tuple[float, float]:
        return (one.sensitivity or 0.0) + (one.specificity or 0.0), -abs(one.threshold - threshold)

    known = [one for one in curve if one.sensitivity is not None and one.specificity is not None]
    return max(known, key=merit, default=None)
