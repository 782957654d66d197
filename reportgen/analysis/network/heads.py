"""What a network's last layer gives: class probabilities, scores, or no classes at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np

from reportgen.analysis.network.layer_kinds import kind_of
from reportgen.models.keras_private import calls_of, origin_of
from reportgen.models.network import Network

HeadKind = Literal["softmax", "sigmoid", "logits", "none"]

# How far a row of probabilities may sum from one: float16 networks are off by up to about 2e-3.
SUM_TOLERANCE = 5e-3

# Kinds of layers, and operations, that change no value.
_PASS_ON = frozenset({"input", "flattening", "reshaping", "resting"})
_PASS_ON_OPERATIONS = ("Squeeze", "Reshape", "Cast", "Identity")
_BY_ACTIVATION: dict[str, HeadKind] = {"softmax": "softmax", "sigmoid": "sigmoid", "hard_sigmoid": "sigmoid"}


@dataclass(frozen=True)
class Head:
    """The kind of answer, the number of classes (None where it has none) and a sentence on how it is known.

    `output` is which of several outputs (in Keras' flat order) holds the classes.
    """

    kind: HeadKind
    classes: int | None
    note: str
    output: int | None = 0


def class_output(shapes: list[tuple[int | None, ...]]) -> int | None:
    """Which of the outputs holds classes: the first `(batch, classes)` of more than one, else of one."""
    flat = [index for index, shape in enumerate(shapes) if len(shape) == 2]
    return next((index for index in flat if shapes[index][1] != 1), flat[0] if flat else None)


def describe_head(network: Network, answer: Any) -> Head:
    """Describe what `network` gives, by its last layer and, where that does not tell, by an answer it gave.

    Class names, if there are as many as outputs, tell class scores from features.

    Args:
        answer: the model's outputs for a few images, in its own structure.
    """
    leaves = [np.asarray(leaf, dtype=np.float64) for leaf in keras.tree.flatten(answer)]
    index = class_output([leaf.shape for leaf in leaves])
    if index is None:
        shape = leaves[0].shape[1:] if leaves else ()
        what = "a map" if len(shape) == 3 else "an array"
        return Head("none", None, f"The network ends in {what} of shape {shape}, not in class scores.", None)
    scores = leaves[index]
    classes = int(scores.shape[1])
    outputs = getattr(network.model, "outputs", None)
    last = _last_operation(outputs[index]) if outputs else None
    kind, note = _by_operation(last, network.label_count == classes) if last is not None else (None, "")
    if kind is None:
        kind, note = _by_scores(scores)
    if len(leaves) > 1:
        note += f" Of its {len(leaves)} outputs this is number {index + 1}."
    return Head(kind, classes if kind != "none" else None, note, index if kind != "none" else None)


def _last_operation(tensor: Any) -> tuple[Any, Any] | None:
    """The operation a symbolic output comes from and its node, past those that change no value."""
    while True:
        operation, node_index, tensor_index = origin_of(tensor)
        if isinstance(operation, keras.Model) and operation.outputs:
            tensor = operation.outputs[tensor_index]
            continue
        node = calls_of(operation)[node_index]
        linear = type(operation) is keras.layers.Activation and _activation(operation) == "linear"
        passes = kind_of(operation) in _PASS_ON or type(operation).__name__ in _PASS_ON_OPERATIONS or linear
        if not passes or len(node.input_tensors) != 1:
            return operation, node
        tensor = node.input_tensors[0]


def _activation(operation: Any) -> str | None:
    activation = getattr(operation, "activation", None)
    return getattr(activation, "__name__", type(activation).__name__) if activation is not None else None


def _by_operation(last: tuple[Any, Any], labelled: bool) -> tuple[HeadKind | None, str]:
    """The kind of head by its last operation; None where that does not tell."""
    operation, node = last
    name = getattr(operation, "name", type(operation).__name__)
    activation = _activation(operation)
    by_class = _BY_ACTIVATION.get(type(operation).__name__.lower())
    if by_class is not None:
        return by_class, f"The last layer, {name}, is a {by_class}."
    if activation in _BY_ACTIVATION:
        return _BY_ACTIVATION[activation], f"The last layer, {name}, ends in a {activation}."
    scores = kind_of(operation) == "dense" or _is_pointwise_classifier(operation, node)
    if labelled or (scores and activation == "linear"):
        return "logits", f"The last layer, {name}, has no softmax: its scores are no probabilities."
    if isinstance(operation, keras.layers.Layer):
        what = f"ends in {activation}" if scores else f"is a {type(operation).__name__}"
        return "none", f"The last layer, {name}, {what}: it gives features, not class scores."
    return None, ""


def _is_pointwise_classifier(operation: Any, node: Any) -> bool:
    """Whether a convolution acts as a dense layer: on a map of one position."""
    return isinstance(operation, keras.layers.Conv2D) and tuple(node.output_tensors[0].shape[1:3]) == (1, 1)


def _by_scores(scores: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[HeadKind, str]:
    measured = "(judged by the answers, since the last layer does not tell)."
    inside = bool(((scores >= 0) & (scores <= 1)).all())
    if inside and scores.shape[1] > 1 and np.abs(scores.sum(axis=1) - 1).max() <= SUM_TOLERANCE:
        return "softmax", f"The scores lie in 0..1 and sum to one {measured}"
    if inside:
        return "sigmoid", f"The scores lie in 0..1 and do not sum to one {measured}"
    return "logits", f"The scores are no probabilities {measured}"
