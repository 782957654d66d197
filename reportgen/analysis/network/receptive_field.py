"""The input pixels each position of a map depends on, followed through any graph of layers.

The arithmetic is that of Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural
Networks", Distill 2019, extended to transposed convolutions, upsampling and paths that join. Layers Keras
knows are followed by their settings, everything between them (custom layers too) by the TensorFlow
operations it consists of. Where a position sees the whole image, or where an operation is not known,
there is no receptive field and a sentence says why.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import keras
import tensorflow as tf

from reportgen.analysis.network.capture import LayerCall, Trace
from reportgen.results import ReceptiveField

Pair = tuple[float, float]

WHOLE_IMAGE = "every position sees the whole image, after global pooling"
FLATTENED = "the map is flattened, or its rows and columns are rearranged"
ATTENTION = "attention lets every position see all others"
RESIZED = "the map is resized"
NORMALIZED = "normalisation uses statistics of the whole map"
UNEVEN = "paths of different strides join"


@dataclass(frozen=True)
class _Field:
    """Position `p` sees `size` pixels from `p * stride + start` on; the two values are (vertical, horizontal).

    `rows` is the axis of the rows in the tensor, the columns follow.
    """

    size: Pair
    stride: Pair
    start: Pair
    rows: int


@dataclass(frozen=True)
class _Undefined:
    """Why there is no receptive field, and from which layer on."""

    reason: str
    layer: str | None = None


_State = _Field | _Undefined
_Rule = Callable[[LayerCall, _Field], _State]


def find_receptive_fields(trace: Trace, image: tf.Tensor) -> dict[str, ReceptiveField | str]:
    """The receptive field of every layer call, or a sentence saying why there is none.

    Args:
        trace: of the network at its actual input size, which decides where 'same' padding falls.
        image: which of `trace.inputs` takes the image.

    Returns:
        Under each call's name what its first output tensor sees of the image.
    """
    states: dict[str, _State] = {}
    if image.shape.rank == 4:
        rows = 2 if _is_channels_first(trace) else 1
        states[image.name] = _Field((1, 1), (1, 1), (0, 0), rows)
    else:
        states[image.name] = _Undefined(f"the input has {image.shape.rank} axes, an image batch has four")
    given_by = {tensor.name: call for call in trace.calls for tensor in call.output_tensors}
    for operation in image.graph.get_operations():
        for tensor in operation.outputs:
            call = given_by.get(tensor.name)
            state = _after_call(call, tensor, states) if call else _after_operation(operation, tensor, states)
            if state is not None and tensor.name not in states:
                states[tensor.name] = state
    return {
        call.name: _described(states.get(call.output_tensors[0].name)) for call in trace.calls if call.output_tensors
    }


def _is_channels_first(trace: Trace) -> bool:
    formats = (getattr(call.layer, "data_format", None) for call in trace.calls)
    return next((given for given in formats if given is not None), "channels_last") == "channels_first"


def _described(state: _State | None) -> ReceptiveField | str:
    if state is None:
        return "the output does not depend on the image"
    if isinstance(state, _Undefined):
        return f"{state.reason} ({state.layer})" if state.layer else state.reason
    return ReceptiveField(
        size=(_whole(state.size[0]), _whole(state.size[1])),
        stride=(float(state.stride[0]), float(state.stride[1])),
        padding=(0.0 - state.start[0], 0.0 - state.start[1]),
    )


def _whole(size: float) -> int:
    # Sizes behind a transposed convolution may end between two pixels.
    return math.ceil(size - 1e-9)


def _after_call(call: LayerCall, tensor: tf.Tensor, states: Mapping[str, _State]) -> _State | None:
    """What the output `tensor` of a layer call sees: by the layer's rule if it has one, else by its operations."""
    rule = next((rule for kinds, rule in _RULES if isinstance(call.layer, kinds)), None)
    if rule is None:
        state = _after_operation(tensor.op, tensor, states)
    else:
        joined = _joined(call.input_tensors, states)
        state = rule(call, joined) if isinstance(joined, _Field) else joined
    if isinstance(state, _Undefined) and state.layer is None:
        return replace(state, layer=call.name)
    return state


def _joined(tensors: Sequence[tf.Tensor], states: Mapping[str, _State]) -> _State | None:
    """What a position sees through all of `tensors` together; None if none of them depends on the image."""
    found = [states[tensor.name] for tensor in tensors if tensor.name in states]
    undefined = next((state for state in found if isinstance(state, _Undefined)), None)
    if undefined is not None:
        return undefined
    fields = [state for state in found if isinstance(state, _Field)]
    if len(fields) < 2:
        return fields[0] if fields else None
    if len({(field.stride, field.rows) for field in fields}) > 1:
        return _Undefined(UNEVEN)
    ends = [(field.start[0] + field.size[0], field.start[1] + field.size[1]) for field in fields]
    start = (min(field.start[0] for field in fields), min(field.start[1] for field in fields))
    size = (max(end[0] for end in ends) - start[0], max(end[1] for end in ends) - start[1])
    return _Field(size, fields[0].stride, start, fields[0].rows)


# --- windows --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Window:
    """Along one axis, position `q` of the output sees `extent` positions of the input from `q * step + first` on."""

    extent: float
    step: float
    first: float


def _through(field: _Field, windows: Sequence[_Window]) -> _Field:
    """What is seen through a window at each position of `field`."""
    vertical, horizontal = windows
    return _Field(
        size=(
            field.size[0] + (vertical.extent - 1) * field.stride[0],
            field.size[1] + (horizontal.extent - 1) * field.stride[1],
        ),
        stride=(field.stride[0] * vertical.step, field.stride[1] * horizontal.step),
        start=(
            field.start[0] + vertical.first * field.stride[0],
            field.start[1] + horizontal.first * field.stride[1],
        ),
        rows=field.rows,
    )


def _sliding(length: int | None, kernel: int, stride: int, dilation: int, padding: str) -> _Window:
    """A window of `kernel` taps sliding over `length` positions.

    TensorFlow's 'same' puts the odd cell of padding at the end, and how many there are depends on `length`.
    """
    extent = (kernel - 1) * dilation + 1
    if padding.lower() != "same":
        return _Window(extent, stride, 0)
    if length is None:
        total = max(extent - stride, 0)  # as for a length that is a multiple of the stride
    else:
        total = max((math.ceil(length / stride) - 1) * stride + extent - length, 0)
    return _Window(extent, stride, -(total // 2))


def _transposed(long: int | None, short: int | None, kernel: int, stride: int, dilation: int, padding: str) -> _Window:
    """The window of a transposed convolution from `short` positions to `long`.

    Output `o` reads input `i` where `o = i * stride + tap * dilation - padding`. How many that are, and
    where they lie, differs between the `stride` phases of the output: the extent is the largest, the
    position the mean over the phases.
    """
    before = 0
    if padding.lower() == "same" and long is not None and short is not None:
        before = max((short - 1) * stride + (kernel - 1) * dilation + 1 - long, 0) // 2
    extents, centres = [], []
    for phase in range(stride):
        taps = [tap * dilation for tap in range(kernel) if (phase + before - tap * dilation) % stride == 0]
        if taps:
            extents.append((taps[-1] - taps[0]) // stride + 1)
            centres.append((before - (taps[0] + taps[-1]) / 2) / stride)
    extent, centre = max(extents), sum(centres) / len(centres)
    return _Window(extent, 1 / stride, centre - (extent - 1) / 2)


def _lengths(shape: Sequence[int | None], rows: int) -> tuple[int | None, int | None]:
    return shape[rows], shape[rows + 1]


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


# --- rules for layers -----------------------------------------------------------------------------


def _convolution(call: LayerCall, field: _Field) -> _State:
    layer = call.layer
    kernel, strides = _pair(layer.kernel_size), _pair(layer.strides)
    dilation = _pair(layer.dilation_rate)
    lengths = _lengths(call.input_shapes[0], field.rows)
    return _through(field, [_sliding(lengths[i], kernel[i], strides[i], dilation[i], layer.padding) for i in range(2)])


def _transposed_convolution(call: LayerCall, field: _Field) -> _State:
    layer = call.layer
    kernel, strides = _pair(layer.kernel_size), _pair(layer.strides)
    dilation = _pair(layer.dilation_rate)
    short, long = _lengths(call.input_shapes[0], field.rows), _lengths(call.output_shapes[0], field.rows)
    return _through(
        field, [_transposed(long[i], short[i], kernel[i], strides[i], dilation[i], layer.padding) for i in range(2)]
    )


def _pooling(call: LayerCall, field: _Field) -> _State:
    layer = call.layer
    pool, strides = _pair(layer.pool_size), _pair(layer.strides)
    lengths = _lengths(call.input_shapes[0], field.rows)
    return _through(field, [_sliding(lengths[i], pool[i], strides[i], 1, layer.padding) for i in range(2)])


def _zero_padding(call: LayerCall, field: _Field) -> _State:
    (top, _), (left, _) = call.layer.padding
    return _through(field, [_Window(1, 1, -top), _Window(1, 1, -left)])


def _cropping(call: LayerCall, field: _Field) -> _State:
    (top, _), (left, _) = call.layer.cropping
    return _through(field, [_Window(1, 1, top), _Window(1, 1, left)])


def _upsampling(call: LayerCall, field: _Field) -> _State:
    factors = _pair(call.layer.size)
    if call.layer.interpolation == "nearest":
        # Output o reads input floor(o / factor); on average that is o / factor - (factor - 1) / (2 factor).
        return _through(field, [_Window(1, 1 / factor, -(factor - 1) / (2 * factor)) for factor in factors])
    if call.layer.interpolation == "bilinear":
        # Output o lies between the two inputs around (o + 1/2) / factor - 1/2.
        return _through(
            field,
            [_Window(min(factor, 2), 1 / factor, 0.5 / factor - min(factor, 2) / 2) for factor in factors],
        )
    return _Undefined(RESIZED)


def _pointwise(_: LayerCall, field: _Field) -> _State:
    return field


def _dense(call: LayerCall, field: _Field) -> _State:
    return field if field.rows == 1 and len(call.input_shapes[0]) == 4 else _Undefined(FLATTENED)


def _concatenation(call: LayerCall, field: _Field) -> _State:
    axis = call.layer.axis % 4
    return _Undefined("maps are put side by side") if axis in (field.rows, field.rows + 1) else field


def _layer_normalization(call: LayerCall, field: _Field) -> _State:
    axes = call.layer.axis if isinstance(call.layer.axis, list | tuple) else [call.layer.axis]
    mixes = any(axis % 4 in (field.rows, field.rows + 1) for axis in axes)
    return _Undefined(NORMALIZED) if mixes else field


def _undefined(reason: str) -> _Rule:
    def rule(_: LayerCall, __: _Field) -> _State:
        return _Undefined(reason)

    return rule


_LAYERS = keras.layers

# The first entry that matches counts: transposed convolutions before the convolutions they derive from.
_RULES: tuple[tuple[tuple[type, ...], _Rule], ...] = (
    ((_LAYERS.Conv2DTranspose,), _transposed_convolution),
    ((_LAYERS.Conv2D, _LAYERS.DepthwiseConv2D, _LAYERS.SeparableConv2D), _convolution),
    ((_LAYERS.MaxPooling2D, _LAYERS.AveragePooling2D), _pooling),
    ((_LAYERS.ZeroPadding2D,), _zero_padding),
    ((_LAYERS.Cropping2D,), _cropping),
    ((_LAYERS.UpSampling2D,), _upsampling),
    (
        (
            _LAYERS.GlobalAveragePooling2D,
            _LAYERS.GlobalMaxPooling2D,
        ),
        _undefined(WHOLE_IMAGE),
    ),
    ((_LAYERS.Flatten,), _undefined(FLATTENED)),
    ((_LAYERS.Dense,), _dense),
    (
        (_LAYERS.MultiHeadAttention, _LAYERS.GroupQueryAttention, _LAYERS.Attention, _LAYERS.AdditiveAttention),
        _undefined(ATTENTION),
    ),
    ((_LAYERS.Resizing,), _undefined(RESIZED)),
    ((_LAYERS.GroupNormalization,), _undefined(NORMALIZED)),
    ((_LAYERS.LayerNormalization,), _layer_normalization),
    ((_LAYERS.Concatenate,), _concatenation),
    ((_LAYERS.BatchNormalization, _LAYERS.Normalization, _LAYERS.Rescaling), _pointwise),
)


# --- rules for operations -------------------------------------------------------------------------

_POINTWISE_OPERATIONS = """
    Abs Add AddN AddV2 BiasAdd BiasAddV1 Cast CheckNumerics Ceil ClipByValue Cos Div DivNoNan Elu Equal Erf Erfc Exp
    Expm1 Floor FloorDiv FusedBatchNormV3 Greater GreaterEqual Identity IdentityN IsFinite LeakyRelu Less LessEqual Log
    Log1p LogicalAnd LogicalNot LogicalOr Maximum Minimum Mod Mul MulNoNan Neg NotEqual OnesLike Pow PreventGradient
    RealDiv Reciprocal Relu Relu6 Rint Round Rsqrt Select SelectV2 Selu Sigmoid Sign Sin Softplus Softsign Sqrt Square
    SquaredDifference StopGradient Sub Tan Tanh Xdivy Xlogy ZerosLike
"""
_SHAPES = frozenset({"Rank", "Shape", "ShapeN", "Size"})


def _after_operation(operation: tf.Operation, tensor: tf.Tensor, states: Mapping[str, _State]) -> _State | None:
    """What the output `tensor` of a TensorFlow operation sees; None where that is nothing of the image."""
    if operation.type in _SHAPES:
        return None
    joined = _joined(operation.inputs, states)
    if not isinstance(joined, _Field):
        return joined
    rule = _OPERATION_RULES.get(operation.type)
    if rule is None:
        return _Undefined(f"what the operation {operation.type} sees is not followed")
    source = next(given for given in operation.inputs if given.name in states)
    return rule(operation, source, tensor, joined)


def _pointwise_operation(_: tf.Operation, __: tf.Tensor, ___: tf.Tensor, field: _Field) -> _State:
    return field


def _resized(_: tf.Operation, __: tf.Tensor, ___: tf.Tensor, ____: _Field) -> _State:
    return _Undefined(RESIZED)


def _kept(_: tf.Operation, source: tf.Tensor, tensor: tf.Tensor, field: _Field) -> _State:
    return field if _same_map(source, tensor, field.rows) else _Undefined(FLATTENED)


def _same_map(source: tf.Tensor, tensor: tf.Tensor, rows: int) -> bool:
    """Whether rows and columns are as they were."""
    if source.shape.rank != 4 or tensor.shape.rank != 4:
        return False
    return bool(source.shape[rows : rows + 2].as_list() == tensor.shape[rows : rows + 2].as_list())


def _window_operation(operation: tf.Operation, source: tf.Tensor, _: tf.Tensor, field: _Field) -> _State:
    padding = operation.get_attr("padding").decode()
    if source is not operation.inputs[0] or padding == "EXPLICIT":
        return _Undefined(f"what the operation {operation.type} sees is not followed")
    axes = (field.rows, field.rows + 1)
    strides = operation.get_attr("strides")
    if operation.type in ("AvgPool", "MaxPool"):
        sizes = operation.get_attr("ksize")
        kernel, dilation = [sizes[axis] for axis in axes], [1, 1]
    else:
        rates = operation.get_attr("dilations")
        kernel, dilation = operation.inputs[1].shape[:2].as_list(), [rates[axis] for axis in axes]
    return _through(
        field,
        [_sliding(source.shape[axis], kernel[i], strides[axis], dilation[i], padding) for i, axis in enumerate(axes)],
    )


def _constant(tensor: tf.Tensor) -> list[int] | None:
    value = tf.get_static_value(tensor)
    return None if value is None else value.reshape(-1).tolist()


def _reduced(operation: tf.Operation, _: tf.Tensor, __: tf.Tensor, field: _Field) -> _State:
    axes = _constant(operation.inputs[1])
    if axes is None or any(axis % 4 in (field.rows, field.rows + 1) for axis in axes):
        return _Undefined(WHOLE_IMAGE)
    return field if operation.get_attr("keep_dims") else _Undefined(FLATTENED)


def _padded(operation: tf.Operation, _: tf.Tensor, __: tf.Tensor, field: _Field) -> _State:
    amounts = _constant(operation.inputs[1])
    if amounts is None or operation.type == "MirrorPad":
        return _Undefined("the map is padded by an amount or a content that is not fixed")
    top, left = amounts[2 * field.rows], amounts[2 * field.rows + 2]
    return _through(field, [_Window(1, 1, -top), _Window(1, 1, -left)])


def _einsum(operation: tf.Operation, source: tf.Tensor, _: tf.Tensor, field: _Field) -> _State:
    """A product that runs over channels alone leaves rows and columns where they are."""
    left, right = operation.get_attr("equation").decode().split("->")
    term = left.split(",")[0]
    kept = source is operation.inputs[0] and len(term) == len(right) == 4 and "." not in term
    spatial = slice(field.rows, field.rows + 2)
    return field if kept and term[spatial] == right[spatial] else _Undefined(FLATTENED)


def _transposed_axes(operation: tf.Operation, _: tf.Tensor, __: tf.Tensor, field: _Field) -> _State:
    order = _constant(operation.inputs[1])
    if order is None or field.rows not in order:
        return _Undefined(FLATTENED)
    rows = order.index(field.rows)
    if rows + 1 >= len(order) or order[rows + 1] != field.rows + 1:
        return _Undefined(FLATTENED)
    return replace(field, rows=rows)


def _sliced(operation: tf.Operation, source: tf.Tensor, tensor: tf.Tensor, field: _Field) -> _State:
    if _same_map(source, tensor, field.rows):
        return field
    begin, strides = _constant(operation.inputs[1]), _constant(operation.inputs[3])
    plain = source.shape.rank == 4 == tensor.shape.rank and not operation.get_attr("ellipsis_mask")
    if begin is None or strides is None or len(begin) <= field.rows + 1 or not plain:
        return _Undefined("the map is cut in a way that is not followed")
    mask = operation.get_attr("begin_mask")
    windows = []
    for axis in (field.rows, field.rows + 1):
        first = 0 if mask & (1 << axis) else begin[axis]
        if first < 0 or strides[axis] < 1:
            return _Undefined("the map is cut in a way that is not followed")
        windows.append(_Window(1, strides[axis], first))
    return _through(field, windows)


_OPERATION_RULES: dict[str, Callable[[tf.Operation, tf.Tensor, tf.Tensor, _Field], _State]] = {
    **dict.fromkeys(_POINTWISE_OPERATIONS.split(), _pointwise_operation),
    **dict.fromkeys(("AvgPool", "Conv2D", "DepthwiseConv2dNative", "MaxPool"), _window_operation),
    **dict.fromkeys(("All", "Any", "Max", "Mean", "Min", "Prod", "Sum"), _reduced),
    **dict.fromkeys(("Pad", "PadV2", "MirrorPad"), _padded),
    **dict.fromkeys(("ConcatV2", "Reshape", "Softmax", "Split", "SplitV"), _kept),
    **dict.fromkeys(
        ("ResizeArea", "ResizeBicubic", "ResizeBilinear", "ResizeNearestNeighbor", "ScaleAndTranslate"), _resized
    ),
    "Einsum": _einsum,
    "StridedSlice": _sliced,
    "Transpose": _transposed_axes,
}
