"""What is one and the same in two reports, A and B, though they may call it otherwise: outputs, classes, images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reportgen.class_names import plain_name
from reportgen.facts import Output
from reportgen.record import Record

Names = Mapping[int, str]
NO_NAMES: tuple[Names, Names] = ({}, {})

_OF_CLASSES = ("classes", "multilabel", "map")


@dataclass(frozen=True)
class Common:
    """What two reports share.

    `outputs` are A's names of B's outputs; `classes` the names of classes, by A's name of the output: A's, and those of
    B as A calls them; `unlike` outputs, as A calls them, of which nothing tells which classes are the same; `images`
    A's names of B's images, and `folders` where the files of both lie, None where these are not looked at. `told_alike`
    says whether the best classes of images are of one output in both.
    """

    outputs: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, tuple[Names, Names]] = field(default_factory=dict)
    unlike: frozenset[str] = frozenset()
    images: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[Path, Path] | None = None
    told_alike: bool = True

    def names(self, output: str) -> tuple[Names, Names]:
        """The names of an output's classes, by index: A's, and those of B as A calls them."""
        return self.classes.get(output, NO_NAMES)


def common_of(first: Record, second: Record, images: Mapping[str, str], folders: tuple[Path, Path] | None) -> Common:
    """What two records share; `images` are A's names of B's images."""
    outputs = _match_outputs(first.model.outputs, second.model.outputs)
    by_name = {output.name: output for output in first.model.outputs}
    pairs = [(by_name[outputs[two.name]], two) for two in second.model.outputs if two.name in outputs]
    classes = {one.name: _names_of_both(one, two) for one, two in pairs}
    unlike = frozenset(
        one.name
        for one, two in pairs
        if one.kind in _OF_CLASSES and not are_matched(classes[one.name], (_class_count(one), _class_count(two)))
    )
    return Common(outputs, classes, unlike, images, folders, _told_alike(first, second, outputs))


def _told_alike(first: Record, second: Record, outputs: Mapping[str, str]) -> bool:
    """Whether images are told by one output in both: not where the other report has either of them as another one."""
    one, two = first.model.telling_output, second.model.telling_output
    if one is None or two is None:
        return True
    called = outputs.get(two.name)
    return called == one.name or (called is None and one.name not in outputs.values())


def _match_outputs(first: Sequence[Output], second: Sequence[Output]) -> dict[str, str]:
    """A's names of B's outputs: the same, else of as many of one kind those in the same order.

    Layers that were not named are numbered by Keras as they are made, so that a network that is built again has others.
    """
    names = {output.name for output in first}
    found = {output.name: output.name for output in second if output.name in names}
    left = [[output for output in side if output.name not in found] for side in (first, second)]
    for kind in dict.fromkeys(output.kind for output in left[0]):
        ones, twos = ([output.name for output in side if output.kind == kind] for side in left)
        if len(ones) == len(twos):
            found |= dict(zip(twos, ones, strict=True))
    return found


def _names_of_both(first: Output, second: Output) -> tuple[Names, Names]:
    """The names of an output's classes; a network without takes the other's, where there are as many."""
    one, two = (dict(enumerate(output.labels or ())) for output in (first, second))
    alike = first.kind == second.kind and _class_count(first) == _class_count(second)
    one, two = (one or (two if alike else {})), (two or (one if alike else {}))
    return one, called_alike(one, two)


def _class_count(output: Output) -> int | None:
    """How many classes, labels or values there are: two that a single sigmoid tells apart."""
    count = output.shape[-1] if output.shape else None
    return 2 if output.kind == "classes" and count == 1 else count


def are_matched(names: tuple[Names, Names], counts: tuple[int | None, int | None]) -> bool:
    """Whether anything tells which classes of two networks are the same.

    Args:
        names: of the first and of the second as the first calls them, as far as they are known.
        counts: how many classes each has: without names those of one index are the same where there are as many.

    >>> are_matched(({0: "cat"}, {0: "Katze"}), (1, 1)), are_matched(({0: "cat"}, {0: "fox"}), (9, 9))
    (False, True)
    """
    one, two = names
    if not one or not two:
        return not one and not two and counts[0] == counts[1]
    all_known = (len(one), len(two)) == counts
    return not all_known or not set(one.values()).isdisjoint(two.values())


def called_alike(first: Names, second: Names) -> dict[int, str]:
    """The names of the second network's classes, by index, as the first calls them.

    A class of many names is the same where one list has all of them and the other one: that is a class of this whole
    name before it is one that has it first, and then one that has it among others.

    >>> called_alike({0: "missile", 1: "projectile"}, {0: "projectile, missile", 1: "missile", 2: "fox"})
    {0: 'projectile', 1: 'missile', 2: 'fox'}
    """
    mine, theirs = _by_any_name(first), _by_any_name(second)
    found = {}
    for index, name in second.items():
        one = mine.get(name, mine.get(plain_name(name)))
        if one is not None:
            found[index] = first[one]
    for name in first.values():
        two = theirs.get(name, theirs.get(plain_name(name)))
        if two is not None:
            found.setdefault(two, name)
    return {index: found.get(index, name) for index, name in second.items()}


def _by_any_name(names: Names) -> dict[str, int]:
    """The first class of each name: of a whole name, else of a first, else of one among several; as written first.

    ImageNet has "Cardigan, Cardigan Welsh corgi" and "cardigan", "chime, bell, gong" and "gong, tam-tam".
    """
    found: dict[str, int] = {}
    for key in (str, _first_name, plain_name, lambda name: plain_name(_first_name(name))):
        for index, name in names.items():
            found.setdefault(key(name), index)
    for index, name in names.items():
        for part in name.split(","):
            found.setdefault(plain_name(part), index)
    return found


def _first_name(name: str) -> str:
    return name.partition(",")[0].strip()


def shared_index(names: tuple[Names, Names]) -> dict[int, int] | None:
    """A's index of each class of B by name; None where one side has no names, or two classes of one.

    Of classes that A does not have it is negative.

    >>> shared_index(({0: "cat", 1: "dog"}, {0: "dog", 1: "fox"}))
    {0: 1, 1: -2}
    """
    one, two = names
    if not one or not two or any(len(set(side.values())) < len(side) for side in names):
        return None
    places = {name: index for index, name in one.items()}
    return {index: places.get(name, -1 - index) for index, name in two.items()}
