"""Ascents where an engine runs them: batches of pictures and the task that makes them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from reportgen.analysis.maximization.layer_ascents import Item, LayerAscents, Picture
from reportgen.analysis.maximization.presets import Preset
from reportgen.analysis.network.travelling import NetworkTask
from reportgen.config import Config
from reportgen.engines import Advance
from reportgen.models import Network
from reportgen.results import FloatArray


@dataclass(frozen=True)
class Batch:
    """Pictures of one layer that are made together; `cost` is the guessed time in seconds."""

    layer: str
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
        network: Network,
        preset: Preset,
        colour: FloatArray | None,
        dataset_max: Mapping[str, FloatArray],
        config: Config,
    ) -> None:
        super().__init__(network, config.model, config.custom_objects)
        self.preset = preset
        self.colour = colour
        self.dataset_max = dataset_max
        self._ascents: dict[tuple[str, tuple[int, int]], LayerAscents] = {}

    def ascents(self, layer: str, canvas: tuple[int, int]) -> LayerAscents:
        """The ascents of `layer` on `canvas`, compiled once."""
        if (layer, canvas) not in self._ascents:
            maxima = self.dataset_max.get(layer)
            made = LayerAscents(self.network, layer, canvas, self.preset, self.colour, maxima)
            self._ascents[layer, canvas] = made
        return self._ascents[layer, canvas]

    def run(self, batch: Batch, advance: Advance) -> MadeBatch:
        """Make the pictures of `batch`."""
        started = time.monotonic()
        outcomes = self.ascents(batch.layer, batch.canvas).run(batch.items)
        advance(batch.size)
        return MadeBatch(outcomes, time.monotonic() - started)

    def __getstate__(self) -> dict[str, Any]:
        kept = {"preset": self.preset, "colour": self.colour, "dataset_max": dict(self.dataset_max)}
        return {**super().__getstate__(), **kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.preset, self.colour = state["preset"], state["colour"]
        self.dataset_max = state["dataset_max"]
        self._ascents = {}
