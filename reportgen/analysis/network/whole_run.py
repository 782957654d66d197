"""A whole run of a network on images: what chosen layers give, its answer, and whether what is inside is finite.

Some run as a batch, to be compared with what Keras gives for it; those that pages are made of run one by one, as in the
pass over all images, and give the same bits as there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.network.capture import read_with
from reportgen.analysis.network.layer_kinds import kind_of
from reportgen.analysis.network.one_by_one import fed_at, one_by_one
from reportgen.analysis.network.running import run_errors_explained
from reportgen.analysis.network.traced import traced_network
from reportgen.analysis.network.unfused import unfused
from reportgen.analysis.network.unoptimized import unoptimized
from reportgen.analysis.network.watching import before_activation_of, tensors_in
from reportgen.models import NO_OTHERS, Network, Others
from reportgen.results import FloatArray, PixelArray


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

    @property
    def nbytes(self) -> int:
        """The memory that outputs and answer take; an answer may be larger than any layer's output."""
        return sum(array.nbytes for array in (*self.outputs.values(), *self.answer))


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
            given, _ = self._compiled(tf.convert_to_tensor(pixels), beside)
        return captured(self._network, self._names, given)

    @cached_property
    def _compiled(self) -> Any:
        def run(pixels: tf.Tensor, others: Others) -> tuple[list[tf.Tensor], tf.Tensor]:
            return to_capture(self._names, *read_whole(self._network, pixels, others, self._names)), unfused()

        return tf.function(run, autograph=False, reduce_retracing=True)


def read_whole(
    network: Network, pixels: tf.Tensor, others: Others, names: Sequence[str]
) -> tuple[dict[str, list[tf.Tensor]], Any, tf.Tensor]:
    """As `read_layers`, of a batch to be fed, and the sums of what goes into each activation, `(activations,)`.

    To be called while a `tf.function` is traced.
    """
    inputs = network.feed(network.prepare(pixels), others)
    outputs, answer, before = read_with(network, inputs, names, list(activated(network).values()), whole=True)
    sums = tf.stack([tf.zeros(()), *(tf.reduce_sum(tf.cast(values, tf.float32)) for values in before)])[1:]
    return outputs, answer, sums


def to_capture(
    names: Sequence[str], outputs: Mapping[str, Sequence[tf.Tensor]], answer: Any, sums: tf.Tensor
) -> list[tf.Tensor]:
    """What `read_whole` gave in a row: the outputs of the layer calls `names`, all of the answer, and the sums."""
    return [*(outputs[name][0] for name in names), *tensors_in(answer), sums]


def captured(network: Network, names: Sequence[str], given: Sequence[Any]) -> Captured:
    """What a run gave, of what `to_capture` put in a row."""
    arrays = [np.asarray(tensor) for tensor in given]
    return Captured(
        dict(zip(names, arrays[: len(names)], strict=True)),
        arrays[len(names) : -1],
        dict(zip(activated(network), arrays[-1].tolist(), strict=True)),
    )


def runs_one_by_one(
    network: Network,
    names: Sequence[str],
    files: Sequence[str],
    load: Callable[[int], PixelArray],
    dtype: str,
    at_a_time: int,
) -> Iterator[Captured]:
    """A whole run of each of the images called `files`, in their order; the next are under way meanwhile.

    Args:
        names: the layer calls whose outputs are kept.
        load: gives the fitted image at a place among `files`; from any thread.
        dtype: of fitted images.
        at_a_time: how many images are under way.

    Raises:
        ReportgenError: a layer is not called in a forward pass, or the network cannot run here.
    """

    def given_at(place: tf.Tensor) -> tuple[tf.Tensor, ...]:
        pixels, others = fed_at(network, place, load, files.__getitem__, dtype)
        return *to_capture(names, *read_whole(network, pixels[tf.newaxis], others, names)), unfused()

    with run_errors_explained(network):
        for *given, _ in one_by_one(range(len(files)), given_at, at_a_time, in_order=True):
            yield captured(network, names, given)


def activated(network: Network) -> dict[str, tf.Tensor]:
    """What goes into each activation in the network's one trace, by layer call.

    Softmax, for which an infinite value may be meant as a mask, does not count.
    """
    seen = [call for call in traced_network(network).seen if not _is_softmax(call.layer)]
    before = {call.name: before_activation_of(call) for call in seen}
    return {name: each for name, each in before.items() if each is not None and each.dtype.is_floating}


def _is_softmax(layer: keras.Layer) -> bool:
    return kind_of(layer) == "softmax" or getattr(layer, "activation", None) is keras.activations.softmax
