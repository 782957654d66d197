"""What is asked about each image: which numbers of the answer are to be explained, and why these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.attribution.targets import (
    Target,
    class_logit,
    likeness,
    output_value,
    region_logit,
    values_sum,
)

TargetKind = Literal["predicted", "truth", "runner-up", "value", "region", "nearest", "points", "boxes"]
AskedKind = Literal["classes", "multilabel", "values", "map", "embedding", "points", "boxes"]

# Of an output with many values, or a map with many classes, so many are explained for an image.
MOST_VALUES = 4
MOST_REGIONS = 2

# A class that covers less of a map is a speck: the edge of another one, or noise.
LEAST_REGION = 0.01


@dataclass(frozen=True, eq=False)
class AskedOutput:
    """An output of the network whose answers are explained.

    `index` is its place in Keras' flat order. `probabilities` says whether its scores are such; `labels` are names of
    its classes or values. A single score with two names stands for the second.
    """

    index: int
    name: str
    kind: AskedKind
    labels: tuple[str, ...] | None = None
    probabilities: bool = True

    def label(self, place: int) -> str | None:
        """The name of a class or value."""
        return (self.labels[place] or None) if self.labels is not None and place < len(self.labels) else None


@dataclass(frozen=True, eq=False)
class Question:
    """One number of one image that is to be explained.

    `subject` says what it is, in words; `score` is the number as answered, None where that says nothing.
    """

    output: str
    kind: TargetKind
    index: int | None
    label: str | None
    subject: str
    score: float | None
    build: Callable[[], Target]

    @cached_property
    def target(self) -> Target:
        """The number, of this image alone."""
        return self.build()


def ask(
    output: AskedOutput,
    answers: NDArray[np.float32],
    files: Sequence[str],
    truth: Sequence[int | None] | None = None,
    *,
    close: float = 0.5,
) -> list[list[Question]]:
    """The questions about each image, the first the one that is asked first.

    Args:
        answers: of this output, `(images, ...)`, as answered.
        files: the images' names.
        truth: the index of the right class of each image, None where it is not known.
        close: the share of the best class's probability from which the runner-up is asked about too.
    """
    known = truth if truth is not None else [None] * len(files)
    if output.kind in ("classes", "multilabel"):
        return [_classes(output, row.reshape(-1), right, close) for row, right in zip(answers, known, strict=True)]
    if output.kind == "values":
        return _values(output, answers)
    if output.kind == "map":
        return [_regions(output, answers[place : place + 1]) for place in range(len(answers))]
    if output.kind == "embedding":
        return _nearest(output, answers, files)
    return [[_coordinates(output, answer.shape)] for answer in answers]


def _classes(output: AskedOutput, scores: NDArray[np.float32], right: int | None, close: float) -> list[Question]:
    """The predicted class, the right one where it is another, and the second where it is close to the first."""
    single = len(scores) == 1
    pair = single and output.labels is not None and len(output.labels) == 2
    if not np.isfinite(scores).all():
        return []
    if single:
        score = float(scores[0])
        shares = np.array([1 - score, score]) if pair else np.array([score])
        speaks: tuple[int, ...] = (0, 1) if pair else (1,)
    else:
        shares, speaks = _shares(scores, output), tuple(range(len(scores)))
    order = np.argsort(-shares, kind="stable")
    best = int(order[0])
    asked: list[tuple[TargetKind, int]] = [("predicted", best)]
    if right is not None and right != best and right < len(shares):
        asked.append(("truth", right))
    if output.kind == "classes" and len(order) > 1 and not pair:
        second = int(order[1])
        if second != right and shares[second] >= close * shares[best]:
            asked.append(("runner-up", second))
    return [
        Question(
            output=output.name,
            kind=kind,
            index=index,
            label=output.label(index),
            subject=output.label(index) or f"class {index}",
            score=float(shares[index]) if single or output.probabilities else float(scores[index]),
            build=partial(class_logit, len(scores), speaks[index], output=output.index),
        )
        for kind, index in asked
    ]


def _shares(scores: NDArray[np.float32], output: AskedOutput) -> NDArray[np.float64]:
    """Scores as probabilities, by a softmax where they are none."""
    values = scores.astype(np.float64)
    if output.probabilities:
        return values
    raised = np.exp(values - values.max())
    shares: NDArray[np.float64] = raised / raised.sum()
    return shares


def _values(output: AskedOutput, answers: NDArray[np.float32]) -> list[list[Question]]:
    """The values that differ most over the images, in their order."""
    flat = answers.reshape(len(answers), -1)
    spread = np.nan_to_num(flat.std(axis=0, dtype=np.float64))
    chosen = sorted(np.argsort(-spread, kind="stable")[:MOST_VALUES].tolist())
    return [
        [
            Question(
                output=output.name,
                kind="value",
                index=index,
                label=output.label(index),
                subject=output.label(index) or f"value {index}",
                score=float(row[index]),
                build=partial(output_value, flat.shape[1], index, output=output.index),
            )
            for index in chosen
        ]
        for row in flat
    ]


def _regions(output: AskedOutput, answer: NDArray[np.float32]) -> list[Question]:
    """The classes that cover most of a map, the largest first."""
    classes = answer.shape[3]
    winning = np.where(answer[0, ..., 0] > 0.5, 0, -1) if classes == 1 else answer[0].argmax(axis=2)
    found, counts = np.unique(winning[winning >= 0], return_counts=True)
    largest = sorted(zip(-counts, found, strict=True))[:MOST_REGIONS]
    return [
        Question(
            output=output.name,
            kind="region",
            index=int(index),
            label=output.label(int(index)),
            subject=f"the region of {output.label(int(index)) or f'class {index}'}",
            score=float(-count / winning.size),
            build=partial(region_logit, answer, int(index), output=output.index),
        )
        for count, index in largest
        if -count >= LEAST_REGION * winning.size
    ]


def _nearest(output: AskedOutput, answers: NDArray[np.float32], files: Sequence[str]) -> list[list[Question]]:
    """The likeness to the image whose embedding has the highest cosine; none for an only image."""
    flat = answers.reshape(len(answers), -1).astype(np.float64)
    lengths = np.linalg.norm(flat, axis=1, keepdims=True)
    unit = np.divide(flat, lengths, out=np.zeros_like(flat), where=lengths > 0)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -np.inf)
    if len(files) < 2 or not np.isfinite(flat).all():
        return [[] for _ in files]
    return [
        [
            Question(
                output=output.name,
                kind="nearest",
                index=None,
                label=files[other],
                subject=f"likeness to {files[other]}",
                score=float(cosines[place, other]),
                build=partial(likeness, answers[other : other + 1], output=output.index),
            )
        ]
        for place, other in enumerate(cosines.argmax(axis=1).tolist())
    ]


def _coordinates(output: AskedOutput, shape: tuple[int, ...]) -> Question:
    kind: TargetKind = "points" if output.kind == "points" else "boxes"
    return Question(
        output=output.name,
        kind=kind,
        index=None,
        label=None,
        subject=f"the sum of its {kind}",
        score=None,
        build=partial(values_sum, shape, output=output.index),
    )
