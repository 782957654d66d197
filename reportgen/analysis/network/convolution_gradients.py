"""Gradients of convolutions with respect to their input alone, at the speed of a forward pass.

Inside `convolution_gradients` convolutions added to the graph get other gradient functions, found by `tf.gradients`
(a `GradientTape` does not look at them). It acts on operations, so it does not matter which layers they stand in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

_CONVOLUTION = "ReportgenConvolution"
_TRANSPOSED = "ReportgenTransposedConvolution"

# Convolutions to so few channels are slower than TensorFlow's gradient operation.
_FEW_CHANNELS = 4


@contextmanager
def convolution_gradients() -> Iterator[None]:
    """Use these gradients for the operations added to the graph in the block."""
    replaced = {"Conv2D": _CONVOLUTION, "Conv2DBackpropInput": _TRANSPOSED}
    with tf.compat.v1.get_default_graph().gradient_override_map(replaced):
        yield


@tf.RegisterGradient(_CONVOLUTION)  # type: ignore[untyped-decorator]
def _convolution_gradient(operation: tf.Operation, gradient: tf.Tensor) -> tuple[tf.Tensor, None]:
    """Of a convolution with respect to its input; weights are not what an ascent changes.

    Where the stride is one the gradient is itself a convolution, with the kernel turned half round and its
    channels exchanged, and TensorFlow runs that up to three times faster than its own gradient operation, which
    besides knows neither dilation nor groups on a processor. With an input of few channels, as an image is, it is
    the other way round.
    """
    images, kernel = operation.inputs
    padding = operation.get_attr("padding").decode()
    dilations = operation.get_attr("dilations")
    explicit = operation.get_attr("explicit_paddings")
    strides = operation.get_attr("strides")
    data_format = operation.get_attr("data_format").decode()
    few = images.shape[3] <= _FEW_CHANNELS and kernel.shape[2] == images.shape[3] and set(dilations) == {1}
    if data_format != "NHWC" or set(strides) != {1} or few:
        direct = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=tf.shape(images),
            filter=kernel,
            out_backprop=gradient,
            strides=strides,
            padding=padding,
            explicit_paddings=explicit,
            dilations=dilations,
            data_format=data_format,
        )
        return direct, None
    turned = _turned(kernel, groups=images.shape[3] // kernel.shape[2])
    opposite = _opposite_padding(kernel.shape, padding, dilations, explicit)
    return tf.nn.conv2d(gradient, turned, 1, opposite, dilations=dilations[1:3]), None


@tf.RegisterGradient(_TRANSPOSED)  # type: ignore[untyped-decorator]
def _transposed_convolution_gradient(operation: tf.Operation, gradient: tf.Tensor) -> tuple[None, None, tf.Tensor]:
    """Of a transposed convolution with respect to its input: the convolution it is the way back of.

    TensorFlow takes the gradient of the kernel along. Where that is one wide and strides are larger, oneDNN's
    operation for it writes past its memory, which may end the process.
    """
    names = ("strides", "padding", "explicit_paddings", "dilations", "data_format")
    attributes = {name: operation.get_attr(name) for name in names}
    attributes |= {name: attributes[name].decode() for name in ("padding", "data_format")}
    return None, None, tf.raw_ops.Conv2D(input=gradient, filter=operation.inputs[1], **attributes)


def _turned(kernel: tf.Tensor, groups: int) -> tf.Tensor:
    """The kernel `(height, width, in / groups, out)` of the way back, `(height, width, out / groups, in)`."""
    reversed_kernel = tf.reverse(kernel, axis=[0, 1])
    if groups == 1:
        return tf.transpose(reversed_kernel, (0, 1, 3, 2))
    height, width, inner, outer = kernel.shape
    parts = tf.reshape(reversed_kernel, (height, width, inner, groups, outer // groups))
    return tf.reshape(tf.transpose(parts, (0, 1, 4, 3, 2)), (height, width, outer // groups, groups * inner))


def _opposite_padding(
    kernel_shape: tf.TensorShape, padding: str, dilations: list[int], explicit: list[int]
) -> list[list[int]]:
    """The padding with which the gradient convolution gives back the size of the input."""
    pairs = [[0, 0]]
    for axis in (0, 1):
        reach = (kernel_shape[axis] - 1) * dilations[axis + 1]
        if padding == "SAME":
            before = reach // 2
            after = reach - before
        elif padding == "EXPLICIT":
            before, after = explicit[2 * (axis + 1) : 2 * (axis + 2)]
        else:
            before = after = 0
        pairs.append([reach - before, reach - after])
    return [*pairs, [0, 0]]
