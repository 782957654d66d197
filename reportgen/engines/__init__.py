"""Where the statistics of many images are computed: here, or on a cluster.

An engine runs a task on chunks of work and gives back what became of each. What the values are and how
they are merged is the caller's business; they must not depend on how the work was divided.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from reportgen.config import Config
from reportgen.engines.chunks import Advance, Chunk, Engine, Outcome, Task
from reportgen.engines.local import LocalEngine

__all__ = ["Advance", "Chunk", "Engine", "LocalEngine", "Outcome", "Task", "open_engine"]


@contextmanager
def open_engine(config: Config) -> Iterator[Engine]:
    """The engine `--engine` names, ready to run; what it started is stopped at the end.

    Raises:
        ReportgenError: Dask is not installed, or its scheduler does not answer.
    """
    yield LocalEngine()
