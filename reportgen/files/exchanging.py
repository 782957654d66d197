"""Two names of the file system exchanged in one step, where the system can."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

# From Linux's `fcntl.h` and `fs.h`.
_HERE, _EXCHANGE = -100, 2

# What a kernel or file system says that has no such step.
_UNABLE = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EXDEV})


def exchange(first: Path, second: Path) -> bool:
    """Give each of two existing files or folders the other's name, in one step; False where the system cannot.

    Raises:
        OSError: one of them is not there, or may not be renamed.
    """
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "renameat2"):
        return False
    done = library.renameat2(_HERE, os.fsencode(first), _HERE, os.fsencode(second), _EXCHANGE)
    if done == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNABLE:
        return False
    raise OSError(number, os.strerror(number), str(first), None, str(second))
