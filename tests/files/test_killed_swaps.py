"""A run is killed at every step of putting a report in place: an entire report, and nothing of the user's lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

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
