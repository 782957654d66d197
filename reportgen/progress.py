"""Telling how far a run has come; the command line shows it, other callers may listen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

# What the steps of a stage are, where speed is told by them.
Counted = Literal["images"]


class Progress(Protocol):
    """Hears of a run's stages: their names, sizes and steps."""

    def start(self, stage: str, total: int | None, counted: Counted | None = None) -> None:
        """A stage of `total` steps begins (None: unknown), inside the one under way; `counted` are the steps."""

    def advance(self, steps: int, text: str | None = None) -> None:
        """`steps` more are done; `text` says what is being done now."""

    def finish(self) -> None:
        """The stage is over."""

    def say(self, message: str) -> None:
        """Something the user should read even when the bars are gone."""

    def explain(self, message: str) -> None:
        """Something for those who asked to hear every detail."""


class Silent:
    """A progress nobody watches."""

    def start(self, stage: str, total: int | None, counted: Counted | None = None) -> None:
        """Nothing to show."""

    def advance(self, steps: int, text: str | None = None) -> None:
        """Nothing to show."""

    def finish(self) -> None:
        """Nothing to show."""

    def say(self, message: str) -> None:
        """Nothing to show."""

    def explain(self, message: str) -> None:
        """Nothing to show."""


@contextmanager
def stage(
    progress: Progress, title: str, total: int | None = None, counted: Counted | None = None
) -> Iterator[Progress]:
    """Run the block as one stage of `progress`; `counted` says what its steps are."""
    progress.start(title, total, counted)
    try:
        yield progress
    finally:
        progress.finish()
