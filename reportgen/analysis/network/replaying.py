"""Operations of one graph put into others: what was traced once is computed in whatever function needs a part of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import tensorflow as tf

Pairs = Iterable[tuple[tf.Tensor, tf.Tensor]]


class ReplayableGraph:
    """The graph of a traced function; operations may be added to it later. It reads the same variables elsewhere."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph
        self._operations = _Operations(graph)
        self._with_added = self._operations

    def replay(
        self,
        given: Pairs,
        wanted: Sequence[tf.Tensor],
        variables: Mapping[int, tf.Tensor] | None = None,
        *,
        same_sizes: bool = True,
    ) -> list[tf.Tensor]:
        """Put what the tensors `wanted` are made of into the graph being traced, and give their counterparts.

        Args:
            given: tensors of this graph and what stands for them in the graph being traced.
            variables: handles to be read instead of others, by the id of the latter.
            same_sizes: whether what stands for the inputs is of their shapes, so that all else is, too.
        """
        added = any(tensor.op.name not in self._operations.nodes for tensor in wanted)
        if added and any(tensor.op.name not in self._with_added.nodes for tensor in wanted):
            self._with_added = _Operations(self._graph)
        operations = self._with_added if added else self._operations
        current, others = tf.compat.v1.get_default_graph(), variables or {}
        instead = {inner.name: outer for inner, outer in given}
        captures = zip(self._graph.external_captures, self._graph.internal_captures, strict=True)
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
        if same_sizes:
            for tensor in wanted:
                replayed[tensor.name].set_shape(tensor.shape)  # what Python alone knew, as behind a `py_function`
        return [replayed[tensor.name] for tensor in wanted]


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
