"""The layer table: what every layer of a network is, costs and sees."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from reportgen.analysis.network.blocks import Place, divide_into_blocks
from reportgen.analysis.network.cost import count_macs
from reportgen.analysis.network.layer_kinds import kind_of
from reportgen.analysis.network.receptive_field import find_receptive_fields
from reportgen.analysis.network.running import RUN_ERRORS, run_errors_explained
from reportgen.analysis.network.tokens import find_token_grids
from reportgen.analysis.network.trace import LayerCall, Trace, follow_calls, trace_network
from reportgen.analysis.network.traced import image_of, traced_network
from reportgen.analysis.network.watching import INPUT, is_container
from reportgen.facts import ReceptiveField, Shape
from reportgen.models import Network
from reportgen.models.keras_private import held_layers
from reportgen.results import LayerSummary, NetworkSummary

_LAYERS = keras.layers

NEVER_CALLED = "the layer is not called in a forward pass"


@dataclass(frozen=True, eq=False)
class _Row:
    """A place in the table: a layer under the name of one of its calls, `call` None if it has none."""

    index: int
    name: str
    layer: keras.Layer
    call: LayerCall | None
    first: bool


@dataclass(frozen=True, eq=False)
class _Facts:
    """What is known of all layer calls, under their names."""

    actual: Trace
    shapes: Mapping[str, tuple[Shape, ...]]  # of the outputs, None where the network leaves a side open
    macs: Mapping[str, int | None]
    fields: Mapping[str, ReceptiveField | str]
    token_grids: Mapping[str, tuple[int, int, int]]
    blocks: Mapping[str, str]


def summarize_network(network: Network) -> NetworkSummary:
    """Describe every layer of `network`, its blocks and its totals.

    Rows stand in the order of `model.layers`, nested networks opened up, those of a subclassed network in the order
    in which it calls them. The indices are those of `model.layers` where nothing is nested; further calls of a shared
    layer carry the index of the first.

    Raises:
        ReportgenError: the network cannot run on an input of its size.
    """
    with run_errors_explained(network):
        traced = traced_network(network)
        actual = follow_calls(network.model, traced)
        shapes = _open_shapes(network, actual)
    macs, mac_count = count_macs(actual)
    token_grids = find_token_grids(actual)
    rows = _as_called(list(_rows(network.model, actual)), network.model, actual)
    blocks = divide_into_blocks([_place(row, token_grids) for row in rows], network.size)
    facts = _Facts(
        actual=actual,
        shapes=shapes,
        macs=macs,
        fields=find_receptive_fields(actual, image_of(network, traced)),
        token_grids=token_grids,
        blocks={name: block.name for block in blocks for name in block.layers},
    )
    layers = tuple(_summarize_row(row, facts) for row in rows)
    memory = [layer.memory_bytes for layer in layers if layer.memory_bytes is not None]
    model = network.model
    return NetworkSummary(
        layers=layers,
        blocks=blocks,
        parameter_count=_count_weights(model.weights),
        trainable_parameter_count=_count_weights(model.trainable_weights),
        mac_count=mac_count,
        memory_bytes=sum(memory) if memory else None,
        input_shape=_one_or_all([(None, *_shape_of(slot.shape)[1:]) for slot in _slots(network, actual)]),
        output_shape=_one_or_all(shapes[INPUT]),
    )


def _slots(network: Network, actual: Trace) -> Sequence[Any]:
    return keras.tree.flatten(network.input_slots) if network.input_slots is not None else actual.inputs


def _open_shapes(network: Network, actual: Trace) -> dict[str, tuple[Shape, ...]]:
    """The output shapes of all calls with None where the network leaves a side open; `INPUT` stands for its answer."""
    slots = keras.tree.flatten(network.input_slots) if network.input_slots is not None else []
    if not any(None in slot.shape[1:] for slot in slots):
        return _output_shapes(actual)
    specs = keras.tree.map_structure(lambda slot: tf.TensorSpec(slot.shape, slot.dtype), network.input_slots)
    try:
        return _output_shapes(trace_network(network.model, specs))
    except RUN_ERRORS:
        # Some layers run on open sides alone where Python may look at them, such as an enlargement that is smooth.
        return _sides_that_follow(network, actual)


def _sides_that_follow(network: Network, actual: Trace) -> dict[str, tuple[Shape, ...]]:
    """As `_open_shapes`, by what changes with images of twice the size; as they are where those do not run."""
    shapes = _output_shapes(actual)
    try:
        twice = _output_shapes(trace_network(network.model, network.input_specs(_twice(network))))
    except RUN_ERRORS:
        return shapes
    return {
        name: tuple(
            tuple(side if side == larger else None for side, larger in zip(one, other, strict=True))
            if len(one) == len(other)
            else one
            for one, other in zip(own, twice.get(name, own), strict=True)
        )
        for name, own in shapes.items()
    }


def _twice(network: Network) -> tuple[int, int]:
    """Twice the network's size, where that is open."""
    slots = keras.tree.flatten(network.input_slots)
    shape = next(slot.shape for slot in slots if slot.name == network.image_input or len(slots) == 1)
    sides = shape[2:4] if network.channels_first else shape[1:3]
    height, width = (
        side * (2 if open_side is None else 1) for side, open_side in zip(network.size, sides, strict=True)
    )
    return height, width


def _output_shapes(trace: Trace) -> dict[str, tuple[Shape, ...]]:
    shapes = {call.name: call.output_shapes for call in trace.calls}
    shapes[INPUT] = tuple(_shape_of(tensor.shape) for tensor in trace.answer)
    return shapes


def _shape_of(shape: Any) -> Shape:
    return tuple(None if side is None else int(side) for side in shape)


def _count_weights(weights: Sequence[Any]) -> int:
    """The number of values in `weights`, a variable that occurs twice counted once."""
    return sum(math.prod(weight.shape) for weight in {id(weight): weight for weight in weights}.values())


def _one_or_all(shapes: Sequence[Shape]) -> Shape | tuple[Shape, ...]:
    return shapes[0] if len(shapes) == 1 else tuple(shapes)


# --- rows -----------------------------------------------------------------------------------------


def _rows(model: keras.Model, trace: Trace) -> Iterator[_Row]:
    calls = {call.name: call for call in trace.calls}
    called = {id(call.layer) for call in trace.calls}
    names: dict[tuple[str, int], list[str]] = {}  # name of the call around it, id of the layer -> names of its calls
    for name, layer in trace.layers.items():
        names.setdefault((name.rpartition("/")[0], id(layer)), []).append(name)
    indices: dict[int, int] = {}  # id of a layer -> its index
    for name, layer in _named_layers(model, "", names):
        if name not in calls and (id(layer) in called or id(layer) in indices):
            continue  # held here as well, but described where it is called
        first = id(layer) not in indices
        index = indices.setdefault(id(layer), len(indices))
        yield _Row(index, name, layer, calls.get(name), first=first)


def _named_layers(
    container: keras.Layer, path: str, names: Mapping[tuple[str, int], Sequence[str]]
) -> Iterator[tuple[str, keras.Layer]]:
    """All layers `container` is made of, under the names of their calls or, without one, of their place.

    `path` is the name of the call of `container`. A composite layer stands after its parts.
    """
    for layer in _children(container):
        if isinstance(layer, _LAYERS.InputLayer) and path:
            continue
        for own in names.get((path, id(layer))) or [f"{path}/{layer.name}" if path else layer.name]:
            if is_container(layer):
                yield from _named_layers(layer, own, names)
            if not isinstance(layer, keras.Model):
                yield own, layer


def _children(container: keras.Layer) -> list[keras.Layer]:
    """The layers of a network or composite layer, each once, in Keras' order."""
    layers = container.layers if isinstance(container, keras.Model) else held_layers(container)
    return list({id(layer): layer for layer in layers}.values())


def _as_called(rows: Sequence[_Row], model: keras.Model, trace: Trace) -> Sequence[_Row]:
    """The rows with those of subclassed networks, which may hold their layers in any order, in that of their calls.

    Where Keras knows the graph, its own order is that of the graph already.
    """
    networks = {"": model} | {f"{name}/": layer for name, layer in trace.layers.items()}
    order = {call.name: place for place, call in enumerate(trace.calls)}
    for prefix, network in sorted(networks.items(), key=lambda item: len(item[0])):
        if isinstance(network, keras.Model) and not getattr(network, "outputs", None):
            rows = _sorted_within(rows, prefix, order)
    return rows


def _sorted_within(rows: Sequence[_Row], prefix: str, order: Mapping[str, int]) -> Sequence[_Row]:
    """The rows of one network by when what it calls itself is called first; what never is goes before what it did."""
    own = [row for row in rows if row.name.startswith(prefix)]
    called = [row.name.removeprefix(prefix).partition("/")[0] for row in own]
    first: dict[str, int] = {}
    for name, row in zip(called, own, strict=True):
        if row.name in order:
            first[name] = min(order[row.name], first.get(name, len(order)))
    following = len(order)
    for name in reversed(called):
        following = first.setdefault(name, following)
    ordered = iter(sorted(zip(called, own, strict=True), key=lambda pair: first[pair[0]]))
    return [next(ordered)[1] if row.name.startswith(prefix) else row for row in rows]


def _place(row: _Row, token_grids: Mapping[str, tuple[int, int, int]]) -> Place:
    """The row as the division into blocks sees it."""
    shape = _actual_shape(row.call) if row.call else None
    resolution = token_grids[row.name][:2] if row.name in token_grids else None
    if shape is not None and len(shape) == 4 and shape[1] is not None and shape[2] is not None:
        resolution = (shape[1], shape[2])
    is_attention = "Attention" in type(row.layer).__name__ and not is_container(row.layer)
    return Place(row.name, resolution, kind_of(row.layer) == "convolution", is_attention)


def _summarize_row(row: _Row, facts: _Facts) -> LayerSummary:
    layer, call = row.layer, row.call
    shapes = facts.shapes.get(row.name, ()) if call else ()
    if isinstance(layer, _LAYERS.InputLayer):
        shapes = (_shape_of(layer.batch_shape),)
    actual = _actual_shape(call) if call else _input_shape(row.name, facts.actual)
    field = facts.fields.get(row.name) if call else _input_field(row, actual)
    weights, trainable = _own_weights(layer)
    return LayerSummary(
        index=row.index,
        name=row.name,
        type=type(layer).__name__,
        kind=kind_of(layer),
        block=facts.blocks.get(row.name),
        output_shape=_one_or_all(shapes) if shapes else None,
        actual_shape=actual,
        parameter_count=_count_weights(weights) if row.first else 0,
        trainable_parameter_count=_count_weights(trainable) if row.first else 0,
        mac_count=facts.macs.get(row.name) if call else 0,
        memory_bytes=_memory(call.output_tensors) if call else None,
        receptive_field=field if isinstance(field, ReceptiveField) else None,
        receptive_field_note=field if isinstance(field, str) else None,
        inputs=tuple(name for name in call.inputs if name != INPUT) if call else (),
        is_map=call is not None and actual is not None and len(actual) == 4,
        token_grid=facts.token_grids.get(row.name),
        details=describe_layer(layer),
    )


def _input_field(row: _Row, actual: Shape | None) -> ReceptiveField | str:
    if not isinstance(row.layer, _LAYERS.InputLayer):
        return NEVER_CALLED
    if actual is None or len(actual) != 4:
        return "this input is not the image"
    return ReceptiveField(size=(1, 1), stride=(1.0, 1.0), padding=(0.0, 0.0))


def _own_weights(layer: keras.Layer) -> tuple[list[Any], list[Any]]:
    """All weights of `layer` and the trainable ones, without those of layers that have rows of their own."""
    if not is_container(layer):
        return layer.weights, layer.trainable_weights
    inner = {id(weight) for child in held_layers(layer) for weight in child.weights}
    return (
        [weight for weight in layer.weights if id(weight) not in inner],
        [weight for weight in layer.trainable_weights if id(weight) not in inner],
    )


def _actual_shape(call: LayerCall) -> Shape | None:
    """The shape of the first output for one image, a map with its channels last."""
    if not call.output_shapes:
        return None
    shape = _for_one_image(call.output_shapes[0])
    if call.channels_first and len(shape) == 4:
        return (shape[0], shape[2], shape[3], shape[1])
    return shape


def _input_shape(name: str, trace: Trace) -> Shape | None:
    shapes = [tensor.shape for tensor in trace.inputs if trace.producers[tensor.name] == name]
    return _for_one_image(_shape_of(shapes[0])) if shapes else None


def _for_one_image(shape: Shape) -> Shape:
    return (1, *shape[1:]) if shape and shape[0] is None else shape


def _memory(tensors: Sequence[tf.Tensor]) -> int | None:
    """Bytes of `tensors` for one image, None where a side is not known."""
    total = 0
    for tensor in tensors:
        shape = _for_one_image(_shape_of(tensor.shape)) if tensor.shape.rank is not None else (None,)
        if any(side is None for side in shape):
            return None
        total += math.prod(side or 0 for side in shape) * tensor.dtype.size
    return total


# --- details --------------------------------------------------------------------------------------


def describe_layer(layer: keras.Layer) -> dict[str, str]:
    """What a reader asks of this kind of layer: kernel, strides, activation, rate, ... as text.

    Settings that do nothing (dilation 1, one group, linear activation) are left out.
    """
    found = {label: _said(getattr(layer, attribute, None)) for attribute, label in _DETAILS.items()}
    found["activation"] = _activation_name(layer)
    found["rate"] = _said(getattr(layer, "rate", None)) if not hasattr(layer, "dilation_rate") else None
    return {label: text for label, text in found.items() if text is not None and text not in _IDLE.get(label, ())}


_DETAILS = {
    "kernel_size": "kernel",
    "pool_size": "pool",
    "filters": "filters",
    "depth_multiplier": "depth multiplier",
    "units": "units",
    "strides": "strides",
    "padding": "padding",
    "cropping": "cropping",
    "size": "factor",
    "interpolation": "interpolation",
    "dilation_rate": "dilation",
    "groups": "groups",
    "axis": "axis",
    "epsilon": "epsilon",
    "negative_slope": "negative slope",
    "max_value": "ceiling",
    "num_heads": "heads",
    "key_dim": "key size",
    "scale": "scale",
    "offset": "offset",
    "target_shape": "target shape",
    "equation": "equation",
    "input_dim": "entries",
    "output_dim": "size of an entry",
}

# What a setting is when it does nothing.
_IDLE = {
    "activation": ("linear",),
    "axis": ("-1",),
    "depth multiplier": ("1",),
    "dilation": ("1", "1x1", "1x1x1"),
    "groups": ("1",),
    "negative slope": ("0",),
    "offset": ("0",),
}


def _said(value: Any) -> str | None:
    """A setting as text: sizes as 3x3, padding of two sides as (0, 1), (0, 1); None for what is no plain value."""
    if isinstance(value, bool) or value is None or callable(value):
        return None
    if isinstance(value, list | tuple):
        parts = [_said(part) for part in value]
        if any(part is None for part in parts):
            return None
        if all(isinstance(part, int) for part in value):
            return "x".join(str(part) for part in value)
        return ", ".join(str(tuple(part)) if isinstance(part, list | tuple) else str(part) for part in value)
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    return value if isinstance(value, str) else None


def _activation_name(layer: keras.Layer) -> str | None:
    activation = getattr(layer, "activation", None)
    if activation is None:
        return None
    name = getattr(activation, "__name__", None) or getattr(activation, "name", None)
    return str(name) if name else type(activation).__name__
