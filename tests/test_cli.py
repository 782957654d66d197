from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from support.records import small_record

import reportgen
from reportgen.cli import commands, main
from reportgen.config import Config, option_name
from reportgen.finished.rendering import write_pages
from reportgen.record import dump_record

WITHOUT_TENSORFLOW = """
import sys
from reportgen.cli import main
status = main(sys.argv[1:])
loaded = sorted(name for name in ("tensorflow", "keras", "matplotlib") if name in sys.modules)
assert not loaded, f"loaded {loaded}"
sys.exit(status)
"""


def run_light(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program where loading TensorFlow is a failure."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("command", ["", *commands.commands])
def test_help_answers_without_tensorflow(command: str) -> None:
    done = run_light(*command.split(), "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage: reportgen")


def test_schema_and_version_answer_without_tensorflow() -> None:
    schema = run_light("schema")
    assert schema.returncode == 0, schema.stderr
    assert json.loads(schema.stdout)["title"] == "Record"
    assert run_light("--version").stdout.split()[-1] == reportgen.__version__


@pytest.fixture
def report(tmp_path: Path) -> Path:
    folder = tmp_path / "report"
    folder.mkdir()
    write_pages(small_record(folder), folder)
    return folder


def test_render_and_verify_work_without_tensorflow(report: Path) -> None:
    before = {path: path.read_bytes() for path in report.rglob("*") if path.is_file()}
    done = run_light("render", str(report))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(report)
    assert {path: path.read_bytes() for path in report.rglob("*") if path.is_file()} == before
    assert run_light("verify", str(report)).returncode == 0


def test_render_changes_the_look_that_was_asked_for_and_no_other(
    report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "own.css"
    sheet.write_text("body { color: red }", encoding="utf-8")
    assert main(["render", str(report), "--title", "Second look", "--css", str(sheet)]) == 0
    record = json.loads((report / "report.json").read_text(encoding="utf-8"))
    assert record["site"]["title"] == "Second look"
    assert (report / record["site"]["css"]).read_text(encoding="utf-8") == "body { color: red }"
    assert main(["render", str(report), "--no-script"]) == 0
    record = json.loads((report / "report.json").read_text(encoding="utf-8"))
    assert (record["site"]["title"], record["site"]["script"]) == ("Second look", False)
    assert main(["verify", str(report)]) == 0
    assert capsys.readouterr().err == ""


def test_verify_says_what_is_wrong_and_exits_with_3(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = report / "index.html"
    index.write_text(index.read_text(encoding="utf-8") + "<!-- changed -->", encoding="utf-8")
    assert main(["verify", str(report)]) == 3
    said = capsys.readouterr()
    assert "index.html" in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["build", "m.keras", "-o", "out"], 1, "m.keras"),
        (["build", "m.keras", "a.png"], 2, "--output"),
        (["build", "m.keras", "a.png", "-o", "out", "--size", "big"], 2, "HEIGHTxWIDTH"),
        (["build", "m.keras", "a.png", "-o", "out", "--resize", "stretch"], 2, "crop"),
        (["build", "m.keras", "a.png", "-o", "out", "--colour", "red"], 2, "--colour"),
        (["verify", "absent"], 1, "absent"),
        (["render", "absent"], 1, "reportgen build"),
        (["build", "m.keras", "a.png", "-o", "out", "--config", "absent.toml"], 2, "absent.toml"),
        (["paint"], 2, "paint"),
    ],
)
def test_mistakes_are_told_and_have_their_status(
    arguments: list[str],
    status: int,
    says: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == status
    said = capsys.readouterr()
    assert says in said.err
    assert said.out == ""
    assert "Traceback" not in said.err


def test_every_setting_is_an_option_of_build_with_help() -> None:
    options = {option.opts[0]: option for option in commands.commands["build"].params if option.opts[0][:2] == "--"}
    for field in Config.model_fields:
        if field not in ("model", "images", "output", "ascent"):
            assert options[f"--{option_name(field)}"].help


def test_the_record_fits_its_schema(tmp_path: Path) -> None:
    record = small_record(tmp_path)
    jsonschema.validate(json.loads(dump_record(record)), reportgen.record.schema())
