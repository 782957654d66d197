"""Keep TensorFlow's start-up chatter off standard error, without importing TensorFlow here."""

from __future__ import annotations

import importlib
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any

from reportgen.errors import ReportgenError, one_line

_LOG_LEVEL, _BACKEND, _BLAS = "TF_CPP_MIN_LOG_LEVEL", "KERAS_BACKEND", "OPENBLAS_NUM_THREADS"

# What the libraries print while they are loaded, before any level can reach them: information ("I0000"),
# warnings ("W0000") and the note that logging is not set up yet. Errors and fatal messages start with E or F.
_CHATTER = re.compile(rb"WARNING: All log messages before absl|[IW]\d{4} |To enable the following instructions|\s*$")


# What Keras loads, where it is installed, for drawings of its own and for wrappers of another library, and TensorFlow
# for the training loops of an older Keras: a third of the time to load it where all are there, and no report uses it.
_BESIDE = ("matplotlib", "scipy", "sklearn")


def quiet_tensorflow(*, lean: bool = False) -> None:
    """Load TensorFlow with nothing of its chatter on standard error; to be called before anything imports it.

    Whatever level the user has set (`TF_CPP_MIN_LOG_LEVEL`): what truly goes wrong in an operation reaches Python as
    an exception at any.

    Args:
        lean: without Keras' own drawings, its wrappers for scikit-learn and TensorFlow's use of SciPy, which cannot be
            had in this process then; the libraries themselves can. NumPy computes each product on one processor,
            unless the environment says on how many.

    Raises:
        ReportgenError: the environment asks for another backend of Keras.
    """
    backend = os.environ.setdefault(_BACKEND, "tensorflow") or "tensorflow"
    if backend != "tensorflow":
        raise ReportgenError(
            f"expected Keras to run on TensorFlow, {_BACKEND} in the environment says {one_line(backend, 40)}; unset it"
        )
    if "tensorflow" in sys.modules:
        return
    if lean:
        # Threads that share a product wait for the next one without rest: a thirtieth of a report's processor time.
        os.environ.setdefault(_BLAS, "1")
    # At 2 the search for a missing graphics card is still told as an error.
    os.environ[_LOG_LEVEL] = "3"
    for name in ("tensorflow", "absl", "matplotlib"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with chatter_held_back(), _held_back(_BESIDE if lean else ()):
        importlib.import_module("tensorflow")


@contextmanager
def _held_back(modules: Sequence[str]) -> Iterator[None]:
    """Let `modules` count as not installed during the block, unless they are loaded already."""
    held = [name for name in modules if name not in sys.modules]
    none: Any = None  # tells the import system that a module is not there
    sys.modules.update(dict.fromkeys(held, none))
    try:
        yield
    finally:
        for name in held:
            del sys.modules[name]


@contextmanager
def chatter_held_back() -> Iterator[None]:
    """Collect what is written to standard error during the block, then pass on all but the chatter."""
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        collected, kept = _collector(), os.dup(2)
    except OSError:  # no standard error, or no place for what is collected: then it is not held back
        yield
        return
    with collected:
        os.dup2(collected.fileno(), 2)
        try:
            yield
        finally:
            if sys.stderr is not None:
                sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            collected.seek(0)
            with suppress(OSError):  # a full standard error has no room for it
                for line in collected:
                    if not _CHATTER.match(line):
                        os.write(2, line)


def _collector() -> IO[bytes]:
    """A file in memory where the system has that, else in the folder for temporary files, which may be full."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("reportgen"), "w+b")
    return tempfile.TemporaryFile()
