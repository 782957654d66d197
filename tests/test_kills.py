"""Builds and renders that are killed at random moments, or run at once: an entire report at every moment."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from support.images import write_images
from support.networks import two_convolutions
from support.records import small_record
from support.sites import write_report

from reportgen.cli import main
from reportgen.finished.collection_content import read_content
from reportgen.finished.opened import opened_report
from reportgen.finished.verification import verify_report

COMMAND = [sys.executable, "-c", "import sys; from reportgen.cli import main; sys.exit(main())"]
KILLS = 60


# The summary says what changed since the report it replaced, and the manifest has its digest.
OF_THE_ONE_BEFORE = ("summary.md", "manifest.json")


def content(folder: Path) -> dict[str, bytes]:
    """The files that do not depend on what was there before."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in OF_THE_ONE_BEFORE
    }


def started(arguments: list[str], folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments], cwd=folder, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_renders_at_once_end_in_one_of_their_results(tmp_path: Path) -> None:
    write_report(small_record, tmp_path / "report")
    titles = ["first of two", "second of two"]
    for _ in range(2):
        both = [started(["render", "report", "--title", title], tmp_path) for title in titles]
        said = [process.communicate(timeout=120)[1] for process in both]
        assert {process.returncode for process in both} <= {0, 1}, said
        assert 0 in {process.returncode for process in both}, said
        assert verify_report(tmp_path / "report") == []
        front = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
        assert sum(title in front for title in titles) == 1
        assert [path.name for path in tmp_path.iterdir()] == ["report"]


@pytest.mark.parametrize("command", ["compare", "collect"])
def test_two_at_once_end_in_one_of_their_results(command: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_report(small_record, tmp_path / name)
        assert main(["render", str(tmp_path / name), "--title", f"Report {name}"]) == 0
    words = {"compare": (["compare", "a", "b"], ["compare", "b", "a"]), "collect": (["collect", "a"], ["collect", "b"])}
    results = []
    for number, arguments in enumerate(words[command]):
        assert started([*arguments, "-o", f"alone{number}"], tmp_path).communicate(timeout=120)[1] == ""
        results.append(content(tmp_path / f"alone{number}"))
        shutil.rmtree(tmp_path / f"alone{number}")
    both = [started([*arguments, "-o", "site"], tmp_path) for arguments in words[command]]
    said = [process.communicate(timeout=120)[1] for process in both]
    ends = [process.returncode for process in both]
    assert set(ends) <= {0, 1}, said
    assert 0 in ends, said
    assert verify_report(tmp_path / "site") == []
    if command == "compare":
        assert content(tmp_path / "site") in results
    else:  # one of them, or both where the second found the first
        assert {entry.title for entry in read_content(tmp_path / "site").entries} <= {"Report a", "Report b"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "site"]


DRIVER = Path(__file__).parent / "support" / "killed_commands.py"


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["2", "1", "3", "collect"], id="few"),
        pytest.param(["20", "4", "12"], id="many", marks=pytest.mark.slow),
    ],
)
def test_commands_killed_at_random_moments_and_at_each_point_of_the_swap(words: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(tmp_path), *words], capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) >= 5
    for one in found:
        assert one["at once"], one
        assert one["then"] in ("new", "earlier"), one
        assert one["sound"], one
        assert one["debris"] == [], one
        assert one["status"] == 0 and one["same"], one  # noqa: PT018 - going on gives the same bytes


@pytest.mark.slow
def test_builds_killed_at_random_moments(tmp_path: Path) -> None:
    two_convolutions(size=16).save(tmp_path / "network.keras")
    write_images(tmp_path / "photos", 4)
    arguments = ["build", "network.keras", "photos", "--quiet", "--sections", "overview,layers,units",
                 "--channels", "first:2", "--activation-max", "off"]  # fmt: skip
    begun = time.monotonic()
    assert started([*arguments, "-o", "whole/report", "--cache", "other"], tmp_path).communicate(timeout=200)[1] == ""
    needed = time.monotonic() - begun
    home = tmp_path / "home"
    home.mkdir()
    write_report(small_record, home / "report")
    earlier, whole = content(home / "report"), content(tmp_path / "whole" / "report")
    random, signals = Random(0), (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
    ends = set()
    for number in range(KILLS):
        process = started([*arguments, "-o", "home/report", "--cache", "cache"], tmp_path)
        time.sleep(random.uniform(0.3, 1) * needed)
        process.send_signal(signals[number % 3])
        said = process.communicate(timeout=60)[1]
        assert "Traceback" not in said, (number, said)
        ends.add(process.returncode)
        with opened_report(home / "report"):  # settles what a kill left
            now = content(home / "report")
        assert now in (earlier, whole), number
        assert verify_report(home / "report") == [], number
    assert started([*arguments, "-o", "home/report", "--cache", "cache"], tmp_path).communicate(timeout=200)[1] == ""
    assert content(home / "report") == whole
    assert [path.name for path in home.iterdir()] == ["report"]
    assert ends - {0}
