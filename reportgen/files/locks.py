"""Locks on folders, which end with the process that holds them, however it ends, and leave nothing behind."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no locks on folders
    fcntl = None  # type: ignore[assignment]

# Seconds: an exchange of names takes none, a copy of a report a few.
SWAP_WAIT, READERS_WAIT = 60.0, 30.0

_PAUSE = 0.02
_MOST_CHANGES = 100


def hold(folder: Path, *, shared: bool = False, wait: float = 0.0) -> int | None:
    """Lock `folder` and return a descriptor that holds the lock until it is closed.

    Args:
        folder: an existing folder.
        shared: together with others that hold it shared.
        wait: seconds to wait for others.

    Returns:
        None where the system has no locks on such a folder.

    Raises:
        BlockingIOError: another holds it still.
    """
    if fcntl is None:
        return None
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        _lock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, wait)
    except BaseException as error:
        os.close(descriptor)
        if isinstance(error, OSError) and not isinstance(error, BlockingIOError):
            return None
        raise
    return descriptor


def _lock(descriptor: int, kind: int, wait: float) -> None:
    until = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= until:
                raise
        time.sleep(_PAUSE)


@contextmanager
def locked(folder: Path, *, shared: bool = False, wait: float = 0.0) -> Iterator[None]:
    """Hold `folder` during the block, where it can be had in time: see `hold`."""
    try:
        descriptor = hold(folder, shared=shared, wait=wait)
    except BlockingIOError:
        descriptor = None
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


@contextmanager
def steady(folder: Path) -> Iterator[None]:
    """Keep others from taking `folder` away during the block, which reads it.

    Whoever puts another folder in its place waits until it is read.
    """
    descriptor = None
    try:
        for _ in range(_MOST_CHANGES):
            descriptor = hold(folder, shared=True, wait=READERS_WAIT)
            if descriptor is None or os.path.samestat(os.fstat(descriptor), folder.stat()):
                break
            os.close(descriptor)  # another took its place while this one waited
            descriptor = None
    except (BlockingIOError, FileNotFoundError):
        pass
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)
