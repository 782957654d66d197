"""Where the statistics of many images are computed: here, or on a cluster.

An engine runs a task on chunks of work and gives back what became of each. What the values are and how
they are merged is the caller's business; they must not depend on how the work was divided.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from reportgen.config import Config
from reportgen.engines.chunks import Advance, Chunk, Engine, ImageChunk, Outcome, Task, chunks_of
from reportgen.engines.local import LocalEngine
from reportgen.errors import ReportgenError

__all__ = ["Advance", "Chunk", "Engine", "ImageChunk", "LocalEngine", "Outcome", "Task", "chunks_of", "open_engine"]


@contextmanager
def open_engine(config: Config) -> Iterator[Engine]:
    """The engine `--engine` names, ready to run; what it started is stopped at the end.

    Raises:
        ReportgenError: Dask is not installed, its scheduler does not answer, or its workers do not fit.
    """
    if config.engine == "local":
        yield LocalEngine()
        return
    try:
        from reportgen.engines.dask import open_dask
    except ImportError as error:
        raise ReportgenError(
            f"--engine dask: expected dask.distributed, it is not installed ({error}); "
            "install it with: pip install 'reportgen[dask]'"
        ) from error
    with open_dask(config.dask_address) as engine:
        yield engine
