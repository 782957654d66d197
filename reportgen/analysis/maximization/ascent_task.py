"""Ascents where an engine runs them: batches of pictures and the task that makes them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from reportgen.analysis.maximization.layer_ascents import Item, LayerAscents, Picture
from reportgen.analysis.maximization.presets import Preset, for_answers
from reportgen.analysis.maximization.subjects import Subject
from reportgen.analysis.maximization.traced_pass import TracedPasses
from reportgen.analysis.network.travelling import NetworkTask
from reportgen.config import Config
from reportgen.engines import Advance
from reportgen.results import FloatArray


@dataclass(frozen=True)
class Batch:
    """Pictures of one layer or output that are made together; `cost` is the guessed time in seconds."""

    key: tuple[str, str | None]
    canvas: tuple[int, int]
    items: tuple[Item, ...]
    cost: float

    @property
    def size(self) -> int:
        """How many pictures there are."""
        return len(self.items)

    def divide(self) -> tuple[Batch, ...]:
        """One batch for each picture; none if there is only one."""
        cost = self.cost / self.size
        return tuple(replace(self, items=(item,), cost=cost) for item in self.items) if self.size > 1 else ()


@dataclass(frozen=True, eq=False)
class MadeBatch:
    """What became of a batch, and how long it took."""

    outcomes: list[Picture]
    seconds: float


class AscentTask(NetworkTask):
    """Makes batches of pictures; the same batch gives the same pictures wherever TensorFlow has as many threads."""

    uses_all_processors = True

    def __init__(
        self,
        passes: TracedPasses,
        preset: Preset,
        colour: FloatArray | None,
        subjects: Sequence[Subject],
        config: Config,
    ) -> None:
        super().__init__(passes.network, config.model, config.custom_objects)
        self.passes = passes
        self.preset = preset
        self.colour = colour
        self.subjects = {subject.key: subject for subject in subjects}
        self._ascents: dict[tuple[tuple[str, str | None], tuple[int, int]], LayerAscents] = {}

    def ascents(self, key: tuple[str, str | None], canvas: tuple[int, int]) -> LayerAscents:
        """The ascents of the subject called `key` on `canvas`, compiled once."""
        if (key, canvas) not in self._ascents:
            subject = self.subjects[key]
            preset = self.preset if key[1] is None else for_answers(self.preset, mirrors=subject.mirrors)
            made = LayerAscents(self.passes, subject, canvas, preset, self.colour)
            self._ascents[key, canvas] = made
        return self._ascents[key, canvas]

    def run(self, batch: Batch, advance: Advance) -> MadeBatch:
        """Make the pictures of `batch`."""
        started = time.monotonic()
        outcomes = self.ascents(batch.key, batch.canvas).run(batch.items)
        advance(batch.size)
        return MadeBatch(outcomes, time.monotonic() - started)

    def __getstate__(self) -> dict[str, Any]:
        kept = {"preset": self.preset, "colour": self.colour, "subjects": self.subjects}
        return {**super().__getstate__(), **kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.preset, self.colour = state["preset"], state["colour"]
        self.subjects = state["subjects"]
        self.passes = TracedPasses(self.network)
        self._ascents = {}
