"""The ascents of one layer or output on one canvas: batches of pictures, before anyone judges them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import tensorflow as tf

from reportgen.analysis.maximization.ascent import (
    Climb,
    Climber,
    Frame,
    climb,
    make_climber,
    make_frame,
    random_transform,
)
from reportgen.analysis.maximization.objectives import Objective
from reportgen.analysis.maximization.parameterizations import fourier, pixel_grid
from reportgen.analysis.maximization.presets import Preset, shrunk
from reportgen.analysis.maximization.subjects import GOOD_STANDING, Goal, Measure, Subject
from reportgen.analysis.maximization.traced_pass import TracedPasses
from reportgen.errors import ReportgenError
from reportgen.results import ByteArray, FloatArray

# Sides of what is seen at once are multiples of this: networks that give maps halve their sizes several times.
SHOWN_STEP = 32

# Where rivals do not give way over so many looks, by this share of the standing, they never do.
_RIVAL_PATIENCE, _RIVAL_GAIN = 6, 0.02

# With others held down steps are shorter by this: which of them stand above changes from step to step. Of 24 channels
# of two trained networks that have many rivals 22 came out on top, 18 in steps of full length.
_RIVAL_STEP = 0.5


@dataclass(frozen=True)
class Item:
    """One picture to be made."""

    channel: int
    seed: int
    again: bool
    down: bool = False
    variant: int = 0

    @property
    def goal(self) -> Goal:
        """What it is made for."""
        return Goal(self.channel, self.down, self.variant)

    def generator(self, attempt: int) -> np.random.Generator:
        """Of the start: another one for each channel, direction, variant and attempt."""
        further = [int(self.down), self.variant] if self.down or self.variant else []
        return np.random.default_rng([self.seed, self.channel, attempt, *further])


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
    """All ascents of one layer or output on one canvas.

    Args:
        subject: the layer's channels, or the output's numbers.
        colour: from decorrelated to shown colours; None where channels are no colours.
    """

    def __init__(
        self,
        passes: TracedPasses,
        subject: Subject,
        canvas: tuple[int, int],
        preset: Preset,
        colour: FloatArray | None,
    ) -> None:
        self.passes = passes
        self.network = passes.network
        self.subject = subject
        self.canvas = canvas
        self.preset = preset
        self.colour = colour

    @property
    def _frame(self) -> Frame:
        colour = None if self.colour is None else tuple(map(tuple, self.colour.tolist()))
        return _frame_of(self.canvas, self._shown, self.network.channels, self.preset, colour)

    @cached_property
    def measure(self) -> Measure:
        """From pictures to the response of every channel."""
        return self.subject.measure(self.passes)

    @cached_property
    def _measure_down(self) -> Measure:
        return self.subject.measure(self.passes, down=True)

    @cached_property
    def climber(self) -> Climber:
        """The functions of the ascents."""
        return self._make_climber(lambda channels, signs: self.subject.objective(channels, signs, self.preset))

    @cached_property
    def _diverse_climber(self) -> Climber:
        return self._make_climber(lambda channels, signs: self.subject.diverse(channels, signs, self.preset))

    @cached_property
    def _rival_climber(self) -> Climber:
        def objective(channels: tf.Tensor, signs: tf.Tensor) -> Objective:
            apart = self.subject.apart_from_rivals(channels, signs, self.preset)
            assert apart is not None
            return apart

        return self._make_climber(objective)

    def _make_climber(self, objective: Callable[[tf.Tensor, tf.Tensor], Objective]) -> Climber:
        layers = self.subject.layers
        return make_climber(self.passes, objective, self._frame, self.preset, layers, answers=not layers)

    @cached_property
    def takes_canvas(self) -> bool:
        """Whether the layers below run on the canvas.

        Raises:
            ReportgenError: the canvas is of the network's own size, and still they do not.
        """
        return self._takes_canvas()

    @cached_property
    def _shown(self) -> tuple[int, int]:
        """What the network sees of the canvas at once: of a large one less, where the network runs on that."""
        shown = shown_of(self.canvas, self.preset)
        return shown if shown == self.canvas or self._takes(shown) else self.canvas

    def _takes_canvas(self) -> bool:
        try:
            self._measured(self.canvas)
        except ReportgenError:
            if self.passes.close():
                return self._takes_canvas()
            if self.canvas == self.network.size:
                raise
            return False
        return True

    def _takes(self, size: tuple[int, int]) -> bool:
        try:
            self._measured(size)
        except ReportgenError:
            return False
        return True

    def _measured(self, size: tuple[int, int]) -> FloatArray:
        return self.measure(np.zeros((1, *size, self.network.channels), np.uint8))

    def run(self, items: Sequence[Item]) -> list[Picture]:
        """Maximise `items`, all of one kind, as one batch, from other seeds where there was no gradient at all."""
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
                if one.value > self.subject.standing(items[i].goal, climbs[i].responses):
                    outcomes[i] = _picture(one, attempts[i], first=climbs[i])
        return outcomes

    def _climb(self, items: Sequence[Item], attempt: int) -> list[Climb]:
        down, differing = items[0].goal.kind
        climber = self._diverse_climber if differing else self.climber
        # Pictures that are to differ are climbed to the end together.
        preset = replace(self.preset, patience=0) if differing else self.preset
        return climb(
            climber,
            climber.start([item.generator(attempt) for item in items]),
            [item.goal for item in items],
            preset,
            steps=preset.steps,
            seed=items[0].seed,
            measure=self._measure_down if down else self.measure,
            value=lambda i, responses: self.subject.value(items[i].goal, responses),
            plenty=lambda i: self.subject.plenty(items[i].goal),
        )

    def _climb_apart(self, items: Sequence[Item], climbs: Sequence[Climb]) -> list[Climb]:
        """Go on from `climbs` with the other channels held down."""
        return climb(
            self._rival_climber,
            self._rival_climber.resume([one.variables for one in climbs]),
            [item.goal for item in items],
            replace(
                self.preset,
                step_size=_RIVAL_STEP * self.preset.step_size,
                patience=_RIVAL_PATIENCE,
                least_gain=_RIVAL_GAIN,
                cool_steps=0,
            ),
            steps=self.preset.rival_steps,
            seed=items[0].seed + 1,
            measure=self.measure,
            value=lambda i, responses: self.subject.standing(items[i].goal, responses),
            enough=GOOD_STANDING,
        )

    def _has_rivals(self, item: Item, one: Climb) -> bool:
        """Whether the picture leaves its channel behind others, or behind what images reach."""
        if not self.preset.rival_steps or one.flat:
            return False
        return self.subject.standing(item.goal, one.responses) < GOOD_STANDING


def shown_of(canvas: tuple[int, int], preset: Preset) -> tuple[int, int]:
    """What a network sees of a canvas at once, of the same form; the canvas itself where that is no larger."""
    return shrunk(canvas, preset.shown / min(canvas) if preset.shown else 1.0, SHOWN_STEP)


@lru_cache(maxsize=8)
def _frame_of(
    canvas: tuple[int, int],
    shown: tuple[int, int],
    channels: int,
    preset: Preset,
    colour: tuple[tuple[float, ...], ...] | None,
) -> Frame:
    """What stands around the network on a canvas, the same for all that is maximised there."""
    if preset.parameterization == "pixels":
        held = pixel_grid(canvas, channels, mean=preset.noise_mean, std=preset.noise_std)
    else:
        matrix = None if colour is None else np.array(colour, np.float32)
        held = fourier(canvas, channels, std=preset.spectrum_std, decay=preset.spectrum_decay, colour=matrix)
    return make_frame(held, preset, random_transform(preset, canvas, shown))


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
