"""The forward call of a network, traced once: whatever reads its layers is cut from that one graph.

Running the Python of a network costs more than most of what is asked of it, so it is run once, with the batch left
open, while every layer call is watched. What else is to be computed takes the operations it needs from that graph into
its own (`TracedNetwork.replay`): for another batch, with reductions behind layers, in whatever function is being
traced. All of them read the same variables, so that a change of weights is seen by all.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from reportgen.analysis.network.convolution_gradients import convolution_gradients
from reportgen.analysis.network.replaying import Pairs, ReplayableGraph
from reportgen.analysis.network.unfused import unfused
from reportgen.analysis.network.unoptimized import unoptimized
from reportgen.analysis.network.watching import Seen, tensors_in, watched_calls
from reportgen.models import Network

_ALONE = threading.RLock()


class TracedNetwork:
    """A forward call of `model` at rest, as one graph that computes nothing by itself.

    `seen` are its layer calls, sub-networks too, in the order in which they returned, `calls` the same by name;
    `inputs` are the symbolic tensors that went in, flat, `answer` what came out, in the model's own structure. Further
    operations, gradients among them (which take `convolution_gradients`), may be added to `graph` for `replay_from`.

    Args:
        inputs: a structure of `tf.TensorSpec` in the form the model takes; open sides may be None.
    """

    def __init__(self, model: keras.Model, inputs: Any) -> None:
        runs: list[tuple[list[Seen], list[tf.Tensor], Any]] = []

        def run(structure: Any) -> list[tf.Tensor]:
            seen: list[Seen] = []
            with watched_calls(model, seen.append), convolution_gradients():
                answer = model(structure, training=False)
            runs.append((seen, tensors_in(structure), answer))
            return [*tensors_in(answer), unfused()]

        # It also owns the functions that its graph calls.
        self._function = tf.function(run, autograph=False).get_concrete_function(inputs)
        self.graph = self._function.graph
        # TensorFlow runs a function twice where that creates variables: the last time counts.
        seen, given, self.answer = runs[-1]
        self.seen: tuple[Seen, ...] = tuple(seen)
        self.inputs: tuple[tf.Tensor, ...] = tuple(given)
        self.calls: Mapping[str, Seen] = {call.name: call for call in seen}
        self._replayable = ReplayableGraph(self.graph)

    def compute(self, fed: Any) -> Any:
        """The network's answer to `fed`, what `Network.feed` gives, in the model's own structure."""
        with unoptimized():
            *given, _ = self._function(fed)
        return self._in_structure(given)

    def replay(self, fed: Any, wanted: Sequence[tf.Tensor], *, whole: bool = False) -> tuple[list[tf.Tensor], Any]:
        """Put what gives the tensors `wanted` of this graph into the graph being traced.

        Args:
            fed: what it reads there, as `Network.feed` gives it: of the sides that were traced, and any batch.
            whole: the network is run to its end.

        Returns:
            The counterparts of `wanted`, in their order; and of `answer`, None without `whole`.
        """
        answered = tensors_in(self.answer) if whole else []
        found = self.replay_from(zip(self.inputs, tensors_in(fed), strict=True), [*wanted, *answered])
        return found[: len(wanted)], self._in_structure(found[len(wanted) :]) if whole else None

    def replay_from(
        self,
        given: Pairs,
        wanted: Sequence[tf.Tensor],
        variables: Mapping[int, tf.Tensor] | None = None,
        *,
        same_sizes: bool = True,
    ) -> list[tf.Tensor]:
        """As `replay`, from any tensors of this graph; see `ReplayableGraph.replay`."""
        return self._replayable.replay(given, wanted, variables, same_sizes=same_sizes)

    def _in_structure(self, given: Sequence[tf.Tensor]) -> Any:
        """Tensors that stand for those of the answer, in its structure."""
        rest = iter(given)
        return keras.tree.map_structure(lambda leaf: next(rest) if isinstance(leaf, tf.Tensor) else leaf, self.answer)


def traced_network(network: Network, size: tuple[int, int] | None = None) -> TracedNetwork:
    """The one trace of `network` at a size, its own where none is named; made at the first call, for all that ask.

    Raises:
        Whatever the network raises: callers explain it (`run_errors_explained`).
    """
    specs = network.input_specs(size)
    key = tuple((tuple(spec.shape), spec.dtype.name) for spec in tf.nest.flatten(specs))
    with _ALONE:
        if key not in network.traces:
            network.traces[key] = TracedNetwork(network.model, specs)
        traced: TracedNetwork = network.traces[key]
    return traced


def image_of(network: Network, traced: TracedNetwork) -> tf.Tensor:
    """Which of the inputs of `traced` takes the image."""
    names = [slot.name for slot in keras.tree.flatten(network.input_slots)] if network.input_slots is not None else []
    return traced.inputs[names.index(network.image_input) if network.image_input in names else 0]
