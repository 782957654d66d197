"""Compiled templates, kept between runs in the user's cache folder: compiling them takes as long as filling them."""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import CodeType

import jinja2
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from reportgen.files.cache_folder import default_folder


class KeptTemplates(BytecodeCache):
    """Keeps each template in a file of its own; without a folder that may be written to nothing is kept.

    A file counts where it was made of the same source, by the same versions, with settings of the same `stamp`.
    """

    def __init__(self, folder: Path | None, stamp: str) -> None:
        self._folder = folder
        self._made_by = f"{stamp} {jinja2.__version__} {sys.implementation.cache_tag} {sys.version_info.releaselevel}"

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give `bucket` the code that was kept for it."""
        if self._folder is None:
            return
        with suppress(OSError, ValueError, EOFError, TypeError):  # of a file that is not there, or was damaged
            made_by, checksum, digest, data = marshal.loads((self._folder / bucket.key).read_bytes())
            if (made_by, checksum) == (self._made_by, bucket.checksum) and digest == _digest(data):
                code = marshal.loads(data)
                bucket.code = code if isinstance(code, CodeType) else None

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code of `bucket`."""
        if self._folder is None:
            return
        data = marshal.dumps(bucket.code)
        with suppress(OSError):  # no room, or no right to write: then it is compiled again
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, part = tempfile.mkstemp(dir=self._folder, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(marshal.dumps((self._made_by, bucket.checksum, _digest(data), data)))
                Path(part).replace(self._folder / bucket.key)
            except OSError:
                Path(part).unlink(missing_ok=True)


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def kept_templates(stamp: str) -> KeptTemplates:
    """Those in the user's cache folder, beside what is compiled to machine code."""
    folder = default_folder()
    return KeptTemplates(None if folder is None else folder / "compiled" / "templates", stamp)
