"""Run a network once and keep what its layers gave, whatever kind of network it is.

Keras offers sub-models for this (`Model(inputs, layer.output)`), which do not exist for subclassed
networks, do not reach into nested ones, and show only the first call of a shared layer. Here the network
is run as it is, inside one traced function, while every layer call is watched: nothing is cloned, so
weights cannot go astray, and each call of a shared layer is seen by itself.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.network.layer_kinds import ACTIVATIONS, kind_of
from reportgen.analysis.network.unfused import unfused
from reportgen.errors import ReportgenError
from reportgen.facts import Shape
from reportgen.models import Network

Reduce = Callable[[str, tf.Tensor], Any]

INPUT = ""  # stands for the network's own input among the inputs of a layer call

# Keras' classes are patched while a network is traced; two traces at a time would see each other's calls.
_TRACING = threading.RLock()

_SHAPE_OPERATIONS = frozenset({"Shape", "ShapeN", "Size", "Rank"})

# Layers whose operations TensorFlow offers with channels first on a GPU only.
_WINDOWED = (
    keras.layers.AveragePooling1D,
    keras.layers.AveragePooling2D,
    keras.layers.AveragePooling3D,
    keras.layers.Conv1D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2D,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3D,
    keras.layers.Conv3DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.MaxPooling1D,
    keras.layers.MaxPooling2D,
    keras.layers.MaxPooling3D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)

# What TensorFlow and Keras raise when a network cannot run on what it is given.
_RUN_ERRORS = (tf.errors.OpError, ValueError, TypeError, AttributeError, NotImplementedError)


class _AllSeen(BaseException):
    """Ends a traced run once every wanted layer has answered.

    It is no `Exception` because Keras rewraps those on their way through a layer.
    """


class LayerNotReachedError(ReportgenError):
    """A layer that the network does not call in a forward pass, or not by this name."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            f"expected layers that a forward pass calls, got {', '.join(names)}; "
            "`reportgen layers MODEL` lists the names"
        )
        self.names = tuple(names)


@dataclass(frozen=True, eq=False)
class LayerCall:
    """One call of one layer during a forward pass.

    `name` is the layer's name below the network, `outer/inner` for nested ones; a further call of a
    shared layer (or shared sub-network), or of another layer of that name, gets `:2`, `:3`, ... `inputs` are
    the names of the calls whose outputs it reads (of a composite layer, one made of other watched layers:
    that its output is made from), `INPUT` for the network's own input, each once. Shapes include the batch;
    None where open. `input_tensors` and `output_tensors` are symbolic; `inner_operations` lead from the ones
    to the others inside the layer (of a composite layer: outside the layers it is made of), `loose_operations`
    lie before it, outside any layer (as in a custom `call` that adds two tensors).
    """

    name: str
    layer: keras.Layer
    inputs: tuple[str, ...]
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]
    input_tensors: tuple[tf.Tensor, ...]
    output_tensors: tuple[tf.Tensor, ...]
    inner_operations: tuple[tf.Operation, ...]
    loose_operations: tuple[tf.Operation, ...]
    channels_first: bool

    @property
    def operations(self) -> tuple[str, ...]:
        """The types of the loose operations, each once."""
        return tuple(dict.fromkeys(operation.type for operation in self.loose_operations))


@dataclass(frozen=True, eq=False)
class Trace:
    """All layer calls of a forward pass, in order, with the symbolic tensors of what goes in and comes out.

    `producers` maps the names of symbolic tensors to the layer calls that gave them (for what goes in: to
    the input layers, or `INPUT`). `layers` holds every watched layer, sub-networks too, under the names of
    its calls.
    """

    calls: tuple[LayerCall, ...]
    layers: Mapping[str, keras.Layer]
    inputs: tuple[tf.Tensor, ...]
    answer: tuple[tf.Tensor, ...]
    producers: Mapping[str, str]

    @property
    def answer_layers(self) -> tuple[str, ...]:
        """The layer calls that give the answer as it is, without an operation in between."""
        names = (self.producers.get(tensor.name, INPUT) for tensor in self.answer)
        return tuple(dict.fromkeys(name for name in names if name != INPUT))


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a watched call took and gave: tensors flattened, `before` its fused activation's input.

    `channels_first` says which way round maps among the outputs lie.
    """

    name: str
    layer: keras.Layer
    inputs: list[tf.Tensor]
    outputs: list[tf.Tensor]
    before: tf.Tensor | None
    channels_first: bool


@dataclass
class _Frame:
    """A layer call under way, and how often it has called a layer of each name below it."""

    name: str
    layer: keras.Layer
    calls_of: dict[str, int] = field(default_factory=dict)


def is_container(layer: keras.Layer) -> bool:
    """Whether `layer` is looked into: a sub-network, or a custom layer made of other layers.

    Keras' own compound layers (attention, recurrent cells, wrappers) count as one layer.
    """
    if isinstance(layer, keras.Model):
        return True
    return bool(layer._layers) and not type(layer).__module__.startswith("keras.")


def _tensors(structure: Any) -> list[tf.Tensor]:
    return [leaf for leaf in tf.nest.flatten(structure) if isinstance(leaf, tf.Tensor)]


_Applied = list[tuple[tf.Tensor, tf.Tensor]]  # what went into a fused activation and what came out


class _Watch:
    """Stands in for `keras.Layer.__call__` and follows the calls below one network."""

    def __init__(self, root: keras.Layer, watcher: Callable[[_Seen], None]) -> None:
        self.root = root
        self.watcher = watcher
        self.original = keras.Layer.__call__
        self.thread = threading.get_ident()
        self.graph = _current_graph()
        self.stack = [_Frame(INPUT, root)]
        self.channels_first = False

    def call(self, layer: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        parent = self.stack[-1]
        if layer is self.root or not is_container(parent.layer) or not self._is_real(args, kwargs):
            return self.original(layer, *args, **kwargs)
        times = parent.calls_of[layer.name] = parent.calls_of.get(layer.name, 0) + 1
        own = layer.name if times == 1 else f"{layer.name}:{times}"
        frame = _Frame(f"{parent.name}/{own}" if parent.name else own, layer)
        self.stack.append(frame)
        try:
            with _activation_watched(layer) as applied:
                result = self._computed(layer, args, kwargs, applied)
        finally:
            self.stack.pop()
        inputs = _tensors((args, kwargs))
        result = _own_tensors(result, inputs)
        outputs = _tensors(result)
        before = next((value for value, given in applied if any(given is output for output in outputs)), None)
        self.channels_first = _lies_channels_first(layer, self.channels_first)
        self.watcher(_Seen(frame.name, layer, inputs, outputs, before, self.channels_first))
        return result

    def _computed(self, layer: keras.Layer, args: Any, kwargs: Any, applied: _Applied) -> Any:
        """What `layer` gives, by XLA where TensorFlow itself would need a GPU for it."""
        if not isinstance(layer, _WINDOWED) or layer.data_format != "channels_first" or _has_gpu():
            return self.original(layer, *args, **kwargs)

        def run() -> Any:
            result = self.original(layer, *args, **kwargs)
            return result, [value for value, given in applied if given is result]

        result, before = tf.function(run, autograph=False, jit_compile=True)()
        applied[:] = [(value, result) for value in before]
        return result

    def _is_real(self, args: Any, kwargs: Any) -> bool:
        """Whether a call belongs to the watched run: not to another thread, nor to Keras inferring shapes."""
        if threading.get_ident() != self.thread or _current_graph() is not self.graph:
            return False
        return not any(isinstance(leaf, keras.KerasTensor) for leaf in tf.nest.flatten((args, kwargs)))


def _has_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))


def _current_graph() -> Any:
    return None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()


def _own_tensors(result: Any, inputs: Sequence[tf.Tensor]) -> Any:
    """Give a layer that passes its input on (dropout at rest) a tensor of its own.

    Else a skip connection around it could not be told from the way through it. Masked tensors stay,
    since the mask is an attribute of the tensor.
    """
    taken = {id(tensor) for tensor in inputs}

    def own(leaf: Any) -> Any:
        if id(leaf) in taken and isinstance(leaf, tf.Tensor) and getattr(leaf, "_keras_mask", None) is None:
            return tf.identity(leaf)
        return leaf

    return tf.nest.map_structure(own, result)


def _lies_channels_first(layer: keras.Layer, before: bool) -> bool:
    """Whether maps lie `(batch, channels, height, width)` after `layer`, given how they lay before it."""
    data_format = getattr(layer, "data_format", None)
    if data_format is not None:
        return bool(data_format == "channels_first")
    if isinstance(layer, keras.layers.Permute) and len(layer.dims) == 3:
        channel_axis = 1 if before else 3
        return bool(layer.dims.index(channel_axis) == 0)
    return before


@contextmanager
def watched_calls(root: keras.Layer, watcher: Callable[[_Seen], None]) -> Iterator[None]:
    """Tell `watcher` of every layer call below `root` made inside the block, as each one returns."""
    check = keras.Layer._assert_input_compatibility

    def relaxed(layer: keras.Layer, *args: Any, **kwargs: Any) -> None:
        # A network states the one size it was trained at; its layers say what they truly need.
        if not isinstance(layer, keras.Model):
            check(layer, *args, **kwargs)

    with _TRACING:
        watch = _Watch(root, watcher)

        def watched(layer: keras.Layer, *args: Any, **kwargs: Any) -> Any:
            return watch.call(layer, *args, **kwargs)

        keras.Layer.__call__ = watched
        keras.Layer._assert_input_compatibility = relaxed
        try:
            yield
        finally:
            keras.Layer.__call__ = watch.original
            keras.Layer._assert_input_compatibility = check


@contextmanager
def _activation_watched(layer: keras.Layer) -> Iterator[_Applied]:
    """Collect what goes into and comes out of the fused activation of `layer` during the block."""
    applied: _Applied = []
    activation = layer.__dict__.get("activation")
    if not callable(activation):
        yield applied
        return

    def noted(value: tf.Tensor, *args: Any, **kwargs: Any) -> Any:
        given = activation(value, *args, **kwargs)
        applied.append((value, given))
        return given

    # Past Keras' attribute tracking, which would take the change for one of the layer's making.
    layer.__dict__["activation"] = noted
    try:
        yield applied
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
        The outputs, a list each (most layers give one tensor), float32, maps with their channels last
        whichever way the network keeps them; and the model's own answer, None if the run ended early.

    Raises:
        LayerNotReachedError: some of `names` were not called.
    """
    wanted = set(names)
    outputs: dict[str, list[tf.Tensor]] = {}

    def watcher(seen: _Seen) -> None:
        if seen.name not in wanted:
            return
        before = _before_activation(seen) if before_activation else None
        tensors = seen.outputs if before is None else [before]
        outputs[seen.name] = [_as_captured(tensor, seen.channels_first) for tensor in tensors]
        if not whole and len(outputs) == len(wanted):
            raise _AllSeen

    answer = None
    with watched_calls(model, watcher), suppress(_AllSeen):
        answer = model(inputs, training=False)
    missing = [name for name in names if name not in outputs]
    if missing:
        raise LayerNotReachedError(missing)
    return outputs, answer


def _as_captured(tensor: tf.Tensor, channels_first: bool) -> tf.Tensor:
    """`tensor` in float32 (half precision overflows in sums), a map with its channels last."""
    values = tf.cast(tensor, tf.float32)
    return tf.transpose(values, (0, 2, 3, 1)) if channels_first and values.shape.rank == 4 else values


class Extractor:
    """Gives the outputs of chosen layers for batches of pictures, all from one forward pass.

    Compiled once for each picture size. With `reduce`, each layer's output is handed to
    `reduce(name, tensor)` inside the compiled function and only what that returns (a tensor or a structure
    of tensors) is kept: all layers' statistics without all layers' maps in memory at once.

    A layer that gives several tensors is represented by its first. `before_activation` is as in
    `run_layers`.
    """

    def __init__(
        self, network: Network, names: Sequence[str], *, before_activation: bool = False, reduce: Reduce | None = None
    ) -> None:
        self.network = network
        self.names = tuple(names)
        self.before_activation = before_activation
        self.reduce = reduce
        self._compiled: dict[tuple[Any, ...], Callable[[tf.Tensor], tuple[dict[str, Any], Any, tf.Tensor]]] = {}

    def __call__(self, pixels: NDArray[Any] | tf.Tensor) -> dict[str, Any]:
        """The layers' outputs for `pixels`.

        Args:
            pixels: `(batch, height, width, channels)` of 0..255, uint8 or float.

        Returns:
            Under each name a float32 array, `(batch, height, width, channels)` for maps, or what `reduce`
            made of it.

        Raises:
            ReportgenError: a layer is not called in a forward pass, or the network cannot run here.
        """
        outputs, _ = self._run(pixels, whole=False)
        return outputs

    def with_answer(self, pixels: NDArray[Any] | tf.Tensor) -> tuple[dict[str, Any], tuple[NDArray[np.float32], ...]]:
        """Like calling, and the network's answer with it, one array for each of its outputs."""
        return self._run(pixels, whole=True)

    def _run(self, pixels: NDArray[Any] | tf.Tensor, *, whole: bool) -> tuple[dict[str, Any], Any]:
        fed = tf.convert_to_tensor(pixels)
        key = (fed.dtype, *fed.shape[1:], whole)
        with run_errors_explained(self.network):
            if key not in self._compiled:
                self._compiled[key] = self._compile(tf.TensorSpec((None, *fed.shape[1:]), fed.dtype), whole=whole)
            outputs, answer, _ = self._compiled[key](fed)
        arrays = tf.nest.map_structure(lambda tensor: tensor.numpy(), (list(outputs.values()), answer))
        return dict(zip(outputs, arrays[0], strict=True)), arrays[1]

    def _compile(
        self, pixels: tf.TensorSpec, *, whole: bool
    ) -> Callable[[tf.Tensor], tuple[dict[str, Any], Any, tf.Tensor]]:
        def run(pixels: tf.Tensor) -> tuple[dict[str, Any], Any, tf.Tensor]:
            inputs = self.network.feed(self.network.prepare(pixels))
            outputs, answer = run_layers(
                self.network.model, inputs, self.names, before_activation=self.before_activation, whole=whole
            )
            first = {name: outputs[name][0] for name in self.names}
            if self.reduce is not None:
                first = {name: self.reduce(name, tensor) for name, tensor in first.items()}
            return first, tuple(tf.cast(tensor, tf.float32) for tensor in _tensors(answer)), unfused()

        return tf.function(run, autograph=False).get_concrete_function(pixels)  # type: ignore[no-any-return]


@contextmanager
def run_errors_explained(network: Network) -> Iterator[None]:
    """Turn what TensorFlow raises while `network` runs into one clear line.

    Raises:
        ReportgenError: the network cannot run on this machine, or not on this input.
    """
    try:
        yield
    except _RUN_ERRORS as error:
        height, width = network.size
        raise ReportgenError(
            f"{network.name} cannot run on an input of {height}x{width}x{network.channels} "
            f"(height x width x channels): {_essence(error)}; check --size, --input and "
            "--custom-objects, and that its layers run inside a tf.function"
        ) from error


def _essence(error: Exception) -> str:
    """The line of an error's text that says what is wrong, without Keras' and TensorFlow's wrapping."""
    lines = [re.sub(r"\x1b\[\d*m|\{\{.*?\}\}|\[Op:.*?\]", "", line).strip() for line in str(error).splitlines()]
    telling = [line for line in lines if line and not line.startswith("Exception encountered when calling")]
    return telling[0].rstrip(".") if telling else type(error).__name__


def fold_tokens(tokens: Any, grid: tuple[int, int, int]) -> Any:
    """Fold rows of tokens back into maps.

    Args:
        tokens: `(batch, leading + height * width, channels)`, an array or a tensor.
        grid: `(height, width, leading)`, as `LayerSummary.token_grid`.

    Returns:
        `(batch, height, width, channels)`, of the same kind; the `leading` tokens (class token) left out.
    """
    height, width, leading = grid
    grid_tokens = tokens[:, leading:]
    if isinstance(tokens, np.ndarray):
        return grid_tokens.reshape(tokens.shape[0], height, width, tokens.shape[-1])
    return tf.reshape(grid_tokens, (-1, height, width, tokens.shape[-1]))


@dataclass(frozen=True)
class CaptureCheck:
    """How the captured final output compares with what the network itself answers, and what it was made from.

    `difference` is the largest of two finite numbers, over the largest absolute value of the answer where that is
    above 1; what is not finite on either side is none, since processors differ in what they make of it. It is
    infinite where shapes differ. `nonfinite` has, for the layer calls that gave any, how many values that are not
    finite went into their activation: ReLU6 or tanh make numbers of what overflowed. Softmax, for which an
    infinite value may be meant as a mask, does not count.
    """

    difference: float
    nonfinite: Mapping[str, int]


def check_capture(network: Network, pixels: NDArray[Any]) -> CaptureCheck:
    """Compare the captured final output with what the network itself answers.

    Args:
        pixels: `(batch, height, width, channels)` of 0..255.

    Raises:
        ReportgenError: the network cannot run here.
    """
    with run_errors_explained(network):
        answer = _tensors(run_unwatched(network, pixels))
        inputs = network.feed(network.prepare(pixels))
        captured, counts, _ = tf.function(_captured_answer, autograph=False)(network.model, inputs)
    pairs = zip(captured, answer, strict=True)
    difference = max((_difference(_as_numbers(one), _as_numbers(other)) for one, other in pairs), default=0.0)
    return CaptureCheck(difference, {name: int(found) for name, found in counts.items() if found})


def run_unwatched(network: Network, pixels: NDArray[Any]) -> Any:
    """The network's answer as Keras gives it, in the model's own structure.

    Args:
        pixels: `(batch, height, width, channels)` of 0..255.

    Raises:
        ReportgenError: the network cannot run here.
    """
    with run_errors_explained(network):
        # Compiled as a whole, a network with channels first runs on any machine too.
        needs_xla = network.channels_first and not _has_gpu()
        model = tf.function(network.model, jit_compile=True) if needs_xla else network.model
        return model(network.feed(network.prepare(pixels)), training=False)


def _captured_answer(model: keras.Model, inputs: Any) -> tuple[list[tf.Tensor], dict[str, tf.Tensor], tf.Tensor]:
    """The answer as the watched layers gave it; as the network gave it where it comes from no layer.

    With it how many values that are not finite went into each activation, and what keeps operations apart.
    """
    given: dict[str, tf.Tensor] = {}
    counts: dict[str, tf.Tensor] = {}

    def watcher(seen: _Seen) -> None:
        given.update({tensor.name: tensor for tensor in seen.outputs})
        before = _before_activation(seen)
        if before is not None and before.dtype.is_floating and not _is_softmax(seen.layer):
            counts[seen.name] = tf.math.count_nonzero(~tf.math.is_finite(before))

    with watched_calls(model, watcher):
        answer = _tensors(model(inputs, training=False))
    return [given.get(tensor.name, tensor) for tensor in answer], counts, unfused()


def _before_activation(seen: _Seen) -> tf.Tensor | None:
    """What goes into the activation of a layer, fused or all it is; None where there is none."""
    if seen.before is not None:
        return seen.before
    return seen.inputs[0] if kind_of(seen.layer) in ACTIVATIONS and seen.inputs else None


def _is_softmax(layer: keras.Layer) -> bool:
    return kind_of(layer) == "softmax" or getattr(layer, "activation", None) is keras.activations.softmax


def _as_numbers(tensor: tf.Tensor) -> NDArray[np.float32]:
    return np.asarray(tf.cast(tensor, tf.float32))


def _difference(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    if one.shape != other.shape:
        return float("inf")
    finite = np.isfinite(one) & np.isfinite(other)
    scale = max(1.0, float(np.abs(other[finite]).max(initial=0)))
    return float(np.abs(one[finite] - other[finite]).max(initial=0)) / scale


def trace_network(model: keras.Model, inputs: Any) -> Trace:
    """Follow every layer call of a forward pass, without computing anything.

    Args:
        inputs: a structure of `tf.TensorSpec` in the form the model takes; open sides may be None.

    Returns:
        The calls of all layers that are no `keras.Model`.
    """
    traces: list[Trace] = []

    def run(structure: Any) -> Any:
        traces.append(_followed(model, structure))
        return traces[-1].answer

    tf.function(run, autograph=False).get_concrete_function(inputs)
    return traces[-1]  # TensorFlow runs a function twice where that creates variables


def _followed(model: keras.Model, structure: Any) -> Trace:
    calls: list[LayerCall] = []
    given = _tensors(structure)
    names = _input_names(model, len(given))
    producers = {tensor.name: name for tensor, name in zip(given, names, strict=True)}
    layers: dict[str, keras.Layer] = {}

    def watcher(seen: _Seen) -> None:
        layers[seen.name] = seen.layer
        if not isinstance(seen.layer, keras.Model):
            calls.append(_layer_call(seen, producers))
            producers.update({tensor.name: seen.name for tensor in seen.outputs})

    with watched_calls(model, watcher):
        answer = _tensors(model(structure, training=False))
    return Trace(tuple(calls), layers, tuple(given), tuple(answer), producers)


def _layer_call(seen: _Seen, producers: Mapping[str, str]) -> LayerCall:
    sources, loose = _walk_up(seen.inputs, producers, stop=())
    within, inner = _walk_up(seen.outputs, producers, stop=[tensor.name for tensor in seen.inputs])
    return LayerCall(
        name=seen.name,
        layer=seen.layer,
        inputs=within if is_container(seen.layer) and within else sources,
        input_shapes=tuple(tuple(tensor.shape) for tensor in seen.inputs),
        output_shapes=tuple(tuple(tensor.shape) for tensor in seen.outputs),
        input_tensors=tuple(seen.inputs),
        output_tensors=tuple(seen.outputs),
        inner_operations=inner,
        loose_operations=loose,
        channels_first=seen.channels_first,
    )


def _input_names(model: keras.Model, count: int) -> list[str]:
    """The names of the input layers that take the tensors of the network's input; `INPUT` where there are none."""
    if isinstance(model, keras.Sequential):
        return [INPUT] * count
    tensors = tf.nest.flatten(getattr(model, "_inputs_struct", ()))
    names = [tensor._keras_history.operation.name for tensor in tensors]
    return names if len(names) == count else [INPUT] * count


def _walk_up(
    tensors: Sequence[tf.Tensor], producers: Mapping[str, str], stop: Sequence[str]
) -> tuple[tuple[str, ...], tuple[tf.Operation, ...]]:
    """Walk the graph up from `tensors` to the nearest layer outputs, or to the tensors named in `stop`.

    Returns:
        The layer calls reached, and the operations on the way that carry data from them (those that only
        read weights or compute shapes are left out).
    """
    sources: dict[str, None] = {}
    readers: dict[str, list[tf.Operation]] = {}  # name of a tensor -> operations that read it
    ends: list[str] = []
    visited: set[str] = set()
    queue = list(tensors)
    while queue:
        tensor = queue.pop()
        if tensor.name in visited:
            continue
        visited.add(tensor.name)
        if tensor.name in stop or tensor.name in producers:
            ends.append(tensor.name)
            sources.update({producers[tensor.name]: None} if tensor.name in producers else {})
        elif tensor.op.type not in _SHAPE_OPERATIONS:
            for source in tensor.op.inputs:
                readers.setdefault(source.name, []).append(tensor.op)
                queue.append(source)
    carriers: dict[str, tf.Operation] = {}
    while ends:
        for operation in readers.pop(ends.pop(), ()):
            carriers[operation.name] = operation
            ends.extend(output.name for output in operation.outputs)
    return tuple(reversed(sources)), tuple(carriers.values())
