"""Keep TensorFlow's start-up chatter off standard error, without importing TensorFlow here."""

from __future__ import annotations

import importlib
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"

# What the libraries print while they are loaded, before any level can reach them: information ("I0000"),
# warnings ("W0000") and the note that logging is not set up yet. Errors and fatal messages start with E or F.
_CHATTER = re.compile(rb"WARNING: All log messages before absl|[IW]\d{4} |To enable the following instructions|\s*$")


def quiet_tensorflow() -> None:
    """Load TensorFlow with only its errors on standard error; to be called before anything imports it.

    A level the user has set (`TF_CPP_MIN_LOG_LEVEL`) is kept, and then nothing is held back.
    """
    if "tensorflow" in sys.modules or _LOG_LEVEL in os.environ:
        return
    # At 2 the search for a missing graphics card is still told as an error; what truly goes wrong in an
    # operation reaches Python as an exception at any level.
    os.environ[_LOG_LEVEL] = "3"
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with chatter_held_back():
        importlib.import_module("tensorflow")


@contextmanager
def chatter_held_back() -> Iterator[None]:
    """Collect what is written to standard error during the block, then pass on all but the chatter."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as collected:
        os.dup2(collected.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            collected.seek(0)
            for line in collected:
                if not _CHATTER.match(line):
                    os.write(2, line)
