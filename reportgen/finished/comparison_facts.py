"""The same question asked of two reports, A and B, and whether both say the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# "not compared": both have it, and nothing tells whether it is the same.
Change = Literal["same", "changed", "only A", "only B", "not compared"]

# Two networks that were saved and loaded again differ in the last digits; what a reader would call a
# change of a statistic is larger than this share of the value.
STATISTIC_TOLERANCE = 1e-3

Value = str | int | float | tuple[int | None, ...] | None


@dataclass(frozen=True)
class Fact:
    """One line of a table: the same question asked of both reports."""

    name: str
    first: Value
    second: Value
    change: Change


def change_of(first: object, second: object) -> Change:
    """What became of a value; None is a report without it."""
    if first is None and second is not None:
        return "only B"
    if second is None and first is not None:
        return "only A"
    if isinstance(first, float) and isinstance(second, float):
        close = abs(first - second) <= STATISTIC_TOLERANCE * max(abs(first), abs(second))
        return "same" if close else "changed"
    return "same" if first == second else "changed"


def fact(name: str, first: object, second: object) -> Fact:
    """Both answers to the question `name`."""
    return Fact(name, _plain(first), _plain(second), change_of(first, second))


def _plain(value: object) -> Value:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, tuple | list) and all(part is None or isinstance(part, int) for part in value):
        return tuple(value)
    return str(value)
