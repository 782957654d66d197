"""Arrays in `.npy` and `.npz` files of others: what is none, or has no room, is a line before it is read."""

from __future__ import annotations

import errno
import math
import threading
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from reportgen.machine.memory import available_memory
from reportgen.opening import open_regular

# Numpy reads the header of an array with Python's parser. Up to Python 3.12 all threads share that one's account of its
# depth: two that read at once may end in a SystemError (as in python/cpython#106905).
ONE_READER = threading.RLock()

# What numpy raises on files that are damaged, beside OSError and ValueError.
_DAMAGE = (
    ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, NotImplementedError, RuntimeError,
    SyntaxError, TypeError, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


@contextmanager
def loaded_arrays(path: Path, *, mapped: bool = False) -> Iterator[Any]:
    """The array of a `.npy` file, or the arrays of a `.npz` file by their names; nothing pickled is read.

    Other threads wait until the block has ended.

    Args:
        path: the file.
        mapped: whether values of a `.npy` come from the file when they are asked for.

    Raises:
        OSError, ValueError: also during the block: it cannot be read, is no array, or has no room in memory.
    """
    with ONE_READER, open_regular(path, "archive") as file:
        free = available_memory()
        try:
            if zipfile.is_zipfile(file):
                with zipfile.ZipFile(file) as archive:
                    needed = _array_bytes(archive)
            else:
                file.seek(0)
                stated = _stated_bytes(file)
                needed = 0 if mapped else stated
                if file.tell() + stated > file.seek(0, 2):
                    raise ValueError("it is cut off")
            if needed > free:
                raise OSError(errno.ENOMEM, f"it takes {needed:,} bytes of memory, {free:,} are free", str(path))
            file.seek(0)
            # Numpy maps files by their names; of others it keeps what it was given.
            content = np.load(path, mmap_mode="r", allow_pickle=False) if mapped else np.load(file, allow_pickle=False)
            if isinstance(content, np.ndarray):
                yield content
            else:
                with content:
                    yield content
        except _DAMAGE as error:
            raise ValueError(f"it is no array, or damaged ({error or type(error).__name__})") from error


def _array_bytes(archive: zipfile.ZipFile) -> int:
    """Bytes that the arrays of a `.npz` take, as their headers and the file's list say, whichever says more."""
    total = 0
    for member in archive.infolist():
        with archive.open(member) as opened:
            try:
                size = _stated_bytes(opened)
            except ValueError:  # no array: numpy gives its bytes
                size = 0
        total += max(size, member.file_size)
    return total


def _stated_bytes(file: IO[bytes]) -> int:
    """Bytes of the values that follow, as the header at the start of `file` says; numpy's own product may overflow."""
    major = np.lib.format.read_magic(file)[0]
    read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject or min(shape, default=0) < 0:
        raise ValueError(f"it is of {dtype} and shape {shape}, numbers are expected")
    return int(dtype.itemsize) * math.prod(shape)


def load_array(path: Path) -> np.ndarray[Any, np.dtype[Any]]:
    """The one array of a `.npy` file.

    Raises:
        OSError, ValueError: it cannot be read, or holds something else.
    """
    with loaded_arrays(path) as content:
        if not isinstance(content, np.ndarray):
            raise ValueError("it holds several arrays, one is expected")
        return content
