"""Rows over their lengths, whose bits do not depend on how many rows there are."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

# Of a row's squares, added up: a row of zeros is over this, and stays zero.
_LEAST = 1e-12


@tf.custom_gradient  # type: ignore[untyped-decorator]
def unit_rows(rows: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """Each row over its length, `(rows, numbers)`; a row of zeros stays as it is.

    `tf.math.l2_normalize`, and the gradient TensorFlow has for roots, take reciprocals of several rows at once, which
    differ in the last digit from those of the rows left over: a row would depend on its place and on the others.
    """
    lengths = tf.sqrt(tf.maximum(tf.reduce_sum(tf.square(rows), axis=1, keepdims=True), _LEAST))
    units = rows / lengths

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        return (upstream - units * tf.reduce_sum(units * upstream, axis=1, keepdims=True)) / lengths

    return units, gradient
