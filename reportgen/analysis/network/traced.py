"""The forward call of a network, traced once: whatever reads its layers is cut from that one graph.

Running the Python of a network costs more than most of what is asked of it, so it is run once, with the batch left
open, while every layer call is watched. What else is to be computed takes the operations it needs from that graph into
its own (`TracedNetwork.replay`): for another batch, with reductions behind layers, in whatever function is being
traced. All of them read the same variables, so that a change of weights is seen by all.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from reportgen.analysis.network.convolution_gradients import convolution_gradients
from reportgen.analysis.network.unfused import unfused
from reportgen.analysis.network.watching import Seen, tensors_in, watched_calls
from reportgen.models import Network

Pairs = Iterable[tuple[tf.Tensor, tf.Tensor]]

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
        self._operations = _Operations(self.graph)
        self._with_added = self._operations

    def compute(self, fed: Any) -> Any:
        """The network's answer to `fed`, what `Network.feed` gives, in the model's own structure."""
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
        self, given: Pairs, wanted: Sequence[tf.Tensor], variables: Mapping[int, tf.Tensor] | None = None
    ) -> list[tf.Tensor]:
        """As `replay`, from any tensors of this graph; operations that were added to it may be wanted, too.

        Args:
            given: tensors of this graph and what stands for them in the graph being traced.
            variables: handles to be read instead of others, by the id of the latter.
        """
        added = any(tensor.op.name not in self._operations.nodes for tensor in wanted)
        if added and any(tensor.op.name not in self._with_added.nodes for tensor in wanted):
            self._with_added = _Operations(self.graph)
        operations = self._with_added if added else self._operations
        current, others = tf.compat.v1.get_default_graph(), variables or {}
        instead = {inner.name: outer for inner, outer in given}
        captures = zip(self.graph.external_captures, self.graph.internal_captures, strict=True)
        captured = {inner.name: outer for outer, inner in captures}
        outputs = [tensor for tensor in wanted if tensor.name not in instead]
        needed, ends = operations.leading_to(outputs, {*instead, *captured})
        reached = {
            name: instead[name] if name in instead else current.capture(others.get(id(captured[name]), captured[name]))
            for name in ends
        }
        names = [tensor.name for tensor in outputs]
        found = tf.graph_util.import_graph_def(needed, input_map=reached, return_elements=names, name="network")
        replayed = dict(zip(names, found, strict=True)) | instead
        for tensor in wanted:
            replayed[tensor.name].set_shape(tensor.shape)  # what Python alone knew, as behind a `py_function`
        return [replayed[tensor.name] for tensor in wanted]

    def _in_structure(self, given: Sequence[tf.Tensor]) -> Any:
        """Tensors that stand for those of the answer, in its structure."""
        rest = iter(given)
        return tf.nest.map_structure(lambda leaf: next(rest) if isinstance(leaf, tf.Tensor) else leaf, self.answer)


class _Operations:
    """The operations of a graph, written down as they are now."""

    def __init__(self, graph: Any) -> None:
        self._whole = graph.as_graph_def()
        self.nodes = {node.name: node for node in self._whole.node}
        for node in self._whole.node:
            node.attr.pop("_class", None)  # with whom an operation stands: not all of them come along
            for text in [text for text in node.input if text.startswith("^")]:
                if self.nodes[text[1:]].op == "Placeholder":  # it is there as soon as anything is
                    node.input.remove(text)

    def leading_to(self, wanted: Sequence[tf.Tensor], ends: Collection[str]) -> tuple[Any, list[str]]:
        """The `GraphDef` of what the tensors `wanted` are made of, and which of the tensors named in `ends` it reads.

        What those are made of is left out.
        """
        names: set[str] = set()
        reached: dict[str, None] = {}
        waiting = [tensor.name for tensor in wanted]
        while waiting:
            text = waiting.pop()
            tensor = text if ":" in text else f"{text}:0"
            name = text.removeprefix("^").partition(":")[0]
            if tensor in ends:
                reached[tensor] = None
            elif name not in names:
                names.add(name)
                waiting.extend(self.nodes[name].input)
        kept = tf.compat.v1.GraphDef(versions=self._whole.versions, library=self._whole.library)
        kept.node.extend(node for node in self._whole.node if node.name in names)
        return kept, list(reached)


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
