"""Puts reports in place in child processes that are killed at every step of it; prints what was found as JSON.

Arguments: a folder to work in, `exchange` or `renames`, and how many steps it is from one kill to the next.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from reportgen.errors import ReportgenError
from reportgen.files import replacing, workplaces
from reportgen.files.manifest import file_digest, read_manifest, write_manifest

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
EVENTS = frozenset({"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.scandir"})
NOTES = {"CNAME": "example.org", ".git/HEAD": "ref: refs/heads/main", "layers/notes.txt": "mine"}


def make(folder: Path, text: str) -> None:
    """A report of three files that say `text`, and the same beside it as one file."""
    with replacing.replacing(folder, workplaces.single_beside(folder)) as places:
        (places.folder / "layers").mkdir()
        for name in ("index.html", "report.json", "layers/a.html"):
            (places.folder / name).write_text(text, encoding="utf-8")
        write_manifest(places.folder, "report")
        places.single.write_text(text, encoding="utf-8")


def state(folder: Path) -> str:
    """What the report says, `broken` where it is not whole."""
    try:
        whole = all(file_digest(folder / name) == digest for name, digest in read_manifest(folder).items())
        return (folder / "index.html").read_text(encoding="utf-8") if whole else "broken"
    except (OSError, ReportgenError) as error:
        return f"broken: {error}"


class Killer:
    """Sends a signal to its own process at the `step`-th thing done to the file system."""

    def __init__(self, step: int, number: signal.Signals) -> None:
        self.left, self.number = step, number

    def count(self) -> None:
        """One step is done."""
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), self.number)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook."""
        if event in EVENTS or (event == "open" and isinstance(arguments[1], str) and "w" in arguments[1]):
            self.count()


def child(folder: Path, step: int, number: signal.Signals) -> None:
    """Make the report again, and be killed."""
    killer = Killer(step, number)
    exchange = replacing.exchange

    def counted(first: Path, second: Path) -> bool:
        killer.count()
        done = exchange(first, second)
        killer.count()
        return done

    replacing.exchange = counted
    sys.addaudithook(killer.hear)
    with contextlib.suppress(KeyboardInterrupt):
        make(folder, "second")
    os._exit(0 if killer.left > 0 else 7)


def attempt(home: Path, step: int, number: signal.Signals) -> dict[str, Any]:
    """One kill: what was there after it, after another command, and after another run."""
    home.mkdir()
    folder = home / "out"
    make(folder, "first")
    for name, text in NOTES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    process = os.fork()
    if not process:
        child(folder, step, number)
    status = os.waitpid(process, 0)[1]
    found = {"step": step, "signal": number.name, "at once": state(folder)}
    workplaces.settle_left(folder)
    found["then"] = state(folder)
    found["pair"] = workplaces.single_beside(folder).read_text(encoding="utf-8")
    found["debris"] = sorted(path.name for path in home.iterdir())
    found["notes"] = all((folder / name).is_file() for name in NOTES)
    make(folder, "third")
    found["last"] = state(folder)
    found["kept"] = all((folder / name).read_text(encoding="utf-8") == text for name, text in NOTES.items())
    found["left"] = sorted(path.name for path in home.iterdir())
    found["ended"] = os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0
    return found


def main(home: Path, way: str, stride: int) -> None:
    """Kill at every `stride`-th step until there is none left, with every signal, each at steps of its own."""
    if way == "renames":
        replacing.exchange = lambda first, second: False  # noqa: ARG005 - as the system says it
    found = []
    for first, number in enumerate(SIGNALS, 1):
        for step in range(first, 400, stride):
            found.append(attempt(home / f"{number.name}-{step}", step, number))
            if found[-1]["ended"]:
                break
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
