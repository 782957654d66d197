"""What a command did to the file system beside what it was asked for, and what it said."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reportgen.cli import main
from reportgen.files.cache_folder import default_folder

# Longer than any answer to a bad input may take, in seconds of a processor and in letters; and in seconds altogether,
# on a machine that does much else.
MOST_SECONDS, MOST_LETTERS, MOST_WAITED = 20, 300, 150


@dataclass
class Opened:
    """Collects the names of files that are opened, created, moved or removed while it is on."""

    on: bool = False
    names: set[str] = field(default_factory=set)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook."""
        if self.on and (event == "open" or event.startswith(("os.", "shutil."))):
            given = [os.fsdecode(one) for one in arguments if isinstance(one, str | bytes | os.PathLike)]
            # Names that are not from the root are those below a folder that is open.
            self.names |= {os.path.realpath(name) for name in given if os.path.isabs(name)}  # noqa: PTH117 - texts


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


# What any command reads: Python, its packages, and what the system says of itself.
OF_THE_SYSTEM = tuple(
    Path(os.path.realpath(place))
    for place in (*sys.path, sys.prefix, sys.base_prefix, "/usr", "/lib", "/proc", "/sys", "/etc", "/dev/null")
    if place
)


def strangers(names: Iterable[str], own: Iterable[Path]) -> list[str]:
    """Those of `names` that are neither below the folders `own` nor of Python, the system or the program's cache."""
    cache = default_folder()
    allowed = (*own, *OF_THE_SYSTEM, *(() if cache is None else (Path(os.path.realpath(cache)) / "compiled",)))
    return sorted(name for name in names if not any(Path(name).is_relative_to(place) for place in allowed))


def snapshot(folder: Path) -> list[tuple[str, int, int, int]]:
    """What tells a tree of files from what became of it, without reading them: names, kinds, sizes and times."""
    found = []
    for path in sorted(folder.rglob("*")):
        state = path.lstat()
        found.append((str(path), state.st_mode, state.st_size, state.st_mtime_ns))
    return found


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


def run(
    arguments: list[str], capsys: pytest.CaptureFixture[str], case: object, *, timed: bool = True
) -> tuple[int, str]:
    """Run a command: its status and what it said, which is one short line where it failed; soon, where `timed`."""
    start, begun = time.process_time(), time.monotonic()
    status = main(arguments)
    said = capsys.readouterr().err
    if timed:
        assert time.process_time() - start < MOST_SECONDS, case
        assert time.monotonic() - begun < MOST_WAITED, case
    assert status in (0, 1, 2, 3), (case, status)
    if status in (1, 2):
        assert said.count("\n") == 1, (case, said)
        assert said.startswith("reportgen: "), (case, said)
    assert all(len(line) <= MOST_LETTERS for line in said.splitlines()), (case, said)
    return status, said
