"""The ascents of one layer on one canvas: batches of pictures, before anyone judges them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from reportgen.analysis.maximization import objectives
from reportgen.analysis.maximization.ascent import Climb, Climber, climb, make_climber, random_transform
from reportgen.analysis.maximization.judging import RANKS_OK, logit_function, rank_of, response_function
from reportgen.analysis.maximization.parameterizations import Parameterization, fourier, pixel_grid
from reportgen.analysis.maximization.presets import Preset
from reportgen.errors import ReportgenError
from reportgen.models import Network
from reportgen.results import ByteArray, FloatArray

# The layer of a class's picture is the network's answer, which has no channels of its own.
ANSWER = ""

# How far a picture is on the way to "ok" where it is there.
_GOOD_STANDING = 2.0


@dataclass(frozen=True)
class Item:
    """One picture to be made."""

    channel: int
    seed: int
    again: bool


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture made, as it is kept in the cache: nothing in it is a judgement."""

    pixels: ByteArray
    responses: FloatArray
    scores: FloatArray
    steps: int
    flat: bool
    attempts: int
    against_rivals: bool


class LayerAscents:
    """All ascents of one layer (or, for layer `""`, of the classes of the answer) on one canvas.

    Args:
        colour: from decorrelated to shown colours; None where channels are no colours.
        dataset_max: `(channels,)` of the layer, None if unknown.
    """

    def __init__(
        self,
        network: Network,
        layer: str,
        canvas: tuple[int, int],
        preset: Preset,
        colour: FloatArray | None,
        dataset_max: FloatArray | None,
    ) -> None:
        self.network = network
        self.layer = layer
        self.canvas = canvas
        self.preset = preset
        self.colour = colour
        self.dataset_max = dataset_max

    @cached_property
    def _parameterization(self) -> Parameterization:
        preset = self.preset
        if preset.parameterization == "pixels":
            return pixel_grid(self.canvas, self.network.channels, mean=preset.noise_mean, std=preset.noise_std)
        return fourier(
            self.canvas,
            self.network.channels,
            std=preset.spectrum_std,
            decay=preset.spectrum_decay,
            colour=self.colour,
        )

    @cached_property
    def measure(self) -> Callable[[ByteArray], FloatArray]:
        """From 8-bit pictures to the highest response of every channel, or the logit of every class."""
        return response_function(self.network, self.layer) if self.layer else logit_function(self.network)

    @cached_property
    def climber(self) -> Climber:
        """The traced functions of the layer's ascents."""
        layer, spread = self.layer, self.preset.spread
        return make_climber(
            self.network,
            lambda channels: objectives.channel(layer, channels, spread) if layer else objectives.logit(channels),
            self._parameterization,
            self.preset,
            random_transform(self.preset, self.canvas),
        )

    @cached_property
    def _rival_climber(self) -> Climber:
        scale, preset = self.dataset_max, self.preset
        assert scale is not None
        return make_climber(
            self.network,
            lambda channels: objectives.apart_from_rivals(
                self.layer, channels, scale, spread=preset.spread, weight=preset.rival_weight
            ),
            self._parameterization,
            self.preset,
            random_transform(self.preset, self.canvas),
        )

    @cached_property
    def takes_canvas(self) -> bool:
        """Whether the layers below run on the canvas.

        Raises:
            ReportgenError: the canvas is of the network's own size, and still they do not.
        """
        try:
            self.measure(np.zeros((1, *self.canvas, self.network.channels), np.uint8))
        except ReportgenError:
            if self.canvas == self.network.size:
                raise
            return False
        return True

    def run(self, items: Sequence[Item]) -> list[Picture]:
        """Maximise `items` as one batch, again from other seeds where there was no gradient at all."""
        climbs = self._climb(items, 0)
        attempts = [1] * len(items)
        for attempt in range(1, self.preset.restarts + 1):
            flat = [i for i, one in enumerate(climbs) if one.flat]
            if not flat:
                break
            for i, one in zip(flat, self._climb([items[i] for i in flat], attempt), strict=True):
                climbs[i] = one
                attempts[i] += 1
        outcomes = [_picture(one, attempt) for one, attempt in zip(climbs, attempts, strict=True)]
        rivalled = [i for i, item in enumerate(items) if self._has_rivals(item, climbs[i])]
        if rivalled:
            better = self._climb_apart([items[i] for i in rivalled], [climbs[i] for i in rivalled])
            for i, one in zip(rivalled, better, strict=True):
                if one.value > self._standing(items[i].channel, climbs[i].responses):
                    outcomes[i] = _picture(one, attempts[i], first=climbs[i])
        return outcomes

    def _climb(self, items: Sequence[Item], attempt: int) -> list[Climb]:
        generators = [np.random.default_rng([item.seed, item.channel, attempt]) for item in items]
        return climb(
            self.climber,
            self.climber.start(generators),
            np.array([item.channel for item in items], np.int32),
            self.preset,
            steps=self.preset.steps,
            seed=items[0].seed,
            measure=self.measure,
            value=lambda i, responses: float(responses[items[i].channel]),
        )

    def _climb_apart(self, items: Sequence[Item], climbs: Sequence[Climb]) -> list[Climb]:
        """Go on from `climbs` with the other channels held down."""
        return climb(
            self._rival_climber,
            self._rival_climber.resume([one.variables for one in climbs]),
            np.array([item.channel for item in items], np.int32),
            replace(self.preset, patience=0),
            steps=self.preset.rival_steps,
            seed=items[0].seed + 1,
            measure=self.measure,
            value=lambda i, responses: self._standing(items[i].channel, responses),
            enough=_GOOD_STANDING,
        )

    def _has_rivals(self, item: Item, one: Climb) -> bool:
        """Whether the picture leaves its channel behind others, or behind what images reach."""
        if not self.preset.rival_steps or not self.layer or self.dataset_max is None or one.flat:
            return False
        return self.dataset_max[item.channel] > 0 and self._standing(item.channel, one.responses) < _GOOD_STANDING

    def _standing(self, channel: int, responses: FloatArray) -> float:
        """How far a picture is on the way to "ok", `_GOOD_STANDING` and more if it is."""
        assert self.dataset_max is not None
        rank = rank_of(channel, responses, self.dataset_max) or 0
        ratio = float(responses[channel] / self.dataset_max[channel])
        # What is beyond counts little, but decides between two pictures that are both good.
        return min(ratio, 1.0) + 1 / (1 + max(0, rank - RANKS_OK + 1)) + 1e-3 * ratio


def _picture(one: Climb, attempts: int, first: Climb | None = None) -> Picture:
    """`first` is the ascent that `one` went on from."""
    return Picture(
        pixels=one.pixels,
        responses=one.responses,
        scores=np.asarray((first or one).scores, np.float32),
        steps=one.step + (first.steps if first else 0),
        flat=one.flat if first is None else first.flat,
        attempts=attempts,
        against_rivals=first is not None,
    )
