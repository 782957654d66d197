"""What the machine gives this process: processors and memory."""

from __future__ import annotations

import ctypes
import os
import platform

# Parameters of glibc's `mallopt`, from its manual page and `malloc.h`.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8

_LARGEST_KEPT_BLOCK = 32 << 20  # more is refused

_MOST_KEPT = 1 << 30


def processor_count() -> int:
    """How many processors this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def keep_freed_memory() -> None:
    """Let the C library keep memory that is freed for what is allocated next.

    glibc returns large blocks to the system at once and fetches new ones, filled with zeros, page by page. A
    network allocates and frees a block for every feature map: that takes a fourth of the time of a forward pass
    of a small network. What is kept is shared by all threads, in as many parts as there are processors, so that
    it does not grow with the number of threads. Has no effect with other C libraries.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    library = ctypes.CDLL(None)
    library.mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT_BLOCK)
    library.mallopt(_TRIM_THRESHOLD, _MOST_KEPT)
    library.mallopt(_ARENA_MAX, processor_count())
