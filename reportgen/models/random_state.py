"""All global sources of randomness kept as they are, whatever happens in between."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.python.ops import stateful_random_ops

from reportgen.models.keras_private import kept_seed_generator


@contextmanager
def kept_random_state() -> Iterator[None]:
    """Put the states of Python's, NumPy's, TensorFlow's and Keras' global generators back after the block.

    TensorFlow's are the one that numbers unseeded operations, and the global generator where there is one.
    """
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global generator is what is kept
    eager = context.context()
    numbering = getattr(eager, "_rng", None)
    number = None if numbering is None else numbering.getstate()
    generator = stateful_random_ops.global_generator
    state = None if generator is None else generator.state.numpy()
    try:
        with kept_seed_generator():
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002 - as above
        if numbering is not None and number is not None:
            numbering.setstate(number)
        if generator is None:
            stateful_random_ops.global_generator = None
        else:
            generator.state.assign(tf.constant(state))
