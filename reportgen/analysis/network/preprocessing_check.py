"""Try the documented preprocessing modes on a few images and measure under which the network makes most of them.

Two measures, neither of which needs to know the right classes:

- *Information.* Fed rightly, a network gives different images different answers with confidence, and keeps to
  them when an image is mirrored, a little darker or a little lighter, as it was trained to. Fed wrongly it gives
  all images nearly the same answer, or is sure of answers that such changes overturn. The measure is the mutual
  information between image and answer, `H(mean answer) - mean H(answer)`, the quantity whose exponential is the
  Inception score (Salimans et al. 2016), times the share of the answers on which all changed copies agree.
- *Moments.* The first BatchNormalization remembers mean and variance of its input in training. The measure is
  the divergence (Kullback-Leibler, of normal distributions) of what it is given from what it remembers, the
  median over channels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.network.capture import run_layers
from reportgen.analysis.network.heads import Head
from reportgen.analysis.network.running import run_errors_explained
from reportgen.analysis.network.unfused import unfused
from reportgen.analysis.weights.filters import find_layer
from reportgen.models import MODES, RGB_MODES, Network, Preprocessing, make_preprocessing
from reportgen.results import LayerSummary, NetworkSummary

# Enough images to tell modes apart, few enough to take no time beside the statistics of all of them. Networks
# of many operations get fewer: the check is to cost less than this many multiply-accumulates, in seconds
# about as many as a processor does 10^11 of in one.
MOST_IMAGES = 16
LEAST_IMAGES = 6
COST_LIMIT = 5e11

# Answers to fewer images than this say nothing reliable of how much they tell.
ANSWERED_IMAGES = 5

# Modes under which the plain answers tell less than this share of the best are not tried on changed copies:
# agreement could only lower what they tell.
_WORTH_CHANGING = 0.5

_DIMMED = 0.75  # of the light: a change that photographs of the same thing differ by

# Added to what answers tell before ratios are taken: less is nothing.
_LEAST_BITS = 0.01

_BATCH = 4  # images that go through the network together


@dataclass(frozen=True)
class ModeTrial:
    """What was measured under one mode: see the module. None where a measure does not apply.

    `information` is in bits. `log_gain` is the logarithm of its ratio to that under the mode used, and
    `log_gain_error` the standard error of that over images (by the jackknife): how much the choice of these
    images may have to do with it. Both are None for the mode used, and for modes that are clearly worse.
    """

    mode: str
    information: float | None
    moment_divergence: float | None
    log_gain: float | None = None
    log_gain_error: float | None = None


@dataclass(frozen=True)
class PreprocessingCheck:
    """The mode used, the others, on how many images, and which BatchNormalization remembers moments."""

    used: ModeTrial
    others: tuple[ModeTrial, ...]
    images: int
    normalization: str | None


def images_to_try(summary: NetworkSummary) -> int:
    """How many images `check_preprocessing` is worth giving."""
    passes = 2 * len(MODES)  # about: each mode once, the best ones on changed copies too
    return int(np.clip(COST_LIMIT / (passes * (summary.mac_count or 1)), LEAST_IMAGES, MOST_IMAGES))


def check_preprocessing(
    network: Network, summary: NetworkSummary, head: Head, pixels: NDArray[np.uint8]
) -> PreprocessingCheck | None:
    """Measure `network` under its own preprocessing and the other documented modes.

    Args:
        pixels: images fitted to its input, `(images, height, width, channels)`, 0..255.

    Returns:
        None where nothing can be measured: no BatchNormalization, and no class probabilities or too few images.
    """
    answers = len(pixels) >= ANSWERED_IMAGES and _has_probabilities(head)
    normalization = None if network.channels_first else _first_normalization(network, summary)
    if not answers and normalization is None:
        return None
    run = _runner(network, head if answers else None, normalization[0] if normalization else None)
    modes = [network.preprocessing, *_other_modes(network)]
    with run_errors_explained(network):
        plain = [run(_prepared(mode, pixels)) for mode in modes]
        answered = _answers_to_copies(run, modes, plain, pixels) if answers else {}
    told = [None if seen.answers is None else _information(seen.answers[None]) for seen in plain]
    trials = []
    for index, mode in enumerate(modes):
        gain = _log_gain(answered[0], answered[index]) if index and index in answered else (None, None)
        trials.append(
            ModeTrial(
                mode.mode,
                _information(answered[index]) if index in answered else told[index],
                None if normalization is None else _divergence(plain[index].moments, normalization[1]),
                *gain,
            )
        )
    name = normalization[1].name if normalization is not None else None
    return PreprocessingCheck(trials[0], tuple(trials[1:]), len(pixels), name)


def _answers_to_copies(
    run: Callable[[tf.Tensor], _Seen], modes: list[Preprocessing], plain: list[_Seen], pixels: NDArray[Any]
) -> dict[int, NDArray[np.float64]]:
    """Answers `(copies, images, classes)` to the images and their changed copies, under the modes worth it."""
    told = [0.0 if seen.answers is None else _information(seen.answers[None]) for seen in plain]
    worth = [index for index, bits in enumerate(told) if index == 0 or bits >= _WORTH_CHANGING * max(told)]
    answered = {}
    for index in worth:
        seen = [plain[index], *(run(_prepared(modes[index], change(pixels))) for change in _CHANGES)]
        answered[index] = np.stack([copy.answers for copy in seen if copy.answers is not None])
    return answered


def _has_probabilities(head: Head) -> bool:
    """Whether the scores are, or can be made, probabilities of classes that exclude each other."""
    return head.kind in ("softmax", "logits") or (head.kind == "sigmoid" and head.classes == 1)


def _other_modes(network: Network) -> list[Preprocessing]:
    possible = [mode for mode in MODES if network.channels == 3 or mode not in RGB_MODES]
    return [
        make_preprocessing(mode, network.channels, "flag") for mode in possible if mode != network.preprocessing.mode
    ]


# Ways in which an image may differ without showing anything else.
_CHANGES: tuple[Callable[[NDArray[Any]], NDArray[Any]], ...] = (
    lambda pixels: pixels[:, :, ::-1],
    lambda pixels: pixels * _DIMMED,
    lambda pixels: 255 - (255 - pixels) * _DIMMED,
)


def _prepared(mode: Preprocessing, pixels: NDArray[Any]) -> tf.Tensor:
    return mode.apply(tf.constant(np.ascontiguousarray(pixels), tf.float32))


# --- running --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Seen:
    """Answers as probabilities `(images, classes)`; mean and variance `(channels,)` of a layer's output."""

    answers: NDArray[np.float64] | None
    moments: tuple[NDArray[np.float64], NDArray[np.float64]] | None


def _runner(network: Network, head: Head | None, source: str | None) -> Callable[[tf.Tensor], _Seen]:
    """A function that runs `network` on prepared images, traced once for all modes.

    `source` is the layer whose moments are taken, "" for the input itself, None for none.
    """
    names = [source] if source else []

    def traced(prepared: tf.Tensor) -> tuple[Any, Any, tf.Tensor]:
        outputs, answer = run_layers(network.model, network.feed(prepared), names, whole=head is not None)
        layer = prepared if source == "" else outputs[source][0] if source else None
        sums = None if layer is None else _sums(tf.cast(layer, tf.float32))
        scores = None if head is None else tf.cast(tf.nest.flatten(answer)[head.output or 0], tf.float32)
        return sums, scores, unfused()

    step = tf.function(traced, autograph=False)

    def run(prepared: tf.Tensor) -> _Seen:
        parts = [step(prepared[start : start + _BATCH]) for start in range(0, prepared.shape[0], _BATCH)]
        answers = None if head is None else _probabilities(np.concatenate([scores for _, scores, _ in parts]), head)
        return _Seen(answers, None if source is None else _moments([sums for sums, _, _ in parts]))

    return run


def _sums(values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """How many values a channel has, their sum and that of their squares."""
    axes = list(range(len(values.shape) - 1))
    count = tf.size(values) / values.shape[-1]
    return count, tf.reduce_sum(values, axes), tf.reduce_sum(tf.square(values), axes)


def _moments(parts: list[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    count, total, squares = (sum(np.asarray(part[i], np.float64) for part in parts) for i in range(3))
    mean = np.asarray(total / count)
    return mean, np.maximum(np.asarray(squares / count) - mean**2, 0.0)


def _probabilities(scores: NDArray[Any], head: Head) -> NDArray[np.float64]:
    values = np.nan_to_num(scores.astype(np.float64))
    if head.kind == "sigmoid":
        return np.concatenate([1 - values, values], axis=1)
    if head.kind == "logits":
        values = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(values / np.maximum(values.sum(axis=1, keepdims=True), 1e-12))


# --- measuring ------------------------------------------------------------------------------------


def _information(answers: NDArray[np.float64]) -> float:
    """Bits that answers `(copies, images, classes)` tell about the image, as far as all copies agree."""
    told = _entropy(answers.mean(axis=(0, 1))) - _entropy(answers).mean()
    agreement = answers.min(axis=0).sum(axis=-1).mean()
    return float(max(told, 0.0) * agreement)


def _log_gain(used: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float]:
    """How much more answers tell under another mode, and its standard error: each image left out once."""

    def gain(kept: NDArray[np.int64]) -> float:
        ratio = (_information(other[:, kept]) + _LEAST_BITS) / (_information(used[:, kept]) + _LEAST_BITS)
        return float(np.log(ratio))

    every = np.arange(used.shape[1])
    without = np.array([gain(np.delete(every, index)) for index in every])
    spread = float(((without - without.mean()) ** 2).sum())
    return gain(every), float(np.sqrt(spread * (len(every) - 1) / len(every)))


def _entropy(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(-(probabilities * np.log2(np.maximum(probabilities, 1e-30))).sum(axis=-1))


def _first_normalization(network: Network, summary: NetworkSummary) -> tuple[str, keras.Layer] | None:
    """The layer before the first BatchNormalization ("" for the input) and that layer itself."""
    inputs = {row.name for row in summary.layers if row.type == "InputLayer"}
    for row in summary.layers:
        if row.type == "BatchNormalization" and len(row.inputs) <= 1 and row.actual_shape is not None:
            layer = find_layer(network.model, row.name)
            source = row.inputs[0] if inputs.isdisjoint(row.inputs) and row.inputs else ""
            return None if layer is None or _is_untouched(row, layer) else (source, layer)
    return None


def _is_untouched(row: LayerSummary, layer: keras.Layer) -> bool:
    """Whether the layer remembers nothing, or not along the last axis."""
    shape = row.actual_shape or ()
    mean = np.asarray(keras.ops.convert_to_numpy(layer.moving_mean))
    return not mean.any() or mean.size != shape[-1]


def _divergence(moments: tuple[NDArray[np.float64], NDArray[np.float64]] | None, layer: keras.Layer) -> float | None:
    """How far the given moments are from those `layer` remembers, the median over channels."""
    if moments is None:
        return None
    mean, variance = moments
    known_mean = np.asarray(keras.ops.convert_to_numpy(layer.moving_mean), np.float64)
    known = np.asarray(keras.ops.convert_to_numpy(layer.moving_variance), np.float64) + layer.epsilon
    ratio = (variance + layer.epsilon) / known
    return float(np.median(0.5 * (ratio + (mean - known_mean) ** 2 / known - 1 - np.log(ratio))))
