"""The README says what the program does: its commands, its options, its files."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from reportgen.ascent_settings import AscentSettings
from reportgen.attribution_settings import AttributionSettings
from reportgen.cli import commands
from reportgen.config import Config, option_facts, option_name
from reportgen.sections import SECTIONS

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"


def readme() -> str:
    return README.read_text(encoding="utf-8")


def command_after(marker: str) -> str:
    """The shell block after a marker: what `.ci/run` runs."""
    found = re.search(rf"^<!-- command: {marker} -->\n```sh\n(.*?)^```$", readme(), flags=re.MULTILINE | re.DOTALL)
    assert found is not None, f"README has no command marked {marker}"
    return found[1].strip()


def shell_blocks() -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", readme(), flags=re.MULTILINE | re.DOTALL)


def reportgen_calls() -> list[list[str]]:
    """The arguments of every call of the program that a shell block shows."""
    calls = []
    for block in shell_blocks():
        for line in re.split(r"\n|&&", block.replace("\\\n", " ")):
            words = shlex.split(line, comments=True)
            if words and words[0].split("/")[-1] == "reportgen":
                calls.append(words[1:])
    return calls


@pytest.mark.parametrize("marker", ["demo", "tests"])
def test_ci_extracts_the_command_word_for_word(marker: str) -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    function = re.search(r"^readme_command\(\) \{\n.*?^\}$", script, flags=re.MULTILINE | re.DOTALL)
    assert function is not None
    assert f"$(readme_command {marker})" in script
    shell = ["bash", "-euo", "pipefail", "-c", f"{function[0]}\nreadme_command {marker}"]
    extracted = subprocess.run(shell, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert extracted.strip() == command_after(marker)


def test_both_commands_start_from_nothing() -> None:
    assert command_after("demo").startswith("python3 -m venv .venv && .venv/bin/pip install . ")
    assert command_after("tests").startswith('python3 -m venv .venv && .venv/bin/pip install -e ".[test]" ')


def test_contributing_names_the_same_test_command() -> None:
    assert command_after("tests") in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("call", reportgen_calls(), ids=" ".join)
def test_commands_shown_are_understood(call: list[str]) -> None:
    command = commands.commands[call[0]]
    with click.Context(command, info_name=call[0]) as context:
        command.parse_args(context, list(call[1:]))


def test_every_command_is_described() -> None:
    for name in commands.commands:
        assert f"`reportgen {name}" in readme(), name


def option_rows() -> str:
    """The options table: a row for each option of `build`, from the command line and the settings themselves."""
    rows = ["| option | meaning | default |", "|---|---|---|"]
    context = click.Context(commands.commands["build"])
    for parameter in commands.commands["build"].get_params(context):
        if not isinstance(parameter, click.Option) or "--help" in parameter.opts:
            continue
        taken = "" if parameter.is_flag else f" {parameter.make_metavar(context).strip('[]')}"
        names = ", ".join(sorted(parameter.opts, key=len, reverse=True))
        meaning, _, default = (parameter.help or "").partition("  [default: ")
        shown = "required" if parameter.required else f"`{default.rstrip(']')}`" if default else ""
        cells = (f"`{names}{taken}`", meaning, shown)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def ascent_rows() -> str:
    """The table of what may stand under `[ascent]`."""
    rows = ["| parameter | meaning |", "|---|---|"]
    rows += [f"| `{name}` | {field.description} |" for name, field in AscentSettings.model_fields.items()]
    return "\n".join(rows) + "\n"


def attribution_rows() -> str:
    """The table of what may stand under `[attribution]`."""
    rows = ["| parameter | meaning | default |", "|---|---|---|"]
    fields = AttributionSettings.model_fields.items()
    rows += [f"| `{name}` | {field.description} | `{field.default:g}` |" for name, field in fields]
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize(
    ("table", "rows"), [("options", option_rows), ("ascent", ascent_rows), ("attribution", attribution_rows)]
)
def test_table_follows_the_settings(table: str, rows: Callable[[], str], update_golden: bool) -> None:
    start, end = f"<!-- {table} -->\n", f"<!-- end of {table} -->\n"
    before, rest = readme().split(start)
    shown, after = rest.split(end)
    if update_golden:
        README.write_text(before + start + rows() + end + after, encoding="utf-8")
    else:
        assert shown == rows(), "accept the change with: pytest tests/test_readme.py --update-golden"


def test_every_setting_has_an_option_or_is_an_argument() -> None:
    table = option_rows()
    for field in Config.model_fields:
        if option_facts(field).place == "option":
            assert f"`--{option_name(field)}" in table, field


def test_every_section_is_described() -> None:
    for slug in (section.slug for section in SECTIONS):
        assert re.search(rf"^\| {slug} \| .+ \| .+ \|$", readme(), flags=re.MULTILINE), slug


def test_configuration_file_shown_is_valid() -> None:
    shown = re.search(r"^```toml\n(.*?)^```$", readme(), flags=re.MULTILINE | re.DOTALL)
    assert shown is not None
    config = Config.from_options(tomllib.loads(shown[1]))
    assert config.preprocess == "tf"
    assert config.ascent.rotate == (-20, 20)


def test_files_the_readme_links_to_exist() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", readme())
    assert links
    for link in links:
        if "://" not in link:
            assert (ROOT / link).exists(), link


def test_theme_shown_is_the_theme_of_the_examples() -> None:
    shown = re.search(r"^```jinja\n(.*?)^```$", readme(), flags=re.MULTILINE | re.DOTALL)
    assert shown is not None
    assert shown[1] == (ROOT / "examples/theme/templates/base.html.jinja2").read_text(encoding="utf-8")
