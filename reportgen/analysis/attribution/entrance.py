"""Where a network is still the same at every point of a way: up to its first convolution, as a rule.

The gradients of images at many points may be added up behind a part whose own gradient is the same at all of them, and
go back through that part once.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from reportgen.analysis.network.first_kernel import SHAPE_OPERATIONS

# What takes most of the time of a first layer.
_COSTLY = frozenset({"Conv2D", "DepthwiseConv2dNative", "MatMul"})


def first_convolution(image: tf.Tensor, answers: Sequence[tf.Tensor]) -> tf.Tensor | None:
    """The output of the first convolution or product of weights that reads `image`, in float32.

    None where there is none, or `answers` also read `image` another way.
    """
    found = next(
        (
            operation.outputs[0]
            for operation in image.graph.get_operations()
            if operation.type in _COSTLY and reads(operation.outputs[0], [image])
        ),
        None,
    )
    if found is None or found.dtype != tf.float32:
        return None
    return None if any(reads(answer, [image], but_by=found) for answer in answers) else found


def reads(tensor: tf.Tensor, sources: Sequence[tf.Tensor], but_by: tf.Tensor | None = None) -> bool:
    """Whether `tensor` is made of the values of one of `sources`, but by those of `but_by`; shapes do not count."""
    ends = {id(source.op) for source in sources}
    seen: set[int] = set() if but_by is None else {id(but_by.op)}
    waiting = [tensor.op]
    while waiting:
        operation = waiting.pop()
        if id(operation) in ends:
            return True
        if id(operation) not in seen and operation.type not in SHAPE_OPERATIONS:
            seen.add(id(operation))
            waiting.extend(each.op for each in operation.inputs)
    return False
