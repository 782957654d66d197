"""Telling how far a run has come; the command line shows it, other callers may listen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """Hears of a run's stages: their names, sizes and steps."""

    def start(self, stage: str, total: int | None) -> None:
        """A stage of `total` steps begins (None: unknown)."""

    def advance(self, steps: int, text: str | None = None) -> None:
        """`steps` more are done; `text` says what is being done now."""

    def finish(self) -> None:
        """The stage is over."""

    def say(self, message: str) -> None:
        """Something the user should read even when the bars are gone."""


class Silent:
    """A progress nobody watches."""

    def start(self, stage: str, total: int | None) -> None:
        """Nothing to show."""

    def advance(self, steps: int, text: str | None = None) -> None:
        """Nothing to show."""

    def finish(self) -> None:
        """Nothing to show."""

    def say(self, message: str) -> None:
        """Nothing to show."""


@contextmanager
def stage(progress: Progress, title: str, total: int | None = None) -> Iterator[Progress]:
    """Run the block as one stage of `progress`."""
    progress.start(title, total)
    try:
        yield progress
    finally:
        progress.finish()
