"""Answers that choose one class of several."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.figures_of_merit.calibration import (
    CoveragePoint,
    ReliabilityBin,
    coverage_curve,
    expected_calibration_error,
    negative_log_likelihood,
    reliability_bins,
)
from reportgen.analysis.figures_of_merit.intervals import Interval, mean, share, wilson_interval
from reportgen.analysis.figures_of_merit.rows import ImageRows

TOP = (1, 3, 5, 10)


@dataclass(frozen=True)
class ClassRow:
    """A class: `count` images are of it, `predicted` are taken for it, `right` both.

    What needs an image of the class is None where there is none; precision is 0 for a class with images that is
    never predicted, as in scikit-learn with `zero_division=0`.
    """

    index: int
    count: int
    predicted: int
    right: int
    precision: float | None
    recall: float | None
    recall_interval: Interval | None
    f1: float | None


@dataclass(frozen=True)
class ConfusionCell:
    """How many images of class `truth` are taken for `predicted`; right answers are cells, too."""

    truth: int
    predicted: int
    count: int


@dataclass(frozen=True, eq=False)
class ClassAnswers:
    """One row for each judged image, in the order of the images.

    `confidence` is the score of the predicted class, `self_confidence` that of the right one.
    """

    image: NDArray[np.int64]
    truth: NDArray[np.int32]
    predicted: NDArray[np.int32]
    confidence: NDArray[np.float32]
    self_confidence: NDArray[np.float32]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether each image's predicted class is the right one."""
        return np.equal(self.truth, self.predicted)

    def in_cell(self, truth: int, predicted: int) -> NDArray[np.int64]:
        """The images of a cell of the confusion matrix, the most confident first."""
        inside = (self.truth == truth) & (self.predicted == predicted)
        order = np.argsort(-self.confidence[inside], kind="stable")
        found: NDArray[np.int64] = self.image[inside][order]
        return found


@dataclass(frozen=True, eq=False)
class ClassFigures:
    """How good the answers are; None is what no image, or scores that are no probabilities, cannot say.

    `unmatched` images have a truth that is no class of the network, `not_finite` ones an answer with NaN or
    infinity: no figure is computed from either. Macro averages leave out the classes without images,
    `without_images`. `top` pairs a number of best classes with how often the right one is among them; `baseline`
    is the accuracy of answering the most frequent class, `baseline_class`, always.
    """

    classes: int
    images: int
    unmatched: int
    not_finite: int
    accuracy: float | None
    interval: Interval | None
    balanced_accuracy: float | None
    baseline: float | None
    baseline_class: int | None
    top: tuple[tuple[int, float], ...]
    macro_precision: float | None
    macro_recall: float | None
    macro_f1: float | None
    without_images: tuple[int, ...]
    per_class: tuple[ClassRow, ...]
    confusion: tuple[ConfusionCell, ...]
    ece: float | None
    nll: float | None
    brier: float | None
    reliability: tuple[ReliabilityBin, ...]
    coverage: tuple[CoveragePoint, ...]
    answers: ClassAnswers

    def confusion_matrix(self) -> NDArray[np.int64]:
        """The confusion as a dense array `(truth, predicted)`."""
        matrix = np.zeros((self.classes, self.classes), np.int64)
        for cell in self.confusion:
            matrix[cell.truth, cell.predicted] = cell.count
        return matrix


class ClassAccumulator:
    """Takes in scores of classes; keeps 40 bytes for each image, whatever the number of classes.

    Args:
        classes: how many there are.
        probabilities: whether the scores of an image are probabilities that add up to one.
    """

    def __init__(self, classes: int, *, probabilities: bool) -> None:
        self._classes, self._probabilities = classes, probabilities
        self._rows = ImageRows(
            truth=np.int32, predicted=np.int32, confidence=np.float32, own=np.float32, rank=np.int32, brier=np.float64
        )
        self._unmatched = self._not_finite = 0

    def add(self, images: NDArray[np.int64], truth: NDArray[np.integer[Any]], scores: NDArray[np.float32]) -> None:
        """Take in images: their indices `(n,)`, right classes `(n,)` and scores `(n, classes)`.

        A truth below 0 is none of the network's classes. Of equal scores the first class wins, as in `argmax`.
        """
        if scores.shape != (len(images), self._classes):
            raise ValueError(f"expected scores {(len(images), self._classes)}, got {scores.shape}")
        known, finite = truth >= 0, np.isfinite(scores).all(axis=1)
        self._unmatched += int((~known).sum())
        self._not_finite += int((known & ~finite).sum())
        judged = known & finite
        right, held = truth[judged], np.ascontiguousarray(scores[judged], np.float32)
        places = np.arange(len(held))
        predicted = held.argmax(axis=1) if len(held) else places
        own = held[places, right]
        level = own[:, np.newaxis]
        before = (held == level) & (np.arange(self._classes) < right[:, np.newaxis])
        self._rows.add(
            images[judged],
            truth=right,
            predicted=predicted,
            confidence=held[places, predicted],
            own=own,
            rank=((held > level) | before).sum(axis=1),
            brier=_squared_errors(held, right),
        )

    def merge(self, other: ClassAccumulator) -> None:
        """Take in all images of `other`."""
        self._rows.merge(other._rows)
        self._unmatched += other._unmatched
        self._not_finite += other._not_finite

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """All that was taken in, to be stored, under names that begin with `prefix`."""
        lost = np.array([self._unmatched, self._not_finite], np.int64)
        return {**self._rows.to_arrays(prefix), f"{prefix}_lost": lost}

    def take_arrays(self, prefix: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take in what `to_arrays` stored."""
        self._rows.take_arrays(prefix, arrays)
        unmatched, not_finite = arrays[f"{prefix}_lost"].tolist()
        self._unmatched += unmatched
        self._not_finite += not_finite

    def result(self) -> ClassFigures:
        """The figures of all images taken in."""
        rows = self._rows.sorted()
        answers = ClassAnswers(rows["image"], rows["truth"], rows["predicted"], rows["confidence"], rows["own"])
        right, images = answers.right, len(answers.image)
        per_class = _per_class(answers, self._classes)
        with_images = [row for row in per_class if row.count]
        commonest = max(with_images, key=lambda row: (row.count, -row.index), default=None)
        bins = reliability_bins(answers.confidence, right) if self._probabilities else ()
        # Two classes: of the second's probability, as scikit-learn has it; the sum over both is twice that.
        halves = 2 if self._classes == 2 else 1
        return ClassFigures(
            classes=self._classes,
            images=images,
            unmatched=self._unmatched,
            not_finite=self._not_finite,
            accuracy=share(int(right.sum()), images),
            interval=wilson_interval(int(right.sum()), images),
            balanced_accuracy=mean([row.recall for row in with_images]),
            baseline=share(commonest.count, images) if commonest else None,
            baseline_class=commonest.index if commonest else None,
            top=tuple((k, int((rows["rank"] < k).sum()) / images) for k in TOP if images and k < self._classes),
            macro_precision=mean([row.precision for row in with_images]),
            macro_recall=mean([row.recall for row in with_images]),
            macro_f1=mean([row.f1 for row in with_images]),
            without_images=tuple(row.index for row in per_class if not row.count),
            per_class=per_class,
            confusion=_confusion(answers, self._classes),
            ece=expected_calibration_error(answers.confidence, right) if self._probabilities else None,
            nll=negative_log_likelihood(answers.self_confidence) if self._probabilities else None,
            brier=math.fsum(rows["brier"]) / images / halves if self._probabilities and images else None,
            reliability=bins,
            coverage=coverage_curve(answers.confidence, right),
            answers=answers,
        )


def _squared_errors(scores: NDArray[np.float32], right: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """The sum over the classes of the squared difference from 1 for the right one and 0 for the others, `(n,)`."""
    errors = scores.astype(np.float64)
    errors[np.arange(len(errors)), right] -= 1
    squared: NDArray[np.float64] = np.square(errors).sum(axis=1)
    return squared


def _per_class(answers: ClassAnswers, classes: int) -> tuple[ClassRow, ...]:
    counts = np.bincount(answers.truth, minlength=classes).tolist()
    predicted = np.bincount(answers.predicted, minlength=classes).tolist()
    right = np.bincount(answers.truth[answers.right], minlength=classes).tolist()
    return tuple(
        ClassRow(
            index=index,
            count=count,
            predicted=taken,
            right=both,
            precision=both / taken if taken else (0.0 if count else None),
            recall=share(both, count),
            recall_interval=wilson_interval(both, count),
            f1=2 * both / (count + taken) if count else None,
        )
        for index, (count, taken, both) in enumerate(zip(counts, predicted, right, strict=True))
    )


def _confusion(answers: ClassAnswers, classes: int) -> tuple[ConfusionCell, ...]:
    """The cells that are not empty, the largest first."""
    codes, counts = np.unique(answers.truth.astype(np.int64) * classes + answers.predicted, return_counts=True)
    cells = [ConfusionCell(*divmod(int(code), classes), int(count)) for code, count in zip(codes, counts, strict=True)]
    return tuple(sorted(cells, key=lambda cell: (-cell.count, cell.truth, cell.predicted)))
