"""The command line: options to `Config` to `build`, and the path of what was made on standard output."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import click
from pydantic.fields import FieldInfo
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

import reportgen
from reportgen.config import Config, option_name, read_config_file
from reportgen.errors import GateError, ReportgenError, UsageError
from reportgen.machine.quiet import quiet_tensorflow
from reportgen.progress import Progress, Silent

_OFF_HELP = {
    "top": "for keras:NAME: without the classification head",
    "script": "pages without the script",
    "use_cache": "compute everything again and keep nothing",
}
_ARGUMENTS = ("model", "images", "output")
_TABLES = ("ascent",)  # only from the configuration file: they have parameters of their own
_NETWORK = ("weights", "top", "custom_objects", "inputs", "size")
_FEEDING = (*_NETWORK, "preprocess", "resize", "interpolation", "value_range")
_DEMO_GIVEN = (*_FEEDING, "labels", "truth")


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
            shown = self._stage if text is None else f"{self._stage}: {text}"
            self._bars.update(self._task, advance=steps, description=shown)

    def finish(self) -> None:
        """Take the bar away."""
        if self._bars is not None:
            self._bars.stop()
        self._bars = self._task = None

    def say(self, message: str) -> None:
        """Print a line that stays."""
        self._console.print(f"reportgen: {message}", markup=False, soft_wrap=True)


def _progress(quiet: bool, verbose: bool) -> Progress:
    return Silent() if quiet else TerminalProgress(verbose=verbose)


def _flatten(annotation: Any) -> list[Any]:
    if get_origin(annotation) in (Union, types.UnionType):
        return [part for part in get_args(annotation) if part is not type(None)]
    return [annotation]


def _option(name: str, field: FieldInfo) -> Callable[[Any], Any]:
    """The command-line option of a settings field: its name, type, help and default follow the field."""
    option = option_name(name)
    flag, argument = f"--{option}", option.replace("-", "_")
    kind = _flatten(field.annotation)[0]
    text = field.description or ""
    if name in _OFF_HELP:
        return click.option(flag, argument, is_flag=True, default=None, help=_OFF_HELP[name])
    if kind is bool:
        return click.option(flag, name, is_flag=True, default=None, help=text)
    repeatable = name in ("layers", "inputs")
    settings: dict[str, Any] = {"multiple": True, "default": None} if repeatable else {}
    if get_origin(kind) is Literal:
        settings["type"] = click.Choice([str(choice) for choice in get_args(kind)])
    else:
        settings["metavar"] = _metavar(name, kind)
    if field.default not in (None, (), {}, ""):
        shown = ",".join(field.default) if isinstance(field.default, tuple) else field.default
        text = f"{text}  [default: {'all' if name == 'sections' else shown}]"
    return click.option(flag, argument, help=text, **settings)


def _metavar(name: str, kind: Any) -> str:
    special = {
        "sections": "A,B", "map_scales": "A,B", "layers": "PATTERN", "inputs": "NAME=VALUE",
        "size": "HxW", "canvas": "HxW", "value_range": "LOW,HIGH", "bands": "R,G,B",
        "budget": "TIME", "max_size": "SIZE", "templates": "DIR", "cache": "DIR", "truth": "FILE.csv|folders",
        "weights": "imagenet|none|PATH", "preprocess": "MODE", "custom_objects": "MODULE", "channels": "WHICH",
        "dask_address": "ADDRESS",
    }  # fmt: skip
    if name in special:
        return special[name]
    return {int: "N", Path: "FILE"}.get(kind, "TEXT")


def settings_options(*, only: Iterable[str] | None = None, without: Iterable[str] = ()) -> Callable[[Any], Any]:
    """Give a command an option for every settings field (or those in `only`), and `--config FILE`."""
    names = [
        name
        for name in Config.model_fields
        if name not in (*_ARGUMENTS, *_TABLES, *without) and (only is None or name in only)
    ]

    def decorate(command: Any) -> Any:
        for name in reversed(names):
            command = _option(name, Config.model_fields[name])(command)
        return click.option(
            "--config", "config_file", type=click.Path(path_type=Path), metavar="FILE",
            help="options from a reportgen.toml; the command line wins",
        )(command)  # fmt: skip

    return decorate


def _settings(config_file: Path | None, options: dict[str, Any], **given: Any) -> Config:
    """Settings from the file, under the options of the command line, under what the command itself fixes."""
    values = read_config_file(config_file) if config_file is not None else {}
    values = {name.replace("-", "_"): value for name, value in values.items()}
    values |= {name: value for name, value in options.items() if value not in (None, ())}
    return Config.from_options(values | given)


def _verbosity(command: Any) -> Any:
    command = click.option("--verbose", is_flag=True, help="name every stage")(command)
    return click.option("--quiet", is_flag=True, help="no progress, no messages but errors")(command)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(reportgen.__version__, prog_name="reportgen")
def commands() -> None:
    """Browsable, self-contained HTML reports on Keras image networks."""


@commands.command()
@click.argument("model", metavar="MODEL")
@click.argument("images", nargs=-1, metavar="IMAGE...")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, metavar="DIR", help="the report's folder"
)
@settings_options()
@_verbosity
def build(
    model: str,
    images: Sequence[str],
    output: Path,
    config_file: Path | None,
    quiet: bool,
    verbose: bool,
    **options: Any,
) -> None:
    """Make a report of MODEL on the images, in DIR.

    MODEL is a .keras, .h5 or .hdf5 file, keras:NAME for an architecture of keras.applications, or
    python:package.module:callable. IMAGE is a file, a folder or a glob; a network that makes pictures of vectors
    needs none.
    """
    config = _settings(config_file, options, model=model, images=tuple(images), output=output)
    report = reportgen.build_from(config, progress=_progress(quiet, verbose))
    click.echo(report.path)


@commands.command()
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=Path("reportgen-demo"), show_default=True, metavar="DIR",
    help="the report's folder",
)  # fmt: skip
@settings_options(without=_DEMO_GIVEN)
@_verbosity
def demo(output: Path, config_file: Path | None, quiet: bool, verbose: bool, **options: Any) -> None:
    """Make a report of the small trained network that comes with the program, on its own images."""
    from reportgen.demo import demo_settings

    config = _settings(config_file, options, output=output, **demo_settings())
    report = reportgen.build_from(config, progress=_progress(quiet, verbose))
    click.echo(report.path)


@commands.command()
@click.argument("model", metavar="MODEL")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option(
    "--layer",
    "wanted",
    multiple=True,
    metavar="NAME",
    help="which layer; may be given again  [default: before the head]",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="FILE.npz")
@settings_options(only=(*_FEEDING, "strict"))
@_verbosity
def features(
    model: str, images: Sequence[str], wanted: Sequence[str], output: Path, config_file: Path | None,
    quiet: bool, verbose: bool, **options: Any,
) -> None:  # fmt: skip
    """Save the features that layers give for the images: an array (images, ...) per layer, and `files`."""
    quiet_tensorflow()
    from reportgen.report import save_features

    config = _settings(config_file, options, model=model, images=tuple(images), layers=tuple(wanted))
    click.echo(save_features(config, output, progress=_progress(quiet, verbose)))


@commands.command()
@click.argument("model", metavar="MODEL")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@settings_options(only=_NETWORK)
def layers(model: str, form: str, config_file: Path | None, **options: Any) -> None:
    """Print the layer summary of MODEL."""
    quiet_tensorflow()
    from reportgen.report import print_layers

    click.echo(print_layers(_settings(config_file, options, model=model), form), nl=False)


@commands.command()
@click.argument("first", metavar="A", type=click.Path(path_type=Path))
@click.argument("second", metavar="B", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="DIR")
@click.option("--force", is_flag=True, help="replace a folder this program did not make")
def compare(first: Path, second: Path, output: Path, force: bool) -> None:
    """Show two reports, A and B, side by side: what changed."""
    from reportgen.finished.rendering import compare_reports

    click.echo(compare_reports(first, second, output, force=force))


@commands.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="FILE.html")
def bundle(folder: Path, output: Path) -> None:
    """Make one HTML file of the report in DIR, that needs nothing else."""
    from reportgen.finished.bundle import bundle_report

    bundle_report(folder, output)
    click.echo(output)


@commands.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@settings_options(only=("css", "logo", "templates", "title", "script"))
def render(folder: Path, config_file: Path | None, **options: Any) -> None:
    """Make the pages of the report in DIR again, from its report.json and pictures."""
    from reportgen.finished.rendering import render_again

    config = _settings(config_file, options)
    click.echo(render_again(folder, config, frozenset(config.model_fields_set)))


@commands.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def verify(folder: Path) -> None:
    """Check every file of the report in DIR against its manifest, and every link."""
    from reportgen.finished.verification import verify_report

    problems = verify_report(folder)
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise GateError(
            f"expected an unchanged report with working links, found {len(problems)} problem(s) in {folder}"
        )
    click.echo(folder)


@commands.command()
def schema() -> None:
    """Print the JSON Schema of report.json."""
    from reportgen.record import schema as record_schema

    click.echo(json.dumps(record_schema(), indent=2))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    0 done; 1 an expected error; 2 wrong usage; 3 a gate failed; 130 interrupted.
    """
    try:
        commands.main(arguments, prog_name="reportgen", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("reportgen: interrupted; nothing was changed", err=True)
        return 130
    except (ReportgenError, UsageError) as error:
        click.echo(f"reportgen: {' '.join(str(error).split())}", err=True)
        return error.exit_status
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    return 0
