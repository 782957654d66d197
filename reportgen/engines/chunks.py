"""What an engine is given to do: a task, and chunks of work for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

# Is told how many more images (or channels) are done.
Advance = Callable[[int], None]


class Chunk(Protocol):
    """A part of the work that can be divided; it travels between processes."""

    @property
    def size(self) -> int:
        """How many images (or channels) there are in it."""

    @property
    def names(self) -> tuple[str, ...]:
        """What these are called in messages."""

    def halves(self) -> tuple[Chunk, ...]:
        """Two chunks that together are this one; none if it cannot be divided."""


class Task(Protocol):
    """What is done with each chunk; it travels between processes."""

    def run(self, chunk: Any, advance: Advance) -> Any:
        """Do the work of `chunk`.

        Args:
            advance: to be told of each image (or channel) that is done.
        """


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of a chunk: the task's value, or the reason why it was set aside."""

    chunk: Any
    value: Any = None
    set_aside: str | None = None


class Engine(Protocol):
    """A place where tasks run."""

    def run(self, task: Task, chunks: Sequence[Chunk], advance: Advance) -> Iterator[Outcome]:
        """Run `task` on all `chunks`, and give each outcome as it comes, in any order.

        A chunk may come back divided, where a part of it had to be set aside.
        """
