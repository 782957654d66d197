"""What the machine gives this process: processors and memory."""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

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


def available_memory() -> int:
    """Bytes that this process may still take, as far as the system says; where it does not, more than there are.

    Linux tells what is free without driving out other programs, and what a container is limited to.
    """
    known = [2**62]
    with suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        known += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    with suppress(OSError, ValueError):
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
        known.append(limit - int(Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii")))
    return max(0, min(known))


class Room:
    """Bytes that threads may hold together; a thread that finds no room waits until others are done.

    What is larger than all of it waits until it is alone. A thread that holds some takes more without waiting: two
    that hold a part each would wait for each other.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._held = 0
        self._changed = threading.Condition()
        self._own = threading.local()

    @contextmanager
    def taken(self, size: int) -> Iterator[None]:
        """Hold `size` bytes during the block."""
        if getattr(self._own, "holds", False):
            yield
            return
        with self._changed:
            self._changed.wait_for(lambda: not self._held or self._held + size <= self.size)
            self._held += size
        self._own.holds = True
        try:
            yield
        finally:
            self._own.holds = False
            with self._changed:
                self._held -= size
                self._changed.notify_all()


# New objects after which the collector looks at them; Python's own number is 700.
_SELDOM = 100_000


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for garbage seldom in the block: for work on a finished report, whose record stays and is large.

    A tenth of such a command went into going through its objects. Not where a network computes: of what waits there
    to be found, each object may hold an array.
    """
    before = gc.get_threshold()
    gc.set_threshold(_SELDOM, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def loading(*, for_good: bool) -> Iterator[None]:
    """Load modules in the block without looking for garbage meanwhile: next to all that they make is there to stay.

    Args:
        for_good: what is there after the block is not looked through later either. TensorFlow makes half a million
            objects, and a tenth of a report's time went into going through them again and again; for a process that
            makes a report and ends.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
    if for_good:
        gc.freeze()
