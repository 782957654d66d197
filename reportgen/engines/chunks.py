"""What an engine is given to do: a task, and chunks of work for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from reportgen.images import ImageFile

# Into how many chunks one is divided that kills its worker: the more, the fewer workers die in the search.
_PARTS = 8

# Is told how many more images (or channels) are done.
Advance = Callable[[int], None]


class Chunk(Protocol):
    """A part of the work that can be divided; it travels between processes."""

    @property
    def size(self) -> int:
        """How many images (or channels) there are in it."""

    def divide(self) -> Sequence[Chunk]:
        """Chunks that together are this one; none if it cannot be divided."""


@dataclass(frozen=True)
class ImageChunk:
    """Images of a set that lie beside each other; the first has place `start` in the set."""

    start: int
    images: tuple[ImageFile, ...]

    @property
    def size(self) -> int:
        """How many images there are."""
        return len(self.images)

    def divide(self) -> tuple[ImageChunk, ...]:
        """Up to `_PARTS` chunks of some of the images each; none if there is only one image."""
        return tuple(chunks_of(self.images, self.start, -(-self.size // _PARTS))) if self.size > 1 else ()


def chunks_of(images: Sequence[ImageFile], start: int, size: int) -> Iterator[ImageChunk]:
    """Divide `images`, the first of which has place `start` in the set, into chunks of `size`."""
    for first in range(0, len(images), size):
        yield ImageChunk(start + first, tuple(images[first : first + size]))


class Task(Protocol):
    """What is done with each chunk; it travels between processes."""

    @property
    def uses_all_processors(self) -> bool:
        """Whether one chunk keeps all processors busy, so that a process has one at a time."""

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

    @property
    def workers(self) -> int:
        """How many chunks are worked on at the same time."""

    @property
    def processes(self) -> int:
        """In how many processes they are."""

    @property
    def is_remote(self) -> bool:
        """Whether tasks run in other processes."""

    def ask(self, question: Callable[[], Any]) -> dict[str, Any]:
        """The answer of each worker that is not this process, by its name; `question` travels there."""

    def run(self, task: Task, chunks: Iterable[Chunk], advance: Advance) -> Iterator[Outcome]:
        """Run `task` on all `chunks`, and give each outcome as it comes, in any order.

        The next of `chunks` is taken when there is a place for it. A chunk may come back divided, where a part
        of it had to be set aside.
        """
