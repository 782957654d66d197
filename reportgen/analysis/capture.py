"""Run a network once and keep what its layers gave, whatever kind of network it is.

Keras offers sub-models for this (`Model(inputs, layer.output)`), which do not exist for subclassed
networks, do not reach into nested ones, and show only the first call of a shared layer. Here the network
is run as it is, inside one traced function, while every layer call is watched: nothing is cloned, so
weights cannot go astray, and each call of a shared layer is seen by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

Shape = tuple[int | None, ...]

INPUT = ""  # stands for the network's own input among the inputs of a layer call


class _AllSeen(BaseException):
    """Ends a traced run once every wanted layer has answered.

    It is no `Exception` because Keras rewraps those on their way through a layer.
    """


class LayerNotReachedError(Exception):
    """A layer that the network does not call in a forward pass, or not by this name."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(", ".join(names))
        self.names = tuple(names)


@dataclass(frozen=True, eq=False)
class LayerCall:
    """One call of one layer during a forward pass.

    `name` is the layer's name below the network, `outer/inner` for nested ones; a further call of a
    shared layer (or shared sub-network) gets `:2`, `:3`, ... `inputs` are the names of the calls whose
    outputs it reads, `INPUT` for the network's own input, each once. `operations` are the types of the
    TensorFlow operations outside any layer that lie between those outputs and this call (as in a custom
    `call` that adds two tensors). Shapes include the batch; None where open.
    """

    name: str
    layer: keras.Layer
    inputs: tuple[str, ...]
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]
    operations: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a watched call took and gave: tensors flattened, `before` its fused activation's input."""

    name: str
    layer: keras.Layer
    inputs: list[tf.Tensor]
    outputs: list[tf.Tensor]
    before: tf.Tensor | None


@dataclass
class _Frame:
    """A layer call under way, and how often it has called each layer below it."""

    name: str
    layer: keras.Layer
    calls_of: dict[int, int] = field(default_factory=dict)


def is_container(layer: keras.Layer) -> bool:
    """Whether `layer` is looked into: a sub-network, or a custom layer made of other layers.

    Keras' own compound layers (attention, recurrent cells, wrappers) count as one layer.
    """
    if isinstance(layer, keras.Model):
        return True
    return bool(layer._layers) and not type(layer).__module__.startswith("keras.")


def _tensors(structure: Any) -> list[tf.Tensor]:
    return [leaf for leaf in tf.nest.flatten(structure) if tf.is_tensor(leaf)]


@contextmanager
def watched_calls(root: keras.Layer, watcher: Callable[[_Seen], None]) -> Iterator[None]:
    """Tell `watcher` of every layer call below `root` made inside the block, as each one returns."""
    original = keras.Layer.__call__
    check = keras.Layer._assert_input_compatibility
    stack = [_Frame("", root)]

    def watched(self: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        parent = stack[-1]
        if self is root or not is_container(parent.layer):
            return original(self, *args, **kwargs)
        times = parent.calls_of[id(self)] = parent.calls_of.get(id(self), 0) + 1
        own = self.name if times == 1 else f"{self.name}:{times}"
        frame = _Frame(f"{parent.name}/{own}" if parent.name else own, self)
        stack.append(frame)
        try:
            with _activation_watched(self) as before:
                result = original(self, *args, **kwargs)
        finally:
            stack.pop()
        watcher(_Seen(frame.name, self, _tensors((args, kwargs)), _tensors(result), before[0] if before else None))
        return result

    def relaxed(self: keras.Layer, *args: Any, **kwargs: Any) -> None:
        # A network states the one size it was trained at; its layers say what they truly need.
        if not isinstance(self, keras.Model):
            check(self, *args, **kwargs)

    keras.Layer.__call__ = watched
    keras.Layer._assert_input_compatibility = relaxed
    try:
        yield
    finally:
        keras.Layer.__call__ = original
        keras.Layer._assert_input_compatibility = check


@contextmanager
def _activation_watched(layer: keras.Layer) -> Iterator[list[tf.Tensor]]:
    """Collect what goes into the fused activation of `layer` during the block."""
    seen: list[tf.Tensor] = []
    activation = layer.__dict__.get("activation")
    if not callable(activation):
        yield seen
        return

    def noted(value: tf.Tensor, *args: Any, **kwargs: Any) -> Any:
        seen.append(value)
        return activation(value, *args, **kwargs)

    # Past Keras' attribute tracking, which would take the change for one of the layer's making.
    layer.__dict__["activation"] = noted
    try:
        yield seen
    finally:
        layer.__dict__["activation"] = activation


def run_layers(
    model: keras.Model, inputs: Any, names: Sequence[str] = (), *, before_activation: bool = False, whole: bool = False
) -> tuple[dict[str, list[tf.Tensor]], Any]:
    """Run `model` on `inputs` and keep the outputs of the layer calls `names`.

    To be called while a `tf.function` is traced: it is then that layers are watched, and the operations
    no output depends on are pruned. Without `whole` the run ends once all of `names` have answered, so
    that a network with a fixed dense head runs at any size below it. Differentiable.

    Args:
        inputs: what the model takes, already preprocessed.
        before_activation: give what goes into the activation instead: of a fused one, or the input of an
            activation layer.

    Returns:
        The outputs, a list each (most layers give one tensor), and the model's own answer, None if the
        run ended early.

    Raises:
        LayerNotReachedError: some of `names` were not called.
    """
    wanted = set(names)
    outputs: dict[str, list[tf.Tensor]] = {}

    def watcher(seen: _Seen) -> None:
        if seen.name not in wanted:
            return
        if before_activation and seen.before is not None:
            outputs[seen.name] = [seen.before]
        elif before_activation and is_activation(seen.layer):
            outputs[seen.name] = seen.inputs[:1]
        else:
            outputs[seen.name] = seen.outputs
        if not whole and len(outputs) == len(wanted):
            raise _AllSeen

    answer = None
    with watched_calls(model, watcher), suppress(_AllSeen):
        answer = model(inputs, training=False)
    missing = [name for name in names if name not in outputs]
    if missing:
        raise LayerNotReachedError(missing)
    return outputs, answer


def is_activation(layer: keras.Layer) -> bool:
    """Whether `layer` does nothing but apply a nonlinearity."""
    kinds = (
        keras.layers.Activation,
        keras.layers.ReLU,
        keras.layers.LeakyReLU,
        keras.layers.PReLU,
        keras.layers.ELU,
        keras.layers.Softmax,
    )
    return isinstance(layer, kinds)


def trace_calls(model: keras.Model, inputs: Any) -> tuple[tuple[LayerCall, ...], Any]:
    """Every layer call of a forward pass, in order, without computing anything.

    Args:
        inputs: a structure of `tf.TensorSpec` in the form the model takes; open sides may be None.

    Returns:
        The calls of all layers that are no `keras.Model`, and the model's answer as symbolic tensors.
    """
    calls: list[LayerCall] = []
    producers: dict[str, str] = {}  # name of a tensor -> the layer call that gave it

    def watcher(seen: _Seen) -> None:
        if isinstance(seen.layer, keras.Model):
            return
        sources, operations = _sources(seen.inputs, producers)
        calls.append(
            LayerCall(
                name=seen.name,
                layer=seen.layer,
                inputs=sources,
                input_shapes=tuple(tuple(tensor.shape) for tensor in seen.inputs),
                output_shapes=tuple(tuple(tensor.shape) for tensor in seen.outputs),
                operations=operations,
            )
        )
        for tensor in seen.outputs:
            # A layer that passes its input on (dropout at rest) takes the tensor over; one that
            # contains the true producer does not.
            if not (is_container(seen.layer) and tensor.name in producers):
                producers[tensor.name] = seen.name

    @tf.function  # type: ignore[untyped-decorator]
    def run(structure: Any) -> Any:
        for tensor in _tensors(structure):
            producers[tensor.name] = INPUT
        with watched_calls(model, watcher):
            return model(structure, training=False)

    answer = run.get_concrete_function(inputs).structured_outputs
    return tuple(calls), answer


def _sources(tensors: Sequence[tf.Tensor], producers: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Walk the graph up from `tensors` to the nearest layer outputs."""
    sources: dict[str, None] = {}
    operations: dict[str, None] = {}
    visited: set[str] = set()
    queue = list(tensors)
    while queue:
        tensor = queue.pop(0)
        if tensor.name in visited:
            continue
        visited.add(tensor.name)
        if tensor.name in producers:
            sources[producers[tensor.name]] = None
            continue
        if tensor.op.inputs:
            operations[tensor.op.type] = None
            queue.extend(tensor.op.inputs)
    return tuple(sources), tuple(operations)
