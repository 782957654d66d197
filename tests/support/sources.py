"""Sources of pictures that do harm, shared by tests."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass


@dataclass(frozen=True)
class DeadlySource:
    """A picture that kills the process that reads it."""

    def read(self) -> bytes:
        """The end."""
        os.kill(os.getpid(), signal.SIGKILL)
        return b""
