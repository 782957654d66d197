"""What a terminal shows of a run: bars while a stage runs, messages that stay."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from reportgen.errors import printable
from reportgen.progress import Progress, Silent


def terminal_progress(*, quiet: bool, verbose: bool) -> Progress:
    """Progress as asked for on the command line: `quiet` wins."""
    return Silent() if quiet else TerminalProgress(verbose=verbose)


class TerminalProgress:
    """Bars on standard error while a stage runs; messages stay."""

    def __init__(self, *, verbose: bool) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._verbose = verbose
        self._bars: Bars | None = None
        self._task: TaskID | None = None

    def start(self, stage: str, total: int | None) -> None:
        """Show a bar for `stage`, or a line where standard error is no terminal."""
        if not self._console.is_terminal:
            if self._verbose:
                self._console.print(stage, markup=False)
            return
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        self._bars = Bars(*columns, console=self._console, transient=not self._verbose)
        self._bars.start()
        self._task = self._bars.add_task(stage, total=total)
        self._stage = stage

    def advance(self, steps: int, text: str | None = None) -> None:
        """Move the bar."""
        if self._bars is not None and self._task is not None:
            shown = self._stage if text is None else f"{self._stage}: {printable(text)}"
            self._bars.update(self._task, advance=steps, description=shown)

    def finish(self) -> None:
        """Take the bar away."""
        if self._bars is not None:
            self._bars.stop()
        self._bars = self._task = None

    def say(self, message: str) -> None:
        """Print a line that stays."""
        self._console.print(f"reportgen: {printable(message)}", markup=False, soft_wrap=True)
