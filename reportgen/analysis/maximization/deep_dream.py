"""Deep dream: a photograph changed so that a layer or channel sees more of what it sees in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import tensorflow as tf

from reportgen.analysis.maximization import objectives, transforms
from reportgen.analysis.maximization.ascent import Climber, displayed, make_climber, make_frame
from reportgen.analysis.maximization.parameterizations import pixel_grid
from reportgen.analysis.maximization.presets import CLASSIC, Preset
from reportgen.analysis.maximization.traced_pass import MakeObjective, TracedPasses
from reportgen.analysis.network.running import run_errors_explained
from reportgen.errors import ReportgenError
from reportgen.results import ByteArray, FloatArray

OCTAVES = 3
OCTAVE_RATIO = 1.4
STEPS = 10  # in each octave
STEP_SIZE = 3.0
LEAST_SIDE = 64  # pixels of an octave's shorter side: on less there is nothing to be grown
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
    photograph stays sharp (Mordvintsev, Olah and Tyka, "Inceptionism", 2015).

    Args:
        pixels: uint8 `(height, width, channels)`.
        layer: whose maps are strengthened, before the nonlinearity.
        channel: one of its channels, None for all.
        octaves: how many sizes, each smaller than the next by `ratio`; those on which the layers do not run, or
            whose shorter side is below `least_side`, are left out, the whole size never.
        steps: at each size.
        step_size: in units of 0..255, along the gradient over its root mean square.

    Returns:
        uint8 of the shape of `pixels`, and at how many sizes was dreamt.

    Raises:
        ReportgenError: the network does not run even on the size of `pixels`.
    """
    generator = np.random.default_rng(seed)
    preset = replace(CLASSIC, before_activation=True)
    wanted = _wanted(layer, channel)
    original = pixels.astype(np.float32)
    dreamt = np.zeros(0, np.float32)
    previous: tuple[int, int] | None = None
    count = 0
    for octave in reversed(range(octaves)):
        size = _octave_size(original.shape[:2], ratio**octave)
        if octave and min(size) < least_side:
            continue
        climber = _climber(passes, size, layer, wanted, preset, may_fail=octave > 0)
        if climber is None:
            continue
        here = _resized(original, size)
        if previous is not None:
            lost = here - _resized(_resized(original, previous), size)
            here = _resized(dreamt, size) + lost
        dreamt = np.clip(_climbed(climber, here, steps, step_size, generator, channel or 0), 0, 255)
        previous = size
        count += 1
    return _as_bytes(dreamt), count


def _climber(
    passes: TracedPasses, size: tuple[int, int], layer: str, wanted: MakeObjective, preset: Preset, *, may_fail: bool
) -> Climber | None:
    """The ascent on images of `size`: shifted ones, whole ones where the layers need every pixel, else None."""
    network = passes.network
    image = pixel_grid(size, network.channels, mean=0, std=0)
    for shift in (min(JITTER, min(size) // 4), 0):
        try:
            with run_errors_explained(network):
                frame = make_frame(image, preset, transforms.jitter(shift) if shift else None)
                return make_climber(passes, wanted, frame, preset, [layer])
        except ReportgenError:
            if not shift and not may_fail:
                raise
    return None


def classic_dream(
    passes: TracedPasses, pixels: ByteArray, layer: str, channel: int = 0, *, steps: int = CLASSIC_STEPS
) -> ByteArray:
    """The tutorials' form: the classic ascent of one channel's output, from a photograph, at its own size.

    Args:
        pixels: uint8 `(height, width, channels)`.

    Returns:
        uint8 of the shape of `pixels`.
    """
    size = pixels.shape[0], pixels.shape[1]
    climber = make_climber(
        passes,
        lambda channels, _: objectives.channel(layer, channels),
        make_frame(pixel_grid(size, pixels.shape[2], mean=0, std=0), CLASSIC),
        CLASSIC,
        [layer],
    )
    generator = np.random.default_rng(0)
    return _as_bytes(_climbed(climber, pixels.astype(np.float32), steps, CLASSIC.step_size, generator, channel))


def _wanted(layer: str, channel: int | None) -> MakeObjective:
    if channel is None:
        return lambda _channels, _signs: objectives.layer_energy(layer)
    return lambda channels, _signs: objectives.channel(layer, channels)


def _climbed(
    climber: Climber, image: FloatArray, steps: int, step_size: float, generator: np.random.Generator, channel: int = 0
) -> FloatArray:
    """One image after `steps`, float32 `(height, width, channels)`, not clipped."""
    state = climber.resume([(image,)])
    channels, signs, rates = tf.constant([channel], tf.int32), tf.constant([1.0]), tf.constant([step_size])
    for count in range(1, steps + 1):
        matrix = tf.constant(climber.draw(generator))
        state, _, _ = climber.step(
            state, channels, signs, rates, matrix, tf.constant(count, tf.float32), tf.constant(False)
        )
    return np.asarray(state[0][0], np.float32)


def _octave_size(size: tuple[int, ...], factor: float) -> tuple[int, int]:
    return max(1, round(size[0] / factor)), max(1, round(size[1] / factor))


def _resized(image: FloatArray, size: tuple[int, int]) -> FloatArray:
    """`image` at another size, averaged where it gets smaller."""
    return np.asarray(tf.image.resize(image, size, antialias=True), np.float32)


def _as_bytes(image: FloatArray) -> ByteArray:
    return np.asarray(displayed(tf.constant(image[None]), "as-is")[0], np.uint8)
