"""Which class is meant by a name or a number that someone wrote down."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Protocol

# What stands between labels that hold at the same time.
SEPARATOR = "|"

# Above it a label is given.
_HALF = 0.5

_MOST_DIGITS = 18


def match_label(given: str, labels: Sequence[str] | None, classes: int) -> int | None:
    """The index of the class called `given`: by its whole name, its first, another of its names, or its number.

    A number is no index where the class of that index is called by another number, and names beyond the classes that
    there are, such as of a list with a background too many, are of none.

    >>> labels = ["tench, Tinca tinca", "goldfish", "great white shark, white shark"]
    >>> match_label("Tinca tinca", labels, 3), match_label("White_Shark", labels, 3), match_label("1", labels, 3)
    (0, 2, 1)
    """
    wanted = plain_name(given)
    there = (labels or ())[:classes]
    names = [plain_name(label) for label in there]
    if wanted in names:
        return names.index(wanted)
    parts = [[plain_name(part) for part in label.split(",")] for label in there]
    called = [index for index, of_class in enumerate(parts) if wanted in of_class]
    if called:  # ImageNet has "chime, bell, gong" before "gong, tam-tam"
        return min(called, key=lambda index: parts[index][0] != wanted)
    number = whole_number(wanted)
    if number is None or number >= classes:
        return None
    return number if number >= len(names) or whole_number(names[number]) is None else None


def is_called(given: str, index: int, label: str | None) -> bool:
    """Whether `given` is a class: its whole name, one of its names, or, where that is no number itself, its index.

    >>> is_called("Tinca tinca", 0, "tench, Tinca tinca"), is_called("0", 0, None), is_called("0", 0, "1")
    (True, True, False)
    """
    wanted, whole = plain_name(given), plain_name(label or "")
    if label is not None and wanted in (whole, *(plain_name(part) for part in label.split(","))):
        return True
    return whole_number(wanted) == index and whole_number(whole) is None


class Scored(Protocol):
    """A class or label with its score."""

    @property
    def index(self) -> int:
        """Its place among all."""

    @property
    def label(self) -> str | None:
        """Its name, if it has one."""

    @property
    def score(self) -> float:
        """How likely it is."""


def labels_agree(given: str, best: Sequence[Scored], count: int | None) -> bool | None:
    """Whether the labels that are given, separated by a bar, are just those whose probability is above a half.

    Args:
        given: names or numbers of labels.
        best: the likeliest labels.
        count: how many labels there are.

    Returns:
        None where there are more likely ones than `best` holds.
    """
    above = [one for one in best if one.score > _HALF]
    if len(above) == len(best) and len(best) != count:
        return None
    named = {plain_name(name) for name in given.split(SEPARATOR) if name}
    known = all(any(is_called(name, one.index, one.label) for one in above) for name in named)
    return known and len(named) == len(above)


def whole_number(text: str) -> int | None:
    """The number that `text` writes in the digits 0 to 9 alone; None where it is none, or is larger than any count.

    >>> whole_number("012"), whole_number("²"), whole_number("-1"), whole_number("9" * 5000)
    (12, None, None, None)
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def plain_name(name: str) -> str:
    """A name without what people write differently: case, underscores, runs of blanks, Unicode's normal forms.

    >>> plain_name(" White_Shark ")
    'white shark'
    """
    composed = unicodedata.normalize("NFC", name)
    return " ".join(unicodedata.normalize("NFC", composed.casefold()).replace("_", " ").split())
