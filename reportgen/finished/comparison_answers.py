"""Two networks' answers to the same image, output by output: what differs, by the kind of answer.

Classes are compared by the best one, labels by those that are given, values by the one that changed most, maps by the
pixels that changed class, pictures by how far they lie apart, features by the nearest image, points and boxes by how
far they moved.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from reportgen import formats
from reportgen.class_names import plain_name
from reportgen.facts import AnswerKind
from reportgen.finished.comparison_common import Common, Names, shared_index
from reportgen.finished.comparison_pictures import picture_distance, pixels_that_changed
from reportgen.record import (
    Answer,
    ClassesAnswer,
    ClassShare,
    EmbeddingAnswer,
    Image,
    MapAnswer,
    OtherAnswer,
    PictureAnswer,
    PointsAnswer,
    Prediction,
    ValuesAnswer,
)

# What is said to be compared where two outputs of one name are of different kinds.
KINDS_DIFFER = "kind of answer"

# And where nothing tells which of their classes are the same.
UNMATCHED = "classes that nothing matches"

# A label is given above this probability.
THRESHOLD = 0.5

# Pictures whose errors agree are others from this distance on, of 1.
_SEEN = 0.01


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
Named = TypeVar("Named", Prediction, ClassShare)


def compare_answers(first: Image, second: Image, common: Common | None = None) -> tuple[AnswerComparison, ...]:
    """The answers of outputs that both networks have, in the order of the first.

    Args:
        first: an image as A has it.
        second: the same as B has it.
        common: what both reports share; without it what is called the same is the same.

    Raises:
        ReportgenError: a picture of an answer cannot be read.
    """
    shared = common or Common()
    others = {shared.outputs.get(answer.output, answer.output): answer for answer in second.answers}
    found = []
    for answer in first.answers:
        other = others.get(answer.output)
        if other is not None:
            found.append(AnswerComparison(answer.output, *_compare(answer, other, shared)))
    return tuple(found)


def _compare(first: Answer, second: Answer, common: Common) -> Compared:
    if first.kind != second.kind:
        return KINDS_DIFFER, first.kind, second.kind, 1.0
    if first.output in common.unlike:
        words = [f"classes with{' other' if known else 'out'} names" for known in common.names(first.output)]
        return UNMATCHED, words[0], words[1], 0.0
    return _COMPARED[first.kind](first, second, common)


def _named(first: list[Named], second: list[Named], names: tuple[Names, Names]) -> tuple[list[Named], list[Named]]:
    """Classes of both with all names that are known; without any where one of them has none: then indices count."""
    one = _filled(first, names[0])
    two = _filled(second, names[1])
    if all(shown.label for side in (one, two) for shown in side):
        return one, two
    return _bare(one), _bare(two)


def _filled(classes: list[Named], names: Names) -> list[Named]:
    return [one.model_copy(update={"label": names.get(one.index, one.label)}) for one in classes]


def _bare(classes: list[Named]) -> list[Named]:
    return [one.model_copy(update={"label": None}) for one in classes]


def _name(shown: Prediction | ClassShare) -> str:
    return shown.label or f"class {shown.index}"


def _classes(first: ClassesAnswer, second: ClassesAnswer, common: Common) -> Compared:
    best = _named(first.predictions[:1], second.predictions[:1], common.names(first.output))
    names = [_name(side[0]) if side else formats.NOTHING for side in best]
    words = [
        f"{name} ({formats.number(side[0].score)})" if side else name for name, side in zip(names, best, strict=True)
    ]
    return "", words[0], words[1], float(names[0] != names[1])


def _labels(first: ClassesAnswer, second: ClassesAnswer, common: Common) -> Compared:
    given = [
        sorted(_name(one) for one in side if one.score > THRESHOLD)
        for side in _named(first.predictions, second.predictions, common.names(first.output))
    ]
    words = [formats.listed(names) or "none" for names in given]
    return "labels given", words[0], words[1], float(len(set(given[0]) ^ set(given[1])))


def _values(first: ValuesAnswer, second: ValuesAnswer, common: Common) -> Compared:  # noqa: ARG001 - as all of them
    """The value that changed most, against the size of the values themselves; by name where both have one the same."""
    names = [[plain_name(value.name) for value in answer.values] for answer in (first, second)]
    told_apart = all(len(set(side)) == len(side) for side in names)
    by_name = told_apart and not set(names[0]).isdisjoint(names[1])
    others = {name if by_name else value.index: value for name, value in zip(names[1], second.values, strict=True)}
    keys = [name if by_name else value.index for name, value in zip(names[0], first.values, strict=True)]
    pairs = [(value, others[key]) for value, key in zip(first.values, keys, strict=True) if key in others]
    if not pairs:
        return "", formats.NOTHING, formats.NOTHING, 0.0
    one, two = max(pairs, key=lambda pair: _apart(pair[0].value, pair[1].value))
    return one.name, formats.number(one.value), formats.number(two.value), _apart(one.value, two.value)


def _apart(first: float | None, second: float | None) -> float:
    """How far two numbers differ, as a share of the larger; without limit where only one is a number."""
    if first is None or second is None:
        return 0.0 if first is second else math.inf
    return abs(first - second) / (max(abs(first), abs(second)) or 1.0)


def _maps(first: MapAnswer, second: MapAnswer, common: Common) -> Compared:
    """The class whose share changed most, and the share of pixels that changed class.

    Without the masks, or where these are not of one size, at least half of all changes of shares is that.
    """
    names = common.names(first.output)
    sides = _named(first.classes, second.classes, names)
    shares = [_shares(side) for side in sides]
    changes = {name: abs(shares[0].get(name, 0.0) - shares[1].get(name, 0.0)) for name in shares[0] | shares[1]}
    most = max(changes, key=lambda name: (changes[name], shares[0].get(name, 0.0)), default=None)
    if most is None:
        return "", formats.NOTHING, formats.NOTHING, 0.0
    words = [formats.percent(share.get(most, 0.0)) for share in shares]
    counted = None
    if common.folders is not None:
        masks = ((common.folders[0], first.mask), (common.folders[1], second.mask))
        counted = pixels_that_changed(masks, shared_index(names))
    if counted is not None:
        about = f"{most}, {formats.percent(counted)} of the pixels changed" if counted else most
        return about, words[0], words[1], counted
    moved = sum(changes.values()) / 2 if len(changes) > 1 else sum(changes.values())
    about = f"{most}, at least {formats.percent(moved)} of the pixels changed" if moved else most
    return about, words[0], words[1], moved


def _shares(classes: list[ClassShare]) -> dict[str, float]:
    """The share of each class by name; classes of one name are one."""
    shares = dict.fromkeys(map(_name, classes), 0.0)
    for one in classes:
        shares[_name(one)] += one.share
    return shares


def _pictures(first: PictureAnswer, second: PictureAnswer, common: Common) -> Compared:
    """The error of both; how far the pictures themselves lie apart, where their files are looked at."""
    errors = [None if answer.error is None else answer.error.mae for answer in (first, second)]
    judged = any(error is not None for error in errors)
    if common.folders is None:
        return "mean absolute error", formats.number(errors[0]), formats.number(errors[1]), _apart(*errors)
    words = [
        formats.number(error) if judged else f"{answer.width} \N{MULTIPLICATION SIGN} {answer.height} pixels"
        for error, answer in zip(errors, (first, second), strict=True)
    ]
    apart = picture_distance((common.folders[0], first.picture), (common.folders[1], second.picture))
    # A picture that was stored in fewer bytes is another file, and none that a network changed.
    changed = _apart(*errors) if judged and apart < _SEEN else max(apart, float(words[0] != words[1]))
    about = ["mean absolute error"] * judged + [f"{formats.number(round(255 * apart, 1))} of 255 apart"] * (apart > 0)
    return ", ".join(about), words[0], words[1], changed


def _nearest(first: EmbeddingAnswer, second: EmbeddingAnswer, common: Common) -> Compared:
    mine, theirs = (answer.nearest[0].image if answer.nearest else formats.NOTHING for answer in (first, second))
    theirs = common.images.get(theirs, theirs)
    return "nearest image", mine, theirs, float(mine != theirs)


def _drawn(first: PointsAnswer, second: PointsAnswer, common: Common) -> Compared:  # noqa: ARG001 - as all of them
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
    furthest = max(
        (
            math.dist(one[at : at + 2], two[at : at + 2])
            for one, two in zip(*places, strict=True)
            for at in range(0, len(one), 2)
        ),
        default=0.0,
    )
    moved = round(furthest, 1)  # what is seen of it
    unit = "pixel" if moved == 1 else "pixels"
    return f"moved by up to {formats.number(moved)} {unit}" if moved else "", words[0], words[1], moved


def _others(first: OtherAnswer, second: OtherAnswer, common: Common) -> Compared:  # noqa: ARG001 - as all of them
    pairs = itertools.zip_longest((first.min, first.max, first.std), (second.min, second.max, second.std))
    apart = max([_apart(first.mean, second.mean), *(_apart(one, two) for one, two in pairs)])
    return "mean", formats.number(first.mean), formats.number(second.mean), apart


_COMPARED: dict[AnswerKind, Callable[[Any, Any, Common], Compared]] = {
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
