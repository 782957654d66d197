"""The command line: options to `Config` to `build`, and the path of what was made on standard output."""

from __future__ import annotations

import errno
import gc
import json
import os
import sys
import warnings
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args, get_origin

import click
from pydantic.fields import FieldInfo

import reportgen
from reportgen.config import Config, option_facts, option_name, read_config_file
from reportgen.errors import GateError, ReportgenError, one_line, printable
from reportgen.files.replacing import placed
from reportgen.formats import byte_count, counted
from reportgen.machine.memory import seldom_collected
from reportgen.machine.quiet import quiet_tensorflow
from reportgen.options import Group, kinds_of
from reportgen.progress import Progress
from reportgen.standard_streams import flush_output, open_streams, put, tell

# What stands for a value in help, where the option's facts do not say.
_METAVARS = {int: "N", Path: "FILE"}


def _option(name: str, field: FieldInfo) -> Callable[[Any], Any]:
    """The command-line option of a settings field: its name, type, help and default follow the field."""
    facts, kind = option_facts(name), kinds_of(field.annotation)[0]
    option, text = option_name(name), field.description or ""
    flag, argument = f"--{option}", option.replace("-", "_")
    if kind is bool:
        return click.option(flag, argument, is_flag=True, default=None, help=facts.off_help or text)
    settings: dict[str, Any] = {"multiple": True, "default": None} if facts.repeats else {}
    if get_origin(kind) is Literal:
        settings["type"] = click.Choice([str(choice) for choice in get_args(kind)])
    else:
        settings["metavar"] = facts.metavar or _METAVARS.get(kind, "TEXT")
    if field.default not in (None, (), {}, ""):
        shown = facts.joint.join(field.default) if isinstance(field.default, tuple) else field.default
        text = f"{text}  [default: {shown}]"
    return click.option(flag, argument, help=text, **settings)


def settings_options(
    *groups: Group, without: Collection[Group] = (), names: Collection[str] = ()
) -> Callable[[Any], Any]:
    """Give a command options for the settings of `groups` and for `names`, and `--config FILE`.

    Where neither is given these are all settings, but those of the groups `without`.
    """

    def is_wanted(name: str) -> bool:
        group = option_facts(name).group
        return group in groups or name in names or not (groups or names or group in without)

    wanted = [name for name in Config.model_fields if option_facts(name).place == "option" and is_wanted(name)]

    def decorate(command: Any) -> Any:
        for name in reversed(wanted):
            command = _option(name, Config.model_fields[name])(command)
        command = click.option(
            "--trust-config", "trusted", is_flag=True,
            help="let --config name code to run: python:..., templates, custom objects, a Dask scheduler",
        )(command)  # fmt: skip
        return click.option(
            "--config", "config_file", type=click.Path(path_type=Path), metavar="FILE",
            help="options from a reportgen.toml; the command line wins",
        )(command)  # fmt: skip

    return decorate


def _settings(config_file: Path | None, options: dict[str, Any], **given: Any) -> Config:
    """Settings from the file, under the options of the command line, under what the command itself fixes."""
    trusted = options.pop("trusted", False)
    values = read_config_file(config_file, trusted=trusted) if config_file is not None else {}
    values = {name.replace("-", "_"): value for name, value in values.items()}
    values |= {name: value for name, value in options.items() if value not in (None, ())}
    return Config.from_options(values | given)


def _verbosity(command: Any) -> Any:
    command = click.option("--verbose", is_flag=True, help="name every stage")(command)
    return click.option("--quiet", is_flag=True, help="no progress, no messages but errors")(command)


def _progress(*, quiet: bool, verbose: bool) -> Progress:
    """Progress as asked for; what draws it is loaded by the commands that show some."""
    from reportgen.terminal import terminal_progress

    return terminal_progress(quiet=quiet, verbose=verbose)


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

    MODEL is a .keras, .h5 or .hdf5 file, keras:NAME for an architecture of keras.applications, hf://owner/name
    for a network on the Hugging Face Hub, or python:package.module:callable. IMAGE is a file, a folder or a glob;
    a network that makes pictures of vectors needs none.
    """
    config = _settings(config_file, options, model=model, images=tuple(images), output=output)
    report = reportgen.build_from(config, progress=_progress(quiet=quiet, verbose=verbose), lean=not config.runs_code)
    put(report.path)


@commands.command()
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=Path("reportgen-demo"), show_default=True, metavar="DIR",
    help="the report's folder",
)  # fmt: skip
@settings_options(without=("network", "feeding", "answers"))  # these the demo gives itself
@_verbosity
def demo(output: Path, config_file: Path | None, quiet: bool, verbose: bool, **options: Any) -> None:
    """Make a report of the small trained network that comes with the program, on its own images."""
    from reportgen.demo import demo_settings

    config = _settings(config_file, options, output=output, **demo_settings())
    report = reportgen.build_from(config, progress=_progress(quiet=quiet, verbose=verbose), lean=not config.runs_code)
    put(report.path)


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
@settings_options("network", "feeding", "reading")
@_verbosity
def features(
    model: str, images: Sequence[str], wanted: Sequence[str], output: Path, config_file: Path | None,
    quiet: bool, verbose: bool, **options: Any,
) -> None:  # fmt: skip
    """Save the features that layers give for the images: an array (images, ...) per layer, and `files`."""
    config = _settings(config_file, options, model=model, images=tuple(images), layers=tuple(wanted))
    quiet_tensorflow(lean=not config.runs_code)
    from reportgen.report import save_features

    put(save_features(config, output, progress=_progress(quiet=quiet, verbose=verbose)))


@commands.command()
@click.argument("model", metavar="MODEL")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@settings_options("network")
def layers(model: str, form: str, config_file: Path | None, **options: Any) -> None:
    """Print the layer summary of MODEL."""
    config = _settings(config_file, options, model=model)
    quiet_tensorflow(lean=not config.runs_code)
    from reportgen.report import print_layers

    put(print_layers(config, form), nl=False)


@commands.command()
@click.argument("first", metavar="A", type=click.Path(path_type=Path))
@click.argument("second", metavar="B", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="DIR|FILE.html")
@click.option("--force", is_flag=True, help="replace a folder this program did not make")
@seldom_collected()
def compare(first: Path, second: Path, output: Path, force: bool) -> None:
    """Show two reports, A and B, side by side: which network is better, and what changed."""
    from reportgen.finished.comparing import compare_reports

    put(compare_reports(first, second, output, force=force))


@commands.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="FILE.html")
@settings_options(names=("max_size", "templates"))
@seldom_collected()
def bundle(folder: Path, output: Path, config_file: Path | None, **options: Any) -> None:
    """Make one HTML file of the report, comparison or collection in DIR, that needs nothing else; DIR stays as it is.

    To keep within --max-size the pages of a report are made again, with coarser or fewer pictures. Of a collection the
    file is its index; its reports are bundled by themselves.
    """
    from reportgen.finished.bundled_sites import bundle_folder

    config = _settings(config_file, options)
    bundle_folder(folder, output, config.max_size, config.templates)
    put(output)


@commands.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@settings_options("look")
@seldom_collected()
def render(folder: Path, config_file: Path | None, **options: Any) -> None:
    """Make the pages of the report in DIR again, from its report.json and pictures."""
    from reportgen.finished.rendering import render_again

    config = _settings(config_file, options)
    put(render_again(folder, config, frozenset(config.model_fields_set)))


@commands.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@seldom_collected()
def verify(folder: Path) -> None:
    """Check every file of the report in DIR against its manifest, and every link."""
    from reportgen.finished.verification import files_beside, verify_report

    problems = verify_report(folder)
    for path in files_beside(folder):
        tell(one_line(f"{path}: not of the report; it is left alone"))
    for problem in problems:
        tell(problem)
    if problems:
        raise GateError(
            f"expected an unchanged report with working links, found {len(problems)} problem(s) in {folder}"
        )
    put(folder)


@commands.command()
@click.option("--clear", is_flag=True, help="take away all that is kept")
@settings_options(names=("cache",))
def cache(clear: bool, config_file: Path | None, **options: Any) -> None:
    """Say where results are kept between runs, and how much; a run that ends brings it within its bound."""
    from reportgen.files.cache import CACHE_BOUND, Cache
    from reportgen.files.cache_folder import default_folder

    folder = _settings(config_file, options).cache or default_folder()
    kept = Cache(folder)
    if clear:
        kept.trim(0)
    files = kept.files()
    size = byte_count(sum(file.size for file in files))
    put(folder or "nowhere: there is no home directory; say --cache DIR")
    put(f"{counted(len(files), 'result')}, {size} of at most {byte_count(CACHE_BOUND)}")


@commands.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["markdown", "json"]), default="markdown", show_default=True)
@seldom_collected()
def summary(folder: Path, form: str) -> None:
    """Print the report in DIR in one screen: what the network is, findings, evaluation, where the report is."""
    from reportgen.finished.summary import summary_of

    put(summary_of(folder, form), nl=False)


@commands.command()
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="SITE")
@click.option("--title", default=None, metavar="TEXT", help="title of the collection")
@click.option("--force", is_flag=True, help="replace a folder this program did not make")
@seldom_collected()
def collect(folders: Sequence[Path], output: Path, title: str | None, force: bool) -> None:
    """Make one site of several reports: their figures over time, what changed, each as it is.

    A SITE that is there gets the new ones added. Reports are ordered by their tags date and step (see --tag), those
    without by the order in which they are given.
    """
    from reportgen.finished.collection import collect_reports
    from reportgen.finished.collection_content import read_content

    site = collect_reports(folders, output, title=title, force=force)
    for line in (line for entry in read_content(site).entries for line in entry.unordered):
        tell(one_line(line))
    put(site)


@commands.command()
def schema() -> None:
    """Print the JSON Schema of report.json."""
    from reportgen.record import schema as record_schema

    put(json.dumps(record_schema(), indent=2))


def program() -> NoReturn:
    """The whole life of a process: run the command line and end with its exit status."""
    status = main()
    # The interpreter looks for garbage once more before it ends, among all that TensorFlow and a report have made.
    gc.freeze()
    sys.exit(status)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    0 done; 1 an expected error; 2 wrong usage; 3 a gate failed; 130 interrupted.
    """
    open_streams()
    before = len(placed())
    with warnings.catch_warnings():
        if not sys.warnoptions:  # of libraries: what matters of them is a finding
            warnings.simplefilter("ignore")
        status, lines = _run(arguments)
    trouble = flush_output()
    if trouble is not None and status == 0 and trouble.errno != errno.EPIPE:
        status, lines = 1, [f"expected to write to standard output, cannot: {trouble.strerror}"]
    done = placed()[before:]
    if status in (1, 130) and lines and (done or status == 130):
        lines = [
            f"{lines[0]}; {f'the new {one_line(done[-1].name, 60)} is in place' if done else 'nothing was changed'}"
        ]
    for number, line in enumerate(lines):
        tell(f"reportgen: {line}" if number == 0 else line)
    return status


def _run(arguments: Sequence[str] | None) -> tuple[int, list[str]]:
    """Run a command: its status, and what to say of a fault."""
    try:
        commands.main(arguments, prog_name="reportgen", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code, []
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code, []
    except (click.ClickException, click.Abort, KeyboardInterrupt, ReportgenError, OSError, MemoryError) as error:
        return _fault(error)
    return 0, []


def _fault(error: BaseException) -> tuple[int, list[str]]:
    """The status and the lines of a fault: the one place where faults become lines."""
    status, text = 1, str(error)
    if isinstance(error, click.ClickException):
        command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "reportgen"
        status, text = error.exit_code, f"{error.format_message()} See {command} --help"
    elif isinstance(error, GateError) and "\n" in text:  # the line, and a table of what is biggest
        return error.exit_status, [one_line(text.partition("\n")[0]), *map(printable, text.splitlines()[1:])]
    elif isinstance(error, ReportgenError):
        status = error.exit_status
    elif isinstance(error, OSError):
        place = "" if error.filename is None else f" {os.fsdecode(error.filename)}"
        text = f"expected to read or write{place or ' what was asked for'}, cannot: {error.strerror or error}"
    elif isinstance(error, MemoryError):
        text = f"expected more memory: {text or 'there is none left'}; ask for less, or close programs"
    else:
        status, text = 130, "interrupted"
    return status, [one_line(text)]
