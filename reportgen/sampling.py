"""A few of many things, evenly spread over their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def sample_evenly(items: Sequence[Item], count: int) -> tuple[Item, ...]:
    """At most `count` of `items`, spread evenly over their order, the first always among them.

    >>> sample_evenly("abcdef", 3), sample_evenly("ab", 3), sample_evenly("ab", 0)
    (('a', 'c', 'e'), ('a', 'b'), ())
    """
    chosen = min(count, len(items))
    return tuple(items[place * len(items) // chosen] for place in range(chosen))
