"""Answers that give or withhold each label by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.figures_of_merit.binary import THRESHOLD, above, operation_at
from reportgen.analysis.figures_of_merit.intervals import mean
from reportgen.analysis.figures_of_merit.ranking import BoolArray, average_precision
from reportgen.analysis.figures_of_merit.rows import ImageRows


@dataclass(frozen=True)
class LabelRow:
    """A label: `count` images carry it, `predicted` are given it, `right` both.

    What needs an image with the label is None where there is none; precision is 0 for a label that is carried and
    never given, as in scikit-learn with `zero_division=0`.
    """

    index: int
    count: int
    predicted: int
    right: int
    precision: float | None
    recall: float | None
    f1: float | None
    average_precision: float | None


@dataclass(frozen=True, eq=False)
class MultilabelFigures:
    """How good the labels are; macro averages leave out the labels no image carries, `without_images`.

    `exact` is the share of images with all labels right; `image` and `mistakes` are, in the order of the images,
    their indices and how many labels of each are wrong.
    """

    images: int
    not_finite: int
    exact: float | None
    macro_precision: float | None
    macro_recall: float | None
    macro_f1: float | None
    mean_average_precision: float | None
    without_images: tuple[int, ...]
    per_label: tuple[LabelRow, ...]
    image: NDArray[np.int64]
    mistakes: NDArray[np.int64]


class MultilabelAccumulator:
    """Takes in scores of labels; keeps 5 bytes for each image and label, since average precision needs their order.

    Args:
        labels: how many there are.
        threshold: above it a label is given.
    """

    def __init__(self, labels: int, *, threshold: float = THRESHOLD) -> None:
        self._labels, self._threshold = labels, threshold
        self._rows = ImageRows(truth=np.bool_, score=np.float32)
        self._not_finite = 0

    def add(self, images: NDArray[np.int64], truth: BoolArray, scores: NDArray[np.float32]) -> None:
        """Take in images: indices `(n,)`, the labels each carries and their probabilities, both `(n, labels)`."""
        if not truth.shape == scores.shape == (len(images), self._labels):
            expected = (len(images), self._labels)
            raise ValueError(f"expected truth and scores {expected}, got {truth.shape} and {scores.shape}")
        finite = np.isfinite(scores).all(axis=1)
        self._not_finite += int((~finite).sum())
        self._rows.add(images[finite], truth=truth[finite], score=scores[finite])

    def merge(self, other: MultilabelAccumulator) -> None:
        """Take in all images of `other`."""
        self._rows.merge(other._rows)
        self._not_finite += other._not_finite

    def result(self) -> MultilabelFigures:
        """The figures of all images taken in."""
        rows = self._rows.sorted()
        images = len(rows["image"])
        truth, scores = rows["truth"].reshape(images, self._labels), rows["score"].reshape(images, self._labels)
        per_label = tuple(
            _label_row(index, truth[:, index], scores[:, index], self._threshold) for index in range(self._labels)
        )
        mistakes = (above(self._threshold, scores) != truth).sum(axis=1)
        carried = [row for row in per_label if row.count]
        return MultilabelFigures(
            images=images,
            not_finite=self._not_finite,
            exact=int((mistakes == 0).sum()) / images if images else None,
            macro_precision=mean([row.precision for row in carried]),
            macro_recall=mean([row.recall for row in carried]),
            macro_f1=mean([row.f1 for row in carried]),
            mean_average_precision=mean([row.average_precision for row in carried]),
            without_images=tuple(row.index for row in per_label if not row.count),
            per_label=per_label,
            image=rows["image"],
            mistakes=mistakes,
        )


def _label_row(index: int, truth: BoolArray, scores: NDArray[np.float32], threshold: float) -> LabelRow:
    counted = operation_at(threshold, truth, scores)
    right = counted.true_positives
    count, predicted = right + counted.false_negatives, right + counted.false_positives
    return LabelRow(
        index=index,
        count=count,
        predicted=predicted,
        right=right,
        precision=right / predicted if predicted else (0.0 if count else None),
        recall=counted.sensitivity,
        f1=2 * right / (count + predicted) if count else None,
        average_precision=average_precision(truth, scores),
    )
