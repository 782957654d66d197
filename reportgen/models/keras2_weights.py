"""The weights of a network in the HDF5 format, each given to the layer it was of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import h5py
import keras
import numpy as np

from reportgen.formats import counted
from reportgen.models.keras2_nodes import name as renamed

Array = np.ndarray[Any, np.dtype[Any]]


def read_weights(file: h5py.File) -> list[list[tuple[str, Array]]]:
    """The weights of each layer that has some, in order, each with the name it was written under."""
    group = file.get("model_weights", file)
    layers = (group[layer] for layer in _names(group, "layer_names"))
    found = [[(name, np.asarray(layer[name])) for name in _names(layer, "weight_names")] for layer in layers]
    return [weights for weights in found if weights]


def _names(group: h5py.Group, key: str) -> list[str]:
    """A list of names, which stands in pieces where it is too long for one attribute."""
    pieces = [attribute for attribute in group.attrs if _is_piece(attribute, key)]
    keys = [key] if key in group.attrs else sorted(pieces, key=lambda piece: int(piece[len(key) :]))
    return [name.decode() if isinstance(name, bytes) else str(name) for k in keys for name in group.attrs[k]]


def _is_piece(attribute: str, key: str) -> bool:
    return attribute.startswith(key) and attribute[len(key) :].isdigit()


def assign_weights(model: keras.Model, saved: list[list[tuple[str, Array]]]) -> None:
    """Give the layers of `model` their weights, in the order they have in both.

    Within a nested network Keras 2 put frozen weights elsewhere than Keras 3 does; there each weight goes to the
    layer it is named after.

    Raises:
        ValueError: weights of other layers, or of other shapes.
    """
    layers = [layer for layer in model.layers if layer.weights]
    if len(layers) != len(saved):
        held = counted(len(saved), "layer")
        raise ValueError(f"the file holds the weights of {held}, the network has {len(layers)} with weights")
    for layer, weights in zip(layers, saved, strict=True):
        variables = _ordered(layer)
        by_owner = _by_owner(layer, weights) if isinstance(layer, keras.Model) else None
        pairs = by_owner or list(zip(variables, (values for _, values in weights), strict=False))
        if len(variables) != len(weights):
            held = counted(len(weights), "weight")
            raise ValueError(f"the file holds {held} for {layer.name}, which has {len(variables)}")
        for variable, values in pairs:
            if tuple(variable.shape) != values.shape:
                shape = tuple(variable.shape)
                raise ValueError(f"{layer.name}: the weight {variable.path} is of {shape}, in the file {values.shape}")
            variable.assign(values)


def finish_normalizations(model: keras.Model) -> None:
    """Let adapted `Normalization` layers, nested ones too, work with the moments they were given."""
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Normalization) and layer.built:
            layer.finalize_state()


def _ordered(layer: keras.Layer) -> list[Any]:
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _by_owner(network: keras.Model, weights: list[tuple[str, Array]]) -> list[tuple[Any, Array]] | None:
    """The variables of the layers within `network` with the weights that are named after them.

    None where names do not say which is whose.
    """
    owners = {layer.name: layer for layer in _leaves(network) if layer.weights}
    shares: dict[str, list[Array]] = {name: [] for name in owners}
    for name, values in weights:
        owner = _owner(name, shares)
        if owner is None:
            return None
        shares[owner].append(values)
    if any(len(shares[name]) != len(_ordered(layer)) for name, layer in owners.items()):
        return None
    return [pair for name, layer in owners.items() for pair in zip(_ordered(layer), shares[name], strict=True)]


def _owner(weight: str, owners: dict[str, list[Array]]) -> str | None:
    """The layer a weight is named after: `block/conv/kernel:0` is of `block_conv`, or of `conv` in `block`."""
    parts = weight.split("/")[:-1]
    for start in range(len(parts)):
        for end in range(len(parts), start, -1):
            name = renamed("/".join(parts[start:end]))
            if name in owners:
                return name
    return None


def _leaves(network: keras.Model) -> Iterator[keras.Layer]:
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from _leaves(layer)
        else:
            yield layer
