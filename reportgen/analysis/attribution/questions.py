"""What is asked about each image: which numbers of the answer are to be explained, and why these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
from reportgen.analysis.network.settled_output import SettledOutput

TargetKind = Literal["predicted", "truth", "runner-up", "value", "region", "nearest", "points", "boxes"]

# Of an output with many values, or a map with many classes, so many are explained for an image.
MOST_VALUES = 4
MOST_REGIONS = 2

# A class that covers less of a map is a speck: the edge of another one, or noise.
LEAST_REGION = 0.01


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


def can_ask(output: SettledOutput) -> bool:
    """Whether answers of this kind are explained: pictures, and what is of no known kind, are not."""
    return output.kind not in ("picture", "other")


def as_given(output: SettledOutput, answers: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The answers to several images, with their channels last, in one array in the layout of the network."""
    stacked = np.stack(answers)
    return np.moveaxis(stacked, 3, 1) if output.channels_first else stacked


def ask(
    output: SettledOutput,
    answers: NDArray[np.float32],
    files: Sequence[str],
    truth: Sequence[Sequence[int]] | None = None,
    *,
    close: float = 0.5,
) -> list[list[Question]]:
    """The questions about each image, the first the one that is asked first; none where its answer is not finite.

    Args:
        answers: of this output, `(images, ...)`, as answered.
        files: the images' names.
        truth: the indices of the right classes of each image; none where they are not known.
        close: the share of the best class's probability from which the runner-up is asked about too.
    """
    known = truth if truth is not None else [()] * len(files)
    finite = np.flatnonzero(np.isfinite(answers).all(axis=tuple(range(1, answers.ndim)))).tolist()
    own = _ask(output, answers[finite], [files[place] for place in finite], [known[place] for place in finite], close)
    asked: list[list[Question]] = [[] for _ in files]
    for place, questions in zip(finite, own, strict=True):
        asked[place] = questions
    return asked


def why_nothing(output: SettledOutput, answers: NDArray[np.float32]) -> str:
    """Why nothing is asked about any of `answers`, in a clause."""
    finite = np.isfinite(answers).all(axis=tuple(range(1, answers.ndim)))
    if not finite.any():
        return "no answer is finite, so there is nothing to explain"
    if output.kind == "embedding":
        return "an embedding is explained by its likeness to that of another image, and there is none"
    return "no class is predicted anywhere in the maps, so there is no region to explain"


def _ask(
    output: SettledOutput,
    answers: NDArray[np.float32],
    files: Sequence[str],
    known: Sequence[Sequence[int]],
    close: float,
) -> list[list[Question]]:
    """The questions about images whose answers are finite."""
    if not len(answers):
        return []
    if output.kind in ("classes", "multilabel"):
        scores = output.as_scores(answers)
        return [_classes(output, row, right, close) for row, right in zip(scores, known, strict=True)]
    if output.kind == "values":
        return _values(output, answers)
    if output.kind == "map":
        return [_regions(output, answers[place : place + 1]) for place in range(len(answers))]
    if output.kind == "embedding":
        return _nearest(output, answers, files)
    return [[_coordinates(output, answer.shape)] for answer in answers]


def _classes(output: SettledOutput, scores: NDArray[np.float32], right: Sequence[int], close: float) -> list[Question]:
    """The predicted class, the right one where it is another, and the second where it is close to the first."""
    shares = scores if output.is_single else output.as_probabilities(scores)
    order = np.argsort(-shares, kind="stable")
    best = int(order[0])
    asked: list[tuple[TargetKind, int]] = [("predicted", best)]
    if right and best not in right:
        asked.append(("truth", int(right[0])))
    if output.kind == "classes" and len(order) > 1 and not output.is_single:
        second = int(order[1])
        if second not in right and shares[second] >= close * shares[best]:
            asked.append(("runner-up", second))
    return [class_question(output, index, kind, float(scores[index])) for kind, index in asked]


def class_question(output: SettledOutput, index: int, kind: TargetKind, score: float | None) -> Question:
    """What speaks for a class."""
    return Question(
        output=output.name,
        kind=kind,
        index=index,
        label=output.label(index),
        subject=output.label(index) or f"class {index}",
        score=score,
        build=partial(_class, output, index),
    )


def _class(output: SettledOutput, index: int) -> Target:
    """The logit of a class; a single number stands for one label, or for the second of two classes."""
    place = 1 if output.count == 1 and not output.is_single else index
    target = class_logit(output.count, place, output=output.index)
    # Only a probability leaves the rest of one to the other class.
    return target if output.activation == "sigmoid" else replace(target, offset=0.0)


def _values(output: SettledOutput, answers: NDArray[np.float32]) -> list[list[Question]]:
    """The values that differ most over the images, in their order."""
    flat = answers.reshape(len(answers), -1)
    spread = flat.std(axis=0, dtype=np.float64)
    chosen = sorted(np.argsort(-spread, kind="stable")[:MOST_VALUES].tolist())
    return [
        [
            Question(
                output=output.name,
                kind="value",
                index=index,
                label=output.label(index),
                subject=output.value_name(index),
                score=float(row[index]),
                build=partial(output_value, flat.shape[1], index, output=output.index),
            )
            for index in chosen
        ]
        for row in flat
    ]


def _regions(output: SettledOutput, answer: NDArray[np.float32]) -> list[Question]:
    """The classes that cover most of a map, the largest first."""
    last = np.moveaxis(answer, 1, 3) if output.channels_first else answer
    shares = output.as_probabilities(last)
    classes = shares.shape[3]
    winning = np.where(shares[0, ..., 0] > 0.5, 0, -1) if classes == 1 else shares[0].argmax(axis=2)
    found, counts = np.unique(winning[winning >= 0], return_counts=True)
    largest = sorted(zip((-counts).tolist(), found.tolist(), strict=True))[:MOST_REGIONS]
    return [
        Question(
            output=output.name,
            kind="region",
            index=index,
            label=output.label(index),
            subject=f"the region of {output.label(index) or (f'class {index}' if classes > 1 else output.name)}",
            score=-count / winning.size,
            build=partial(_region, shares, index, output),
        )
        for count, index in largest
        if -count >= LEAST_REGION * winning.size
    ]


def _region(shares: NDArray[np.float32], index: int, output: SettledOutput) -> Target:
    """The mean logit over a region, in the layout in which Keras gives the map."""
    target = region_logit(shares, index, output=output.index)
    if not output.channels_first:
        return target
    return replace(target, directions=np.ascontiguousarray(np.moveaxis(target.directions, 3, 1)))


def _nearest(output: SettledOutput, answers: NDArray[np.float32], files: Sequence[str]) -> list[list[Question]]:
    """The likeness to the image whose embedding has the highest cosine; none for an only image."""
    flat = answers.reshape(len(answers), -1).astype(np.float64)
    lengths = np.linalg.norm(flat, axis=1, keepdims=True)
    unit = np.divide(flat, lengths, out=np.zeros_like(flat), where=lengths > 0)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -np.inf)
    if len(files) < 2:
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


def _coordinates(output: SettledOutput, shape: tuple[int, ...]) -> Question:
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
