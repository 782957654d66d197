"""Functions run as they were traced, where a few runs do not pay for the search for a faster form."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf
from tensorflow.python.eager import context


@contextmanager
def unoptimized() -> Iterator[None]:
    """Run functions in the block without TensorFlow's graph optimizer.

    It looks through a function at its first run, for a third of a second of a network of two hundred layers, and makes
    a gradient a tenth faster and an answer no faster: worth it where there are hundreds of runs. A function that runs
    inside and outside of such blocks is made ready for both. It holds for this thread: others go on as they are, where
    `tf.config.optimizer` would be set for all of them.
    """
    eager = context.context()
    before = eager.function_call_options
    config = tf.compat.v1.ConfigProto.FromString(before.config_proto_serialized)
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    inside = context.FunctionCallOptions(before.executor_type, config)
    eager.function_call_options = inside
    try:
        yield
    finally:
        # What runs in the block may have set options of its own, which then stay.
        if eager.function_call_options is inside:
            eager.function_call_options = before
