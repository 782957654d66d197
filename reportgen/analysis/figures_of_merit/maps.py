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
class MapOverlap:
    """One map and its truth: `confusion` `(classes, classes)` counts the judged pixels by right and answered class."""

    confusion: NDArray[np.int64]
    ignored: int
    unmatched: int

    @property
    def pixels(self) -> int:
        """How many pixels are judged."""
        return int(self.confusion.sum())

    @property
    def right(self) -> int:
        """How many of them are right."""
        return int(np.trace(self.confusion))

    @property
    def mean_iou(self) -> float | None:
        """Over the classes that the truth shows; None where no pixel is judged."""
        right, count = np.diagonal(self.confusion), self.confusion.sum(axis=1)
        shown = np.flatnonzero(count)
        return mean((right[shown] / (count[shown] + self.confusion.sum(axis=0)[shown] - right[shown])).tolist())

    def rows(self) -> tuple[MapClassRow, ...]:
        """Every class, as far as this image tells."""
        return class_rows(self.confusion, (self.confusion.sum(axis=1) > 0).astype(np.int64))


def overlap(truth: NDArray[np.integer[Any]], predicted: NDArray[np.integer[Any]], classes: int) -> MapOverlap:
    """How a map and its truth, both `(height, width)`, overlap.

    >>> overlap(np.array([[0, 1, 255]]), np.array([[1, 1, 0]]), 2).confusion.tolist()
    [[0, 1], [0, 1]]
    """
    if truth.shape != predicted.shape:
        raise ValueError(f"expected maps of the same size, got {truth.shape} and {predicted.shape}")
    ignored = truth == IGNORED
    known = (truth >= 0) & (truth < classes) & ~ignored
    codes = truth[known].astype(np.int64) * classes + predicted[known]
    confusion = np.bincount(codes, minlength=classes**2).reshape(classes, classes)
    return MapOverlap(confusion, int(ignored.sum()), int((~known & ~ignored).sum()))


def class_rows(confusion: NDArray[np.int64], shown_in: NDArray[np.int64]) -> tuple[MapClassRow, ...]:
    """Every class by the pixels' confusion matrix `(truth, predicted)`; `shown_in` counts the images that show each."""
    counts, taken, right = confusion.sum(axis=1), confusion.sum(axis=0), np.diagonal(confusion)
    columns = (part.tolist() for part in (shown_in, counts, taken, right))
    return tuple(
        MapClassRow(
            index=index,
            images=images,
            count=count,
            predicted=predicted,
            right=both,
            precision=both / predicted if predicted else (0.0 if count else None),
            recall=share(both, count),
            iou=both / (count + predicted - both) if count else None,
            dice=2 * both / (count + predicted) if count else None,
        )
        for index, (images, count, predicted, both) in enumerate(zip(*columns, strict=True))
    )


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

    def add(self, image: int, truth: NDArray[np.integer[Any]], predicted: NDArray[np.integer[Any]]) -> MapOverlap:
        """Take in an image: its index, and the class of each pixel as it is and as answered, both `(height, width)`.

        Returns:
            How the two overlap.
        """
        found = overlap(truth, predicted, self._classes)
        self._ignored += found.ignored
        self._unmatched += found.unmatched
        if found.mean_iou is not None:
            self._confusion += found.confusion
            self._shown_in[found.confusion.sum(axis=1) > 0] += 1
            self._rows.add([image], pixels=[found.pixels], right=[found.right], mean_iou=[found.mean_iou])
        return found

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
        per_class = class_rows(self._confusion, self._shown_in)
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

    def _cells(self) -> tuple[ConfusionCell, ...]:
        cells = [
            ConfusionCell(int(truth), int(predicted), int(self._confusion[truth, predicted]))
            for truth, predicted in np.argwhere(self._confusion)
        ]
        return tuple(sorted(cells, key=lambda cell: (-cell.count, cell.truth, cell.predicted)))
