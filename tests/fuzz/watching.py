"""What a command did to the file system beside what it was asked for, and what it said."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reportgen.cli import main

# Longer than any answer to a bad input may take, in seconds and in letters.
MOST_SECONDS, MOST_LETTERS = 20, 300


@dataclass
class Opened:
    """Collects the names of files that are opened, created, moved or removed while it is on."""

    on: bool = False
    names: set[str] = field(default_factory=set)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook."""
        if self.on and (event == "open" or event.startswith(("os.", "shutil."))):
            self.names |= {
                os.path.realpath(os.fsdecode(one)) for one in arguments if isinstance(one, str | bytes | os.PathLike)
            }


OPENED = Opened()
sys.addaudithook(OPENED.hear)


@contextmanager
def opened_files() -> Iterator[set[str]]:
    """The files that are opened, created, moved or removed during the block, links followed."""
    OPENED.names = set()
    OPENED.on = True
    try:
        yield OPENED.names
    finally:
        OPENED.on = False


def digest(folder: Path) -> str:
    """What tells a tree of files from another: names, kinds and content."""
    hashed = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        hashed.update(
            f"{path.relative_to(folder)}|{path.is_symlink()}|{len(content)}|".encode("utf-8", "surrogateescape")
            + content
        )
    return hashed.hexdigest()


def run(arguments: list[str], capsys: pytest.CaptureFixture[str], case: object) -> tuple[int, str]:
    """Run a command: its status and what it said, which is one short line where it failed."""
    start = time.monotonic()
    status = main(arguments)
    said = capsys.readouterr().err
    assert time.monotonic() - start < MOST_SECONDS, case
    assert status in (0, 1, 2, 3), (case, status)
    if status in (1, 2):
        assert said.count("\n") == 1, (case, said)
        assert said.startswith("reportgen: "), (case, said)
    assert all(len(line) <= MOST_LETTERS for line in said.splitlines()), (case, said)
    return status, said
