"""Runs commands over finished reports in child processes that are killed; prints what was found as JSON.

Arguments: a folder to work in, how many kills at random moments each command gets, at how many steps of the swap, how
many at each of these, and which commands (all by default). A step is anything done to the file system once the new
folder is ready to be put in place; a file is put there in one.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from support.killed_swaps import SIGNALS, Killer
from support.records import small_record
from support.sites import write_report

from reportgen.cli import main
from reportgen.files import replacing, workplaces
from reportgen.finished.verification import verify_report

# What each command makes its target of: `{home}` is a folder with the reports `a` and `b`.
COMMANDS = {
    "render": (["render", "{home}/target", "--title", "Another title"], "target"),
    "compare": (["compare", "{home}/a", "{home}/b", "-o", "{home}/target"], "target"),
    "compare file": (["compare", "{home}/a", "{home}/b", "-o", "{home}/target.html"], "target.html"),
    "bundle": (["bundle", "{home}/b", "-o", "{home}/target.html"], "target.html"),
    "collect": (["collect", "{home}/a", "{home}/b", "-o", "{home}/target"], "target"),
}
# What made the target before.
EARLIER = {
    "render": None,
    "compare": ["compare", "{home}/b", "{home}/a", "-o", "{home}/target"],
    "compare file": ["compare", "{home}/b", "{home}/a", "-o", "{home}/target.html"],
    "bundle": ["bundle", "{home}/a", "-o", "{home}/target.html"],
    "collect": ["collect", "{home}/a", "-o", "{home}/target"],
}


def content(target: Path) -> dict[str, str]:
    """What a folder or file holds."""
    files = [target] if target.is_file() else [path for path in target.rglob("*") if path.is_file()]
    return {str(path.relative_to(target.parent)): path.read_bytes().hex() for path in files}


def run(arguments: list[str], home: Path) -> int:
    """The status of a command."""
    return main([argument.format(home=home) for argument in arguments])


def killed(arguments: list[str], home: Path, prepare: Callable[[], object], kill: Callable[[int], object]) -> None:
    """Run a command in a process of its own, that `prepare`s for its end and is `kill`ed from here."""
    process = os.fork()
    if not process:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        prepare()
        os._exit(run(arguments, home))
    kill(process)
    os.waitpid(process, 0)


def at_step(step: int, number: signal.Signals) -> None:
    """Have this process killed at the `step`-th step of the swap."""
    killer = Killer(step, number)
    mark, exchange = workplaces.Workplace.mark, replacing.exchange

    def counted(first: Path, second: Path) -> bool:
        killer.count()
        done = exchange(first, second)
        killer.count()
        return done

    def marked(place: workplaces.Workplace) -> None:
        mark(place)
        sys.addaudithook(killer.hear)

    workplaces.Workplace.mark = marked  # type: ignore[method-assign]
    replacing.exchange = counted


def after(process: int, seconds: float, number: signal.Signals) -> None:
    """Kill a process after a time."""
    time.sleep(seconds)
    os.kill(process, number)


def attempts(name: str, folder: Path, kills: int, steps: int, times: int) -> list[dict[str, Any]]:
    """All kills of one command: what was there after each, and whether going on gives the same bytes."""
    home = folder / name.replace(" ", "-")
    for report, title in (("a", "First"), ("b", "Second")):
        write_report(small_record, home / report)
        run(["render", f"{{home}}/{report}", "--title", title], home)
    arguments, target = COMMANDS[name][0], home / COMMANDS[name][1]
    earlier = EARLIER[name]
    shutil.copytree(home / "a", target) if earlier is None else run(earlier, home)
    good, before = folder / f"good-{home.name}", content(target)
    copy = shutil.copyfile if target.is_file() else shutil.copytree
    copy(target, good)
    begun = time.monotonic()
    run(arguments, home)
    seconds, whole = time.monotonic() - begun, content(target)
    random, found = Random(name), []
    for number in range(kills + (steps * times if target.is_dir() else 0)):
        shutil.rmtree(target) if target.is_dir() else target.unlink()
        copy(good, target)
        sent = SIGNALS[number % 3]
        if number < kills:
            moment = random.uniform(0, 1.1 * seconds)
            killed(arguments, home, lambda: None, lambda process: after(process, moment, sent))  # noqa: B023
        else:
            step = 1 + (number - kills) // times
            killed(arguments, home, lambda: at_step(step, sent), lambda process: None)  # noqa: B023, ARG005
        now = content(target)
        workplaces.settle_left(target)
        debris = sorted(path.name for path in home.iterdir() if path.name not in ("a", "b", target.name))
        settled = content(target)
        sound = target.is_file() or verify_report(target) == []
        status = run(arguments, home) if settled != whole else 0
        found.append(
            {
                "command": name, "number": number, "signal": sent.name,
                "at once": now in (before, whole),
                "then": "new" if settled == whole else "earlier" if settled == before else "other",
                "sound": sound, "debris": debris, "status": status, "same": content(target) == whole,
            }
        )  # fmt: skip
    return found


if __name__ == "__main__":
    place, (kills, steps, times) = Path(sys.argv[1]), map(int, sys.argv[2:5])
    wanted = sys.argv[5:] or list(COMMANDS)
    standard = os.dup(1)
    os.dup2(2, 1)  # what the commands print
    every = [one for name in wanted for one in attempts(name, place, kills, steps, times)]
    os.write(standard, json.dumps(every).encode())
