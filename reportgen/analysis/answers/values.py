"""Numbers that mean themselves: an age, a position, a temperature."""

from __future__ import annotations

from reportgen.analysis.answers.kind import Given, Kind, all_of_them, is_vector, keep_all, layer_words
from reportgen.analysis.answers.seen import SeenOutput


def _find(seen: SeenOutput, _given: Given) -> str | None:
    if not seen.is_vector:
        return None
    count = seen.size[0]
    what = "one value" if count == 1 else f"{count} values"
    if seen.activation == "softmax":
        return f"{layer_words(seen)} is a softmax over one unit, which is always one."
    if seen.activation in (None, "linear"):
        return f"{layer_words(seen)} gives {what}, and nothing says that it is of classes."
    return f"{layer_words(seen)} gives {what} and ends in {seen.activation}."


VALUES = Kind("values", _find, "a vector", is_vector, all_of_them, keep_all)
