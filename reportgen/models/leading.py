"""What a network does to the image before its first layer with learnt filters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from reportgen.models.keras_private import calls_of

# Contrast between neighbouring raw levels that no network would ask for: an input whose 255 levels would
# spread over more than this after rescaling is taken to be 0..1 before it. The widest in use is about 5
# (ImageNet deviations), the narrowest for 0..1 data is 255.
_WIDEST_RANGE = 20.0

# A mean that only pixels of 0..255 can have; 0..1 and -1..1 stay below it.
_RAW_MEAN = 1.5

_KEEP_VALUES = (
    keras.layers.InputLayer,
    keras.layers.ZeroPadding2D,
    keras.layers.Cropping2D,
    keras.layers.Resizing,
    keras.layers.CenterCrop,
    keras.layers.Permute,
    keras.layers.Reshape,
    keras.layers.Identity,
    keras.layers.Dropout,
    keras.layers.SpatialDropout2D,
    keras.layers.GaussianNoise,
    keras.layers.RandomFlip,
    keras.layers.RandomRotation,
    keras.layers.RandomTranslation,
    keras.layers.RandomZoom,
    keras.layers.RandomCrop,
    keras.layers.RandomContrast,
    keras.layers.RandomBrightness,
)
_KEEP_OPERATIONS = ("Cast", "GetItem", "Stack", "Flip", "Transpose", "Reshape", "ExpandDims", "Squeeze")


@dataclass(frozen=True)
class Rescaling:
    """The first thing in a network that changes the range of its input.

    `expects` is what it was made for: pixels of 0..255 ("none") or of 0..1 ("unit"), the names of the two
    preprocessing modes.
    """

    name: str
    expects: str


def leading_operations(model: keras.Model, start: Any) -> Iterator[tuple[Any, Any]]:
    """The operations an image goes through one after the other, each with its Keras node, until the way forks.

    Sub-networks are entered; `start` is the symbolic input of `model` that takes the image.
    """
    tensors = [start]
    while tensors:
        consumers = [
            (operation, node)
            for operation in getattr(model, "operations", model.layers)
            for node in calls_of(operation)
            if any(argument is tensor for argument in node.input_tensors for tensor in tensors)
        ]
        # Colours taken apart (to be put together in another order) are one way still.
        apart = all(type(operation).__name__ == "GetItem" for operation, _ in consumers)
        if not consumers or (len(consumers) > 1 and not apart):
            return
        operation, node = consumers[0]
        yield operation, node
        if isinstance(operation, keras.Model):
            if len(operation.inputs or ()) == 1:
                yield from leading_operations(operation, operation.inputs[0])
            return
        tensors = [tensor for _, node in consumers for tensor in node.output_tensors]


def find_rescaling(model: keras.Model) -> Rescaling | None:
    """The rescaling at the beginning of `model` or of the network it begins with; None if there is none."""
    for operation, node in _beginning(model):
        if isinstance(operation, keras.Model) or _keeps_values(operation):
            continue
        expects = _expected_range(operation, node)
        if expects == "any":
            continue
        return Rescaling(operation.name, expects) if expects else None
    return None


def leading_networks(model: keras.Model) -> list[keras.Model]:
    """`model`, and the networks nested at its beginning."""
    return [model, *(operation for operation, _ in _beginning(model) if isinstance(operation, keras.Model))]


def _beginning(model: keras.Model) -> Iterator[tuple[Any, Any]]:
    inputs = getattr(model, "inputs", None)
    if inputs:
        image = next((tensor for tensor in inputs if len(tensor.shape) == 4), inputs[0])
        yield from leading_operations(model, image)
        return
    # A subclassed network has no graph to follow before it is run; its first layer is the first it made.
    for layer in model.layers[:1]:
        yield layer, None
        if isinstance(layer, keras.Model):
            yield from _beginning(layer)


def _keeps_values(operation: Any) -> bool:
    if isinstance(operation, keras.layers.Activation):
        return operation.activation is keras.activations.linear
    return isinstance(operation, _KEEP_VALUES) or type(operation).__name__ in _KEEP_OPERATIONS


def _expected_range(operation: Any, node: Any) -> str | None:
    """Which mode `operation` was made for, "any" if it changes no range, None if it is no rescaling."""
    if isinstance(operation, keras.layers.Rescaling):
        return _by_scale(operation.scale, operation.offset)
    if isinstance(operation, keras.layers.Normalization):
        known = operation.mean is not None and operation.variance is not None
        return _by_moments(operation.mean, operation.variance) if known else None
    if isinstance(operation, keras.layers.BatchNormalization):
        # Statistics of raw pixels cannot be mistaken; of others they say nothing about rescaling.
        return "none" if np.abs(np.asarray(operation.moving_mean)).max() > _RAW_MEAN else None
    return _by_arithmetic(type(operation).__name__, _constant(node))


def _by_arithmetic(operation: str, constant: np.ndarray[Any, np.dtype[np.float64]] | None) -> str | None:
    if constant is None:
        return None
    if operation in ("Divide", "TrueDivide"):
        return _by_scale(1.0 / constant, 0.0)
    if operation == "Multiply":
        return _by_scale(constant, 0.0)
    if operation in ("Subtract", "Add"):
        return "none" if np.abs(constant).max() > _RAW_MEAN else "unit"
    return None


def _constant(node: Any) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    """The one constant among the arguments of an operation on an image, if that is what it has."""
    if node is None or len(node.input_tensors) != 1:
        return None
    values = [*node.arguments.args, *node.arguments.kwargs.values()]
    constants = [value for value in values if value is not None and not keras.backend.is_keras_tensor(value)]
    if len(constants) != 1 or isinstance(constants[0], str | bool):
        return None
    return np.asarray(constants[0], dtype=np.float64)


def _by_scale(scale: Any, offset: Any) -> str:
    scale, offset = (
        np.abs(np.asarray(scale, dtype=np.float64)).max(),
        np.abs(np.asarray(offset, dtype=np.float64)).max(),
    )
    if scale == 1.0 and offset == 0.0:
        return "any"
    return "none" if scale * 255 <= _WIDEST_RANGE or offset > _WIDEST_RANGE else "unit"


def _by_moments(mean: Any, variance: Any) -> str:
    mean, variance = np.asarray(mean, dtype=np.float64), np.asarray(variance, dtype=np.float64)
    if not mean.any() and (variance == 1.0).all():
        return "any"  # never adapted: it changes nothing
    raw = np.abs(mean).max() > _RAW_MEAN or 255 / np.sqrt(variance.min() + 1e-12) <= _WIDEST_RANGE
    return "none" if raw else "unit"
