"""Multiply-accumulates of every layer, the count publications give for a network.

One multiply-accumulate is a multiplication of a weight (or, in attention, of an activation) with an
activation and the addition of the product to a sum. Bias additions, normalisation, activations, pooling
and merging count nothing, as in the papers on MobileNet and EfficientNet. Keras' convolutions and dense and
recurrent layers are counted by their settings, all else by the matrix products it consists of.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import keras
import tensorflow as tf

from reportgen.analysis.network.trace import LayerCall, Trace
from reportgen.facts import Shape

_LAYERS = keras.layers


class _UnknownCountError(Exception):
    """A size that is not known before the network runs."""


def count_macs(trace: Trace) -> tuple[dict[str, int | None], int | None]:
    """Multiply-accumulates for one image.

    Args:
        trace: of the network at its actual input size; an open batch counts as one.

    Returns:
        The count of every layer call, None where it cannot be known, and that of the whole network:
        products outside all layers included, None if any part is unknown.
    """
    counts = {call.name: _count_call(call) for call in trace.calls}
    loose: dict[str, dict[str, tf.Operation]] = {}  # by the composite layer they stand in, "" for none
    for call in trace.calls:
        parent = call.name.rpartition("/")[0]
        owner = parent if parent in counts else ""
        loose.setdefault(owner, {}).update({operation.name: operation for operation in call.loose_operations})
    outside: int | None = 0
    for owner, operations in loose.items():
        count = _count_operations(operations.values())
        if owner:
            counts[owner] = _added(counts[owner], count)
        else:
            outside = _added(outside, count)
    total = outside
    for count in counts.values():
        total = _added(total, count)
    return counts, total


def _added(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _count_call(call: LayerCall) -> int | None:
    rule = next((rule for kinds, rule in _RULES if isinstance(call.layer, kinds)), None)
    if rule is None:
        return _count_operations(call.inner_operations)
    try:
        return rule(call)
    except _UnknownCountError:
        return None


def _size(shape: Iterable[int | None]) -> int:
    """The number of elements for one image: the open batch counts as one."""
    first, *rest = shape
    sides = [1 if first is None else first, *rest]
    if any(side is None for side in sides):
        raise _UnknownCountError
    return math.prod(side for side in sides if side is not None)


def _channels(shape: Shape, call: LayerCall) -> int:
    channels = shape[1] if getattr(call.layer, "data_format", None) == "channels_first" else shape[-1]
    if channels is None:
        raise _UnknownCountError
    return channels


# --- layers ---------------------------------------------------------------------------------------


def _taps(layer: keras.Layer) -> int:
    return int(math.prod(layer.kernel_size))


def _convolution(call: LayerCall) -> int:
    layer = call.layer
    channels = _channels(call.input_shapes[0], call)
    return _size(call.output_shapes[0]) * _taps(layer) * channels // int(layer.groups)


def _transposed_convolution(call: LayerCall) -> int:
    return _size(call.input_shapes[0]) * _taps(call.layer) * int(call.layer.filters)


def _depthwise_convolution(call: LayerCall) -> int:
    return _size(call.output_shapes[0]) * _taps(call.layer)


def _separable_convolution(call: LayerCall) -> int:
    layer = call.layer
    positions = _size(call.output_shapes[0]) // int(layer.filters)
    middle = _channels(call.input_shapes[0], call) * int(layer.depth_multiplier)
    return positions * middle * (_taps(layer) + int(layer.filters))


def _dense(call: LayerCall) -> int:
    return _size(call.output_shapes[0]) * _channels((call.input_shapes[0][-1],), call)


def _recurrent(call: LayerCall) -> int:
    steps = _size(call.input_shapes[0][:2])
    return steps * _cell_size(call.layer.cell)


def _bidirectional(call: LayerCall) -> int:
    steps = _size(call.input_shapes[0][:2])
    return steps * (_cell_size(call.layer.forward_layer.cell) + _cell_size(call.layer.backward_layer.cell))


def _cell_size(cell: keras.Layer) -> int:
    if not isinstance(cell, _LAYERS.SimpleRNNCell | _LAYERS.LSTMCell | _LAYERS.GRUCell):
        raise _UnknownCountError
    return int(math.prod(cell.kernel.shape) + math.prod(cell.recurrent_kernel.shape))


# The first entry that matches counts: what derives from a convolution comes before it.
_RULES: tuple[tuple[tuple[type, ...], Callable[[LayerCall], int]], ...] = (
    ((_LAYERS.Conv1DTranspose, _LAYERS.Conv2DTranspose, _LAYERS.Conv3DTranspose), _transposed_convolution),
    ((_LAYERS.DepthwiseConv1D, _LAYERS.DepthwiseConv2D), _depthwise_convolution),
    ((_LAYERS.SeparableConv1D, _LAYERS.SeparableConv2D), _separable_convolution),
    ((_LAYERS.Conv1D, _LAYERS.Conv2D, _LAYERS.Conv3D), _convolution),
    ((_LAYERS.Dense,), _dense),
    ((_LAYERS.Bidirectional,), _bidirectional),
    ((_LAYERS.RNN,), _recurrent),
)


# --- operations -----------------------------------------------------------------------------------


def _count_operations(operations: Iterable[tf.Operation]) -> int | None:
    try:
        return sum(_count_operation(operation) for operation in operations)
    except _UnknownCountError:
        return None


def _count_operation(operation: tf.Operation) -> int:
    kind = operation.type
    if kind in ("While", "StatelessWhile", "Scan"):
        raise _UnknownCountError  # as often as the data say
    if kind in ("PartitionedCall", "StatefulPartitionedCall"):
        return _count_function(operation)
    if kind not in _PRODUCTS:
        return 0
    return _PRODUCTS[kind](operation)


def _count_function(operation: tf.Operation) -> int:
    name = operation.get_attr("f").name
    body = operation.graph._get_function(name)
    graph = getattr(body, "graph", None)
    if graph is None:
        raise _UnknownCountError
    return sum(_count_operation(inner) for inner in graph.get_operations())


def _shape(tensor: tf.Tensor) -> list[int | None]:
    if tensor.shape.rank is None:
        raise _UnknownCountError
    return list(tensor.shape)


def _kernel_product(operation: tf.Operation) -> int:
    """A convolution: every output value sums over the kernel without its last axis."""
    return _size(_shape(operation.outputs[0])) * _size(_shape(operation.inputs[1])[:-1])


def _depthwise_product(operation: tf.Operation) -> int:
    return _size(_shape(operation.outputs[0])) * _size(_shape(operation.inputs[1])[:2])


def _transposed_product(operation: tf.Operation) -> int:
    """A transposed convolution: kernel `(height, width, out, in)`, every input value meets all but the last axis."""
    return _size(_shape(operation.inputs[2])) * _size(_shape(operation.inputs[1])[:-1])


def _matrix_product(operation: tf.Operation) -> int:
    turned = operation.get_attr("transpose_a" if operation.type == "MatMul" else "adj_x")
    inner = _shape(operation.inputs[0])[-2 if turned else -1]
    if inner is None:
        raise _UnknownCountError
    return _size(_shape(operation.outputs[0])) * inner


def _einsum(operation: tf.Operation) -> int:
    """A sum of products: as many as there are combinations of all indices; one operand sums without product."""
    left, _ = operation.get_attr("equation").decode().split("->")
    terms = left.split(",")
    if len(terms) < 2:
        return 0
    sides: dict[str, int | None] = {}
    for term, tensor in zip(terms, operation.inputs, strict=True):
        for index, side in zip(_spelled(term, tensor.shape.rank), _shape(tensor), strict=True):
            if sides.get(index) in (None, 1):
                sides[index] = side
    unknown = [index for index, side in sides.items() if side is None]
    if len(unknown) > 1:
        raise _UnknownCountError
    return math.prod(side for side in sides.values() if side is not None)  # the one open side is the batch


def _spelled(term: str, rank: int | None) -> list[str]:
    """The indices of one operand, those an ellipsis stands for numbered from the right."""
    if rank is None:
        raise _UnknownCountError
    before, dots, after = term.partition("...")
    hidden = rank - len(before) - len(after)
    middle = [f".{place}" for place in range(hidden, 0, -1)] if dots else []
    return [*before, *middle, *after]


_PRODUCTS: dict[str, Callable[[tf.Operation], int]] = {
    "BatchMatMul": _matrix_product,
    "BatchMatMulV2": _matrix_product,
    "BatchMatMulV3": _matrix_product,
    "Conv2D": _kernel_product,
    "Conv2DBackpropInput": _transposed_product,
    "Conv3D": _kernel_product,
    "Conv3DBackpropInputV2": _transposed_product,
    "DepthwiseConv2dNative": _depthwise_product,
    "Einsum": _einsum,
    "MatMul": _matrix_product,
}
