"""What the colours of a difference between a map and its right mask mean."""

from __future__ import annotations

from collections.abc import Mapping

from reportgen.record.answers import DifferenceKind

_WORDS: Mapping[DifferenceKind, str] = {
    "right": "right",
    "found": "right, and the class is there",
    "wrong": "wrong",
    "missed": "missed",
    "extra": "answered where it is not",
    "unjudged": "not judged",
}


def named_colours(colours: Mapping[DifferenceKind, str]) -> tuple[tuple[str, str], ...]:
    """Colours with what they mean, what is right first."""
    return tuple((colours[kind], words) for kind, words in _WORDS.items() if kind in colours)
