"""Deep dream: a photograph changed so that a layer or channel sees more of what it sees in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np
import tensorflow as tf

from reportgen.analysis.maximization import objectives
from reportgen.analysis.maximization.ascent import displayed
from reportgen.analysis.maximization.presets import CLASSIC
from reportgen.analysis.maximization.step_rules import normalized_step
from reportgen.analysis.maximization.traced_pass import HeldPass, MakeObjective, TracedPass, TracedPasses
from reportgen.analysis.network.running import run_errors_explained
from reportgen.analysis.network.unoptimized import unoptimized
from reportgen.errors import ReportgenError
from reportgen.results import ByteArray, FloatArray

OCTAVES = 3
# Measured on three networks of 192 to 227 pixels: three sizes of ratio 1.4 with 10 steps of 3.0 take a third more
# arithmetic, for a fifth more of the layer's energy and pictures that look alike.
OCTAVE_RATIO = 1.5
# On twelve dreams of four networks, 8 steps of 4.0 take a third more arithmetic for 1.01 of the layer's energy; 5 steps
# of 6.0 give 0.95 of it.
STEPS = 6  # in the smallest octave
STEP_SIZE = 5.0
LEAST_SIDE = 112  # pixels of an octave's shorter side: on less little is grown, and a step costs next to as much
JITTER = 16  # pixels; a network's strides would otherwise show as a grid

CLASSIC_STEPS = 100


def dream(
    passes: TracedPasses,
    pixels: ByteArray,
    layer: str,
    channel: int | None = None,
    *,
    octaves: int = OCTAVES,
    ratio: float = OCTAVE_RATIO,
    steps: int = STEPS,
    step_size: float = STEP_SIZE,
    least_side: int = LEAST_SIDE,
    seed: int = 0,
) -> tuple[ByteArray, int]:
    """Dream at several sizes, from small to large.

    The detail that a smaller size has lost is put back at the next one, so that what was dreamt grows and the
    photograph stays sharp (Mordvintsev, Olah and Tyka, "Inceptionism", 2015). A larger size takes fewer steps: it
    has what was dreamt before it to begin with, and costs more.

    Args:
        pixels: uint8 `(height, width, channels)`.
        layer: whose maps are strengthened, before the nonlinearity.
        channel: one of its channels, None for all.
        octaves: how many sizes, each smaller than the next by `ratio`; those on which the layers do not run, or
            whose shorter side is below `least_side`, are left out, the whole size never.
        steps: at the smallest size; at each larger one fewer by `ratio`.
        step_size: in units of 0..255, along the gradient over its root mean square.

    Returns:
        uint8 of the shape of `pixels`, and at how many sizes was dreamt.

    Raises:
        ReportgenError: the network does not run even on the size of `pixels`.
    """
    generator = np.random.default_rng(seed)
    stepping = _Stepping(passes, layer, channel, before_activation=True)
    original = pixels.astype(np.float32)
    dreamt: FloatArray | None = None
    count, first = 0, octaves - 1  # of the sizes, and the smallest that was dreamt at
    for octave in reversed(range(octaves)):
        size = _octave_size(original.shape[:2], ratio**octave)
        if octave and min(size) < least_side:
            continue
        here = _resized(original, size)
        if dreamt is not None:
            lost = here - _resized(_resized(original, dreamt.shape[:2]), size)
            here = _resized(dreamt, size) + lost
        first = octave if dreamt is None else first
        fewer = max(1, round(steps / ratio ** (first - octave)))
        grown = _grown(stepping, here, fewer, step_size, generator, may_fail=octave > 0)
        if grown is not None:
            dreamt, count = np.clip(grown, 0, 255), count + 1
    assert dreamt is not None  # the whole size is dreamt at, or an error was raised
    return _as_bytes(dreamt), count


def classic_dream(
    passes: TracedPasses, pixels: ByteArray, layer: str, channel: int = 0, *, steps: int = CLASSIC_STEPS
) -> ByteArray:
    """The tutorials' form: the classic ascent of one channel's output, from a photograph, at its own size.

    Args:
        pixels: uint8 `(height, width, channels)`.

    Returns:
        uint8 of the shape of `pixels`.
    """
    stepping = _Stepping(passes, layer, channel, before_activation=CLASSIC.before_activation)
    return _as_bytes(stepping.climb_whole(pixels.astype(np.float32), steps, CLASSIC.step_size))


class _Stepping:
    """Steps that strengthen a layer or one of its channels, one function for images of all sizes.

    A network that does not run on open sides has a traced pass, and so a function, for each size.
    """

    def __init__(self, passes: TracedPasses, layer: str, channel: int | None, *, before_activation: bool) -> None:
        self._passes = passes
        self._layer = layer
        self._channel = channel or 0
        self._wanted: MakeObjective = (
            (lambda _channels, _signs: objectives.layer_energy(layer))
            if channel is None
            else (lambda channels, _signs: objectives.channel(layer, channels))
        )
        self._before_activation = before_activation
        self._functions: dict[HeldPass | TracedPass, Callable[..., tf.Tensor]] = {}

    def climb(self, image: FloatArray, corners: Sequence[tuple[int, int]], shift: int, step_size: float) -> FloatArray:
        """The image after a step for each of `corners`, where the part begins that the network is shown; not clipped.

        Args:
            image: float32 `(height, width, channels)`.
            shift: by how many pixels the part is smaller than the image, in height and width.
            step_size: along the gradient over its root mean square.

        Raises:
            ReportgenError: the network does not run on the part.
        """
        shown = image.shape[0] - shift, image.shape[1] - shift
        step = self._function(self._passes.at(shown, [self._layer]))
        state, rates = tf.constant(image[None]), tf.constant([step_size])
        with run_errors_explained(self._passes.network):
            for corner in corners:
                state = step(state, tf.constant([0, *corner, 0]), tf.constant([1, *shown, image.shape[2]]), rates)
            return np.asarray(state[0], np.float32)

    def climb_whole(self, image: FloatArray, steps: int, step_size: float) -> FloatArray:
        """The image after so many steps of the whole of it, each size traced by itself where one trace does not do.

        Raises:
            ReportgenError: the network does not run on the image.
        """
        try:
            return self.climb(image, [(0, 0)] * steps, 0, step_size)
        except ReportgenError:
            if not self._passes.close():
                raise
            return self.climb(image, [(0, 0)] * steps, 0, step_size)

    def _function(self, taken: HeldPass | TracedPass) -> Callable[..., tf.Tensor]:
        if taken not in self._functions:
            sloped = taken.slope(self._wanted, before_activation=self._before_activation, relieved=False)

            def step(image: tf.Tensor, corner: tf.Tensor, size: tf.Tensor, rates: tf.Tensor) -> tf.Tensor:
                seen = tf.slice(image, corner, size)
                seen.set_shape(taken.image_shape)
                channels, signs, relief = tf.constant([self._channel]), tf.ones(1), tf.constant(False)
                _, slope = sloped(seen, channels, signs, relief)
                beside = tf.stack([corner, tf.shape(image) - size - corner], axis=1)
                return normalized_step(image, tf.pad(slope, beside), rates)

            four, each = tf.TensorSpec((4,), tf.int32), tf.TensorSpec((1,))
            image = tf.TensorSpec((1, None, None, taken.image_shape[3]))
            self._functions[taken] = tf.function(step, autograph=False).get_concrete_function(image, four, four, each)
        return self._functions[taken]


def _grown(
    stepping: _Stepping,
    image: FloatArray,
    steps: int,
    step_size: float,
    generator: np.random.Generator,
    *,
    may_fail: bool,
) -> FloatArray | None:
    """`image` dreamt on: shifted at random, whole where the layers need every pixel, None where they do not run."""
    shift = min(JITTER, min(image.shape[:2]) // 4)
    corners = [(int(y), int(x)) for y, x in generator.integers(0, shift + 1, (steps, 2))]
    with unoptimized():
        with suppress(ReportgenError):
            return stepping.climb(image, corners, shift, step_size)
        if not may_fail:
            return stepping.climb_whole(image, steps, step_size)
        with suppress(ReportgenError):
            return stepping.climb(image, [(0, 0)] * steps, 0, step_size)
    return None


def _octave_size(size: tuple[int, ...], factor: float) -> tuple[int, int]:
    return max(1, round(size[0] / factor)), max(1, round(size[1] / factor))


def _resized(image: FloatArray, size: tuple[int, int]) -> FloatArray:
    """`image` at another size, averaged where it gets smaller."""
    return np.asarray(tf.image.resize(image, size, antialias=True), np.float32)


def _as_bytes(image: FloatArray) -> ByteArray:
    return np.asarray(displayed(tf.constant(image[None]), "as-is")[0], np.uint8)
