"""Which class is meant by a name or a number that someone wrote down."""

from __future__ import annotations

from collections.abc import Sequence


def match_label(given: str, labels: Sequence[str] | None, classes: int) -> int | None:
    """The index of the class called `given`: by its whole name, one of its names, or its number.

    >>> labels = ["tench, Tinca tinca", "goldfish", "great white shark, white shark"]
    >>> match_label("Tinca tinca", labels, 3), match_label("White_Shark", labels, 3), match_label("1", labels, 3)
    (0, 2, 1)
    """
    wanted = plain_name(given)
    names = [plain_name(label) for label in labels or ()]
    if wanted in names:
        return names.index(wanted)
    for index, label in enumerate(labels or ()):
        if wanted in [plain_name(part) for part in label.split(",")]:
            return index
    return int(wanted) if wanted.isdigit() and int(wanted) < classes else None


def plain_name(name: str) -> str:
    """A name without what does not tell it from others: case, underscores, further spaces."""
    return " ".join(name.casefold().replace("_", " ").split())
