"""What layers Keras knows do to a receptive field, by their settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras

from reportgen.analysis.network.receptive_windows import (
    ATTENTION,
    FLATTENED,
    NORMALIZED,
    RESIZED,
    WHOLE_IMAGE,
    Seen,
    State,
    Undefined,
    Window,
    sliding_window,
    through,
    transposed_window,
)
from reportgen.analysis.network.trace import LayerCall

LayerRule = Callable[[LayerCall, Seen], State]


def layer_rule(layer: keras.Layer) -> LayerRule | None:
    """What `layer` makes of what its input sees; None for one to be followed through its operations."""
    return next((rule for kinds, rule in _RULES if isinstance(layer, kinds)), None)


def _lengths(shape: Sequence[int | None], rows: int) -> tuple[int | None, int | None]:
    return shape[rows], shape[rows + 1]


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


def _convolution(call: LayerCall, field: Seen) -> State:
    layer, padding = call.layer, call.layer.padding
    kernel, strides = _pair(layer.kernel_size), _pair(layer.strides)
    dilation = _pair(layer.dilation_rate)
    lengths = _lengths(call.input_shapes[0], field.rows)
    return through(field, [sliding_window(lengths[i], kernel[i], strides[i], dilation[i], padding) for i in range(2)])


def _transposed_convolution(call: LayerCall, field: Seen) -> State:
    layer, padding = call.layer, call.layer.padding
    kernel, strides = _pair(layer.kernel_size), _pair(layer.strides)
    dilation = _pair(layer.dilation_rate)
    short, long = _lengths(call.input_shapes[0], field.rows), _lengths(call.output_shapes[0], field.rows)
    return through(
        field,
        [transposed_window(long[i], short[i], kernel[i], strides[i], dilation[i], padding) for i in range(2)],
    )


def _pooling(call: LayerCall, field: Seen) -> State:
    layer = call.layer
    pool, strides = _pair(layer.pool_size), _pair(layer.strides)
    lengths = _lengths(call.input_shapes[0], field.rows)
    return through(field, [sliding_window(lengths[i], pool[i], strides[i], 1, layer.padding) for i in range(2)])


def _zero_padding(call: LayerCall, field: Seen) -> State:
    (top, _), (left, _) = call.layer.padding
    return through(field, [Window(1, 1, -top), Window(1, 1, -left)])


def _cropping(call: LayerCall, field: Seen) -> State:
    (top, _), (left, _) = call.layer.cropping
    return through(field, [Window(1, 1, top), Window(1, 1, left)])


def _upsampling(call: LayerCall, field: Seen) -> State:
    factors = _pair(call.layer.size)
    if call.layer.interpolation == "nearest":
        # Output o reads input floor(o / factor); on average that is o / factor - (factor - 1) / (2 factor).
        return through(field, [Window(1, 1 / factor, -(factor - 1) / (2 * factor)) for factor in factors])
    if call.layer.interpolation == "bilinear":
        # Output o lies between the two inputs around (o + 1/2) / factor - 1/2.
        return through(
            field,
            [Window(min(factor, 2), 1 / factor, 0.5 / factor - min(factor, 2) / 2) for factor in factors],
        )
    return Undefined(RESIZED)


def _pointwise(_: LayerCall, field: Seen) -> State:
    return field


def _dense(call: LayerCall, field: Seen) -> State:
    return field if field.rows == 1 and len(call.input_shapes[0]) == 4 else Undefined(FLATTENED)


def _concatenation(call: LayerCall, field: Seen) -> State:
    axis = call.layer.axis % 4
    return Undefined("maps are put side by side") if axis in (field.rows, field.rows + 1) else field


def _layer_normalization(call: LayerCall, field: Seen) -> State:
    axes = call.layer.axis if isinstance(call.layer.axis, list | tuple) else [call.layer.axis]
    mixes = any(axis % 4 in (field.rows, field.rows + 1) for axis in axes)
    return Undefined(NORMALIZED) if mixes else field


def _undefined(reason: str) -> LayerRule:
    def rule(_: LayerCall, __: Seen) -> State:
        return Undefined(reason)

    return rule


_LAYERS = keras.layers

# The first entry that matches counts: transposed convolutions before the convolutions they derive from.
_RULES: tuple[tuple[tuple[type, ...], LayerRule], ...] = (
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
