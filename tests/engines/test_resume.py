"""A run that is really killed goes on where it was, and its report has the bytes of one that was not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.images import write_images
from support.networks import two_convolutions

TESTS = Path(__file__).parents[1]
IMAGES = 30


def build(share: float, output: Path, cache: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `reportgen build` in a process that dies when `share` of the images is measured."""
    arguments = ["build", "network.keras", "photos", "-o", str(output), "--cache", str(cache), "--quiet"]
    arguments += ["--sections", "overview,layers,units", "--channels", "first:2", "--activation-max", "off"]
    return subprocess.run(
        [sys.executable, "-m", "support.killed_build", str(share), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])},
        capture_output=True,
        text=True,
        check=False,
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.slow
def test_a_run_killed_at_seventy_percent_goes_on_and_gives_the_same_bytes(tmp_path: Path) -> None:
    two_convolutions(size=16).save(tmp_path / "network.keras")
    write_images(tmp_path / "photos", IMAGES)
    killed = build(0.7, tmp_path / "report", tmp_path / "cache", tmp_path)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "report").exists()
    gone_on = build(2, tmp_path / "report", tmp_path / "cache", tmp_path)
    whole = build(2, tmp_path / "whole" / "report", tmp_path / "other cache", tmp_path)
    assert (gone_on.returncode, whole.returncode) == (0, 0), gone_on.stderr + whole.stderr
    assert int(gone_on.stderr.split()[-1]) == IMAGES - 21
    assert int(whole.stderr.split()[-1]) == IMAGES
    assert contents(tmp_path / "report") == contents(tmp_path / "whole" / "report")
