from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from reportgen.engines import checkpoints
from reportgen.engines.checkpoints import Checkpoint, Done
from reportgen.files.cache import Cache


@dataclass
class Numbers:
    """A value with one array."""

    values: np.ndarray

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {"values": self.values}


@pytest.mark.parametrize(
    ("added", "ranges", "missing"),
    [
        ([], [], [(0, 10)]),
        ([(0, 4)], [(0, 4)], [(4, 10)]),
        ([(4, 6), (0, 4)], [(0, 6)], [(6, 10)]),
        ([(8, 10), (2, 3)], [(2, 3), (8, 10)], [(0, 2), (3, 8)]),
        ([(0, 5), (5, 10)], [(0, 10)], []),
    ],
)
def test_ranges_join_and_leave_the_rest(
    added: list[tuple[int, int]], ranges: list[tuple[int, int]], missing: list[tuple[int, int]]
) -> None:
    done = Done()
    for start, stop in added:
        done.add(start, stop)
    assert done.ranges == ranges
    assert list(done.missing(10)) == missing
    assert done.count == sum(stop - start for start, stop in ranges)


def test_what_was_saved_is_found_again(tmp_path: Path) -> None:
    checkpoint = Checkpoint(Cache(tmp_path), "ab" * 32)
    assert checkpoint.load() is None
    checkpoint.save(Numbers(np.arange(3)), {"skipped": {"2": "is empty"}}, Done([(0, 3)]))
    kept = Checkpoint(Cache(tmp_path), "ab" * 32).load()
    assert kept is not None
    arrays, facts, done = kept
    assert arrays["values"].tolist() == [0, 1, 2]
    assert facts == {"skipped": {"2": "is empty"}}
    assert done.ranges == [(0, 3)]


def test_writing_takes_a_small_share_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now)
    checkpoint = Checkpoint(Cache(tmp_path), "cd" * 32)
    assert not checkpoint.is_due
    now = checkpoints.LEAST_SECONDS
    assert checkpoint.is_due
    checkpoint.save(Numbers(np.zeros(1)), {}, Done())
    assert not checkpoint.is_due
