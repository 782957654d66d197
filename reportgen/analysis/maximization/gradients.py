"""Gradients as the ascent needs them: through silent rectifiers at first, and at the speed of a forward pass.

Inside `ascent_gradients` operations added to the graph get other gradient functions, found by `tf.gradients`
(a `GradientTape` does not look at them). It acts on operations, so it does not matter which layers they stand in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from typing import Any

import tensorflow as tf

from reportgen.analysis.network.convolution_gradients import convolution_gradients

_RECTIFIER = "ReportgenRectifier"

_relief: ContextVar[tf.Tensor | None] = ContextVar("relief", default=None)


@contextmanager
def ascent_gradients(relief: tf.Tensor | None = None) -> Iterator[None]:
    """Use these gradients for the operations added to, and the gradients taken in, the graph of the block.

    Args:
        relief: boolean scalar, whether the gradient passes rectifiers that are silent on a whole image; None
            means never.
    """
    replaced = {} if relief is None else {"Relu": _RECTIFIER, "Relu6": _RECTIFIER}
    token = _relief.set(relief)
    try:
        with convolution_gradients(), tf.compat.v1.get_default_graph().gradient_override_map(replaced):
            yield
    finally:
        _relief.reset(token)


def relieved_gradient(output: tf.Tensor, gradient: tf.Tensor, ceiling: float | None) -> tf.Tensor:
    """The gradient of a rectifier, let through where nothing else would come through.

    A rectifier passes the gradient where its output lies between its floor (zero) and its ceiling. Where for a
    whole image none of it comes through, cells at the floor pass what would raise them and cells at the ceiling
    what would lower them; other images are as usual:

        image            output        gradient > 0    gradient < 0
        some passes      between       through         through
        some passes      floor         0               0
        some passes      ceiling       0               0
        nothing passes   floor         through         0
        nothing passes   ceiling       0               through

    Args:
        output: `(batch, ...)` of the rectifier.
        gradient: of what is to be raised, with respect to `output`.
        ceiling: 6 for ReLU6, None for ReLU.
    """
    live = output > 0 if ceiling is None else (output > 0) & (output < ceiling)
    usual = tf.where(live, gradient, 0.0)
    passes = tf.reduce_any(usual != 0, axis=list(range(1, len(output.shape))), keepdims=True)
    mends = (output <= 0) & (gradient > 0)
    if ceiling is not None:
        mends |= (output >= ceiling) & (gradient < 0)
    return tf.where(passes, usual, tf.where(mends, gradient, 0.0))


@tf.RegisterGradient(_RECTIFIER)  # type: ignore[untyped-decorator]
def _rectifier_gradient(operation: tf.Operation, gradient: tf.Tensor) -> tf.Tensor:
    """Of ReLU and ReLU6, from their output, so that they may stay fused with what comes before."""
    output = operation.outputs[0]
    ceiling = 6.0 if operation.type == "Relu6" else None
    relief = _relief.get()
    if relief is None:
        return _plain_gradient(output, gradient, ceiling)
    relieved, plain = _branches(output.dtype, len(output.shape), ceiling)
    (chosen,) = tf.raw_ops.StatelessIf(
        cond=relief, input=[output, gradient], Tout=[output.dtype], then_branch=relieved, else_branch=plain
    )
    chosen.set_shape(output.shape)
    return chosen


def _plain_gradient(output: tf.Tensor, gradient: tf.Tensor, ceiling: float | None) -> tf.Tensor:
    raw = tf.raw_ops.ReluGrad if ceiling is None else tf.raw_ops.Relu6Grad
    return raw(gradients=gradient, features=output)


@cache
def _branches(dtype: tf.DType, rank: int, ceiling: float | None) -> list[Any]:
    """The gradient with relief and without, traced once for all rectifiers: there may be many, in many gradients."""
    spec = tf.TensorSpec([None] * rank, dtype)
    return [
        tf.function(partial(each, ceiling=ceiling), autograph=False).get_concrete_function(spec, spec)
        for each in (relieved_gradient, _plain_gradient)
    ]
