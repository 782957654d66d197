"""Which operations of a network's one trace do the same on images of other sizes, so that it need not be traced again.

A trace is made at the network's own size. What works value by value, window by window or over all positions at once
has nothing of that size in it: its constants are weights, steps and axes. An operation of another kind may, as a
reshaping to 49 positions has, and whatever reads it is as little to be relied on.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import tensorflow as tf

Axes = frozenset[int]

_NONE: Axes = frozenset()

# Value by value, inputs of fewer positions spread over the others.
_EACH = frozenset({
    "Abs", "Add", "AddN", "AddV2", "Cast", "Elu", "Erf", "Exp", "Identity", "LeakyRelu", "Log", "Log1p", "Maximum",
    "Minimum", "Mul", "Neg", "Pow", "RealDiv", "Relu", "Relu6", "Rsqrt", "Selu", "Sigmoid", "Softplus", "Softsign",
    "Sqrt", "Square", "SquaredDifference", "StopGradient", "Sub", "Tanh",
})  # fmt: skip
# Of their first input; the others say how.
_WINDOWS = frozenset({
    "AvgPool", "BiasAdd", "Conv2D", "DepthwiseConv2dNative", "FusedBatchNormV3", "MaxPool", "MirrorPad", "Pad", "PadV2",
    "Softmax",
})  # fmt: skip
_OVER_AXES = frozenset({"Max", "Mean", "Min"})

# Gradients that hold in any graph: those of `convolution_gradients`. A function of the user's may read tensors of the
# graph it was traced in.
_OWN_GRADIENTS = "Reportgen"


def same_on_open_sides(graph: tf.Graph, image: tf.Tensor, sides: Collection[int]) -> frozenset[str]:
    """The names of the operations of `graph` that may be put into another graph where images are of other sizes.

    What they compute there and its gradients are what the same network computes.

    Args:
        image: what the graph takes for the image.
        sides: the axes of it along which sizes differ; none where images are of the size that was traced.
    """
    open_axes: dict[str, Axes] = {image.name: frozenset(sides)}
    sound: set[str] = set()
    for operation in graph.get_operations():
        read = [*(tensor.op for tensor in operation.inputs), *operation.control_inputs]
        if any(other.name not in sound for other in read) or not _may_move(operation):
            continue
        axes = _axes_after(operation, [open_axes[tensor.name] for tensor in operation.inputs])
        if axes is not None:
            sound.add(operation.name)
            for tensor in operation.outputs:
                open_axes.setdefault(tensor.name, axes)
    return frozenset(sound)


def _may_move(operation: tf.Operation) -> bool:
    """Whether an operation needs nothing of the graph it stands in: it calls no function of that, nor its gradient."""
    attributes = operation.node_def.attr
    if any(value.HasField("func") or value.list.func for value in attributes.values()):
        return False
    own = attributes["_gradient_op_type"].s.decode() if "_gradient_op_type" in attributes else _OWN_GRADIENTS
    return own.startswith(_OWN_GRADIENTS)


def _axes_after(operation: tf.Operation, axes: Sequence[Axes]) -> Axes | None:
    """Along which axes the results differ in size, given those of the inputs; None where that is not known."""
    if not any(axes):
        return _NONE
    kind = operation.type
    if kind in _WINDOWS:
        return None if any(axes[1:]) or _channels_of(operation) & axes[0] else axes[0]
    if kind in _EACH:
        return _axes_of_spread(operation, axes)
    if kind == "ConcatV2":
        return axes[0] if set(axes[:-1]) == {axes[0]} else None
    if kind == "Transpose":
        order = tf.get_static_value(operation.inputs[1])
        return None if order is None else frozenset(to for to, axis in enumerate(order) if int(axis) in axes[0])
    return _axes_left(operation, axes[0]) if kind in _OVER_AXES else None


def _channels_of(operation: tf.Operation) -> Axes:
    """The axis of the first input along which channels lie; none of an operation that does not tell them from sides.

    Given other channels than were traced, a convolution would quietly be one of groups.
    """
    attributes = operation.node_def.attr
    if "data_format" not in attributes:
        return _NONE
    first = attributes["data_format"].s.startswith(b"NC")
    return frozenset({1 if first else operation.inputs[0].shape.rank - 1})


def _axes_of_spread(operation: tf.Operation, axes: Sequence[Axes]) -> Axes | None:
    """Of operations value by value; None where an input has positions of its own along an open axis."""
    ranks = [tensor.shape.rank for tensor in operation.inputs]
    if None in ranks:
        return None
    most = max(ranks)
    # Counted from the last axis, as inputs are laid on each other.
    from_last = [{axis - rank for axis in own} for own, rank in zip(axes, ranks, strict=True)]
    union = set().union(*from_last)
    result = operation.outputs[0].shape
    for tensor, rank, own in zip(operation.inputs, ranks, from_last, strict=True):
        closed = [axis for axis in union if axis >= -rank and axis not in own]
        # Where the trace has one position, what is spread over all is not told from what has a value for that one.
        if any(tensor.shape[axis] != 1 or result[axis] == 1 for axis in closed):
            return None
    return frozenset(axis + most for axis in union)


def _axes_left(operation: tf.Operation, axes: Axes) -> Axes | None:
    """Of what is taken over whole axes."""
    over, rank = tf.get_static_value(operation.inputs[1]), operation.inputs[0].shape.rank
    if over is None or rank is None:
        return None
    gone = {int(axis) % rank for axis in over.ravel()}
    if operation.get_attr("keep_dims"):
        return axes - gone
    return frozenset(axis - sum(each < axis for each in gone) for axis in axes - gone)
