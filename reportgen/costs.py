"""What a run costs: seconds and processor time of each stage, and images a second."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reportgen.progress import Counted, Progress

# The row of what no stage claims.
BETWEEN = "Everything else"

Clocks = Callable[[], tuple[float, float]]


def clocks() -> tuple[float, float]:
    """Seconds on the clock, and seconds of all processors for this process."""
    return time.perf_counter(), time.process_time()


@dataclass
class StageCost:
    """What a stage took without the stages inside it; `counted` says what its `steps` are, where that is known."""

    stage: str
    seconds: float = 0.0
    processor_seconds: float = 0.0
    counted: Counted | None = None
    steps: int = 0

    def data(self) -> dict[str, Any]:
        """The row as plain data; `images` is null where the stage does not go from image to image."""
        images = self.steps if self.counted == "images" else None
        return {
            "stage": self.stage,
            "seconds": round(self.seconds, 3),
            "processor_seconds": round(self.processor_seconds, 3),
            "images": images,
            "images_per_second": _rate(images, self.seconds),
        }


class Costs:
    """A progress that measures: it passes on to `listener` all that it hears.

    A stage inside another one takes its time from that one, so that the rows add up to the whole.
    """

    def __init__(self, listener: Progress, read_clocks: Clocks = clocks) -> None:
        self._listener = listener
        self._read = read_clocks
        self._begun = self._last = read_clocks()
        self._between = StageCost(BETWEEN)
        self._rows: dict[str, StageCost] = {}
        self._open: list[StageCost] = []

    def start(self, stage: str, total: int | None, counted: Counted | None = None) -> None:
        """A stage begins; one of the same name as before goes on with that one's row."""
        self._settle()
        row = self._rows.setdefault(stage, StageCost(stage))
        row.counted = row.counted or counted
        self._open.append(row)
        self._listener.start(stage, total, counted)

    def advance(self, steps: int, text: str | None = None) -> None:
        """Count the steps of the stage."""
        if self._open:
            self._open[-1].steps += steps
        self._listener.advance(steps, text)

    def finish(self) -> None:
        """The stage is over, and what it took is known."""
        self._settle()
        self._open.pop()
        self._listener.finish()

    def say(self, message: str) -> None:
        """Pass a message on."""
        self._listener.say(message)

    def explain(self, message: str) -> None:
        """Pass a detail on."""
        self._listener.explain(message)

    def _settle(self) -> None:
        """Charge the time since the last change to the stage it was spent in."""
        now = self._read()
        row = self._open[-1] if self._open else self._between
        row.seconds += now[0] - self._last[0]
        row.processor_seconds += now[1] - self._last[1]
        self._last = now

    def data(self, images: int) -> dict[str, Any]:
        """The table of costs of a run on `images` as plain data; its form is described in `docs/how-to/costs.md`."""
        self._settle()
        seconds, processor = (last - begun for last, begun in zip(self._last, self._begun, strict=True))
        return {
            "seconds": round(seconds, 3),
            "processor_seconds": round(processor, 3),
            "images": images,
            "images_per_second": _rate(images, seconds),
            "stages": [row.data() for row in (*self._rows.values(), self._between)],
        }


def measured(progress: Progress) -> Costs:
    """`progress` itself where it measures already, else one that measures and passes on to it."""
    return progress if isinstance(progress, Costs) else Costs(progress)


def _rate(images: int | None, seconds: float) -> float | None:
    return round(images / seconds, 3) if images and seconds > 0 else None


def write_costs(costs: Mapping[str, Any], file: Path) -> None:
    """Write a table of costs as JSON."""
    file.write_text(json.dumps(costs, indent=2) + "\n", encoding="utf-8", newline="\n")


def cost_lines(costs: Mapping[str, Any]) -> list[str]:
    """A table of costs as lines of text, the whole run last."""
    rows = [*costs["stages"], {**costs, "stage": "All"}]
    width = max(len(row["stage"]) for row in rows)
    head = f"{'stage':{width}}  seconds  processor  images/s"
    return [head, *(_line(row, width) for row in rows)]


def _line(row: Mapping[str, Any], width: int) -> str:
    rate = "" if row["images_per_second"] is None else f"{row['images_per_second']:.1f}"
    return f"{row['stage']:{width}}  {row['seconds']:7.1f}  {row['processor_seconds']:9.1f}  {rate:>8}".rstrip()
