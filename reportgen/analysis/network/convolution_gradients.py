"""Gradients of convolutions with respect to their input alone, at the speed of a forward pass.

Inside `convolution_gradients` convolutions added to the graph get other gradient functions, found by `tf.gradients`
(a `GradientTape` does not look at them). It acts on operations, so it does not matter which layers they stand in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

_CONVOLUTION = "ReportgenConvolution"
_TRANSPOSED = "ReportgenTransposedConvolution"

# A convolution to so few channels leaves most of a processor's lanes empty.
_FEW_CHANNELS = 4

# Where the stride is one, so many pixels of each direction are found together.
_PIXELS_TOGETHER = 2


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
    besides knows neither dilation nor groups on a processor. For an input of few channels, as an image is, see
    `_few_channels_gradient`.
    """
    images, kernel = operation.inputs
    padding = operation.get_attr("padding").decode()
    dilations = operation.get_attr("dilations")
    explicit = operation.get_attr("explicit_paddings")
    strides = operation.get_attr("strides")
    data_format = operation.get_attr("data_format").decode()
    few = images.shape[3] <= _FEW_CHANNELS and kernel.shape[2] == images.shape[3] and set(dilations) == {1}
    if data_format == "NHWC" and few and strides[1] == strides[2]:
        return _few_channels_gradient(images, kernel, gradient, strides[1], padding, explicit), None
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


def _few_channels_gradient(
    images: tf.Tensor, kernel: tf.Tensor, gradient: tf.Tensor, stride: int, padding: str, explicit: Sequence[int]
) -> tf.Tensor:
    """The gradient with respect to an input of few channels, as a convolution that gives blocks of pixels.

    Pixels that lie one stride apart are sums of the same form, so those of a block are channels beside each other,
    which are then put in their places (as the sub-pixel convolution of Shi et al., 2016, does): up to three times
    faster than TensorFlow's gradient operation, which fills the processor's lanes with one pixel's channels.
    """
    block = stride if stride > 1 else _PIXELS_TOGETHER
    height, width, inner, _ = kernel.shape
    (rows, before_rows), (columns, before_columns) = (_taps(size, stride, block) for size in (height, width))
    # One row and one column of zeros more, for taps that a pixel does not have.
    spread = tf.gather(tf.pad(kernel, [[0, 1], [0, 1], [0, 0], [0, 0]]), rows)
    spread = tf.transpose(tf.gather(spread, columns, axis=2), (0, 2, 5, 1, 3, 4))
    spread = tf.reshape(spread, (len(rows), len(columns), -1, block * block * inner))
    sides, given, borders, starts = tf.shape(images), tf.shape(gradient), [[0, 0]], [0]
    with tf.control_dependencies([_has_run(sides, given, kernel.shape, stride, padding, explicit)]):
        gradient = tf.identity(gradient)
    for axis, (taps, before) in enumerate(((rows, before_rows), (columns, before_columns)), 1):
        start = _border_before(sides[axis], given[axis], kernel.shape[axis - 1], stride, padding, explicit, axis)
        blocks = (sides[axis] + start + block - 1) // block
        reach = (blocks - 1) * (block // stride) + len(taps)
        borders.append([before, tf.maximum(reach - given[axis] - before, 0)])
        starts.append(start)
    found = tf.nn.conv2d(tf.pad(gradient, [*borders, [0, 0]]), spread, block // stride, "VALID")
    whole = tf.nn.depth_to_space(found, block)
    return tf.ensure_shape(tf.slice(whole, [*starts, 0], sides), images.shape)


def _has_run(
    sides: tf.Tensor, given: tf.Tensor, kernel_shape: tf.TensorShape, stride: int, padding: str, explicit: Sequence[int]
) -> tf.Operation:
    """Fail where an image was smaller than the kernel, as TensorFlow's gradient operation does.

    The convolution itself does not, and may tell any size of its output, which is nothing.
    """
    fits = [tf.reduce_all(given > 0)]
    for axis in (1, 2):
        border = sum(explicit[2 * axis : 2 * axis + 2]) if padding == "EXPLICIT" else 0
        if padding != "SAME":
            fits.append((given[axis] - 1) * stride + kernel_shape[axis - 1] <= sides[axis] + border)
    message = tf.constant("a convolution of an image smaller than its kernel")
    return tf.raw_ops.Assert(condition=tf.reduce_all(tf.stack(fits)), data=[message])


def _taps(size: int, stride: int, block: int) -> tuple[NDArray[np.int32], int]:
    """Which of a kernel's `size` taps leads from each output to each pixel of a block; `size` where none does.

    Returns:
        `(outputs, block)`, and how many of the outputs lie before the block's own.
    """
    before = (size - 1) // stride
    outputs = np.arange(before + (block - 1) // stride + 1)
    taps = np.arange(block)[None, :] + stride * (before - outputs[:, None])
    return np.where((taps >= 0) & (taps < size), taps, size).astype(np.int32), before


def _border_before(
    side: tf.Tensor, answers: tf.Tensor, size: int, stride: int, padding: str, explicit: Sequence[int], axis: int
) -> tf.Tensor:
    """How many pixels of border a convolution put before an image's first."""
    if padding == "EXPLICIT":
        return tf.constant(explicit[2 * axis])
    if padding == "VALID":
        return tf.constant(0)
    return tf.maximum((answers - 1) * stride + size - side, 0) // 2


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
    reversed_kernel = kernel if kernel.shape[:2] == (1, 1) else tf.reverse(kernel, axis=[0, 1])
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
