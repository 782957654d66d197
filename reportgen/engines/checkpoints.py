"""Keep what a long run has done so far, so that one that was killed goes on from there.

The merged value of all chunks that are done is one entry of the cache, replaced now and then. Since merging
does not depend on the order, a run that goes on ends with the same bits as one that never stopped.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from reportgen.files.cache import Cache

# Writing may take this share of the time, whatever the size of the value.
WRITING_SHARE = 0.05

# Nothing is written more often than this, so that short runs write once, at the end.
LEAST_SECONDS = 10.0


class Storable(Protocol):
    """A value that merges and can be stored."""

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The value's arrays."""


@dataclass
class Done:
    """Which places of a row of images (or channels) are done: ranges `[start, stop)`, in order, apart."""

    ranges: list[tuple[int, int]] = field(default_factory=list)

    def add(self, start: int, stop: int) -> None:
        """Mark `[start, stop)` as done."""
        merged: list[tuple[int, int]] = []
        for first, last in sorted([*self.ranges, (start, stop)]):
            if merged and first <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(merged[-1][1], last)
            else:
                merged.append((first, last))
        self.ranges = merged

    def missing(self, total: int) -> Iterator[tuple[int, int]]:
        """The ranges of `0 .. total` that are not done."""
        start = 0
        for first, last in [*self.ranges, (total, total)]:
            if start < first:
                yield start, first
            start = max(start, last)

    @property
    def count(self) -> int:
        """How many places are done."""
        return sum(last - first for first, last in self.ranges)


class Checkpoint:
    """The entry of one run in the cache."""

    def __init__(self, cache: Cache, key: str) -> None:
        self.cache = cache
        self.key = key
        self._next = time.monotonic() + LEAST_SECONDS

    def load(self) -> tuple[Mapping[str, NDArray[Any]], dict[str, Any], Done] | None:
        """What was kept: arrays, facts and what is done; None if nothing was."""
        entry = self.cache.get(self.key)
        if entry is None:
            return None
        ranges: Sequence[Sequence[int]] = entry.meta.pop("done")
        return entry.arrays, entry.meta, Done([(first, last) for first, last in ranges])

    def save(self, value: Storable, facts: Mapping[str, Any], done: Done) -> None:
        """Keep `value`."""
        begun = time.monotonic()
        self.cache.put(self.key, value.to_arrays(), {**facts, "done": done.ranges})
        now = time.monotonic()
        self._next = now + max(LEAST_SECONDS, (now - begun) / WRITING_SHARE)

    @property
    def is_due(self) -> bool:
        """Whether enough time has gone by to write again."""
        return time.monotonic() >= self._next
