"""A run is killed at every step of putting a report in place: an entire report, and nothing of the user's lost."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.killed_swaps import make, state

from reportgen.files import workplaces

DRIVER = Path(__file__).resolve().parents[1] / "support" / "killed_swaps.py"


@pytest.mark.parametrize("way", ["exchange", "renames"])
@pytest.mark.parametrize("stride", ["4", pytest.param("1", marks=pytest.mark.slow)])
def test_killed_at_every_step(stride: str, way: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(tmp_path), way, stride], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    killed = [one for one in found if not one["ended"]]
    assert len(killed) > 120 // int(stride)
    for one in killed:
        if way == "exchange":
            assert one["at once"] in ("first", "second"), one
        assert one["then"] in ("first", "second"), one
        assert one["pair"] == one["then"], one
        assert one["debris"] == one["left"] == ["out", "out.html"], one
        assert one["notes"] and one["kept"], one  # noqa: PT018 - the same question twice
        assert one["last"] == "third", one
    assert {one["then"] for one in killed} == {"first", "second"}


def test_interrupted_while_the_earlier_report_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its manifest nobody could say which of the earlier report's files are the user's."""
    folder = tmp_path / "out"
    make(folder, "first")
    remove = shutil.rmtree

    def interrupted(path: Path, *, ignore_errors: bool = False) -> None:  # noqa: ARG001
        (path / "site" / "manifest.json").unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr(workplaces.shutil, "rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make(folder, "second")
    monkeypatch.setattr(workplaces.shutil, "rmtree", remove)
    assert len(list(tmp_path.iterdir())) == 3
    workplaces.settle_left(folder)
    assert state(folder) == "second"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out.html"]
