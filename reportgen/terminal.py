"""What a terminal shows of a run: bars while a stage runs, messages that stay."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from reportgen.errors import printable
from reportgen.progress import Counted, Progress, Silent


def terminal_progress(*, quiet: bool, verbose: bool) -> Progress:
    """Progress as asked for on the command line: `quiet` wins."""
    return Silent() if quiet else TerminalProgress(verbose=verbose)


@dataclass(frozen=True)
class _Bar:
    """A stage that is under way, with its bar."""

    stage: str
    bars: Bars
    task: TaskID


class _Console(Console):
    """A console whose reader may leave: the work goes on, and nothing more is said."""

    def on_broken_pipe(self) -> None:
        """Say no more, where the library would end the program."""
        self.quiet = True


class TerminalProgress:
    """Bars on standard error while a stage runs, that of the innermost one; messages stay."""

    def __init__(self, *, verbose: bool) -> None:
        self._console = _Console(stderr=True, highlight=False)
        self._verbose = verbose
        self._stages: list[str] = []
        self._shown: list[_Bar] = []

    def start(self, stage: str, total: int | None, counted: Counted | None = None) -> None:  # noqa: ARG002
        """Show a bar for `stage`, or a line where standard error is no terminal."""
        is_known = stage in self._stages[-1:]
        self._stages.append(stage)
        if not self._console.is_terminal:
            if self._verbose and not is_known:
                self._console.print(stage, markup=False)
            return
        if self._shown:
            self._shown[-1].bars.stop()
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        bars = Bars(*columns, console=self._console, transient=not self._verbose or is_known)
        bars.start()
        self._shown.append(_Bar(stage, bars, bars.add_task(stage, total=total)))

    def advance(self, steps: int, text: str | None = None) -> None:
        """Move the bar."""
        if self._shown:
            bar = self._shown[-1]
            told = bar.stage if text is None else f"{bar.stage}: {printable(text)}"
            bar.bars.update(bar.task, advance=steps, description=told)

    def finish(self) -> None:
        """Take the bar away, and go on with that of the stage around."""
        self._stages.pop()
        if self._shown:
            self._shown.pop().bars.stop()
        if self._shown:
            self._shown[-1].bars.start()

    def say(self, message: str) -> None:
        """Print a line that stays."""
        self._console.print(f"reportgen: {printable(message)}", markup=False, soft_wrap=True)

    def explain(self, message: str) -> None:
        """Print a line that stays, where details were asked for."""
        if self._verbose:
            self.say(message)
