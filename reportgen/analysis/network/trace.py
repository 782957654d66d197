"""The layer calls of a forward pass and how data flow between them, without computing anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from reportgen.analysis.network.traced import TracedNetwork
from reportgen.analysis.network.watching import INPUT, Seen, is_container, tensors_in
from reportgen.facts import Shape
from reportgen.models.keras_private import input_structure, origin_of

# What reads of a tensor how large it is, not what it holds.
SHAPE_OPERATIONS = frozenset({"Shape", "ShapeN", "Size", "Rank"})


@dataclass(frozen=True, eq=False)
class LayerCall:
    """One call of one layer during a forward pass.

    `name` is the layer's name below the network, `outer/inner` for nested ones; a further call of a
    shared layer (or shared sub-network), or of another layer of that name, gets `:2`, `:3`, ... `inputs` are
    the names of the calls whose outputs it reads (of a composite layer, one made of other watched layers:
    that its output is made from), `INPUT` for the network's own input, each once. Shapes include the batch;
    None where open. `input_tensors` and `output_tensors` are symbolic; `inner_operations` lead from the ones
    to the others inside the layer (of a composite layer: outside the layers it is made of), `loose_operations`
    lie before it, outside any layer (as in a custom `call` that adds two tensors).
    """

    name: str
    layer: keras.Layer
    inputs: tuple[str, ...]
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]
    input_tensors: tuple[tf.Tensor, ...]
    output_tensors: tuple[tf.Tensor, ...]
    inner_operations: tuple[tf.Operation, ...]
    loose_operations: tuple[tf.Operation, ...]
    channels_first: bool

    @property
    def operations(self) -> tuple[str, ...]:
        """The types of the loose operations, each once."""
        return tuple(dict.fromkeys(operation.type for operation in self.loose_operations))


@dataclass(frozen=True, eq=False)
class Trace:
    """All layer calls of a forward pass, in order, with the symbolic tensors of what goes in and comes out.

    `producers` maps the names of symbolic tensors to the layer calls that gave them (for what goes in: to
    the input layers, or `INPUT`). `layers` holds every watched layer, sub-networks too, under the names of
    its calls.
    """

    calls: tuple[LayerCall, ...]
    layers: Mapping[str, keras.Layer]
    inputs: tuple[tf.Tensor, ...]
    answer: tuple[tf.Tensor, ...]
    producers: Mapping[str, str]


def follow_calls(model: keras.Model, traced: TracedNetwork) -> Trace:
    """Say of every layer call in `traced` where its data come from.

    Returns:
        The calls of all layers that are no `keras.Model`.
    """
    calls: list[LayerCall] = []
    names = _input_names(model, len(traced.inputs))
    producers = {tensor.name: name for tensor, name in zip(traced.inputs, names, strict=True)}
    for seen in traced.seen:
        if not isinstance(seen.layer, keras.Model):
            calls.append(_layer_call(seen, producers))
            producers.update({tensor.name: seen.name for tensor in seen.outputs})
    layers = {seen.name: seen.layer for seen in traced.seen}
    return Trace(tuple(calls), layers, traced.inputs, tuple(tensors_in(traced.answer)), producers)


def trace_network(model: keras.Model, inputs: Any) -> Trace:
    """Follow every layer call of a forward pass, without computing anything.

    Args:
        inputs: a structure of `tf.TensorSpec` in the form the model takes; open sides may be None.
    """
    return follow_calls(model, TracedNetwork(model, inputs))


def _layer_call(seen: Seen, producers: Mapping[str, str]) -> LayerCall:
    sources, loose = _walk_up(seen.inputs, producers, stop=())
    within, inner = _walk_up(seen.outputs, producers, stop=[tensor.name for tensor in seen.inputs])
    return LayerCall(
        name=seen.name,
        layer=seen.layer,
        inputs=within if is_container(seen.layer) and within else sources,
        input_shapes=tuple(tuple(tensor.shape) for tensor in seen.inputs),
        output_shapes=tuple(tuple(tensor.shape) for tensor in seen.outputs),
        input_tensors=tuple(seen.inputs),
        output_tensors=tuple(seen.outputs),
        inner_operations=inner,
        loose_operations=loose,
        channels_first=seen.channels_first,
    )


def _input_names(model: keras.Model, count: int) -> list[str]:
    """The names of the input layers that take the tensors of the network's input; `INPUT` where there are none."""
    if isinstance(model, keras.Sequential):
        return [INPUT] * count
    tensors = tf.nest.flatten(input_structure(model))
    names = [origin_of(tensor)[0].name for tensor in tensors]
    return names if len(names) == count else [INPUT] * count


def _walk_up(
    tensors: Sequence[tf.Tensor], producers: Mapping[str, str], stop: Sequence[str]
) -> tuple[tuple[str, ...], tuple[tf.Operation, ...]]:
    """Walk the graph up from `tensors` to the nearest layer outputs, or to the tensors named in `stop`.

    Returns:
        The layer calls reached, and the operations on the way that carry data from them (those that only
        read weights or compute shapes are left out).
    """
    sources: dict[str, None] = {}
    readers: dict[str, list[tf.Operation]] = {}  # name of a tensor -> operations that read it
    ends: list[str] = []
    visited: set[str] = set()
    queue = list(tensors)
    while queue:
        tensor = queue.pop()
        if tensor.name in visited:
            continue
        visited.add(tensor.name)
        if tensor.name in stop or tensor.name in producers:
            ends.append(tensor.name)
            sources.update({producers[tensor.name]: None} if tensor.name in producers else {})
        elif tensor.op.type not in SHAPE_OPERATIONS:
            for source in tensor.op.inputs:
                readers.setdefault(source.name, []).append(tensor.op)
                queue.append(source)
    carriers: dict[str, tf.Operation] = {}
    while ends:
        for operation in readers.pop(ends.pop(), ()):
            carriers[operation.name] = operation
            ends.extend(output.name for output in operation.outputs)
    return tuple(reversed(sources)), tuple(carriers.values())
