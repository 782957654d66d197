"""What reaches a network's first layer with a kernel, measured: an affine map of the pixel, or why there is none.

A network may rescale its input in a `Rescaling` layer, behind augmentation, in a `call` of its own, in a network
nested in it, or in a layer of somebody's making: what its graph of layers shows is not all of it. So the call
itself is traced, and the first operation that joins something made from the image with something made from
weights (a convolution or a product of matrices) is found among what TensorFlow recorded. What goes into it is
computed for images of one constant colour, each channel by itself at several levels, and a matrix and an offset
are fitted to it. An adapted `Normalization` or a `BatchNormalization` before that operation counts as inside.
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
from reportgen.analysis.network.watching import is_container, watched_calls
from reportgen.errors import ReportgenError
from reportgen.models import MeasuredInput, Network
from reportgen.models.keras_private import layers_below, own_variables

Floats = NDArray[np.float64]

# Levels a channel takes while the others rest, in parts of the range of pixels, and where they rest.
_LEVELS = (0.0, 1 / 3, 2 / 3, 1.0)
_REST = 0.4
# Colours of all channels at once: a map that is affine in each channel need not be so in all of them.
_MIXED = 4

# How far from affine a map may be, in parts of what it spans: rounding of 32 and of 16 bits.
TOLERANCE = 1e-4
HALF_TOLERANCE = 1e-2
_ROUNDING = 4 * float(np.finfo(np.float32).eps)

# The share of places at which one colour must come out alike, and that at which each of two halves must show.
_AGREEMENT = 0.5
_HALF_SHOWS = 0.1

# A first layer that reads more values a place than this reads features.
_MOST_VALUES = 64

_SHAPE_OPERATIONS = frozenset({"Shape", "ShapeN", "Size", "Rank"})

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
    """Trace `network` as it is called and find its first layer with a kernel on the way of the image.

    Raises:
        ReportgenError: the network cannot be traced, or no operation with a kernel is seen in its trace.
    """
    found: list[tuple[tf.Tensor, _Places, tuple[keras.Layer, ...]]] = []

    def traced(prepared: tf.Tensor) -> tf.Tensor:
        graph, kernels = tf.compat.v1.get_default_graph(), []

        def look(_: object = None) -> None:
            kernel = _first_kernel(graph, prepared)
            if kernel is not None:
                kernels.append(kernel)
                raise _KernelSeen

        with watched_calls(network.model, look), suppress(_KernelSeen):
            network.model(network.feed(prepared), training=False)
            look()
        if not kernels:
            raise ReportgenError("no layer with a kernel is seen on the way of the image")
        operation, data, variables = kernels[0]
        found.append((operation.inputs[data], _places(operation, data), _owner(network.model, variables)))
        return operation.inputs[data]

    spec = tf.TensorSpec((1, *network.size, network.channels), tf.float32)
    with run_errors_explained(network):
        try:
            with _functions_opened():
                function = tf.function(traced, autograph=False).get_concrete_function(spec)
        except TypeError:  # a function of the user's that needs TensorFlow's rewriting of Python: it stays closed
            function = tf.function(traced, autograph=False).get_concrete_function(spec)
    tensor, places, path = found[-1]

    def read(prepared: tf.Tensor) -> Floats:
        with run_errors_explained(network):
            return places(np.asarray(tf.cast(function(prepared), tf.float32), np.float64))

    return FirstKernel(read, path, tensor.dtype in (tf.float16, tf.bfloat16))


def measure_input(
    network: Network,
    first: FirstKernel,
    prepare: Callable[[tf.Tensor], tf.Tensor],
    value_range: tuple[float, float] = (0.0, 255.0),
) -> MeasuredInput:
    """The map from a pixel to what reaches the first layer with a kernel.

    Args:
        prepare: what is done to images before they go in; the identity to measure the network alone.
        value_range: what pixels have, lowest and highest.
    """
    colours = probe_colours(network.channels, value_range)

    def read(image: NDArray[np.float32]) -> Floats:
        return first.read(prepare(tf.constant(image[np.newaxis])))

    try:
        seen = np.stack([read(_uniform(colour, network.size)) for colour in colours])
        halves = read(_two_halves(colours[-2:], network.size))
    except ReportgenError as error:
        return _unknown(first, str(error))
    reasons = []
    for fold in _foldings(seen, network.channels):
        fitted = _fit(colours, fold(seen), HALF_TOLERANCE if first.half else TOLERANCE)
        if isinstance(fitted, str):
            reasons.append(fitted)
            continue
        matrix, offset, residual = fitted
        if not _shows(fold(halves[np.newaxis])[0], colours[-2:] @ matrix.T + offset):
            return _unknown(first, "what reaches the first layer depends on the image as a whole")
        return MeasuredInput(first.name, _rows(matrix), tuple(offset.tolist()), residual, None)
    return _unknown(first, reasons[-1])


def _unknown(first: FirstKernel, reason: str) -> MeasuredInput:
    return MeasuredInput(first.name, None, None, None, reason)


def _rows(matrix: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in matrix.tolist())


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


def _first_kernel(graph: Any, image: tf.Tensor) -> tuple[Any, int, frozenset[str]] | None:
    """The first operation with a kernel: which input is data, and the names of the variables' placeholders."""
    data = {image.name}
    kernels = {inner.name: frozenset([inner.name]) for inner in graph.internal_captures}
    for operation in graph.get_operations():  # in the order of their making
        names = [tensor.name for tensor in operation.inputs]
        if not data.isdisjoint(names):
            for place, other in _KERNEL_OPERATIONS.get(operation.type, ()):
                if names[place] in data and names[other] in kernels and names[other] not in data:
                    return operation, place, kernels[names[other]]
            if operation.type not in _SHAPE_OPERATIONS:
                data.update(output.name for output in operation.outputs)
            continue
        sources = frozenset[str]().union(*(kernels.get(name, frozenset()) for name in names))
        if sources:
            kernels.update({output.name: sources for output in operation.outputs})
    return None


def _owner(model: keras.Model, placeholders: frozenset[str]) -> tuple[keras.Layer, ...]:
    """The way from `model` to the layer that owns one of the variables; empty where the model itself does."""
    graph = tf.compat.v1.get_default_graph()
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


# --- probing --------------------------------------------------------------------------------------


def probe_colours(channels: int, value_range: tuple[float, float] = (0.0, 255.0)) -> Floats:
    """Colours `(colours, channels)` to measure with: each channel by itself at several levels, then mixed ones."""
    low, high = value_range
    colours = np.full((channels, len(_LEVELS), channels), _REST)
    for channel in range(channels):
        colours[channel, :, channel] = _LEVELS
    mixed = np.random.default_rng(0).uniform(0, 1, (_MIXED, channels))
    # Whole numbers, where there are enough of them, go through networks that take whole numbers.
    spread = low + (high - low) * np.concatenate([colours.reshape(-1, channels), mixed])
    return np.round(spread) if high - low >= 100 else spread


def _uniform(colour: Floats, size: tuple[int, int]) -> NDArray[np.float32]:
    return np.broadcast_to(colour.astype(np.float32), (*size, len(colour))).copy()


def _two_halves(colours: Floats, size: tuple[int, int]) -> NDArray[np.float32]:
    image = _uniform(colours[0], size)
    image[size[0] // 2 :] = colours[1]
    return image


def _foldings(seen: Floats, channels: int) -> list[Callable[[Floats], Floats]]:
    """How `(colours, places, values)` may be folded so that the values are those of one pixel.

    A dense layer reads all pixels in a row and a patch several of them, colour by colour or pixel by pixel; and
    planes that no colour changes (coordinates, a mask) may lie beside the pixels.
    """
    values = seen.shape[-1]
    if values == channels:
        return [lambda array: array]
    found: list[Callable[[Floats], Floats]] = []
    if values % channels == 0:
        found.append(lambda array: array.reshape(len(array), -1, channels))
        found.append(
            lambda array: np.swapaxes(array.reshape(*array.shape[:2], channels, -1), 2, 3).reshape(
                len(array), -1, channels
            )
        )
    changing = np.flatnonzero(np.ptp(seen, axis=0).max(axis=0) > 0)
    found.append(lambda array: array[:, :, changing] if 0 < len(changing) < values else array)
    return found


def _fit(colours: Floats, seen: Floats, tolerance: float) -> tuple[Floats, Floats, float] | str:
    """Matrix, offset and largest residual of the affine map from `colours` to `seen` `(colours, places, values)`.

    The reason instead where there is none.
    """
    if not np.isfinite(seen).all():
        return "what reaches the first layer is not finite"
    if seen.shape[-1] > _MOST_VALUES:
        return f"the first layer with a kernel reads {seen.shape[-1]} features, not colours"
    typical = np.median(seen, axis=1)
    span = float(np.ptp(typical))
    allowed = tolerance * span + _ROUNDING * float(np.abs(typical).max())
    if span == 0.0:
        return "what reaches the first layer is the same for every constant colour"
    agree = (np.abs(seen - typical[:, np.newaxis]) <= allowed).all(axis=2).mean(axis=1)
    if agree.min() < _AGREEMENT:
        return "what reaches the first layer differs from place to place"
    with_one = np.concatenate([colours, np.ones((len(colours), 1))], axis=1)
    solution = np.linalg.lstsq(with_one, typical, rcond=None)[0]
    residual = float(np.abs(with_one @ solution - typical).max())
    if residual > allowed:
        return "what reaches the first layer is no affine map of the pixel"
    return _without_noise(solution[:-1].T), _without_noise(solution[-1], span * tolerance / 10), residual


def _without_noise(values: Floats, least: float | None = None) -> Floats:
    """`values` to seven digits, those that are next to nothing as zero."""
    limit = TOLERANCE / 10 * float(np.abs(values).max()) if least is None else least
    kept = np.where(np.abs(values) <= limit, 0.0, values)
    return np.array([float(f"{value:.7g}") for value in kept.ravel()]).reshape(values.shape)


def _shows(seen: Floats, predicted: Floats) -> bool:
    """Whether both colours `predicted` `(2, values)` are found at many of the places of `seen` `(places, values)`."""
    allowed = HALF_TOLERANCE * float(np.ptp(predicted, axis=0).max())
    return all((np.abs(seen - colour) <= allowed).all(axis=1).mean() >= _HALF_SHOWS for colour in predicted)
