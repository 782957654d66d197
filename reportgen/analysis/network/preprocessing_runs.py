"""A network run on images under one mode of preprocessing or another: its answers, and the moments of one layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.network.capture import read_layers
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.analysis.network.traced import traced_network
from reportgen.analysis.network.unfused import unfused
from reportgen.analysis.network.watching import tensors_in
from reportgen.models import Network, Others, Preprocessing

_BATCH = 12  # images that go through the network together

Answers = NDArray[np.float64]  # probabilities `(images, classes)`, or `(copies, images, classes)`
Moments = tuple[NDArray[np.float64], NDArray[np.float64]]  # mean and variance, `(channels,)` each

AnswersUnder = Callable[[Preprocessing, NDArray[Any], Others], Answers]


def answers_under(network: Network, head: SettledOutput) -> AnswersUnder:
    """What gives the answers of `network` to images under a mode, by the network's one trace."""

    def run(mode: Preprocessing, pixels: NDArray[Any], others: Others) -> Answers:
        traced = traced_network(network)
        given = [traced.compute(network.feed(*batch)) for batch in _batches(mode, pixels, others)]
        scores = [tf.cast(tensors_in(answer)[head.index], tf.float32) for answer in given]
        return _as_answers(np.concatenate(scores), head)

    return run


def _as_answers(scores: NDArray[Any], head: SettledOutput) -> Answers:
    """What an output of classes gave, `(images, values)` or at one position, as probabilities that add up to 1."""
    values = np.asarray(np.nan_to_num(head.as_scores(scores.reshape(len(scores), -1))))
    if not head.is_single:
        values = head.as_probabilities(values)
    told = values.astype(np.float64)
    return np.asarray(told / np.maximum(told.sum(axis=1, keepdims=True), 1e-12))


def moments_under(network: Network, source: str) -> Callable[[Preprocessing, NDArray[Any], Others], Moments]:
    """What gives the moments of the layer `source` on images under a mode; compiled once for all, as far as there.

    Args:
        source: the layer whose moments are taken, "" for the input itself.
    """

    def traced(prepared: tf.Tensor, others: Others) -> tuple[Any, tf.Tensor]:
        outputs, _ = read_layers(network, network.feed(prepared, others), [source] if source else [])
        return _sums(tf.cast(outputs[source][0] if source else prepared, tf.float32)), unfused()

    spec = tf.TensorSpec((None, *network.size, network.channels), tf.float32)
    step = tf.function(traced, autograph=False, input_signature=[spec, network.other_specs()])

    def run(mode: Preprocessing, pixels: NDArray[Any], others: Others) -> Moments:
        return _moments([step(*batch)[0] for batch in _batches(mode, pixels, others)])

    return run


def _batches(mode: Preprocessing, pixels: NDArray[Any], others: Others) -> Iterator[tuple[tf.Tensor, Others]]:
    """The images prepared by `mode` a few at a time, with the values beside them."""
    # Batches of one size, as far as it goes: what computes them is made ready for each size there is.
    size = math.ceil(len(pixels) / math.ceil(len(pixels) / _BATCH))
    for start in range(0, len(pixels), size):
        batch = slice(start, start + size)
        prepared = mode.apply(tf.constant(np.ascontiguousarray(pixels[batch], np.float32)))
        yield prepared, {name: tf.constant(values[batch]) for name, values in others.items()}


def _sums(values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """How many values a channel has, their sum and that of their squares."""
    axes = list(range(len(values.shape) - 1))
    count = tf.size(values) / values.shape[-1]
    return count, tf.reduce_sum(values, axes), tf.reduce_sum(tf.square(values), axes)


def _moments(parts: list[Any]) -> Moments:
    count, total, squares = (sum(np.asarray(part[i], np.float64) for part in parts) for i in range(3))
    mean = np.asarray(total / count)
    return mean, np.maximum(np.asarray(squares / count) - mean**2, 0.0)
