"""Operations kept apart, so that what is not a number is seen on every processor.

TensorFlow fuses a convolution or a product of a traced function with the addition and the nonlinearity behind it. A
fused ReLU of oneDNN, which newer processors use (and any with `TF_ENABLE_ONEDNN_OPTS=1`), gives 0 for not-a-number;
alone it passes it on, as it does elsewhere. Apart they take at most a few percent longer.
"""

from __future__ import annotations

import tensorflow as tf

# What others are fused into.
_FUSED_INTO = frozenset(
    {
        "BatchMatMulV2",
        "Conv2D",
        "Conv2DBackpropInput",
        "Conv3D",
        "DepthwiseConv2dNative",
        "Einsum",
        "FusedBatchNormV3",
        "MatMul",
    }
)


def unfused() -> tf.Tensor:
    """Keep the operations apart that the graph being traced has so far; it holds if the function gives this back.

    An operation that has a second reader is not fused with the first.

    Returns:
        One value, float32, of each operation that others would be fused into.
    """
    operations = tf.compat.v1.get_default_graph().get_operations()
    read = [operation.outputs[0] for operation in operations if operation.type in _FUSED_INTO]
    # Shared by all: a network has hundreds of such operations, and a constant takes as long to add as they do.
    flat, start, stop = tf.constant([-1]), tf.constant([0]), tf.constant([1])

    def first_of(values: tf.Tensor) -> tf.Tensor:
        row = tf.raw_ops.Reshape(tensor=values, shape=flat)
        one = tf.raw_ops.StridedSlice(input=row, begin=start, end=stop, strides=stop)
        return one if one.dtype == tf.float32 else tf.cast(one, tf.float32)

    return tf.concat([tf.zeros(1), *(first_of(values) for values in read if values.dtype.is_floating)], 0)
