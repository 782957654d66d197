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
        captured, sums, _ = tf.function(_captured_answer, autograph=False)(network, inputs)
        # Finite numbers may add up to none, but others never to a finite one.
        odd = [name for name, total in sums.items() if not np.isfinite(total)]
        counts = tf.function(_nonfinite_counts, autograph=False)(network, inputs, odd)[0] if odd else {}
    pairs = zip(captured, answer, strict=True)
    difference = max((_difference(_as_numbers(one), _as_numbers(other)) for one, other in pairs), default=0.0)
    return CaptureCheck(difference, {name: int(counts[name]) for name in odd if counts[name]})


def _captured_answer(network: Network, inputs: Any) -> tuple[list[tf.Tensor], dict[str, tf.Tensor], tf.Tensor]:
    """The answer as the watched layers gave it; as the network gave it where it comes from no layer.

    With it the sum of what went into each activation, and what keeps operations apart.
    """
    activated = _activated(network)
    before, answer = traced_network(network).replay(inputs, list(activated.values()), whole=True)
    sums = {name: tf.reduce_sum(tf.cast(values, tf.float32)) for name, values in zip(activated, before, strict=True)}
    return tensors_in(answer), sums, unfused()


def _nonfinite_counts(network: Network, inputs: Any, names: list[str]) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """How many values that are not finite went into the activations `names`, and what keeps operations apart."""
    activated = _activated(network)
    before, _ = traced_network(network).replay(inputs, [activated[name] for name in names])
    counts = [tf.math.count_nonzero(~tf.math.is_finite(values)) for values in before]
    return dict(zip(names, counts, strict=True)), unfused()


def _activated(network: Network) -> dict[str, tf.Tensor]:
    """What goes into each activation in the network's trace, by the layer call."""
    seen = [call for call in traced_network(network).seen if not _is_softmax(call.layer)]
    before = {call.name: before_activation_of(call) for call in seen}
    return {name: each for name, each in before.items() if each is not None and each.dtype.is_floating}


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
