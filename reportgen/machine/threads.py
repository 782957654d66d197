"""The same work on many things, by all processors, with the results in the order of the things."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from reportgen.machine.memory import processor_count

Item = TypeVar("Item")
Result = TypeVar("Result")

# Things that are waiting for a processor or done, for each processor: no more are held.
_AHEAD = 4


def in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """What `function` gives for each of `items`, in their order.

    It runs in as many threads as there are processors, which pays where most of it runs without the interpreter's
    lock, such as the encoding of a picture. `items` are taken in the caller's thread, as far ahead as keeps all busy.
    """
    processors = processor_count()
    if processors == 1:
        yield from map(function, items)
        return
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(processors) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= processors * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
