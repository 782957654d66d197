"""Work by all processors: the results in order, faults where they arise, and no more held than needed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from reportgen.machine import threads
from reportgen.machine.threads import in_threads


@pytest.fixture(params=[1, 2, 5])
def processors(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """A machine of so many processors."""
    monkeypatch.setattr(threads, "processor_count", lambda: request.param)
    return int(request.param)


@pytest.mark.usefixtures("processors")
def test_results_come_in_the_order_of_the_things_however_long_each_takes() -> None:
    def slow_first(number: int) -> int:
        time.sleep(0.01 if number % 3 == 0 else 0)
        return number * number

    assert list(in_threads(slow_first, range(30))) == [number * number for number in range(30)]
    assert list(in_threads(slow_first, [])) == []


def test_things_are_taken_no_further_ahead_than_keeps_all_busy(processors: int) -> None:
    taken: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    results = in_threads(lambda number: number, numbers())
    assert next(results) == 0
    assert len(taken) <= 4 * processors
    assert list(results) == list(range(1, 100))


@pytest.mark.usefixtures("processors")
def test_a_fault_is_raised_in_its_place() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_threads(lambda number: 1 // (3 - number), range(10)))


def test_several_run_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "processor_count", lambda: 2)
    together = threading.Barrier(2, timeout=30)
    assert [place >= 0 for place in in_threads(lambda _: together.wait(), range(4))] == [True] * 4
