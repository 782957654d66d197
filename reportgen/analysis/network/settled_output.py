"""An output of a network whose kind of answer is settled: what all that reads its answers goes by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.facts import AnswerKind, Output, Shape
from reportgen.models.network import LabelsOrigin
from reportgen.option_values import AnswerChoice
from reportgen.results import FloatArray

# What an output's numbers come out of, as far as it matters how they are read.
Activation = Literal["softmax", "sigmoid", "linear", "other"]

# How far a row of probabilities may sum from one: float16 networks are off by up to about 2e-3.
SUM_TOLERANCE = 5e-3


@dataclass(frozen=True)
class SettledOutput:
    """One output: `index` is its place in Keras' flat order, `shape` has the batch first and None where open.

    `size` is that of the answer to one image, a map with its channels last (`channels_first`: Keras gives it the
    other way round). `labels` are the names of its classes or values. `value_range` is what black and white are in
    a picture. `layer` is the layer call that gives it, as the table of layers names it, None where none does.
    """

    index: int
    name: str
    kind: AnswerKind
    shape: Shape
    size: tuple[int, ...]
    reason: str
    note: str | None = None
    labels: tuple[str, ...] | None = None
    labels_origin: LabelsOrigin = "none"
    activation: Activation = "other"
    choice: AnswerChoice | None = None
    value_range: tuple[float, float] = (0.0, 1.0)
    channels_first: bool = False
    layer: str | None = None

    @property
    def count(self) -> int:
        """How many numbers stand for one image."""
        return math.prod(self.size)

    @property
    def is_single(self) -> bool:
        """Whether one number tells two classes apart, the second where it is high."""
        return self.kind == "classes" and self.count == 1

    @property
    def classes(self) -> int:
        """How many classes, labels or channels there are; two where one number tells them apart."""
        return 2 if self.is_single else self.size[-1] if self.size else 1

    @property
    def scores(self) -> Literal["softmax", "sigmoid", "logits"]:
        """What the numbers of classes are: probabilities that sum to one, of each class by itself, or plain scores."""
        return self.activation if self.activation in ("softmax", "sigmoid") else "logits"

    def label(self, index: int) -> str | None:
        """The name of class or value `index`, None where it has none."""
        if self.labels is None or not 0 <= index < len(self.labels):
            return None
        return self.labels[index] or None

    def value_name(self, index: int) -> str:
        """What value `index` is called: by its label, else after the output."""
        label = self.label(index)
        if label is not None:
            return label
        return self.name if self.count == 1 else f"{self.name} {index}"

    def described(self) -> Output:
        """The output as the record has it."""
        return Output(
            name=self.name,
            kind=self.kind,
            shape=self.shape,
            labels=None if self.labels is None else list(self.labels),
            note=self.note,
            reason=self.reason,
            layer=self.layer,
        )

    def as_scores(self, answers: FloatArray) -> FloatArray:
        """Answers `(images, ...)` as scores `(images, classes)`: of a single number, those of both classes."""
        values = answers.reshape(len(answers), -1).astype(np.float64)
        if self.is_single:
            second = values if self.activation == "sigmoid" else sigmoid(values)
            values = np.concatenate([1 - second, second], axis=1)
        return values.astype(np.float32)

    def as_probabilities(self, answers: FloatArray) -> FloatArray:
        """Answers `(..., classes)` as probabilities: plain scores go through a softmax, those of labels a sigmoid."""
        values = answers.astype(np.float64)
        if self.activation not in ("linear", "other"):
            return values.astype(np.float32)
        if self.kind == "multilabel" or self.classes == 1:
            return sigmoid(values).astype(np.float32)
        raised = np.exp(values - values.max(axis=-1, keepdims=True))
        probabilities: FloatArray = (raised / raised.sum(axis=-1, keepdims=True)).astype(np.float32)
        return probabilities


def sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logistic function, without overflow."""
    high = 1 / (1 + np.exp(-np.abs(values)))
    return np.where(values >= 0, high, 1 - high)


def head_of(outputs: Sequence[SettledOutput]) -> SettledOutput | None:
    """The first output of classes or labels; None for a network that has none."""
    return next((output for output in outputs if output.kind in ("classes", "multilabel")), None)
