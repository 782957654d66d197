"""The one way files of others are opened: regular files alone, and none that is larger than its kind ever is.

A queue waits for ever, a device has no end, and a file of ten gigabytes is no list of names. What does not fit is
an `OSError` whose `strerror` says so in words: callers add which option or key named the file.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Literal

FileKind = Literal[
    "record", "manifest", "page", "style", "picture", "settings", "labels", "truth", "template", "part", "image",
    "archive", "network",
]  # fmt: skip

# Above what a report of a million images has, and low enough to be held in memory in the form it is worked with.
MOST_BYTES: Mapping[FileKind, int] = {
    "record": 600_000_000,
    "manifest": 32_000_000,
    "page": 16_000_000,
    "style": 8_000_000,
    "picture": 128_000_000,
    "settings": 1_000_000,
    "labels": 32_000_000,
    "truth": 256_000_000,
    "template": 8_000_000,
    "image": 500_000_000,
    "archive": 2**60,  # of images: read in parts, or mapped
    "network": 64_000_000_000,
    "part": 16_000_000_000,  # copied from report to report, never held: arrays for download
}


@contextmanager
def open_regular(file: Path, kind: FileKind, *, through_links: bool = True) -> Iterator[BufferedReader]:
    """Open a regular file for reading.

    Args:
        file: where it is.
        kind: what it is to be; sets the most bytes.
        through_links: whether the file itself may be a link to one.

    Raises:
        OSError: it is not there, is no regular file, or is too large.
    """
    descriptor = _descriptor(file, through_links=through_links)
    with os.fdopen(descriptor, "rb") as opened:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise _unfit(file, "it is no regular file")
        if state.st_size > MOST_BYTES[kind]:
            raise _unfit(file, f"it has {state.st_size:,} bytes, more than the {MOST_BYTES[kind]:,} of a {kind}")
        yield opened


def read_regular(file: Path, kind: FileKind, *, through_links: bool = True) -> bytes:
    """The bytes of a regular file; see `open_regular`."""
    with open_regular(file, kind, through_links=through_links) as opened:
        # A file that grows while it is read is as large as any other.
        data = opened.read(MOST_BYTES[kind] + 1)
    if len(data) > MOST_BYTES[kind]:
        raise _unfit(file, f"it has more than the {MOST_BYTES[kind]:,} bytes of a {kind}")
    return data


def _descriptor(file: Path, *, through_links: bool) -> int:
    """Open `file`, where its name can be one and what is there is regular: opening a device may do something."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    if not through_links:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    try:
        if not stat.S_ISREG(file.stat(follow_symlinks=through_links).st_mode):
            raise _unfit(file, "it is a folder" if file.is_dir() else "it is no regular file")
        return os.open(file, flags)
    except ValueError as error:  # the system's functions take no zero bytes, and no letters it has no bytes for
        raise _unfit(file, "its name is none a file can have") from error


def _unfit(file: Path, why: str) -> OSError:
    return OSError(errno.EINVAL, why, str(file))
