"""Results kept between runs, found again by what they were computed from.

A key is a hash of everything a result depends on, so an entry never goes out of date: a changed weight or
setting has another key. Entries are written whole or not at all, and one that was damaged counts as absent.
The folder keeps within a bound: at the end of a run those that were not used for longest leave it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.array_files import ONE_READER
from reportgen.opening import read_regular

_META = "__meta__"
_DIGEST_BYTES = hashlib.sha256().digest_size

# The most bytes of a cache between runs.
CACHE_BOUND = 2_000_000_000

# What this program keeps in a cache's folder; whatever else lies there is not its own and is never touched.
_FOLDER = re.compile(r"[0-9a-f]{2}")
_ENTRY = re.compile(r"[0-9a-f]{62}\.entry")
_PART = re.compile(r"\.[A-Za-z0-9_]+\.part")


def content_key(*parts: Any) -> str:
    """A SHA-256, in hexadecimal, of `parts`.

    Args:
        parts: values JSON knows, bytes, numpy arrays and scalars, paths, and lists, tuples and mappings
            of them. Lists and tuples of equal content are the same; so are mappings in another order.

    Raises:
        TypeError: a part has no agreed content, such as a function.
    """
    digest = hashlib.sha256()
    _feed(digest, parts)
    return digest.hexdigest()


def _feed(digest: Any, value: Any) -> None:
    """Add `value` to `digest`, each piece after its kind and length so that no two values run together."""
    if isinstance(value, np.ndarray):
        _piece(digest, "array", f"{value.dtype.str}{value.shape}".encode())
        _piece(digest, "data", np.ascontiguousarray(value).data.cast("B") if value.size else b"")
    elif isinstance(value, bytes):
        _piece(digest, "bytes", value)
    elif isinstance(value, Mapping):
        _piece(digest, "mapping", str(len(value)).encode())
        for key in sorted(value, key=str):
            _feed(digest, str(key))
            _feed(digest, value[key])
    elif isinstance(value, list | tuple):
        _piece(digest, "list", str(len(value)).encode())
        for item in value:
            _feed(digest, item)
    elif isinstance(value, np.generic):
        _feed(digest, value.item())
    elif isinstance(value, Path):
        _feed(digest, str(value))
    elif value is None or isinstance(value, bool | int | float | str):
        _piece(digest, type(value).__name__, repr(value).encode())
    else:
        raise TypeError(f"a cache key takes plain values and arrays, not {type(value).__name__}")


def _piece(digest: Any, kind: str, data: bytes | memoryview) -> None:
    digest.update(f"{kind}:{len(data)}:".encode())
    digest.update(data)


@dataclass(frozen=True, eq=False)
class Entry:
    """What was kept: arrays by name, and values JSON knows."""

    arrays: dict[str, NDArray[Any]]
    meta: dict[str, Any]


class Cache:
    """A folder of entries; without a folder nothing is kept and nothing found.

    Several processes may share the folder. A folder that cannot be written is no error, since a report
    does not need it: `trouble` then says what went wrong first.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.trouble: str | None = None

    def path(self, key: str) -> Path | None:
        """Where the entry of `key` is or would be."""
        return None if self.folder is None else self.folder / key[:2] / f"{key[2:]}.entry"

    def get(self, key: str) -> Entry | None:
        """The entry of `key`, or None if there is none or it is damaged."""
        path = self.path(key)
        if path is None:
            return None
        try:
            content = read_regular(path, "part")
        except OSError:
            return None
        digest, payload = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if hashlib.sha256(payload).digest() != digest:
            return None
        with suppress(OSError):  # a folder that is only read keeps no account of use
            os.utime(path)
        with ONE_READER, np.load(io.BytesIO(payload), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        meta = json.loads(arrays.pop(_META).tobytes())
        return Entry(arrays, meta)

    def put(self, key: str, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> None:
        """Keep `arrays` and `meta` under `key`, in place of what was there."""
        path = self.path(key)
        if path is None:
            return
        written = np.frombuffer(json.dumps(meta, sort_keys=True).encode(), np.uint8)
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **{**arrays, _META: written})
        payload = buffer.getvalue()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(path, hashlib.sha256(payload).digest() + payload)
        except OSError as error:
            self.trouble = self.trouble or f"results cannot be kept in {self.folder}: {error.strerror or error}"

    def files(self) -> list[CacheFile]:
        """What the cache has in its folder, the longest unused first: entries, and parts that a killed run left."""
        return sorted(self._found(), key=lambda file: (file.used, file.path))

    def _found(self) -> Iterator[CacheFile]:
        if self.folder is None:
            return
        for shelf in _listed(self.folder):
            if not _FOLDER.fullmatch(shelf.name) or not shelf.is_dir(follow_symlinks=False):
                continue
            for item in _listed(Path(shelf.path)):
                if not _ENTRY.fullmatch(item.name) and not _PART.fullmatch(item.name):
                    continue
                with suppress(FileNotFoundError):  # another process took it away
                    found = item.stat(follow_symlinks=False)
                    if stat.S_ISREG(found.st_mode):
                        yield CacheFile(Path(item.path), found.st_size, found.st_mtime)

    def trim(self, bound: int = CACHE_BOUND) -> int:
        """Take away what was not used for longest, until the cache has at most `bound` bytes; the bytes taken away.

        Raises:
            OSError: a file of it cannot be taken away.
        """
        files = self.files()
        size, taken = sum(file.size for file in files), 0
        for file in files:
            if size - taken <= bound:
                break
            file.path.unlink(missing_ok=True)
            taken += file.size
        return taken


@dataclass(frozen=True)
class CacheFile:
    """A file of the cache: where it is, its bytes, and when it was written or last read, in seconds since 1970."""

    path: Path
    size: int
    used: float


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    """What lies in `folder`; nothing where there is none."""
    try:
        with os.scandir(folder) as found:
            return list(found)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _write_whole(path: Path, content: bytes) -> None:
    """Write `content` beside `path` and move it there, so that readers see the old or the new, never a part."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
