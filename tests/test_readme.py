"""The README is short, and what it says can be done: its commands, its configuration, its links."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import click
import pytest

import reportgen
from reportgen.cli import commands
from reportgen.config import Config

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
LONGEST = 200  # lines


def readme() -> str:
    return README.read_text(encoding="utf-8")


def command_after(marker: str) -> str:
    """The shell block after a marker: what `.ci/run` runs."""
    found = re.search(rf"^<!-- command: {marker} -->\n```sh\n(.*?)^```$", readme(), flags=re.MULTILINE | re.DOTALL)
    assert found is not None, f"README has no command marked {marker}"
    return found[1].strip()


def reportgen_calls(page: Path = README) -> list[list[str]]:
    """The arguments of every call of the program that a shell block of `page` shows."""
    calls = []
    for block in re.findall(r"^```sh\n(.*?)^```$", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL):
        for line in re.split(r"\n|&&|>+", block.replace("\\\n", " ")):
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


@pytest.mark.parametrize(
    "call",
    [call for page in (README, *sorted(ROOT.glob("docs/**/*.md"))) for call in reportgen_calls(page)],
    ids=" ".join,
)
def test_commands_shown_are_understood(call: list[str]) -> None:
    command = commands.commands[call[0]]
    with click.Context(command, info_name=call[0]) as context:
        command.parse_args(context, list(call[1:]))


def test_it_is_short() -> None:
    assert len(readme().splitlines()) < LONGEST


def test_a_whole_command_for_a_network_of_ones_own_stands_before_any_table() -> None:
    shown, _, _ = readme().partition("\n|")
    words = next(call for call in reportgen_calls() if call[0] == "build")
    assert {"--preprocess", "--labels", "--truth"} <= set(words)
    assert f"reportgen {shlex.join(words)}\n" in shown


def test_values_of_preprocess_shown_are_taken() -> None:
    modes = re.findall(r"`--preprocess ([^`]+)`", readme())
    assert len(modes) >= 6
    for mode in modes:
        assert Config.from_options({"preprocess": mode}).preprocess == mode


def test_configuration_file_shown_is_valid() -> None:
    shown = re.search(r"^```toml\n(.*?)^```$", readme(), flags=re.MULTILINE | re.DOTALL)
    assert shown is not None
    config = Config.from_options(tomllib.loads(shown[1]))
    assert config.preprocess == "tf"
    assert config.ascent.rotate == (-20, 20)


def test_arguments_of_the_python_shown_are_settings() -> None:
    """The call of `reportgen.build` is read, not run: its network is the reader's."""
    block = re.search(r"^```python\n(.*?)^```$", readme(), flags=re.MULTILINE | re.DOTALL)
    assert block is not None
    calls = [node for node in ast.walk(ast.parse(block[1])) if isinstance(node, ast.Call)]
    names = {ast.unparse(call.func): [keyword.arg for keyword in call.keywords] for call in calls}
    assert set(names["reportgen.build"]) <= set(Config.model_fields)
    assert all(hasattr(reportgen.Report, name.split(".")[1]) for name in names if name.startswith("report."))


def test_files_the_readme_links_to_exist() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", readme())
    assert links
    for link in links:
        if "://" not in link:
            assert (ROOT / link).exists(), link


def test_theme_shown_is_the_theme_of_the_examples() -> None:
    page = (ROOT / "docs" / "how-to" / "theming.md").read_text(encoding="utf-8")
    shown = re.search(r"^```jinja\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    assert shown is not None
    assert shown[1] == (ROOT / "examples/theme/templates/base.html.jinja2").read_text(encoding="utf-8")
