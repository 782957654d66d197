"""What pictures are made of: the channels of a layer, or the numbers of an output; how each is raised and measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from reportgen.analysis.maximization import objectives
from reportgen.analysis.maximization.judging import (
    RANKS_OK,
    Verdict,
    answer_verdict,
    channel_verdict,
    rank_of,
    rest_verdict,
)
from reportgen.analysis.maximization.objectives import Objective
from reportgen.analysis.maximization.presets import Preset
from reportgen.analysis.maximization.targets import NetworkActivations, before_squashing
from reportgen.analysis.maximization.traced_pass import TracedPasses
from reportgen.analysis.network.running import run_errors_explained
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.analysis.network.unit_rows import unit_rows
from reportgen.facts import AnswerKind
from reportgen.results import FloatArray, PixelArray

Measure = Callable[[PixelArray], FloatArray]

# What is raised of an answer, as the record has it, by its kind; of other kinds no pictures are made.
OBJECTIVES: Mapping[AnswerKind, str] = {
    "classes": "logit",
    "multilabel": "logit",
    "map": "region",
    "values": "value",
    "embedding": "nearest",
}

# Where a channel answers so many times as much to its picture as to any image, more shows nothing new.
_PLENTY = 2.0

# How far a picture is on the way to "ok" where it is there.
GOOD_STANDING = 2.0


@dataclass(frozen=True)
class Goal:
    """A channel, or a number of an answer, to be raised; `down`: to be lowered instead.

    `variant` is counted from 1 where several pictures of it are to differ from each other, else 0.
    """

    channel: int
    down: bool = False
    variant: int = 0

    @property
    def kind(self) -> tuple[bool, bool]:
        """What pictures made together have in common: whether they are lowered, and whether they are to differ."""
        return self.down, self.variant > 0


class Subject(Protocol):
    """What pictures are made of, one for each channel (or class, label, value, ...) asked for."""

    @property
    def key(self) -> tuple[str, str | None]:
        """The layer, and the output if it is one."""

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that are read; none where it is the answer."""

    @property
    def mirrors(self) -> bool:
        """Whether images and their mirror images are known to be taken for the same."""

    def objective(self, channels: tf.Tensor, signs: tf.Tensor, preset: Preset) -> Objective:
        """What is raised; both are `(batch,)`."""

    def apart_from_rivals(self, channels: tf.Tensor, signs: tf.Tensor, preset: Preset) -> Objective | None:
        """The same with the others held down; None where there are no rivals."""

    def diverse(self, channels: tf.Tensor, signs: tf.Tensor, preset: Preset) -> Objective:
        """The same with a share of how little images of the same channel resemble each other."""

    def measure(self, passes: TracedPasses, *, down: bool = False) -> Measure:
        """From pictures to the response of every channel, `(batch, channels)`; any size the layers below take.

        Args:
            down: for pictures that lower theirs.
        """

    def value(self, goal: Goal, responses: FloatArray) -> float:
        """How good a picture is, from its responses `(channels,)`."""

    def plenty(self, goal: Goal) -> float:
        """A value beyond which more of it shows nothing new; infinite where that is not known."""

    def standing(self, goal: Goal, responses: FloatArray) -> float:
        """How far a picture is on the way to "ok", `GOOD_STANDING` and more if it is or there is nothing to reach."""

    def verdict(self, goal: Goal, responses: FloatArray, *, flat: bool) -> Verdict:
        """What is said of a picture."""

    def objective_name(self, goal: Goal) -> str:
        """What is raised, as the record has it."""

    def label(self, goal: Goal) -> str | None:
        """What the number is called, None where it has no name."""

    def content(self, preset: Preset) -> list[Any]:
        """What a picture depends on besides the network, for keys of kept ones."""


@dataclass(frozen=True, eq=False)
class LayerChannels:
    """The channels of a layer; `highest` is `(channels,)` over positions and images, None where it is not known."""

    layer: str
    highest: FloatArray | None = None

    @property
    def key(self) -> tuple[str, str | None]:
        """The layer alone."""
        return self.layer, None

    @property
    def layers(self) -> tuple[str, ...]:
        """The layer itself."""
        return (self.layer,)

    @property
    def mirrors(self) -> bool:
        """Of channels it is not asked: one edge is not its mirror image."""
        return False

    def objective(self, channels: tf.Tensor, signs: tf.Tensor, preset: Preset) -> Objective:
        """The mean of each image's channel, and how far it spreads."""
        return objectives.channel(self.layer, channels, preset.spread, signs)

    def apart_from_rivals(self, channels: tf.Tensor, _signs: tf.Tensor, preset: Preset) -> Objective | None:
        """The channel in units of its highest, less what others rise above it in theirs."""
        if self.highest is None:
            return None
        spread, weight = preset.spread, preset.rival_weight
        return objectives.apart_from_rivals(self.layer, channels, self.highest, spread=spread, weight=weight)

    def diverse(self, channels: tf.Tensor, signs: tf.Tensor, preset: Preset) -> Objective:
        """By the layer's own maps."""
        return objectives.apart_from_each_other(self.objective(channels, signs, preset), self.layer, channels)

    def measure(self, passes: TracedPasses, *, down: bool = False) -> Measure:
        """The highest value over positions of each channel of the layer's output.

        Where it is to be lowered the means of what goes into the nonlinearity stand behind: at rest all are alike.
        """
        return response_function(passes, self.layer, means=down)

    def value(self, goal: Goal, responses: FloatArray) -> float:
        """The channel's own response; how low what goes into its nonlinearity is, where it is to be lowered."""
        return float(-responses[len(responses) // 2 + goal.channel] if goal.down else responses[goal.channel])

    def plenty(self, goal: Goal) -> float:
        """By what the images reach, for a picture alone and of what the channel likes."""
        if self.highest is None or self.highest[goal.channel] <= 0 or goal.down or goal.variant:
            return float("inf")
        return _PLENTY * float(self.highest[goal.channel])

    def standing(self, goal: Goal, responses: FloatArray) -> float:
        """By what the images reach, and by the rank among the other channels."""
        if self.highest is None or self.highest[goal.channel] <= 0 or goal.down or goal.variant:
            return GOOD_STANDING
        rank = rank_of(goal.channel, responses, self.highest) or 0
        ratio = float(responses[goal.channel] / self.highest[goal.channel])
        standing = min(ratio, 1.0) + 1 / (1 + max(0, rank - RANKS_OK + 1))
        # What is beyond counts little, but decides between two pictures that are both good.
        return standing + 1e-3 * ratio if standing >= GOOD_STANDING else standing

    def verdict(self, goal: Goal, responses: FloatArray, *, flat: bool) -> Verdict:
        """Beside the images and the layer's other channels."""
        if goal.down:
            return rest_verdict(goal.channel, responses, self.highest, flat=flat)
        return channel_verdict(goal.channel, responses, self.highest, flat=flat)

    def objective_name(self, goal: Goal) -> str:
        """A channel, the opposite of one, or one of several pictures of it."""
        return "negative" if goal.down else f"diversity {goal.variant}" if goal.variant else "channel"

    def label(self, _goal: Goal) -> str | None:
        """Channels are called by their numbers."""
        return None

    def content(self, preset: Preset) -> list[Any]:
        """The layer, and what rivals are measured by."""
        return [self.layer, self.highest if preset.rival_steps else None]


@dataclass(frozen=True, eq=False)
class OutputNumbers:
    """The numbers of an output that pictures are made for; `layer` is the one that gives it.

    Which they are follows from its kind: the logits of classes and labels, the mean logit of each class of a map over
    all its positions, values as they are given, the cosines of an embedding to `references` `(numbers, size)`, which
    have unit length and are called `names`. `highest` and `lowest` are `(numbers,)` over the images, None where they
    are not known; `mirrors` says whether most images and their mirror images are given the same class.
    """

    output: SettledOutput
    layer: str
    references: FloatArray | None = None
    names: tuple[str, ...] | None = None
    highest: FloatArray | None = None
    lowest: FloatArray | None = None
    mirrors: bool = False

    @property
    def key(self) -> tuple[str, str | None]:
        """The layer and the output's name."""
        return self.layer, self.output.name

    @property
    def layers(self) -> tuple[str, ...]:
        """None: it is the answer that is read."""
        return ()

    def objective(self, channels: tf.Tensor, signs: tf.Tensor, _preset: Preset) -> Objective:
        """Each image's own number. What goes into a sigmoid rises with what comes out, and never stands still."""
        return objectives.answer(partial(self.read, squashed=False), channels, signs)

    def apart_from_rivals(self, _channels: tf.Tensor, _signs: tf.Tensor, _preset: Preset) -> Objective | None:
        """A number of an answer has no rivals: the answer sets them against each other by itself."""
        return None

    def read(self, answers: Sequence[tf.Tensor], *, squashed: bool) -> tf.Tensor:
        """The numbers, `(batch, numbers)` float32, from a network's outputs.

        Args:
            squashed: values as they are given, not as what goes into their sigmoid.
        """
        output = self.output
        given = answers[output.index]
        as_given = output.kind == "embedding" or (output.kind == "values" and squashed)
        numbers = tf.cast(given if as_given else before_squashing(given), tf.float32)
        if output.kind == "map":
            return tf.reduce_mean(numbers, axis=(2, 3) if output.channels_first else (1, 2))
        numbers = tf.reshape(numbers, (tf.shape(numbers)[0], -1))
        if self.references is not None:
            return tf.linalg.matmul(unit_rows(numbers), self.references, transpose_b=True)
        # One number that tells two classes apart speaks for the second and, turned round, for the first.
        return tf.concat([-numbers, numbers], 1) if output.is_single else numbers

    def diverse(self, channels: tf.Tensor, signs: tf.Tensor, preset: Preset) -> Objective:
        """As any: an answer has no maps to differ in."""
        return self.objective(channels, signs, preset)

    def measure(self, passes: TracedPasses, *, down: bool = False) -> Measure:  # noqa: ARG002 - read alike both ways
        """The numbers of an ordinary forward pass."""
        measure = answer_function(passes, [self])
        return lambda pixels: measure(pixels)[0]

    def value(self, goal: Goal, responses: FloatArray) -> float:
        """The number itself, or how low it is."""
        return float(-responses[goal.channel] if goal.down else responses[goal.channel])

    def plenty(self, _goal: Goal) -> float:
        """Of an answer others are to recognise it, which the number does not tell."""
        return float("inf")

    def standing(self, _goal: Goal, _responses: FloatArray) -> float:
        """Without rivals there is nothing to reach."""
        return GOOD_STANDING

    def verdict(self, goal: Goal, responses: FloatArray, *, flat: bool) -> Verdict:
        """Beside the images, and where classes exclude each other beside the other classes."""
        extremes = self.lowest if goal.down else self.highest
        extreme = None if extremes is None else float(extremes[goal.channel])
        return answer_verdict(self.output, goal.channel, responses, extreme, down=goal.down, flat=flat)

    def objective_name(self, goal: Goal) -> str:
        """After the kind of answer."""
        name = OBJECTIVES[self.output.kind]
        return f"{name} down" if goal.down else name

    def label(self, goal: Goal) -> str | None:
        """The class, label or value by name, or what an embedding is to be like."""
        if self.names is not None:
            return self.names[goal.channel]
        if self.output.kind == "values":
            return self.output.value_name(goal.channel)
        return self.output.label(goal.channel)

    def content(self, _preset: Preset) -> list[Any]:
        """What the numbers are; the preset does not change them."""
        return self.numbers_content

    @property
    def numbers_content(self) -> list[Any]:
        """The output, how it is read, and what it is compared with."""
        output = self.output
        return ["answer", output.index, output.kind, output.is_single, output.channels_first, self.references]


def response_function(passes: TracedPasses, layer: str, *, means: bool = False) -> Measure:
    """The measure of `layer`: from pictures to the highest value over positions of each channel of its output.

    The function takes uint8 `(batch, height, width, channels)` of any size the layers below take and gives
    float32 `(batch, channels of the layer)`; with `means` the mean of each before the nonlinearity behind them.
    """

    def numbers(given: NetworkActivations) -> tf.Tensor:
        highest = tf.reduce_max(given.layer(layer), axis=(1, 2))
        if not means:
            return highest
        return tf.concat([highest, tf.reduce_mean(given.reading(before_activation=True).layer(layer), (1, 2))], axis=1)

    return _measure(passes, numbers, [layer], answers=False)


def answer_function(passes: TracedPasses, subjects: Sequence[OutputNumbers]) -> Callable[[PixelArray], Sequence[Any]]:
    """The measure of several outputs: from pictures to the numbers of each, all from one forward pass."""

    def numbers(given: NetworkActivations) -> list[tf.Tensor]:
        return [subject.read(given.answers(), squashed=True) for subject in subjects]

    return _measure(passes, numbers, (), answers=True)


def _measure(
    passes: TracedPasses, make: Callable[[NetworkActivations], Any], layers: Sequence[str], *, answers: bool
) -> Callable[[PixelArray], Any]:
    """From pictures of 0..255 to arrays; compiled once for each size."""
    compiled: dict[tuple[int, ...], Callable[[tf.Tensor], Any]] = {}

    def measure(pixels: PixelArray) -> Any:
        size = pixels.shape[1], pixels.shape[2]
        with run_errors_explained(passes.network):
            if size not in compiled:
                compiled[size] = passes.function(size, layers, make, answers=answers)
            found = compiled[size](tf.constant(pixels, tf.float32))
            return tf.nest.map_structure(lambda tensor: np.asarray(tensor, np.float32), found)

    return measure
