"""A network's first layer with a kernel, found among the operations of its call.

A network may rescale its input in a `Rescaling` layer, behind augmentation, in a `call` of its own, in a network
nested in it, or in a layer of somebody's making: what its graph of layers shows is not all of it. So the first
operation that joins something made from the image with something made from weights (a convolution or a product of
matrices) is found among what TensorFlow recorded of the call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.network.running import run_errors_explained
from reportgen.analysis.network.trace import SHAPE_OPERATIONS
from reportgen.analysis.network.traced import image_of, traced_network
from reportgen.analysis.network.watching import is_container, watched_calls
from reportgen.errors import ReportgenError
from reportgen.models import Network
from reportgen.models.keras_private import layers_below, own_variables

Floats = NDArray[np.float64]

# Which inputs of an operation may be data and kernel, in that order.
_KERNEL_OPERATIONS: dict[str, tuple[tuple[int, int], ...]] = {
    "Conv2D": ((0, 1),),
    "Conv3D": ((0, 1),),
    "DepthwiseConv2dNative": ((0, 1),),
    "Conv2DBackpropInput": ((2, 1),),  # a transposed convolution
    "Conv3DBackpropInputV2": ((2, 1),),
    "XlaConv": ((0, 1),),
    "XlaConvV2": ((0, 1),),
    "MatMul": ((0, 1), (1, 0)),
    "BatchMatMul": ((0, 1), (1, 0)),
    "BatchMatMulV2": ((0, 1), (1, 0)),
    "BatchMatMulV3": ((0, 1), (1, 0)),
    "Einsum": ((0, 1), (1, 0)),
}


# Operations that call a function, in which others may be.
_CALLS = frozenset(
    {"PartitionedCall", "StatefulPartitionedCall", "If", "StatelessIf", "While", "StatelessWhile", "Case"}
)

_NONE_SEEN = "no layer with a kernel is seen on the way of the image"


class _KernelSeen(BaseException):
    """Ends a trace once its first kernel is there; no `Exception`, because Keras rewraps those."""


@dataclass(frozen=True, eq=False)
class FirstKernel:
    """The first layer with a kernel and what goes into it.

    `read` gives, for one prepared image `(1, height, width, channels)`, what goes in as `(places, values)`;
    `path` leads from the network to the layer that owns the kernel, empty where none does. `half` says that
    what goes in has 16 bits.
    """

    read: Callable[[tf.Tensor], Floats]
    path: tuple[keras.Layer, ...]
    half: bool

    @property
    def name(self) -> str | None:
        """The layer's name, `outer/inner` for nested ones."""
        return "/".join(layer.name for layer in self.path) or None


def find_first_kernel(network: Network) -> FirstKernel:
    """Find the first layer with a kernel on the way of the image, in the call of `network` as it is.

    Raises:
        ReportgenError: the network cannot be traced, or no operation with a kernel is seen in its trace.
    """
    with run_errors_explained(network):
        traced = traced_network(network)
        image = image_of(network, traced)
        kernel = _first_kernel(traced.graph, image, past_calls=False)
        if kernel is None and _calls_functions(traced.graph):
            with suppress(TypeError):  # a function of the user's that needs TensorFlow's rewriting of Python
                return _opened_kernel(network)
            kernel = _first_kernel(traced.graph, image, past_calls=True)
    if kernel is None:
        raise ReportgenError(_NONE_SEEN)
    data = kernel.data

    def read(prepared: tf.Tensor) -> tf.Tensor:
        return traced.replay(network.feed(prepared), [data])[0][0]

    return _found(network, kernel, _owner(network.model, traced.graph, kernel.variables), read)


def _opened_kernel(network: Network) -> FirstKernel:
    """The first kernel of a network that calls functions, behind which the trace of all others does not see.

    Here they are left open, and the network is run as far as that kernel alone.
    """
    found: list[tuple[_Kernel, tuple[keras.Layer, ...]]] = []

    def opened(prepared: tf.Tensor) -> tf.Tensor:
        graph, kernels = tf.compat.v1.get_default_graph(), []

        def look(_: object = None) -> None:
            kernel = _first_kernel(graph, prepared, past_calls=True)
            if kernel is not None:
                kernels.append(kernel)
                raise _KernelSeen

        with watched_calls(network.model, look), suppress(_KernelSeen):
            network.model(network.feed(prepared), training=False)
            look()
        if not kernels:
            raise ReportgenError(_NONE_SEEN)
        found.append((kernels[0], _owner(network.model, graph, kernels[0].variables)))
        return kernels[0].data

    with _functions_opened():
        read = tf.function(opened, autograph=False).get_concrete_function(_image_spec(network))
    return _found(network, *found[-1], read)


def _found(
    network: Network, kernel: _Kernel, path: tuple[keras.Layer, ...], read: Callable[[tf.Tensor], tf.Tensor]
) -> FirstKernel:
    """`read` gives, while a function is traced, what goes into `kernel` for a prepared image."""
    places = _places(kernel.operation, kernel.place)
    function = tf.function(read, autograph=False, input_signature=[_image_spec(network)])

    def compute(prepared: tf.Tensor) -> Floats:
        with run_errors_explained(network):
            return places(np.asarray(tf.cast(function(prepared), tf.float32), np.float64))

    return FirstKernel(compute, path, kernel.data.dtype in (tf.float16, tf.bfloat16))


def _image_spec(network: Network) -> tf.TensorSpec:
    return tf.TensorSpec((1, *network.size, network.channels), tf.float32)


# --- following the call ---------------------------------------------------------------------------


@contextmanager
def _functions_opened() -> Iterator[None]:
    """Inside the block a `tf.function` within a network leaves its operations in the network's own graph."""
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


@dataclass(frozen=True, eq=False)
class _Kernel:
    """An operation with a kernel: which of its inputs is data, and the names of its variables' placeholders."""

    operation: Any
    place: int
    variables: frozenset[str]

    @property
    def data(self) -> tf.Tensor:
        """What goes in."""
        return self.operation.inputs[self.place]


def _calls_functions(graph: Any) -> bool:
    return any(operation.type in _CALLS for operation in graph.get_operations())


def _first_kernel(graph: Any, image: tf.Tensor, *, past_calls: bool) -> _Kernel | None:
    """The first operation with a kernel that what is made from `image` goes into.

    Without `past_calls` none is found behind a call of a function that takes it, which may have one inside.
    """
    data = {image.name}
    kernels = {inner.name: frozenset([inner.name]) for inner in graph.internal_captures}
    for operation in graph.get_operations():  # in the order of their making
        names = [tensor.name for tensor in operation.inputs]
        if not data.isdisjoint(names):
            for place, other in _KERNEL_OPERATIONS.get(operation.type, ()):
                if names[place] in data and names[other] in kernels and names[other] not in data:
                    return _Kernel(operation, place, kernels[names[other]])
            if operation.type in _CALLS and not past_calls:
                return None
            if operation.type not in SHAPE_OPERATIONS:
                data.update(output.name for output in operation.outputs)
            continue
        sources = frozenset[str]().union(*(kernels.get(name, frozenset()) for name in names))
        if sources:
            kernels.update({output.name: sources for output in operation.outputs})
    return None


def _owner(model: keras.Model, graph: Any, placeholders: frozenset[str]) -> tuple[keras.Layer, ...]:
    """The way from `model` to the layer that owns one of the variables; empty where the model itself does."""
    captures = zip(graph.external_captures, graph.internal_captures, strict=True)
    handles = {id(outer) for outer, inner in captures if inner.name in placeholders}

    def owns(layer: keras.Layer) -> bool:
        return any(id(getattr(variable.value, "handle", None)) in handles for variable in own_variables(layer))

    def search(layer: keras.Layer) -> tuple[keras.Layer, ...] | None:
        for inner in layers_below(layer, recursive=False):
            below = search(inner)
            if below is not None or owns(inner):
                return (inner, *(below or ())) if is_container(inner) else (inner,)
        return None

    return search(model) or ()


_Places = Callable[[Floats], Floats]


def _places(operation: Any, data: int) -> _Places:
    """How the data of `operation` becomes `(places, values)`; of maps their inner half alone, away from borders."""
    if operation.type == "Einsum":
        return _contracted(operation.get_attr("equation").decode(), data)
    if "MatMul" in operation.type:
        flag = ("transpose_a", "transpose_b") if operation.type == "MatMul" else ("adj_x", "adj_y")
        last = operation.get_attr(flag[data]) == bool(data)
        return lambda values: _flattened(values if last else np.swapaxes(values, -1, -2))
    try:
        first = operation.get_attr("data_format").decode().startswith("NC")
    except ValueError:  # XLA's, whose dimension numbers Keras leaves at channels last
        first = False
    return lambda values: _inner(np.moveaxis(values, 1, -1) if first else values)


def _flattened(values: Floats) -> Floats:
    return values.reshape(-1, values.shape[-1])


def _inner(maps: Floats) -> Floats:
    """The inner half of each side of `(1, ..., channels)`, as `(places, channels)`."""
    for axis in range(1, maps.ndim - 1):
        side = maps.shape[axis]
        maps = np.take(maps, range(side // 4, max(side // 4 + 1, side - side // 4)), axis)
    return _flattened(maps)


def _contracted(equation: str, data: int) -> _Places:
    """The axes that `equation` sums over are the values; without such a plain description, the last axis is."""
    inputs, _, output = equation.replace(" ", "").partition("->")
    terms = inputs.split(",")
    summed = [axis for axis, letter in enumerate(terms[data]) if letter in terms[1 - data] and letter not in output]
    if "." in equation or not summed:
        return _flattened

    def places(values: Floats) -> Floats:
        size = int(np.prod([values.shape[axis] for axis in summed]))
        return np.moveaxis(values, summed, range(values.ndim - len(summed), values.ndim)).reshape(-1, size)

    return places
