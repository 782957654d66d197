"""What can be told of a network's outputs before their kind is known: names, shapes, last operations, answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from reportgen.analysis.network.layer_kinds import kind_of
from reportgen.analysis.network.running import run_errors_explained
from reportgen.analysis.network.settled_output import SUM_TOLERANCE
from reportgen.analysis.network.traced import TracedNetwork, traced_network
from reportgen.analysis.network.watching import is_of_numbers, tensors_in
from reportgen.facts import Shape
from reportgen.models import Network
from reportgen.models.keras_private import calls_of, origin_of
from reportgen.results import FloatArray

# Kinds of layers, and operations, that change no value.
_PASS_ON = frozenset({"input", "flattening", "reshaping", "resting"})
_PASS_ON_OPERATIONS = ("Squeeze", "Reshape", "Cast", "Identity")

# Of TensorFlow: operations that pass values on, those that are an activation, and those that sum weighted values.
_PASSING = ("Identity", "Reshape", "Squeeze", "ExpandDims", "Cast", "StopGradient", "Transpose", "PreventGradient")
_ACTIVATIONS = {
    "Softmax": "softmax",
    "LogSoftmax": "log_softmax",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Relu": "relu",
    "Relu6": "relu6",
    "LeakyRelu": "leaky_relu",
    "Elu": "elu",
    "Selu": "selu",
    "Softplus": "softplus",
    "Softsign": "softsign",
}
_DENSE = ("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum")
_ELEMENTWISE = (*_ACTIVATIONS, *_PASSING, "BiasAdd", "AddV2", "Add", "Sub", "Mul", "RealDiv", "Maximum", "Minimum")

# How many operations back the last weighted sum is looked for.
_MOST_STEPS = 32

# Calls of functions, behind which nothing is seen.
_CALLS = ("PartitionedCall", "StatefulPartitionedCall", "While", "StatelessWhile", "If", "StatelessIf", "PyFunc")

LastSum = Literal["dense", "convolution", "none", "unknown"]

# What an output gives instead of an answer in numbers to each image: a loss that is of all images it is shown; names
# of classes, or complex numbers.
Lack = Literal["one answer for all images together", "no real numbers"]


@dataclass(frozen=True, eq=False)
class SeenOutput:
    """One output: `answers` `(images, ...)` float32 to a few images, maps with their channels last.

    `activation` is the last one by Keras' name, "linear" where there is none, None where it cannot be told;
    `layer` names the layer it stands in, `call` the layer call that gives it (`outer/inner`), None where an operation
    outside layers does. `last_sum` says whether values come from a dense layer (a convolution on a
    map of one position is one), from a convolution, or from neither, such as a pooling; "unknown": it cannot be told.
    `lacks` is what it gives instead where there is no answer for each image, which `answers` are then none of.
    """

    index: int
    name: str
    shape: Shape
    answers: FloatArray
    activation: str | None
    layer: str | None
    last_sum: LastSum
    channels_first: bool
    call: str | None = None
    lacks: Lack | None = None

    @property
    def size(self) -> tuple[int, ...]:
        """The shape of the answer to one image."""
        return self.answers.shape[1:]

    @property
    def is_vector(self) -> bool:
        """Whether it is a row of numbers, or one."""
        return self.answers.ndim == 2

    @property
    def is_map(self) -> bool:
        """Whether it is `(height, width, channels)`."""
        return self.answers.ndim == 4

    @property
    def sums_to_one(self) -> bool:
        """Whether the last axis holds probabilities that sum to one in every answer."""
        values = self.answers
        if not values.size or values.shape[-1] < 2 or not bool(((values >= 0) & (values <= 1)).all()):
            return False
        return bool(np.abs(values.sum(axis=-1, dtype=np.float64) - 1).max() <= SUM_TOLERANCE)


def see_outputs(network: Network, answer: Any, images: int) -> tuple[SeenOutput, ...]:
    """Look at each output of `network`, in Keras' flat order.

    Args:
        answer: the model's outputs for a few images, in its own structure.
        images: how many these are.

    Raises:
        ReportgenError: the network cannot run.
    """
    given = tensors_in(answer)
    leaves = [
        np.asarray(leaf, np.float32) if is_of_numbers(leaf) else np.zeros(leaf.shape, np.float32) for leaf in given
    ]
    traced = _trace(network)
    symbolic = _symbolic(network.model, len(leaves))
    names = _names(answer, symbolic, [found.layer for found in traced])
    seen = []
    for index, values in enumerate(leaves):
        last = _last_operation(symbolic[index]) if symbolic else None
        by_layer = _activation(last) if last is not None else None
        shape = tuple(symbolic[index].shape) if symbolic else (None, *values.shape[1:])[: values.ndim]
        answers, turned = _answers(values, shape, channels_first=network.channels_first)
        seen.append(
            SeenOutput(
                index=index,
                name=names[index],
                shape=shape,
                answers=answers,
                activation=by_layer if by_layer not in (None, "linear") else traced[index].activation or by_layer,
                layer=getattr(last, "name", None) or traced[index].layer,
                last_sum=traced[index].last_sum,
                channels_first=turned,
                call=traced[index].call,
                lacks=_lack(given[index], traced[index], images),
            )
        )
    return tuple(seen)


def _answers(values: FloatArray, shape: Shape, *, channels_first: bool) -> tuple[FloatArray, bool]:
    """The answers with a map's channels last, and whether they were moved there.

    A map or row of tokens whose only position is all that the network ever gives, such as behind a pooling that keeps
    the sides, is a row of numbers, and a number for each image a row of one.
    """
    sides = tuple(shape[2:4] if channels_first and values.ndim == 4 else shape[1:-1])
    if values.ndim > 2 and all(side == 1 for side in sides):
        return values.reshape(len(values), -1), False
    if values.ndim == 4 and channels_first:
        return np.moveaxis(values, 1, 3), True
    return values[:, None] if values.ndim == 1 else values, False


def _lack(answers: tf.Tensor, traced: _Traced, images: int) -> Lack | None:
    if not is_of_numbers(answers):
        return "no real numbers"
    # Some networks run on one image at a time, and say so by a first axis of one.
    of_one = images == 1 and answers.shape[:1] == (1,)
    return None if traced.per_image or of_one else "one answer for all images together"


def _symbolic(model: keras.Model, count: int) -> list[Any]:
    """The symbolic outputs of a graph of layers, in flat order; none for other networks."""
    outputs = getattr(model, "outputs", None)
    return list(outputs) if outputs and len(outputs) == count else []


def _names(answer: Any, symbolic: Sequence[Any], layers: Sequence[str | None]) -> list[str]:
    """A name for each output: the key of the dictionary, else its layer's, numbered where it repeats."""
    names: list[str] = []
    paths = [path for path, leaf in keras.tree.flatten_with_path(answer) if isinstance(leaf, tf.Tensor)]
    for index, path in enumerate(paths):
        keys = [part for part in path if isinstance(part, str)]
        if keys:
            name = keys[-1]
        elif symbolic:
            name = str(origin_of(symbolic[index])[0].name)
        else:
            name = layers[index] or "output"
        number, unique = 0, name
        while unique in names:
            number += 1
            unique = f"{name}_{number}"
        names.append(unique)
    return names


def _last_operation(tensor: Any) -> Any:
    """The operation a symbolic output comes from, past those that change no value."""
    while True:
        operation, node_index, tensor_index = origin_of(tensor)
        if isinstance(operation, keras.Model) and operation.outputs:
            tensor = operation.outputs[tensor_index]
            continue
        node = calls_of(operation)[node_index]
        linear = type(operation) is keras.layers.Activation and _activation(operation) == "linear"
        passes = kind_of(operation) in _PASS_ON or type(operation).__name__ in _PASS_ON_OPERATIONS or linear
        if not passes or len(node.input_tensors) != 1:
            return operation
        tensor = node.input_tensors[0]


def _activation(operation: Any) -> str | None:
    if type(operation).__name__ in ("Softmax", "Sigmoid", "LogSoftmax"):
        return {"Softmax": "softmax", "Sigmoid": "sigmoid", "LogSoftmax": "log_softmax"}[type(operation).__name__]
    activation = getattr(operation, "activation", None)
    return getattr(activation, "__name__", type(activation).__name__) if activation is not None else None


# --- by the graph ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Traced:
    """What the graph tells of an output: its last activation, the layer call that gave it, its last weighted sum.

    And whether its first axis is that of the images.
    """

    activation: str | None
    layer: str | None
    call: str | None
    last_sum: LastSum
    per_image: bool


def _trace(network: Network) -> list[_Traced]:
    """What the graph of operations tells of each output, whatever kind of network it is."""
    with run_errors_explained(network):
        traced = traced_network(network)
    given = {tensor.name: seen for seen in reversed(traced.seen) for tensor in seen.outputs}
    found = []
    for leaf in tensors_in(traced.answer):
        seen = given.get(leaf.name)
        layer, call = (seen.layer.name, seen.name) if seen is not None else (None, None)
        found.append(_Traced(_graph_activation(leaf), layer, call, _last_sum(leaf), _is_per_image(leaf, traced)))
    return found


def _is_per_image(leaf: tf.Tensor, traced: TracedNetwork) -> bool:
    """Whether the first axis of an output is as long as that of what went in, as far as its shape tells."""
    if leaf.shape.rank is None:
        return True
    return leaf.shape.rank > 0 and leaf.shape[0] in (None, traced.inputs[0].shape[0])


def _graph_activation(tensor: tf.Tensor) -> str | None:
    operation = _past(tensor.op)
    if operation.type in _ACTIVATIONS:
        return _ACTIVATIONS[operation.type]
    if operation.type in ("BiasAdd", "Conv2D", *_DENSE):
        return "linear"
    if operation.type in ("AddV2", "Add") and any(_past(item.op).type in _DENSE for item in operation.inputs):
        return "linear"
    return None


def _past(operation: tf.Operation) -> tf.Operation:
    """The operation values come from, past those that pass them on."""
    while operation.type in _PASSING and operation.inputs:
        operation = operation.inputs[0].op
    return operation


def _last_sum(tensor: tf.Tensor) -> LastSum:
    """What kind of weighted sum the values come from, past operations on each value by itself."""
    operation = tensor.op
    for _ in range(_MOST_STEPS):
        if operation.type in _DENSE:
            return "dense"
        if operation.type == "Conv2D":
            return "dense" if tuple(operation.outputs[0].shape[1:3]) == (1, 1) else "convolution"
        if operation.type in _CALLS:
            return "unknown"
        if operation.type not in _ELEMENTWISE or not operation.inputs:
            return "none"
        operation = operation.inputs[0].op
    return "none"
