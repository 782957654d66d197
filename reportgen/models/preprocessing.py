"""How displayable pixels become what a network takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from reportgen.errors import ReportgenError, UsageError
from reportgen.models.sources import import_attribute

# Moments of the ImageNet training images, as the two frameworks published them with their networks:
# red, green, blue of 0..1 (Torch), and of 0..255 (Caffe, which takes blue first).
TORCH_MEAN = (0.485, 0.456, 0.406)
TORCH_DEVIATION = (0.229, 0.224, 0.225)
CAFFE_MEAN = (103.939, 116.779, 123.68)

MODES = ("none", "unit", "tf", "torch", "caffe")
RGB_MODES = ("torch", "caffe")

Origin = Literal["flag", "application", "inside", "fallback"]

# What a user's function may raise where it is tried on symbolic or real pixels.
_FUNCTION_ERRORS = (
    TypeError,
    ValueError,
    AttributeError,
    NotImplementedError,
    RuntimeError,
    IndexError,
    tf.errors.OpError,
)

_PROBE_SIZE = (32, 32)


@dataclass(frozen=True)
class MeasuredInput:
    """What was measured to reach the first layer with a kernel, `layer`: `matrix` times the pixel plus `offset`.

    `matrix` has a row for each value the layer reads of a place (as many as channels, but where the network makes
    more or fewer of them) and a column for each channel; `residual` is the furthest a measurement was from it.
    Where there is no such map, `reason` says why and the others are None.
    """

    layer: str | None
    matrix: tuple[tuple[float, ...], ...] | None
    offset: tuple[float, ...] | None
    residual: float | None
    reason: str | None

    def span(self, value_range: tuple[float, float] = (0.0, 255.0)) -> float | None:
        """How far apart the values are that pixels of `value_range` can become, of the widest value."""
        if self.matrix is None:
            return None
        return max(sum(abs(factor) for factor in row) for row in self.matrix) * (value_range[1] - value_range[0])


@dataclass(frozen=True, eq=False)
class Preprocessing:
    """How displayable pixels become what the network takes.

    `apply` maps float32 `(batch, height, width, channels)` of 0..255 to the network's input range,
    differentiably unless `differentiable` is false; `value_range` is what 0 and 255 become (the extremes
    over channels), None if unknown. `reverses_channels` says that red, green, blue become blue, green, red.
    `reason` says why it was chosen. `inside` is what the network itself does to a pixel, `total` that and
    the preprocessing before it; None where that was not measured.
    """

    mode: str
    origin: Origin
    description: str
    apply: Callable[[tf.Tensor], tf.Tensor]
    value_range: tuple[float, float] | None
    reverses_channels: bool = False
    differentiable: bool = True
    reason: str = ""
    inside: MeasuredInput | None = None
    total: MeasuredInput | None = None


def choose_preprocessing(
    mode: str, channels: int, *, family_mode: str | None = None, family_name: str | None = None
) -> Preprocessing:
    """The preprocessing `--preprocess` asks for; for `auto` the one of the application, else a guess.

    What a network does inside has a say, too, but takes running it: see `reportgen.analysis.network.feeding`.

    Args:
        family_mode: how the architecture was trained, where the network is one of `keras.applications`.
        family_name: its name, for the description.

    Raises:
        UsageError: an unknown mode, or one that needs three channels.
        ReportgenError: a function that cannot be had or does not fit.
    """
    if mode.startswith("python:"):
        return _from_function(mode, channels)
    if mode != "auto":
        return make_preprocessing(mode, channels, "flag")
    if family_mode is not None:
        return make_preprocessing(
            family_mode, channels, "application", f"This is how Keras' own {family_name} was trained."
        )
    return make_preprocessing(
        "unit", channels, "fallback", "This is a guess: the network does not say what it was trained on."
    )


def make_preprocessing(mode: str, channels: int, origin: Origin, reason: str = "") -> Preprocessing:
    """One of the documented modes, for images of `channels`.

    Raises:
        UsageError: there is no such mode, or it needs three channels.
    """
    if mode not in MODES:
        raise UsageError(f"--preprocess: expected auto, {', '.join(MODES)} or python:module:function, got {mode!r}")
    if mode in RGB_MODES and channels != 3:
        raise UsageError(
            f"--preprocess: {mode} is made for red, green and blue, the network takes {channels} "
            f"channel{'s' * (channels != 1)}; choose none, unit, tf or python:module:function"
        )
    apply, value_range, sentence = _MODES[mode]
    return Preprocessing(
        mode,
        origin,
        f"{sentence} {reason}".strip(),
        apply,
        value_range,
        reverses_channels=mode == "caffe",
        reason=reason,
    )


def _keep(pixels: tf.Tensor) -> tf.Tensor:
    return pixels


def _unit(pixels: tf.Tensor) -> tf.Tensor:
    return pixels / 255.0


def _tf(pixels: tf.Tensor) -> tf.Tensor:
    return pixels / 127.5 - 1.0


def _torch(pixels: tf.Tensor) -> tf.Tensor:
    return (pixels / 255.0 - tf.constant(TORCH_MEAN)) / tf.constant(TORCH_DEVIATION)


def _caffe(pixels: tf.Tensor) -> tf.Tensor:
    return tf.reverse(pixels, [-1]) - tf.constant(CAFFE_MEAN)


_TORCH_RANGE = (
    min(-mean / deviation for mean, deviation in zip(TORCH_MEAN, TORCH_DEVIATION, strict=True)),
    max((1 - mean) / deviation for mean, deviation in zip(TORCH_MEAN, TORCH_DEVIATION, strict=True)),
)

_MODES: dict[str, tuple[Callable[[tf.Tensor], tf.Tensor], tuple[float, float], str]] = {
    "none": (_keep, (0.0, 255.0), "Pixels go in as they are, 0 to 255."),
    "unit": (_unit, (0.0, 1.0), "Pixels are divided by 255, to 0 to 1."),
    "tf": (_tf, (-1.0, 1.0), "Pixels are divided by 127.5 and lowered by 1, to \N{MINUS SIGN}1 to 1."),
    "torch": (
        _torch,
        _TORCH_RANGE,
        "Pixels are divided by 255, lowered by the mean of ImageNet's colours and divided by their deviation.",
    ),
    "caffe": (
        _caffe,
        (-max(CAFFE_MEAN), 255 - min(CAFFE_MEAN)),
        "Colours are put in the order blue, green, red and lowered by the mean of ImageNet's colours.",
    ),
}


def _from_function(reference: str, channels: int) -> Preprocessing:
    function = import_attribute(reference, "--preprocess")
    if not callable(function):
        raise ReportgenError(f"--preprocess {reference}: expected a function, got {type(function).__name__}")
    apply, differentiable = _adapt(function, reference, channels)
    name = reference.rpartition(":")[2]
    return Preprocessing(
        reference,
        "flag",
        f"Pixels of 0 to 255 go through the function {name}.",
        apply,
        _measured_range(apply, channels),
        differentiable=differentiable,
    )


def _adapt(
    function: Callable[[Any], Any], reference: str, channels: int
) -> tuple[Callable[[tf.Tensor], tf.Tensor], bool]:
    """Make `function` one of tensors: as it is where TensorFlow can follow it, else by way of arrays."""
    probe = np.random.default_rng(0).uniform(0, 255, (2, *_PROBE_SIZE, channels)).astype(np.float32)
    try:
        expected = np.asarray(function(probe.copy()))
    except _FUNCTION_ERRORS as error:
        raise ReportgenError(
            f"--preprocess {reference}: the function failed on float32 pixels of shape {probe.shape}, "
            f"0..255: {type(error).__name__}: {_first_line(error)}"
        ) from error
    if expected.shape != probe.shape or expected.dtype.kind not in "fiu":
        raise ReportgenError(
            f"--preprocess {reference}: expected numbers of the shape it was given, {probe.shape}, "
            f"got {expected.dtype} {expected.shape}"
        )

    def traced(pixels: tf.Tensor) -> tf.Tensor:
        return tf.cast(function(pixels), tf.float32)

    def by_arrays(pixels: tf.Tensor) -> tf.Tensor:
        result = tf.numpy_function(lambda array: np.asarray(function(array.copy()), np.float32), [pixels], tf.float32)
        result.set_shape(pixels.shape)
        return result

    return (traced, True) if _can_be_traced(traced, probe, expected) else (by_arrays, False)


def _can_be_traced(traced: Callable[[tf.Tensor], tf.Tensor], probe: Any, expected: Any) -> bool:
    """Whether `traced` works on symbolic pixels, gives there what it gives on arrays, and has a gradient."""

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def run(pixels: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            result = traced(pixels)
        return result, tape.gradient(result, pixels)

    try:
        result, gradient = run(tf.constant(probe))
    except _FUNCTION_ERRORS:
        return False
    return gradient is not None and np.allclose(result, expected, rtol=1e-4, atol=1e-4, equal_nan=True)


def _measured_range(apply: Callable[[tf.Tensor], tf.Tensor], channels: int) -> tuple[float, float] | None:
    """What 0 and 255 become, unless a pixel's value depends on its neighbours."""
    rows = np.linspace(0, 255, _PROBE_SIZE[0], dtype=np.float32)
    ramp = np.broadcast_to(rows[:, None, None], (*_PROBE_SIZE, channels))
    black, white, mixed = np.asarray(apply(tf.constant(np.stack([ramp * 0, ramp * 0 + 255, ramp]))))
    values = np.stack([black, white])
    # The ends of a ramp are black and white too: where they come out otherwise, other pixels have a say.
    alone = np.allclose(mixed[0], black[0], atol=1e-4) and np.allclose(mixed[-1], white[0], atol=1e-4)
    if not alone or not np.isfinite(values).all():
        return None
    return float(values.min()), float(values.max())


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "")
