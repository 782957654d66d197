"""Work by all processors: the results in order, faults where they arise, and no more held than needed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from reportgen.machine import threads
from reportgen.machine.threads import in_threads, taken_ahead


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


@pytest.mark.usefixtures("processors")
def test_items_come_in_order_and_the_first_is_made_in_the_callers_thread() -> None:
    made_in: list[str] = []

    def items() -> Iterator[int | None]:
        for number in range(5):
            made_in.append(threading.current_thread().name)
            yield number or None

    assert list(taken_ahead(items())) == [None, 1, 2, 3, 4]
    assert made_in[0] == threading.current_thread().name
    assert list(taken_ahead(())) == []


def test_one_item_is_made_while_another_is_used_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "processor_count", lambda: 2)
    made: list[int] = []
    second = threading.Event()

    def items() -> Iterator[int]:
        for number in range(4):
            made.append(number)
            if number == 1:
                second.set()
            yield number

    ahead = taken_ahead(items())
    assert next(ahead) == 0
    assert second.wait(timeout=30)
    assert made == [0, 1]
    ahead.close()
    assert made == [0, 1]


@pytest.mark.usefixtures("processors")
def test_a_fault_in_making_an_item_is_raised_after_those_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("on purpose")

    used: list[int] = []
    with pytest.raises(ValueError, match="on purpose"):
        used.extend(taken_ahead(items()))
    assert used == [1, 2]
