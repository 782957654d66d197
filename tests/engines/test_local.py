from __future__ import annotations

from support.tasks import Adding, numbers

from reportgen.config import Config
from reportgen.engines import open_engine


def test_chunks_run_in_order_and_progress_is_told() -> None:
    told: list[int] = []
    with open_engine(Config()) as engine:
        outcomes = list(engine.run(Adding(), numbers(10, 4), told.append))
    assert [outcome.value for outcome in outcomes] == [6, 22, 17]
    assert [outcome.chunk.values[0] for outcome in outcomes] == [0, 4, 8]
    assert told == [4, 4, 2]
