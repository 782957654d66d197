"""Labels of which several may hold at once: a sigmoid for each."""

from __future__ import annotations

from reportgen.analysis.answers.kind import Given, Kind, all_of_them, is_vector, keep_all, layer_words
from reportgen.analysis.answers.seen import SeenOutput


def _find(seen: SeenOutput, _given: Given) -> str | None:
    if seen.is_vector and seen.size[0] > 1 and seen.activation in ("sigmoid", "hard_sigmoid"):
        return f"{layer_words(seen)} is a sigmoid for each of {seen.size[0]} labels."
    return None


MULTILABEL = Kind("multilabel", _find, "a vector", is_vector, all_of_them, keep_all)
