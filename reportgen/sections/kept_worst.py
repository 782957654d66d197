"""A few of many images, those of the lowest keys, with what was made of each while it was at hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Kept = TypeVar("Kept")


class KeptWorst(Generic[Kept]):
    """Keeps the images of the lowest keys; what is kept of them does not follow from the order in which they come.

    Args:
        most: how many are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: list[tuple[tuple[float, ...], Kept]] = []

    def add(self, key: tuple[float, ...], make: Callable[[], Kept]) -> None:
        """Take in an image of its own `key`; `make` is called where it is among the lowest so far."""
        if len(self._kept) == self._most and key >= self._kept[-1][0]:
            return
        self._kept.append((key, make()))
        self._kept.sort(key=lambda one: one[0])
        del self._kept[self._most :]

    def in_order(self) -> list[Kept]:
        """What was kept, the lowest key first."""
        return [kept for _, kept in self._kept]
