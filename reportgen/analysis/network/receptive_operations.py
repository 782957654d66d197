"""What TensorFlow operations do to a receptive field: what lies between layers, and what custom layers consist of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import tensorflow as tf

from reportgen.analysis.network.receptive_windows import (
    FLATTENED,
    RESIZED,
    UNEVEN,
    WHOLE_IMAGE,
    Seen,
    State,
    Undefined,
    Window,
    sliding_window,
    through,
)

_POINTWISE_OPERATIONS = """
    Abs Add AddN AddV2 BiasAdd BiasAddV1 Cast CheckNumerics Ceil ClipByValue Cos Div DivNoNan Elu Equal Erf Erfc Exp
    Expm1 Floor FloorDiv FusedBatchNormV3 Greater GreaterEqual Identity IdentityN IsFinite LeakyRelu Less LessEqual Log
    Log1p LogicalAnd LogicalNot LogicalOr Maximum Minimum Mod Mul MulNoNan Neg NotEqual OnesLike Pow PreventGradient
    RealDiv Reciprocal Relu Relu6 Rint Round Rsqrt Select SelectV2 Selu Sigmoid Sign Sin Softplus Softsign Sqrt Square
    SquaredDifference StopGradient Sub Tan Tanh Xdivy Xlogy ZerosLike
"""
_SHAPES = frozenset({"Rank", "Shape", "ShapeN", "Size"})


def after_operation(operation: tf.Operation, tensor: tf.Tensor, states: Mapping[str, State]) -> State | None:
    """What the output `tensor` of a TensorFlow operation sees; None where that is nothing of the image."""
    if operation.type in _SHAPES:
        return None
    joined = joined_views(operation.inputs, states)
    if not isinstance(joined, Seen):
        return joined
    rule = _OPERATION_RULES.get(operation.type)
    if rule is None:
        return Undefined(f"what the operation {operation.type} sees is not followed")
    source = next(given for given in operation.inputs if given.name in states)
    return rule(operation, source, tensor, joined)


def joined_views(tensors: Sequence[tf.Tensor], states: Mapping[str, State]) -> State | None:
    """What a position sees through all of `tensors` together; None if none of them depends on the image."""
    found = [states[tensor.name] for tensor in tensors if tensor.name in states]
    undefined = next((state for state in found if isinstance(state, Undefined)), None)
    if undefined is not None:
        return undefined
    fields = [state for state in found if isinstance(state, Seen)]
    if len(fields) < 2:
        return fields[0] if fields else None
    if len({(field.stride, field.rows) for field in fields}) > 1:
        return Undefined(UNEVEN)
    ends = [(field.start[0] + field.size[0], field.start[1] + field.size[1]) for field in fields]
    start = (min(field.start[0] for field in fields), min(field.start[1] for field in fields))
    size = (max(end[0] for end in ends) - start[0], max(end[1] for end in ends) - start[1])
    return Seen(size, fields[0].stride, start, fields[0].rows)


def _pointwise_operation(_: tf.Operation, __: tf.Tensor, ___: tf.Tensor, field: Seen) -> State:
    return field


def _resized(_: tf.Operation, __: tf.Tensor, ___: tf.Tensor, ____: Seen) -> State:
    return Undefined(RESIZED)


def _kept(_: tf.Operation, source: tf.Tensor, tensor: tf.Tensor, field: Seen) -> State:
    return field if _same_map(source, tensor, field.rows) else Undefined(FLATTENED)


def _same_map(source: tf.Tensor, tensor: tf.Tensor, rows: int) -> bool:
    """Whether rows and columns are as they were."""
    if source.shape.rank != 4 or tensor.shape.rank != 4:
        return False
    return bool(source.shape[rows : rows + 2].as_list() == tensor.shape[rows : rows + 2].as_list())


def _window_operation(operation: tf.Operation, source: tf.Tensor, _: tf.Tensor, field: Seen) -> State:
    padding = operation.get_attr("padding").decode()
    if source is not operation.inputs[0] or padding == "EXPLICIT":
        return Undefined(f"what the operation {operation.type} sees is not followed")
    axes = (field.rows, field.rows + 1)
    strides = operation.get_attr("strides")
    if operation.type in ("AvgPool", "MaxPool"):
        sizes = operation.get_attr("ksize")
        kernel, dilation = [sizes[axis] for axis in axes], [1, 1]
    else:
        rates = operation.get_attr("dilations")
        kernel, dilation = operation.inputs[1].shape[:2].as_list(), [rates[axis] for axis in axes]
    return through(
        field,
        [
            sliding_window(source.shape[axis], kernel[i], strides[axis], dilation[i], padding)
            for i, axis in enumerate(axes)
        ],
    )


def _constant(tensor: tf.Tensor) -> list[int] | None:
    value = tf.get_static_value(tensor)
    return None if value is None else value.reshape(-1).tolist()


def _reduced(operation: tf.Operation, _: tf.Tensor, __: tf.Tensor, field: Seen) -> State:
    axes = _constant(operation.inputs[1])
    if axes is None or any(axis % 4 in (field.rows, field.rows + 1) for axis in axes):
        return Undefined(WHOLE_IMAGE)
    return field if operation.get_attr("keep_dims") else Undefined(FLATTENED)


def _padded(operation: tf.Operation, _: tf.Tensor, __: tf.Tensor, field: Seen) -> State:
    amounts = _constant(operation.inputs[1])
    if amounts is None or operation.type == "MirrorPad":
        return Undefined("the map is padded by an amount or a content that is not fixed")
    top, left = amounts[2 * field.rows], amounts[2 * field.rows + 2]
    return through(field, [Window(1, 1, -top), Window(1, 1, -left)])


def _einsum(operation: tf.Operation, source: tf.Tensor, _: tf.Tensor, field: Seen) -> State:
    """A product that runs over channels alone leaves rows and columns where they are."""
    left, right = operation.get_attr("equation").decode().split("->")
    term = left.split(",")[0]
    kept = source is operation.inputs[0] and len(term) == len(right) == 4 and "." not in term
    spatial = slice(field.rows, field.rows + 2)
    return field if kept and term[spatial] == right[spatial] else Undefined(FLATTENED)


def _transposed_axes(operation: tf.Operation, _: tf.Tensor, __: tf.Tensor, field: Seen) -> State:
    order = _constant(operation.inputs[1])
    if order is None or field.rows not in order:
        return Undefined(FLATTENED)
    rows = order.index(field.rows)
    if rows + 1 >= len(order) or order[rows + 1] != field.rows + 1:
        return Undefined(FLATTENED)
    return replace(field, rows=rows)


def _sliced(operation: tf.Operation, source: tf.Tensor, tensor: tf.Tensor, field: Seen) -> State:
    if _same_map(source, tensor, field.rows):
        return field
    begin, strides = _constant(operation.inputs[1]), _constant(operation.inputs[3])
    plain = source.shape.rank == 4 == tensor.shape.rank and not operation.get_attr("ellipsis_mask")
    if begin is None or strides is None or len(begin) <= field.rows + 1 or not plain:
        return Undefined("the map is cut in a way that is not followed")
    mask = operation.get_attr("begin_mask")
    windows = []
    for axis in (field.rows, field.rows + 1):
        first = 0 if mask & (1 << axis) else begin[axis]
        if first < 0 or strides[axis] < 1:
            return Undefined("the map is cut in a way that is not followed")
        windows.append(Window(1, strides[axis], first))
    return through(field, windows)


_OPERATION_RULES: dict[str, Callable[[tf.Operation, tf.Tensor, tf.Tensor, Seen], State]] = {
    **dict.fromkeys(_POINTWISE_OPERATIONS.split(), _pointwise_operation),
    **dict.fromkeys(("AvgPool", "Conv2D", "DepthwiseConv2dNative", "MaxPool"), _window_operation),
    **dict.fromkeys(("All", "Any", "Max", "Mean", "Min", "Prod", "Sum"), _reduced),
    **dict.fromkeys(("Pad", "PadV2", "MirrorPad"), _padded),
    **dict.fromkeys(("ConcatV2", "Reshape", "Softmax", "Split", "SplitV"), _kept),
    **dict.fromkeys(
        ("ResizeArea", "ResizeBicubic", "ResizeBilinear", "ResizeNearestNeighbor", "ScaleAndTranslate"), _resized
    ),
    "Einsum": _einsum,
    "StridedSlice": _sliced,
    "Transpose": _transposed_axes,
}
