"""Run tasks in this process, one chunk after the other; a task uses the processors by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from reportgen.engines.chunks import Advance, Chunk, Outcome, Task


class LocalEngine:
    """The engine that needs nothing else."""

    workers = 1
    processes = 1
    is_remote = False

    def ask(self, question: Callable[[], Any]) -> dict[str, Any]:  # noqa: ARG002 - the engine's interface
        """Nobody to ask: there is no other process."""
        return {}

    def run(self, task: Task, chunks: Iterable[Chunk], advance: Advance) -> Iterator[Outcome]:
        """Run `task` on `chunks` in their order."""
        for chunk in chunks:
            yield Outcome(chunk, task.run(chunk, advance))
