"""Whether what was captured is what the network itself answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.network.layer_kinds import kind_of
from reportgen.analysis.network.running import run_errors_explained, run_unwatched
from reportgen.analysis.network.traced import traced_network
from reportgen.analysis.network.unfused import unfused
from reportgen.analysis.network.watching import before_activation_of, tensors_in
from reportgen.models import NO_OTHERS, Network, Others


@dataclass(frozen=True)
class CaptureCheck:
    """How the captured final output compares with what the network itself answers, and what it was made from.

    `difference` is the largest of two finite numbers, over the largest absolute value of the answer where that is
    above 1; what is not finite on either side is none, since processors differ in what they make of it. It is
    infinite where shapes differ. `nonfinite` has, for the layer calls that gave any, how many values that are not
    finite went into their activation: ReLU6 or tanh make numbers of what overflowed. Softmax, for which an
    infinite value may be meant as a mask, does not count.
    """

    difference: float
    nonfinite: Mapping[str, int]


def check_capture(network: Network, pixels: NDArray[Any], others: Others = NO_OTHERS) -> CaptureCheck:
    """Compare the captured final output with what the network itself answers.

    Args:
        pixels: `(batch, height, width, channels)` of 0..255.
        others: as `Network.feed` takes them.

    Raises:
        ReportgenError: the network cannot run here.
    """
    with run_errors_explained(network):
        answer = tensors_in(run_unwatched(network, pixels, others))
        inputs = network.feed(network.prepare(pixels), others)
        captured, counts, _ = tf.function(_captured_answer, autograph=False)(network, inputs)
    pairs = zip(captured, answer, strict=True)
    difference = max((_difference(_as_numbers(one), _as_numbers(other)) for one, other in pairs), default=0.0)
    return CaptureCheck(difference, {name: int(found) for name, found in counts.items() if found})


def _captured_answer(network: Network, inputs: Any) -> tuple[list[tf.Tensor], dict[str, tf.Tensor], tf.Tensor]:
    """The answer as the watched layers gave it; as the network gave it where it comes from no layer.

    With it how many values that are not finite went into each activation, and what keeps operations apart.
    """
    traced = traced_network(network)
    activated = {seen.name: before_activation_of(seen) for seen in traced.seen if not _is_softmax(seen.layer)}
    counted = {name: each for name, each in activated.items() if each is not None and each.dtype.is_floating}
    before, answer = traced.replay(inputs, list(counted.values()), whole=True)
    counts = {
        name: tf.math.count_nonzero(~tf.math.is_finite(values)) for name, values in zip(counted, before, strict=True)
    }
    return tensors_in(answer), counts, unfused()


def _is_softmax(layer: keras.Layer) -> bool:
    return kind_of(layer) == "softmax" or getattr(layer, "activation", None) is keras.activations.softmax


def _as_numbers(tensor: tf.Tensor) -> NDArray[np.float32]:
    return np.asarray(tf.cast(tensor, tf.float32))


def _difference(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    if one.shape != other.shape:
        return float("inf")
    finite = np.isfinite(one) & np.isfinite(other)
    scale = max(1.0, float(np.abs(other[finite]).max(initial=0)))
    return float(np.abs(one[finite] - other[finite]).max(initial=0)) / scale
