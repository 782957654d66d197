"""The forward pass that pictures are made of: what of a network's one trace holds where images are of other sizes.

Everything here is called while a function is traced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras
import tensorflow as tf

from reportgen.analysis.network.open_sides import same_on_open_sides
from reportgen.analysis.network.running import RUN_ERRORS
from reportgen.analysis.network.traced import image_of, traced_network
from reportgen.analysis.network.watching import Seen, tensors_in, watched_calls
from reportgen.models import Network
from reportgen.models.keras_private import layers_below, operations_between


@dataclass(frozen=True, eq=False)
class Forward:
    """A run of a network: its layer calls by name, and its outputs in Keras' flat order.

    Where it does not go to the end, as on images its head does not take, the calls are those up to there, `given` is
    None and `error` may say why.
    """

    calls: Mapping[str, Seen]
    given: tuple[tf.Tensor, ...] | None
    error: Exception | None = None


Run = Callable[[Network, Any], Forward]  # of what `Network.feed` gives

# What a functional network may compute between its layers without a word of how large images are: others, as the number
# of values, are numbers of the size that was traced.
_BETWEEN_LAYERS = frozenset({
    "Add", "Divide", "Maximum", "Mean", "Minimum", "Multiply", "Negative", "Relu", "Relu6", "Sigmoid", "Subtract",
    "TrueDivide",
})  # fmt: skip


def run_watched(network: Network, inputs: Any) -> Forward:
    """Run the Python of `network` on what `Network.feed` gives."""
    calls: dict[str, Seen] = {}

    def watcher(seen: Seen) -> None:
        calls[seen.name] = seen

    try:
        with watched_calls(network.model, watcher):
            return Forward(calls, tuple(tensors_in(network.model(inputs, training=False))))
    except RUN_ERRORS as error:
        return Forward(calls, None, error)


class HeldRun:
    """What of the one trace of a network holds for images of its own size, or of any.

    Args:
        open_sides: for images of any size.
    """

    def __init__(self, network: Network, *, open_sides: bool) -> None:
        self._traced = traced_network(network)
        self._open = open_sides
        told = not open_sides or _is_of_keras(network.model)
        self._sound = same_on_open_sides(self._traced.graph, *self._image(network)) if told else frozenset()
        self._calls = {name: seen for name, seen in self._traced.calls.items() if all(map(self._holds, seen.outputs))}
        self._answers = tensors_in(self._traced.answer)
        self._answered = all(map(self._holds, self._answers))

    def gives(self, layers: Iterable[str], *, answers: bool) -> bool:
        """Whether it holds for all of `layers`, and if asked for the network's answers."""
        return self._calls.keys() >= set(layers) and (self._answered or not answers)

    def reading(self, layers: Iterable[str], *, answers: bool) -> Run:
        """What puts as much of it as is read into the graph being traced."""
        calls = {name: self._calls[name] for name in layers}
        answered = self._answers if answers else []
        read = [tensor for seen in calls.values() for tensor in (*seen.inputs, *seen.outputs, seen.before)]
        wanted = list({id(tensor): tensor for tensor in (*read, *answered) if self._holds(tensor)}.values())

        def run(_network: Network, inputs: Any) -> Forward:
            given = zip(self._traced.inputs, tensors_in(inputs), strict=True)
            found = self._traced.replay_from(given, wanted, same_sizes=not self._open)
            here = {id(tensor): counterpart for tensor, counterpart in zip(wanted, found, strict=True)}
            moved = {name: _moved(seen, here) for name, seen in calls.items()}
            return Forward(moved, tuple(here[id(tensor)] for tensor in answered) if answers else None)

        return run

    def _image(self, network: Network) -> tuple[tf.Tensor, tuple[int, ...]]:
        """What takes the image, and which of its axes are open."""
        image = image_of(network, self._traced)
        sides = (2, 3) if network.channels_first else (1, 2)
        return image, sides if self._open and len(image.shape) == 4 else ()

    def _holds(self, tensor: Any) -> bool:
        symbolic = tf.is_symbolic_tensor(tensor) and tensor.graph is self._traced.graph
        return symbolic and tensor.op.name in self._sound


def _moved(seen: Seen, here: Mapping[int, tf.Tensor]) -> Seen:
    """A call with its tensors' counterparts in another graph, by the tensors' ids."""
    inputs, outputs = ([here.get(id(tensor), tensor) for tensor in each] for each in (seen.inputs, seen.outputs))
    return replace(seen, inputs=inputs, outputs=outputs, before=here.get(id(seen.before)))


def _is_of_keras(model: keras.Model) -> bool:
    """Whether all that runs in `model` is Keras' own: what others write may compute with the size as with a number."""
    layers = [model, *layers_below(model)]
    between = [type(each) for layer in layers for each in operations_between(layer)]
    functions = [each for layer in layers if (each := getattr(layer, "activation", None)) is not None]
    written = [*map(type, layers), *between, *functions]
    known = all(kind.__name__ in _BETWEEN_LAYERS for kind in between) and keras.layers.Lambda not in written
    return known and all(str(getattr(one, "__module__", None)).startswith("keras.") for one in written)
