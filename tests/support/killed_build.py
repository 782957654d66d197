"""`reportgen` in a process that kills itself once a share of the images is measured, or says how many it measured.

    python -m support.killed_build SHARE build MODEL IMAGES -o DIR ...

The pass over images is kept after every chunk of a few. With a share above 1 the process ends as usual.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from reportgen.analysis.statistics import measure_task as measuring
from reportgen.cli import main
from reportgen.engines import ImageChunk, checkpoints


def build(share: float, arguments: list[str]) -> int:
    """Run `reportgen` on `arguments`; print the number of images measured."""
    measuring.LEAST_IMAGES = measuring.MOST_IMAGES = 3
    checkpoints.LEAST_SECONDS, checkpoints.WRITING_SHARE = 0.0, 1e9
    run = measuring.MeasureTask.run
    measured = 0

    def counting(task: measuring.MeasureTask, chunk: ImageChunk, advance: Callable[[int], None]) -> object:
        nonlocal measured
        if measured >= share * task.plan.layout.image_count:
            os.kill(os.getpid(), signal.SIGKILL)
        measured += chunk.size
        return run(task, chunk, advance)

    measuring.MeasureTask.run = counting
    status = main(arguments)
    print(measured, file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(build(float(sys.argv[1]), sys.argv[2:]))
