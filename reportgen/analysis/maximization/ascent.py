"""The ascent: an objective, a way to hold an image and transforms, joined in a loop that returns arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.maximization import transforms
from reportgen.analysis.maximization.parameterizations import Parameterization
from reportgen.analysis.maximization.presets import Preset
from reportgen.analysis.maximization.step_rules import NORMALIZED_EPSILON, State, adam, normalized
from reportgen.analysis.maximization.subjects import Goal
from reportgen.analysis.maximization.traced_pass import MakeObjective, TracedPasses
from reportgen.results import ByteArray, FloatArray

# Grey lies outside the canvas: the middle of the range, as in the picture's own mean.
_OUTSIDE = 127.5

# Borders and shifts are given for a canvas of this side.
_TRANSFORM_CANVAS = 224


@dataclass(frozen=True, eq=False)
class Frame:
    """What stands around the network in a step: how images are held, shown to it, and moved.

    It is traced once for all layers and objectives. `show(variables, matrix)` gives the canvas and what the network
    sees of it; `move(state, slope, canvas, rates, matrix, count)` the state after a step along `slope`, the gradient
    with respect to what the network saw, and whether each image had any gradient; `images(state)` the displayable
    images. All take any batch.
    """

    parameterization: Parameterization
    transform: transforms.Transform | None
    state_spec: tuple[tf.TensorSpec, ...]
    show: Callable[..., tuple[tf.Tensor, tf.Tensor]]
    move: Callable[..., tuple[State, tf.Tensor]]
    images: Callable[[State], tf.Tensor]

    @property
    def variable_count(self) -> int:
        """How many variables hold an image: the first parts of a state, behind which are their two moments."""
        return len(self.state_spec) // 3

    @property
    def shown(self) -> tuple[int, int]:
        """Height and width of what the network sees."""
        size = self.parameterization.size
        return size if self.transform is None else self.transform.size(size)


@dataclass(frozen=True, eq=False)
class Climber:
    """One kind of ascent: of one objective on one canvas.

    `step(state, channels, signs, rates, matrix, count, relief)` gives the next state, the scores `(batch,)` the state
    had, and whether each image had any gradient. It takes any batch without being traced again.
    """

    frame: Frame
    step: Callable[..., tuple[State, tf.Tensor, tf.Tensor]]

    @property
    def variable_count(self) -> int:
        """How many variables hold an image: the first parts of a state."""
        return self.frame.variable_count

    def start(self, generators: Sequence[np.random.Generator]) -> State:
        """The state before the first step, one image for each generator."""
        return self.resume([self.frame.parameterization.start(generator) for generator in generators])

    def resume(self, images: Sequence[tuple[FloatArray, ...]]) -> State:
        """The state before the first step, from the variables of each image."""
        variables = tuple(tf.constant(np.stack(parts)) for parts in zip(*images, strict=True))
        return variables + tuple(tf.zeros_like(variable) for variable in variables * 2)

    def draw(self, generator: np.random.Generator) -> NDArray[np.float32]:
        """The random transform of one step."""
        if self.frame.transform is None:
            return np.eye(3, dtype=np.float32)
        return self.frame.transform.draw(generator, self.frame.parameterization.size).astype(np.float32)

    def images(self, state: State) -> tf.Tensor:
        """The displayable images of a state."""
        return self.frame.images(state)


def make_climber(
    passes: TracedPasses,
    objective: MakeObjective,
    frame: Frame,
    preset: Preset,
    layers: Sequence[str],
    *,
    answers: bool = False,
) -> Climber:
    """Make the functions of an ascent, of the network's one trace.

    Args:
        objective: from the channels `(batch,)` of the images, and the signs by which they are raised or lowered.
        layers: those that the objective reads; `answers`: whether it reads the network's answers.
    """
    taken = passes.at(frame.shown, layers, answers=answers)
    relieved = preset.relief_steps > 0
    sloped = taken.slope(objective, before_activation=preset.before_activation, relieved=relieved)

    # One function: between two of them threads wait without rest.
    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def step(
        state: State,
        channels: tf.Tensor,
        signs: tf.Tensor,
        rates: tf.Tensor,
        matrix: tf.Tensor,
        count: tf.Tensor,
        relief: tf.Tensor,
    ) -> tuple[State, tf.Tensor, tf.Tensor]:
        canvas, seen = frame.show(state[: frame.variable_count], matrix)
        scores, slope = sloped(seen, channels, signs, relief)
        moved, moving = frame.move(state, slope, canvas, rates, matrix, count)
        return moved, scores, moving

    each = (tf.TensorSpec((None,), tf.int32), tf.TensorSpec((None,)), tf.TensorSpec((None,)))
    numbers = (*each, tf.TensorSpec((3, 3)), tf.TensorSpec(()), tf.TensorSpec((), tf.bool))
    return Climber(frame, step.get_concrete_function(frame.state_spec, *numbers))


def make_frame(
    parameterization: Parameterization, preset: Preset, transform: transforms.Transform | None = None
) -> Frame:
    """Trace what stands around a network.

    Args:
        transform: what images must be robust to; None for no such thing.
    """
    size, channels = parameterization.size, parameterization.channels
    held = parameterization.start(np.random.default_rng(0))
    count = len(held)
    shown = size if transform is None else transform.size(size)

    def seen_of(canvas: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
        return canvas if transform is None else transforms.resample(canvas, matrix, shown, _OUTSIDE)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def show(variables: State, matrix: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        canvas = parameterization.pixels(variables)
        return canvas, seen_of(canvas, matrix)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def move(
        state: State, slope: tf.Tensor, canvas: tf.Tensor, rates: tf.Tensor, matrix: tf.Tensor, number: tf.Tensor
    ) -> tuple[State, tf.Tensor]:
        variables, moments = state[:count], state[count:]
        (gradient,) = tf.gradients(seen_of(canvas, matrix), [canvas], grad_ys=slope)
        gradients = parameterization.back(variables, canvas, gradient)
        moving = tf.reduce_any([_any(gradient != 0) for gradient in gradients], axis=0)
        if preset.optimizer == "adam":
            return adam(variables, moments, gradients, rates, number, preset.damping), moving
        return normalized(variables, moments, gradients, rates), moving

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def images(state: State) -> tf.Tensor:
        return displayed(parameterization.pixels(state[:count]), preset.display)

    # Traced here and once: with the batch open, any number of images will do.
    variables = tuple(tf.TensorSpec((None, *part.shape)) for part in held)
    canvas, seen = (tf.TensorSpec((None, *sides, channels)) for sides in (size, shown))
    rates, matrix, number = tf.TensorSpec((None,)), tf.TensorSpec((3, 3)), tf.TensorSpec(())
    return Frame(
        parameterization,
        transform,
        variables * 3,
        show.get_concrete_function(variables, matrix),
        move.get_concrete_function(variables * 3, seen, canvas, rates, matrix, number),
        images.get_concrete_function(variables * 3),
    )


def random_transform(
    preset: Preset, size: tuple[int, int], shown: tuple[int, int] | None = None
) -> transforms.Transform | None:
    """The transforms of `preset` on a canvas of `size`, None if it has none.

    Borders and shifts are those of a canvas of 224 pixels and shrink with smaller ones, which they would
    otherwise mostly replace by border.

    Args:
        shown: height and width of what the network sees of the canvas at once, from its middle; None for all of it.
    """
    share = min(1.0, min(size) / _TRANSFORM_CANVAS)
    pad, first, last = (round(pixels * share) for pixels in (preset.pad, preset.jitter, preset.final_jitter))
    steps = []
    if preset.mirror:
        steps.append(transforms.mirror())
    if pad:
        steps.append(transforms.pad(pad))
    if first:
        steps.append(transforms.jitter(first))
    if preset.scale != (1.0, 1.0):
        steps.append(transforms.scale(*preset.scale))
    if preset.rotate != (0.0, 0.0):
        steps.append(transforms.rotate(*preset.rotate))
    if last:
        steps.append(transforms.jitter(last))
    return transforms.compose([*steps, transforms.crop(shown or size)]) if steps or (shown or size) != size else None


def _any(flags: tf.Tensor) -> tf.Tensor:
    """Whether any flag of each image is set: `(batch,)`."""
    return tf.reduce_any(flags, axis=list(range(1, len(flags.shape))))


def displayed(images: tf.Tensor, display: str) -> tf.Tensor:
    """Images as 8-bit pictures, `(batch, height, width, channels)`.

    "standardized" pictures have their mean at the middle of the range and a standard deviation of a tenth of it.
    """
    if display == "standardized":
        axes = (1, 2, 3)
        mean = tf.reduce_mean(images, axis=axes, keepdims=True)
        spread = tf.math.reduce_std(images, axis=axes, keepdims=True)
        images = 255 * (0.5 + 0.1 * (images - mean) / (spread + NORMALIZED_EPSILON))
    return tf.cast(tf.round(tf.clip_by_value(images, 0.0, 255.0)), tf.uint8)


@dataclass(eq=False)
class Climb:
    """How far the ascent of one image has come: the best picture so far and what it was measured at.

    `place` is that of the image in its batch, `cooled` the steps since its step size began to fall. `variables` are
    those of the best picture, `pixels` the picture itself, `responses` what was measured on it and `step` when; `flat`
    says that there never was a gradient. `scores` are those of every step, `history` the value at each look.
    """

    place: int = 0
    variables: tuple[FloatArray, ...] = ()
    pixels: ByteArray = field(default_factory=lambda: np.zeros(0, np.uint8))
    responses: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))
    value: float = -np.inf
    step: int = 0
    steps: int = 0
    flat: bool = True
    scores: list[float] = field(default_factory=list)
    history: list[float] = field(default_factory=list)
    cooled: int | None = None
    done: bool = False

    def rate(self, preset: Preset) -> float:
        """The size of the next step."""
        if self.cooled is None:
            return preset.step_size
        return preset.step_size * (1 - self.cooled / (preset.cool_steps + 1))

    def settle(self, count: int, preset: Preset, *, steps: int, enough: float, plenty: float) -> None:
        """After a look: an image that has plenty, gains no more, or has no more time, cools down, or is done."""
        late = count + preset.cool_steps >= steps
        if self.flat or self.value >= enough or count >= steps:
            self.done = True
        elif self.cooled is None and (late or self.value >= plenty or converged(self, preset)):
            self.cooled = 0
            self.done = not preset.cool_steps
        elif self.cooled is not None:
            self.done = self.cooled >= preset.cool_steps


Measure = Callable[[ByteArray], FloatArray]
Value = Callable[[int, FloatArray], float]


def climb(
    climber: Climber,
    state: State,
    goals: Sequence[Goal],
    preset: Preset,
    *,
    steps: int,
    seed: int,
    measure: Measure,
    value: Value,
    enough: float = np.inf,
    plenty: Callable[[int], float] = lambda _: np.inf,
) -> list[Climb]:
    """Maximise a batch of images.

    Args:
        state: of the images at the start.
        goals: what each image is made for.
        seed: of the transforms, which are the same for all images of the batch.
        measure: from 8-bit pictures to the responses of all channels of the layer.
        value: how good a picture is for image `i` of the batch, from its responses; the best is kept.
        enough: a value at which an image is done.
        plenty: a value of image `i` at which it begins to cool down.

    Returns:
        What became of each image. Its result does not depend on the others, apart from rounding: an image that
        is done is left as it is, and no longer computed, while the others go on.
    """
    generator = np.random.default_rng([seed, len("transforms")])
    indices = tf.constant([goal.channel for goal in goals], tf.int32)
    signs = tf.constant([-1.0 if goal.down else 1.0 for goal in goals])
    climbs = [Climb(place) for place in range(len(goals))]
    going = climbs
    every = preset.check_every or steps
    for count in range(1, steps + 1):
        relief = tf.constant(count <= preset.relief_steps)
        matrix = tf.constant(climber.draw(generator))
        rates = tf.constant([one.rate(preset) for one in going])
        state, scores, moving = climber.step(
            state, indices, signs, rates, matrix, tf.constant(count, tf.float32), relief
        )
        for one, score, moves in zip(going, scores.numpy(), moving.numpy(), strict=True):
            one.scores.append(float(score))
            one.flat &= not moves
            one.cooled = None if one.cooled is None else one.cooled + 1
        if count % every == 0 or count == steps:
            _look(going, climber, state, count, measure=measure, value=value)
            for one in going:
                one.settle(count, preset, steps=steps, enough=enough, plenty=plenty(one.place))
            rows = [row for row, one in enumerate(going) if not one.done]
            if not rows:
                break
            if len(rows) < len(going):
                going = [going[row] for row in rows]
                state = tuple(tf.gather(part, rows) for part in state)
                indices, signs = tf.gather(indices, rows), tf.gather(signs, rows)
    return climbs


def _look(
    climbs: Sequence[Climb], climber: Climber, state: State, count: int, *, measure: Measure, value: Value
) -> None:
    """Measure the pictures of a batch as they are after `count` steps, and keep those better than what was kept."""
    pixels = climber.images(state).numpy()
    responses = measure(pixels)
    variables = [part.numpy() for part in state[: climber.variable_count]]
    for row, (one, picture) in enumerate(zip(climbs, pixels, strict=True)):
        now = value(one.place, responses[row])
        one.steps = count
        one.history.append(now)
        if len(one.history) == 1 or now > one.value or not np.isfinite(one.value):
            one.variables = tuple(part[row] for part in variables)
            one.pixels, one.responses, one.value, one.step = picture, responses[row], now, count


def converged(one: Climb, preset: Preset) -> bool:
    """Whether the best value has grown by less than `least_gain` of itself over the last `patience` looks."""
    if not preset.patience or len(one.history) <= preset.patience:
        return False
    before = max(one.history[: -preset.patience])
    after = max(one.history)
    return after - before <= preset.least_gain * abs(after)
