"""Functions run as they were traced, where a few runs do not pay for the search for a faster form."""

from __future__ import annotations

import threading
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

    The optimizer is one for all threads: it is back when the last of several such blocks ends.
    """
    _BLOCKS.enter()
    try:
        yield
    finally:
        _BLOCKS.leave()


class _Blocks:
    """How many blocks are open, in all threads, and what was set before the first of them."""

    def __init__(self) -> None:
        self._alone = threading.Lock()
        self._open = 0
        self._before = False

    def enter(self) -> None:
        with self._alone:
            if not self._open:
                self._before = bool(tf.config.optimizer.get_experimental_options().get(_OFF, False))
            self._open += 1
            # In each thread, which else would go on with what it found at its last call.
            tf.config.optimizer.set_experimental_options({_OFF: True})

    def leave(self) -> None:
        with self._alone:
            self._open -= 1
            tf.config.optimizer.set_experimental_options({_OFF: self._before if not self._open else True})


_BLOCKS = _Blocks()
