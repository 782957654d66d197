"""Answers that give each pixel a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.figures_of_merit.classes import ConfusionCell
from reportgen.analysis.figures_of_merit.intervals import mean, share
from reportgen.analysis.figures_of_merit.rows import ImageRows

IGNORED = 255


@dataclass(frozen=True)
class MapClassRow:
    """A class: `images` show it, `count` pixels are of it, `predicted` are taken for it, `right` both.

    `iou` and `dice` are None for a class that no judged pixel is of.
    """

    index: int
    images: int
    count: int
    predicted: int
    right: int
    precision: float | None
    recall: float | None
    iou: float | None
    dice: float | None


@dataclass(frozen=True, eq=False)
class MapAnswers:
    """One row for each image with judged pixels, in the order of the images.

    `mean_iou` is over the classes that the image's truth shows.
    """

    image: NDArray[np.int64]
    pixels: NDArray[np.int64]
    right: NDArray[np.int64]
    mean_iou: NDArray[np.float64]

    def worst_first(self) -> NDArray[np.int64]:
        """The images, those of the lowest mean IoU first."""
        return self.image[np.argsort(self.mean_iou, kind="stable")]


@dataclass(frozen=True, eq=False)
class MapFigures:
    """How good the maps are, over all pixels of all images together.

    `ignored` pixels have the truth 255, `unmatched` ones a truth that is no class of the network: neither is judged.
    Means over classes leave out those no judged pixel is of, `without_images`. `baseline` is the pixel accuracy of
    answering the most frequent class everywhere. `confusion` counts pixels.
    """

    classes: int
    images: int
    pixels: int
    ignored: int
    unmatched: int
    pixel_accuracy: float | None
    mean_iou: float | None
    mean_dice: float | None
    baseline: float | None
    without_images: tuple[int, ...]
    per_class: tuple[MapClassRow, ...]
    confusion: tuple[ConfusionCell, ...]
    answers: MapAnswers


class MapAccumulator:
    """Takes in maps of classes; keeps the pixels' confusion matrix and 32 bytes for each image.

    Args:
        classes: how many there are; a map of one probability is judged as two classes.
    """

    def __init__(self, classes: int) -> None:
        self._classes = classes
        self._confusion = np.zeros((classes, classes), np.int64)
        self._shown_in = np.zeros(classes, np.int64)
        self._ignored = self._unmatched = 0
        self._rows = ImageRows(pixels=np.int64, right=np.int64, mean_iou=np.float64)

    def add(self, image: int, truth: NDArray[np.integer[Any]], predicted: NDArray[np.integer[Any]]) -> None:
        """Take in an image: its index, and the class of each pixel as it is and as answered, both `(height, width)`."""
        if truth.shape != predicted.shape:
            raise ValueError(f"expected maps of the same size, got {truth.shape} and {predicted.shape}")
        ignored = truth == IGNORED
        known = (truth >= 0) & (truth < self._classes) & ~ignored
        self._ignored += int(ignored.sum())
        self._unmatched += int((~known & ~ignored).sum())
        codes = truth[known].astype(np.int64) * self._classes + predicted[known]
        confusion = np.bincount(codes, minlength=self._classes**2).reshape(self._classes, self._classes)
        right, count = np.diagonal(confusion), confusion.sum(axis=1)
        shown = np.flatnonzero(count)
        if not len(shown):
            return
        self._confusion += confusion
        self._shown_in[shown] += 1
        overlaps = right[shown] / (count[shown] + confusion.sum(axis=0)[shown] - right[shown])
        self._rows.add([image], pixels=[count.sum()], right=[right.sum()], mean_iou=[mean(overlaps.tolist()) or 0.0])

    def merge(self, other: MapAccumulator) -> None:
        """Take in all images of `other`."""
        self._confusion += other._confusion
        self._shown_in += other._shown_in
        self._ignored += other._ignored
        self._unmatched += other._unmatched
        self._rows.merge(other._rows)

    def result(self) -> MapFigures:
        """The figures of all images taken in."""
        rows = self._rows.sorted()
        per_class = tuple(self._class_row(index) for index in range(self._classes))
        pixels = int(self._confusion.sum())
        return MapFigures(
            classes=self._classes,
            images=len(rows["image"]),
            pixels=pixels,
            ignored=self._ignored,
            unmatched=self._unmatched,
            pixel_accuracy=share(int(np.trace(self._confusion)), pixels),
            mean_iou=mean([row.iou for row in per_class]),
            mean_dice=mean([row.dice for row in per_class]),
            baseline=share(int(self._confusion.sum(axis=1).max()), pixels),
            without_images=tuple(row.index for row in per_class if not row.count),
            per_class=per_class,
            confusion=self._cells(),
            answers=MapAnswers(rows["image"], rows["pixels"], rows["right"], rows["mean_iou"]),
        )

    def _class_row(self, index: int) -> MapClassRow:
        count, predicted = int(self._confusion[index].sum()), int(self._confusion[:, index].sum())
        right = int(self._confusion[index, index])
        return MapClassRow(
            index=index,
            images=int(self._shown_in[index]),
            count=count,
            predicted=predicted,
            right=right,
            precision=right / predicted if predicted else (0.0 if count else None),
            recall=share(right, count),
            iou=right / (count + predicted - right) if count else None,
            dice=2 * right / (count + predicted) if count else None,
        )

    def _cells(self) -> tuple[ConfusionCell, ...]:
        cells = [
            ConfusionCell(int(truth), int(predicted), int(self._confusion[truth, predicted]))
            for truth, predicted in np.argwhere(self._confusion)
        ]
        return tuple(sorted(cells, key=lambda cell: (-cell.count, cell.truth, cell.predicted)))
