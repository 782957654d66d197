"""A network run on images under one mode of preprocessing or another: its answers, and the moments of one layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.network.capture import read_layers
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.analysis.network.unfused import unfused
from reportgen.models import Network, Others, Preprocessing

_BATCH = 8  # images that go through the network together


@dataclass(frozen=True, eq=False)
class Seen:
    """Answers as probabilities `(images, classes)`, empty where there are none; moments of a layer's output.

    These are mean and variance, `(channels,)` each, None where no layer was asked for.
    """

    answers: NDArray[np.float64]
    moments: tuple[NDArray[np.float64], NDArray[np.float64]] | None


Run = Callable[[Preprocessing, NDArray[Any], Others], Seen]


def make_run(network: Network, head: SettledOutput | None, source: str | None) -> Run:
    """A function that runs `network` on images under a mode, compiled once for all modes.

    `source` is the layer whose moments are taken, "" for the input itself, None for none.
    """
    names = [source] if source else []

    def traced(prepared: tf.Tensor, others: Others) -> tuple[Any, Any, tf.Tensor]:
        outputs, answer = read_layers(network, network.feed(prepared, others), names, whole=head is not None)
        layer = prepared if source == "" else outputs[source][0] if source else None
        sums = None if layer is None else _sums(tf.cast(layer, tf.float32))
        scores = None if head is None else tf.cast(keras.tree.flatten(answer)[head.index], tf.float32)
        return sums, scores, unfused()

    spec = tf.TensorSpec((None, *network.size, network.channels), tf.float32)
    step = tf.function(traced, autograph=False, input_signature=[spec, network.other_specs()])

    def run(mode: Preprocessing, pixels: NDArray[Any], others: Others) -> Seen:
        parts = []
        for start in range(0, len(pixels), _BATCH):
            batch = slice(start, start + _BATCH)
            prepared = mode.apply(tf.constant(np.ascontiguousarray(pixels[batch], np.float32)))
            parts.append(step(prepared, {name: tf.constant(values[batch]) for name, values in others.items()}))
        answers = (
            np.zeros((0, 0)) if head is None else _probabilities(np.concatenate([one for _, one, _ in parts]), head)
        )
        return Seen(answers, None if source is None else _moments([sums for sums, _, _ in parts]))

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


def _probabilities(scores: NDArray[Any], head: SettledOutput) -> NDArray[np.float64]:
    values = np.asarray(np.nan_to_num(head.as_scores(scores)))
    if not head.is_single:
        values = head.as_probabilities(values)
    told = values.astype(np.float64)
    return np.asarray(told / np.maximum(told.sum(axis=1, keepdims=True), 1e-12))
