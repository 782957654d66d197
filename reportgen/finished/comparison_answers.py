"""Two networks' answers to the same image, output by output: what differs, by the kind of answer.

Classes are compared by the best one, labels by those that are given, values by the one that changed most, maps by the
share of pixels of each class, pictures by their error, features by the nearest image, points and boxes by how far
they moved.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reportgen import formats
from reportgen.facts import AnswerKind
from reportgen.record import (
    Answer,
    ClassesAnswer,
    EmbeddingAnswer,
    Image,
    MapAnswer,
    OtherAnswer,
    PictureAnswer,
    PointsAnswer,
    ValuesAnswer,
)

# What is said to be compared where two outputs of one name are of different kinds.
KINDS_DIFFER = "kind of answer"

# A label is given from this probability on.
THRESHOLD = 0.5


@dataclass(frozen=True)
class AnswerComparison:
    """One output's answers in words, and how far they lie apart, 0 where they are the same.

    `about` says what of the answer is compared, empty where that is plain.
    """

    output: str
    about: str
    first: str
    second: str
    apart: float


Compared = tuple[str, str, str, float]


def compare_answers(first: Image, second: Image) -> tuple[AnswerComparison, ...]:
    """The answers of outputs that both networks have, in the order of the first."""
    others = {answer.output: answer for answer in second.answers}
    found = []
    for answer in first.answers:
        other = others.get(answer.output)
        if other is not None:
            found.append(AnswerComparison(answer.output, *_compare(answer, other)))
    return tuple(found)


def _compare(first: Answer, second: Answer) -> Compared:
    if first.kind != second.kind:
        return KINDS_DIFFER, first.kind, second.kind, 1.0
    return _COMPARED[first.kind](first, second)


def _classes(first: ClassesAnswer, second: ClassesAnswer) -> Compared:
    best = [answer.predictions[0] if answer.predictions else None for answer in (first, second)]
    names = [formats.NOTHING if one is None else one.label or f"class {one.index}" for one in best]
    words = [
        name if one is None else f"{name} ({formats.number(one.score)})" for name, one in zip(names, best, strict=True)
    ]
    return "", words[0], words[1], float(names[0] != names[1])


def _labels(first: ClassesAnswer, second: ClassesAnswer) -> Compared:
    given = [
        sorted(one.label or f"class {one.index}" for one in answer.predictions if one.score >= THRESHOLD)
        for answer in (first, second)
    ]
    words = [formats.listed(names) or "none" for names in given]
    return "labels given", words[0], words[1], float(len(set(given[0]) ^ set(given[1])))


def _values(first: ValuesAnswer, second: ValuesAnswer) -> Compared:
    """The value that changed most, against the size of the values themselves."""
    others = {value.index: value for value in second.values}
    pairs = [(value, others[value.index]) for value in first.values if value.index in others]
    if not pairs:
        return "", formats.NOTHING, formats.NOTHING, 0.0
    one, two = max(pairs, key=lambda pair: _apart(pair[0].value, pair[1].value))
    return one.name, formats.number(one.value), formats.number(two.value), _apart(one.value, two.value)


def _apart(first: float | None, second: float | None) -> float:
    """How far two numbers differ, as a share of the larger; without limit where only one is a number."""
    if first is None or second is None:
        return 0.0 if first is second else math.inf
    return abs(first - second) / (max(abs(first), abs(second)) or 1.0)


def _maps(first: MapAnswer, second: MapAnswer) -> Compared:
    """The class whose share changed most; at least half of all changes of shares is pixels that changed class."""
    shares = [{one.index: one.share for one in answer.classes} for answer in (first, second)]
    names = {one.index: one.label or f"class {one.index}" for answer in (first, second) for one in answer.classes}
    changes = {index: abs(shares[0].get(index, 0.0) - shares[1].get(index, 0.0)) for index in sorted(names)}
    most = max(changes, key=lambda index: (changes[index], shares[0].get(index, 0.0)), default=None)
    if most is None:
        return "", formats.NOTHING, formats.NOTHING, 0.0
    moved = sum(changes.values()) / 2 if len(names) > 1 else sum(changes.values())
    words = [formats.percent(share.get(most, 0.0)) for share in shares]
    about = f"{names[most]}, at least {formats.percent(moved)} of the pixels changed" if moved else names[most]
    return about, words[0], words[1], moved


def _pictures(first: PictureAnswer, second: PictureAnswer) -> Compared:
    errors = [None if answer.error is None else answer.error.mae for answer in (first, second)]
    return "mean absolute error", formats.number(errors[0]), formats.number(errors[1]), _apart(*errors)


def _nearest(first: EmbeddingAnswer, second: EmbeddingAnswer) -> Compared:
    nearest = [answer.nearest[0].image if answer.nearest else formats.NOTHING for answer in (first, second)]
    return "nearest image", nearest[0], nearest[1], float(nearest[0] != nearest[1])


def _drawn(first: PointsAnswer, second: PointsAnswer) -> Compared:
    """How many there are, and how far the one that moved most did, in pixels of the image."""
    words = [
        " and ".join(
            formats.counted(len(drawn), noun)
            for drawn, noun in ((answer.points, "point"), (answer.boxes, "box"))
            if drawn
        )
        or "nothing"
        for answer in (first, second)
    ]
    places: list[list[tuple[float, ...]]] = [[*answer.points, *answer.boxes] for answer in (first, second)]
    if words[0] != words[1]:
        return "", words[0], words[1], math.inf
    moved = max(
        (
            math.dist(one[at : at + 2], two[at : at + 2])
            for one, two in zip(*places, strict=True)
            for at in range(0, len(one), 2)
        ),
        default=0.0,
    )
    return f"moved by up to {formats.number(round(moved, 1))} pixels" if moved else "", words[0], words[1], moved


def _others(first: OtherAnswer, second: OtherAnswer) -> Compared:
    pairs = itertools.zip_longest((first.min, first.max, first.std), (second.min, second.max, second.std))
    apart = max([_apart(first.mean, second.mean), *(_apart(one, two) for one, two in pairs)])
    return "mean", formats.number(first.mean), formats.number(second.mean), apart


_COMPARED: dict[AnswerKind, Callable[[Any, Any], Compared]] = {
    "classes": _classes,
    "multilabel": _labels,
    "values": _values,
    "map": _maps,
    "picture": _pictures,
    "embedding": _nearest,
    "points": _drawn,
    "boxes": _drawn,
    "other": _others,
}
