"""Functions run as they were traced, where a few runs do not pay for the search for a faster form."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

_OFF = "disable_meta_optimizer"


@contextmanager
def unoptimized() -> Iterator[None]:
    """Run functions in the block without TensorFlow's graph optimizer.

    It looks through a function at its first run, for a third of a second of a network of two hundred layers, and makes
    a gradient a tenth faster and an answer no faster: worth it where there are hundreds of runs. A function that runs
    inside and outside of such blocks is made ready for both.
    """
    before = tf.config.optimizer.get_experimental_options().get(_OFF, False)
    tf.config.optimizer.set_experimental_options({_OFF: True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({_OFF: before})
