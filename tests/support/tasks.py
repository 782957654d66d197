"""Tasks for engines that are done in no time, or kill the worker that runs them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar


@dataclass(frozen=True)
class Numbers:
    """A chunk of numbers."""

    values: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.values)

    def divide(self) -> Sequence[Numbers]:
        """Two chunks, none of a single number."""
        middle = self.size // 2
        return (Numbers(self.values[:middle]), Numbers(self.values[middle:])) if middle else ()


def numbers(count: int, size: int) -> list[Numbers]:
    """The numbers below `count` in chunks of `size`."""
    return [Numbers(tuple(range(first, min(count, first + size)))) for first in range(0, count, size)]


@dataclass(frozen=True)
class Adding:
    """Adds up the numbers of a chunk."""

    uses_all_processors: ClassVar[bool] = False

    def run(self, chunk: Numbers, advance: Callable[[int], None]) -> int:
        """Their sum."""
        advance(chunk.size)
        return sum(chunk.values)


@dataclass(frozen=True)
class DyingOnce:
    """Adds up the numbers of a chunk; the first worker to meet `fatal` is killed."""

    uses_all_processors: ClassVar[bool] = False

    fatal: int
    note: Path

    def run(self, chunk: Numbers, advance: Callable[[int], None]) -> int:
        """Their sum."""
        if self.fatal in chunk.values and not self.note.exists():
            self.note.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return Adding().run(chunk, advance)


@dataclass(frozen=True)
class DyingAlways:
    """Adds up the numbers of a chunk; every worker that meets `fatal` is killed."""

    uses_all_processors: ClassVar[bool] = False

    fatal: int

    def run(self, chunk: Numbers, advance: Callable[[int], None]) -> int:
        """Their sum."""
        if self.fatal in chunk.values:
            os.kill(os.getpid(), signal.SIGKILL)
        return Adding().run(chunk, advance)


@dataclass(frozen=True)
class Waiting:
    """Adds up the numbers of a chunk, and takes its time; notes which process did it, one chunk at a time."""

    uses_all_processors: ClassVar[bool] = True

    folder: Path
    seconds: float = 0.1

    def run(self, chunk: Numbers, advance: Callable[[int], None]) -> int:
        """Their sum."""
        note = self.folder / str(os.getpid())
        note.touch(exist_ok=False)
        time.sleep(self.seconds)
        note.unlink()
        return Adding().run(chunk, advance)
