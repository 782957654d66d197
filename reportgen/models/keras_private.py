"""All that is read or changed of Keras beyond its public interface, so that a new Keras touches one place.

Public Keras does not tell what a layer that is no network holds, where a symbolic tensor comes from, or how often
and on what an operation was called; and it refuses inputs of another size than a network was made for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras.src.backend.common import global_state
from keras.src.initializers.random_initializers import RandomInitializer
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR


def held_layers(layer: keras.Layer) -> list[keras.Layer]:
    """The layers that `layer` holds itself, as attributes or in lists, in the order in which it got them.

    `Model.layers` says the same of networks; of a custom layer made of layers nothing public does.
    """
    return list(layer._layers)


def layers_below(layer: keras.Layer, *, recursive: bool = True) -> list[keras.Layer]:
    """The layers below `layer`, those that custom layers hold among them; not `recursive`: its own alone."""
    return list(layer._flatten_layers(include_self=False, recursive=recursive))


def operations_between(layer: keras.Layer) -> list[keras.Operation]:
    """What a functional network computes between its own layers by operations that are none; nothing of others."""
    return [each for each in getattr(layer, "_operations", ()) if not isinstance(each, keras.Layer)]


def own_variables(layer: keras.Layer) -> list[keras.Variable]:
    """The variables that `layer` has itself, without those of the layers it holds."""
    return [*layer._trainable_variables, *layer._non_trainable_variables]


def calls_of(operation: Any) -> Sequence[Any]:
    """The nodes of a functional graph that stand for the calls of `operation`, with their tensors."""
    nodes: Sequence[Any] = operation._inbound_nodes
    return nodes


def origin_of(tensor: Any) -> tuple[Any, int, int]:
    """The operation that gave a symbolic tensor, in which of its calls, and as which of the outputs."""
    operation, call, output = tensor._keras_history
    return operation, call, output


def input_structure(model: keras.Model) -> Any:
    """The symbolic inputs of a functional network in the structure it takes; nothing for other networks."""
    return getattr(model, "_inputs_struct", ())


def has_mask(tensor: Any) -> bool:
    """Whether a tensor carries a mask, which Keras keeps as an attribute of the tensor."""
    return getattr(tensor, "_keras_mask", None) is not None


@contextmanager
def networks_of_any_size() -> Iterator[None]:
    """Let networks take inputs of another size than they state; their layers still say what they truly need."""
    check = keras.Layer._assert_input_compatibility

    def relaxed(layer: keras.Layer, *args: Any, **kwargs: Any) -> None:
        if not isinstance(layer, keras.Model):
            check(layer, *args, **kwargs)

    keras.Layer._assert_input_compatibility = relaxed
    try:
        yield
    finally:
        keras.Layer._assert_input_compatibility = check


@contextmanager
def hearing_variables(hear: Callable[[tuple[int, ...], str], None]) -> Iterator[None]:
    """Tell `hear` the shape and type of every variable that is made in the block, before it has a value.

    What `hear` raises keeps the variable from being made.
    """
    make = keras.Variable._initialize_with_initializer

    def heard(variable: keras.Variable, initializer: Any) -> None:
        hear(tuple(variable._shape), str(variable._dtype))
        make(variable, initializer)

    keras.Variable._initialize_with_initializer = heard
    try:
        yield
    finally:
        keras.Variable._initialize_with_initializer = make


@contextmanager
def drawing_nothing() -> Iterator[None]:
    """Make variables in the block without drawing random values for them, since a file has others for them.

    What the file has nothing for gets its random values when the block ends.
    """
    make, assign = keras.Variable._initialize_with_initializer, keras.Variable._direct_assign
    undrawn: list[tuple[keras.Variable, RandomInitializer]] = []
    given: dict[int, keras.Variable] = {}  # held, so that no other variable takes its number

    def made(variable: keras.Variable, initializer: Any) -> None:
        if isinstance(initializer, RandomInitializer):
            undrawn.append((variable, initializer))
            initializer = keras.initializers.Zeros()
        make(variable, initializer)

    def assigned(variable: keras.Variable, value: Any) -> None:
        given[id(variable)] = variable
        assign(variable, value)

    keras.Variable._initialize_with_initializer, keras.Variable._direct_assign = made, assigned
    try:
        yield
    finally:
        keras.Variable._initialize_with_initializer, keras.Variable._direct_assign = make, assign
    for variable, initializer in undrawn:
        # A file may hold zeros; and a custom layer may write its values past Keras.
        if id(variable) not in given and not np.asarray(variable.value).any():
            variable.assign(initializer(variable.shape, dtype=variable.dtype))


@contextmanager
def kept_seed_generator() -> Iterator[None]:
    """Put the state of Keras' global seed generator back after the block; one that was made in it goes."""
    before = global_state.get_global_attribute(GLOBAL_SEED_GENERATOR)
    state = None if before is None else before.state.numpy()
    try:
        yield
    finally:
        if before is None:
            global_state.set_global_attribute(GLOBAL_SEED_GENERATOR, None)
        else:
            before.state.assign(state)
