"""How images are moved along a gradient: Adam, or steps of one length."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

State = tuple[tf.Tensor, ...]

# Decay rates and the guard against division by zero of Adam, as published (Kingma and Ba, 2015).
_ADAM_FIRST, _ADAM_SECOND, _ADAM_EPSILON = 0.9, 0.999, 1e-8

# Keeps the normalised gradient of a silent channel at zero instead of not-a-number.
NORMALIZED_EPSILON = 1e-5


def adam(
    variables: State,
    moments: State,
    gradients: Sequence[tf.Tensor],
    rates: tf.Tensor,
    count: tf.Tensor,
    damping: float = 0.0,
) -> State:
    """One step of Adam uphill; `rates` `(batch,)` are the step sizes, `count` is 1 at the first step.

    Adam's step is as long in variables whose gradient is small and of no lasting direction as in any other. With
    `damping` the root of a gradient's mean square, by which it is divided, is raised by that share of what it is over
    all variables of the image; steps of variables of average gradient stay as long.
    """
    firsts = [
        _ADAM_FIRST * old + (1 - _ADAM_FIRST) * new
        for old, new in zip(moments[: len(variables)], gradients, strict=True)
    ]
    seconds = [
        _ADAM_SECOND * old + (1 - _ADAM_SECOND) * tf.square(new)
        for old, new in zip(moments[len(variables) :], gradients, strict=True)
    ]
    corrected = rates * (tf.sqrt(1 - _ADAM_SECOND**count) / (1 - _ADAM_FIRST**count))
    moved = []
    for variable, first, second in zip(variables, firsts, seconds, strict=True):
        length = tf.sqrt(second)
        if damping:
            length = (length + damping * tf.sqrt(_means(second))) / (1 + damping)
        moved.append(variable + _for_each(corrected, variable) * first / (length + _ADAM_EPSILON))
    return (*moved, *firsts, *seconds)


def normalized(variables: State, moments: State, gradients: Sequence[tf.Tensor], rates: tf.Tensor) -> State:
    """One step along the gradient, moments left alone."""
    moved = [
        normalized_step(variable, gradient, rates) for variable, gradient in zip(variables, gradients, strict=True)
    ]
    return (*moved, *moments)


def normalized_step(variable: tf.Tensor, gradient: tf.Tensor, rates: tf.Tensor) -> tf.Tensor:
    """`variable` after a step along the gradient over its root mean square, of each image by itself.

    Args:
        rates: `(batch,)`, the step sizes.
    """
    length = tf.sqrt(_means(tf.square(gradient)))
    return variable + _for_each(rates, variable) * gradient / (length + NORMALIZED_EPSILON)


def _means(values: tf.Tensor) -> tf.Tensor:
    """The mean of what each image of a batch has, `(batch, 1, ...)`.

    Row by row: how a sum over all values at once is cut up, and with it the last digit, follows the number of
    processors.
    """
    rows = tf.reshape(values, (tf.shape(values)[0], tf.shape(values)[1], -1))
    return _for_each(tf.reduce_mean(tf.reduce_mean(rows, axis=2), axis=1), values)


def _for_each(numbers: tf.Tensor, variable: tf.Tensor) -> tf.Tensor:
    """A number for each image of a batch, beside the values of a variable."""
    return tf.reshape(numbers, (-1, *[1] * (len(variable.shape) - 1)))
