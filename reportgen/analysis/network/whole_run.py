"""A whole run of a network on images: what chosen layers give, its answer, and whether what is inside is finite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.network.capture import read_with
from reportgen.analysis.network.layer_kinds import kind_of
from reportgen.analysis.network.running import run_errors_explained
from reportgen.analysis.network.traced import traced_network
from reportgen.analysis.network.unfused import unfused
from reportgen.analysis.network.unoptimized import unoptimized
from reportgen.analysis.network.watching import before_activation_of, tensors_in
from reportgen.models import NO_OTHERS, Network, Others
from reportgen.results import FloatArray


@dataclass(frozen=True, eq=False)
class Captured:
    """What a run gave.

    `outputs` are those of layers by name, float32 with maps' channels last, `answer` the network's own in Keras' flat
    order, as Keras gives them. `sums` are those of what went into each activation, by layer call: no finite number
    where any of it is none, and else only where they are too large for float32.
    """

    outputs: dict[str, FloatArray]
    answer: list[NDArray[Any]]
    sums: dict[str, float]


class WholeRun:
    """Runs a network to its end at its own size and keeps the outputs of the layer calls `names`; compiled once."""

    def __init__(self, network: Network, names: Sequence[str] = ()) -> None:
        self._network = network
        self._names = tuple(names)

    def __call__(self, pixels: NDArray[Any], others: Others = NO_OTHERS) -> Captured:
        """What the network gives for `pixels`, `(batch, height, width, channels)` of 0..255, uint8 or float.

        Args:
            others: as `Network.feed` takes them.

        Raises:
            ReportgenError: a layer is not called in a forward pass, or the network cannot run here.
        """
        beside = {name: tf.convert_to_tensor(values) for name, values in others.items()}
        with run_errors_explained(self._network), unoptimized():
            outputs, answer, sums, _ = self._compiled(tf.convert_to_tensor(pixels), beside)
        return Captured(
            {name: tensor.numpy() for name, tensor in outputs.items()},
            [leaf.numpy() for leaf in answer],
            dict(zip(activated(self._network), sums.numpy().tolist(), strict=True)),
        )

    @cached_property
    def _compiled(self) -> Any:
        def run(pixels: tf.Tensor, others: Others) -> tuple[dict[str, tf.Tensor], list[tf.Tensor], tf.Tensor, Any]:
            inputs = self._network.feed(self._network.prepare(pixels), others)
            going_in = list(activated(self._network).values())
            outputs, answer, before = read_with(self._network, inputs, self._names, going_in, whole=True)
            sums = tf.stack([tf.zeros(()), *(tf.reduce_sum(tf.cast(values, tf.float32)) for values in before)])[1:]
            first = {name: outputs[name][0] for name in self._names}
            return first, tensors_in(answer), sums, unfused()

        return tf.function(run, autograph=False, reduce_retracing=True)


def activated(network: Network) -> dict[str, tf.Tensor]:
    """What goes into each activation in the network's one trace, by layer call.

    Softmax, for which an infinite value may be meant as a mask, does not count.
    """
    seen = [call for call in traced_network(network).seen if not _is_softmax(call.layer)]
    before = {call.name: before_activation_of(call) for call in seen}
    return {name: each for name, each in before.items() if each is not None and each.dtype.is_floating}


def _is_softmax(layer: keras.Layer) -> bool:
    return kind_of(layer) == "softmax" or getattr(layer, "activation", None) is keras.activations.softmax
