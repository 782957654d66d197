"""Answers that are numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.figures_of_merit.rows import ImageRows
from reportgen.analysis.sampling import sampling_keys
from reportgen.analysis.statistics.exact_sum import ExactSum

WORST_IMAGES = 24
SCATTER_IMAGES = 1_000

# Beyond it neither float32 nor the exact sums of squares hold a number.
_LARGEST = 2.0**127

# The sample is cut when it has doubled, not at every batch.
_SLACK = 2

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class WorstValue:
    """An image far from the truth in one value."""

    image: int
    truth: float
    answer: float


@dataclass(frozen=True)
class ValueRow:
    """One value over the `images` that have a truth for it; `bias` is the mean of answer minus truth.

    `r2` is None where the truth is the same for all images: there is nothing to explain. `baseline_rmse` is that of
    answering the mean truth always.
    """

    index: int
    images: int
    mae: float | None
    rmse: float | None
    r2: float | None
    bias: float | None
    baseline_rmse: float | None
    worst: tuple[WorstValue, ...]


@dataclass(frozen=True, eq=False)
class Scatter:
    """Truth and answer, `(images, values)`, of a sample of the images: those of the lowest keys for the seed."""

    image: NDArray[np.int64]
    truth: NDArray[np.float64]
    answer: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ValueFigures:
    """How good the values are; `not_finite` counts the images left out since an answer was NaN or infinite."""

    images: int
    not_finite: int
    per_value: tuple[ValueRow, ...]
    scatter: Scatter


class ValueAccumulator:
    """Takes in values; what it keeps does not grow with the images.

    Args:
        values: how many there are for each image.
        seed: of the sample for the scatter.
    """

    def __init__(self, values: int, *, seed: int = 0) -> None:
        self._values, self._seed = values, seed
        self._images = self._not_finite = 0
        self._counts = np.zeros(values, np.int64)
        # Of each value: the error, its size and its square; the truth and its square.
        self._sums = ExactSum.zeros(5, values)
        self._worst = _Worst.nothing(values)
        self._sample = ImageRows(truth=np.float64, answer=np.float64)

    def add(self, images: NDArray[np.int64], truth: NDArray[Any], answers: NDArray[Any]) -> None:
        """Take in images: indices `(n,)`, and truth and answers, both `(n, values)`; a truth of NaN is not known."""
        if not truth.shape == answers.shape == (len(images), self._values):
            expected = (len(images), self._values)
            raise ValueError(f"expected truth and answers {expected}, got {truth.shape} and {answers.shape}")
        exact, given = truth.astype(np.float64), answers.astype(np.float64)
        finite = (np.abs(given) < _LARGEST).all(axis=1)
        self._not_finite += int((~finite).sum())
        images, exact, given = images[finite], exact[finite], given[finite]
        if not len(images):
            return
        known = np.abs(exact) < _LARGEST
        self._images += len(images)
        self._counts += known.sum(axis=0)
        errors = np.where(known, given - exact, 0.0)
        targets = np.where(known, exact, 0.0)
        self._sums.add(_terms(errors, targets))
        self._worst = self._worst.joined(_Worst.of(images, exact, given, known))
        self._sample.add(images, truth=exact, answer=given)
        if len(self._sample) > SCATTER_IMAGES * _SLACK:
            self._cut_sample()

    def merge(self, other: ValueAccumulator) -> None:
        """Take in all images of `other`."""
        self._images += other._images
        self._not_finite += other._not_finite
        self._counts += other._counts
        self._sums.merge(other._sums)
        self._worst = self._worst.joined(other._worst)
        self._sample.merge(other._sample)
        if len(self._sample) > SCATTER_IMAGES * _SLACK:
            self._cut_sample()

    def _cut_sample(self) -> None:
        self._sample.keep_lowest(lambda images: sampling_keys(images, self._seed), SCATTER_IMAGES)

    def result(self) -> ValueFigures:
        """The figures of all images taken in."""
        sums = np.array(self._sums.fractions(), object).reshape(5, self._values)
        self._cut_sample()
        rows = self._sample.sorted()
        shape = len(rows["image"]), self._values
        return ValueFigures(
            images=self._images,
            not_finite=self._not_finite,
            per_value=tuple(
                _value_row(index, int(self._counts[index]), sums[:, index].tolist(), self._worst.of_value(index))
                for index in range(self._values)
            ),
            scatter=Scatter(rows["image"], rows["truth"].reshape(shape), rows["answer"].reshape(shape)),
        )


def _terms(errors: FloatArray, targets: FloatArray) -> FloatArray:
    """What is added to the five sums of each value, `(terms, 5, values)`."""
    nothing = np.zeros_like(errors)
    terms = [np.stack([errors, np.abs(errors), nothing, targets, nothing], axis=1)]
    for of_error, of_target in zip(_exact_square(errors), _exact_square(targets), strict=True):
        terms.append(np.stack([nothing, nothing, of_error, nothing, of_target], axis=1))
    return np.concatenate(terms)


def _exact_square(numbers: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Three terms whose sum is the square of each number, far closer than float64 has it.

    Without them the deviation of values that are large and alike, such as times of day in seconds, would be lost.
    """
    coarse = numbers.astype(np.float32).astype(np.float64)
    fine = numbers - coarse
    return coarse * coarse, 2 * coarse * fine, fine * fine


def _value_row(index: int, images: int, sums: list[Fraction], worst: tuple[WorstValue, ...]) -> ValueRow:
    if not images:
        return ValueRow(index, 0, None, None, None, None, None, ())
    errors, sizes, squares, truths, truth_squares = sums
    around_mean = max(Fraction(0), truth_squares - truths * truths / images)
    return ValueRow(
        index=index,
        images=images,
        mae=float(sizes / images),
        rmse=math.sqrt(squares / images),
        r2=float(1 - squares / around_mean) if around_mean else None,
        bias=float(errors / images),
        baseline_rmse=math.sqrt(around_mean / images),
        worst=worst,
    )


@dataclass(frozen=True, eq=False)
class _Worst:
    """The images of the largest errors, worst first, `(at most WORST_IMAGES, values)`; an error of -1 is none."""

    error: FloatArray
    image: NDArray[np.int64]
    truth: FloatArray
    answer: FloatArray

    @classmethod
    def nothing(cls, values: int) -> _Worst:
        empty = np.zeros((0, values))
        return cls(empty, empty.astype(np.int64), empty, empty)

    @classmethod
    def of(cls, images: NDArray[np.int64], truth: FloatArray, answers: FloatArray, known: NDArray[np.bool_]) -> _Worst:
        error = np.where(known, np.abs(answers - truth), -1.0)
        return cls(error, np.broadcast_to(images[:, np.newaxis], error.shape), truth, answers)

    def joined(self, other: _Worst) -> _Worst:
        error, image = np.concatenate([self.error, other.error]), np.concatenate([self.image, other.image])
        truth, answer = np.concatenate([self.truth, other.truth]), np.concatenate([self.answer, other.answer])
        first = np.lexsort((image, -error), axis=0)[:WORST_IMAGES]
        return _Worst(
            np.take_along_axis(error, first, axis=0),
            np.take_along_axis(image, first, axis=0),
            np.take_along_axis(truth, first, axis=0),
            np.take_along_axis(answer, first, axis=0),
        )

    def of_value(self, index: int) -> tuple[WorstValue, ...]:
        columns = (self.error[:, index], self.image[:, index], self.truth[:, index], self.answer[:, index])
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return tuple(WorstValue(image, truth, answer) for error, image, truth, answer in rows if error >= 0)
