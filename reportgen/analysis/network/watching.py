"""Every layer call of a network watched while it runs, whatever kind of network it is.

Keras offers sub-models to see what layers give (`Model(inputs, layer.output)`), which do not exist for subclassed
networks, do not reach into nested ones, and show only the first call of a shared layer. Here the network
is run as it is, inside one traced function, while every layer call is watched: nothing is cloned, so
weights cannot go astray, and each call of a shared layer is seen by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

from reportgen.analysis.network.layer_kinds import ACTIVATIONS, kind_of
from reportgen.models.keras_private import has_mask, held_layers, networks_of_any_size

INPUT = ""  # stands for the network's own input among the inputs of a layer call

# Keras' classes are patched while a network is traced; two traces at a time would see each other's calls.
_TRACING = threading.RLock()

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


@dataclass(frozen=True, eq=False)
class Seen:
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
    return bool(held_layers(layer)) and not type(layer).__module__.startswith("keras.")


def tensors_in(structure: Any) -> list[tf.Tensor]:
    """The tensors in a structure, in Keras' flat order; of what a network gives, its outputs by their index.

    What else a network of the user's gives beside them, such as None or a number, is no answer to an image.
    """
    return [leaf for leaf in keras.tree.flatten(structure) if isinstance(leaf, tf.Tensor)]


def is_of_numbers(tensor: tf.Tensor) -> bool:
    """Whether a tensor holds real numbers, whole ones or truth values, and not text or complex numbers."""
    return bool(tensor.dtype.is_floating or tensor.dtype.is_integer or tensor.dtype.is_bool)


_Applied = list[tuple[tf.Tensor, tf.Tensor]]  # what went into a fused activation and what came out


class _Watch:
    """Stands in for `keras.Layer.__call__` and follows the calls below one network."""

    def __init__(self, root: keras.Layer, watcher: Callable[[Seen], None]) -> None:
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
        inputs = tensors_in((args, kwargs))
        result = _own_tensors(result, inputs)
        outputs = tensors_in(result)
        before = next((value for value, given in applied if any(given is output for output in outputs)), None)
        self.channels_first = _lies_channels_first(layer, self.channels_first)
        self.watcher(Seen(frame.name, layer, inputs, outputs, before, self.channels_first))
        return result

    def _computed(self, layer: keras.Layer, args: Any, kwargs: Any, applied: _Applied) -> Any:
        """What `layer` gives, by XLA where TensorFlow itself would need a GPU for it."""
        if not isinstance(layer, _WINDOWED) or layer.data_format != "channels_first" or has_gpu():
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


def has_gpu() -> bool:
    """Whether there is a GPU, for which alone TensorFlow offers some operations with channels first."""
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
        if id(leaf) in taken and isinstance(leaf, tf.Tensor) and not has_mask(leaf):
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
def watched_calls(root: keras.Layer, watcher: Callable[[Seen], None]) -> Iterator[None]:
    """Tell `watcher` of every layer call below `root` made inside the block, as each one returns."""
    with _TRACING, networks_of_any_size():
        watch = _Watch(root, watcher)

        def watched(layer: keras.Layer, *args: Any, **kwargs: Any) -> Any:
            return watch.call(layer, *args, **kwargs)

        keras.Layer.__call__ = watched
        try:
            yield
        finally:
            keras.Layer.__call__ = watch.original


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


def before_activation_of(seen: Seen) -> tf.Tensor | None:
    """What goes into the activation of a layer, fused or all it is; None where there is none."""
    if seen.before is not None:
        return seen.before
    return seen.inputs[0] if kind_of(seen.layer) in ACTIVATIONS and seen.inputs else None
