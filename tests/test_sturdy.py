"""The world around a command fails: the right report, or one line with status 1, and the old report whole."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.records import small_record
from support.sites import write_report

from reportgen.cli import main
from reportgen.errors import one_line
from reportgen.finished.verification import verify_report

if TYPE_CHECKING:
    from conftest import Written

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-c", "import sys; from reportgen.cli import main; sys.exit(main())"]


@pytest.fixture
def report(tmp_path: Path) -> Path:
    write_report(small_record, tmp_path / "report")
    return tmp_path / "report"


def limited_to(size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("size", [0, 100, 2_000, 20_000])
def test_no_file_may_grow_further(size: int, report: Path) -> None:
    before = {path: path.read_bytes() for path in report.rglob("*") if path.is_file()}
    done = subprocess.run(
        [*COMMAND, "render", str(report)], preexec_fn=limited_to(size), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("reportgen: expected a place to write to")
    assert done.stderr.count("\n") == 1
    assert {path: path.read_bytes() for path in report.rglob("*") if path.is_file()} == before
    assert [path.name for path in report.parent.iterdir()] == ["report"]


@pytest.mark.parametrize(("streams", "status"), [(">&-", 0), (">&- 2>&-", 0), ("<&- >&- 2>&-", 0), (">/dev/full", 1)])
def test_streams_that_are_closed_or_full(streams: str, status: int, report: Path) -> None:
    words = f'exec "$@" {streams}'
    done = subprocess.run(
        ["sh", "-c", words, "sh", *COMMAND, "render", str(report)], capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert verify_report(report) == []


def test_a_working_directory_that_is_gone(report: Path, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    words = 'cd gone && rmdir ../gone && exec "$@"'
    for folder, status in ((str(report), 0), ("report", 1)):
        (tmp_path / "gone").mkdir(exist_ok=True)
        done = subprocess.run(
            ["sh", "-c", words, "sh", *COMMAND, "render", folder],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stderr
        assert done.stderr.count("\n") == status
    assert verify_report(report) == []


def test_another_backend_of_keras_is_a_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "build", "m.keras", "a.png", "-o", str(tmp_path / "out")],
        env=os.environ | {"KERAS_BACKEND": "jax"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "KERAS_BACKEND" in done.stderr
    assert done.stderr.count("\n") == 1


def test_names_that_are_not_utf8(small: Written, tmp_path: Path) -> None:
    out = tmp_path / os.fsdecode(b"a\xff")
    assert main(["compare", str(small.folder), str(small.folder), "-o", str(out)]) == 0
    assert verify_report(out) == []
    write_report(small_record, tmp_path / "report")
    assert main(["render", str(tmp_path / "report"), "--title", os.fsdecode(b"T\xff")]) == 0
    assert "T\\xff" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{% block head %}\n{{ nothing.here }}", "line 2"),
        (
            '{% extends "reportgen/base.html.jinja2" %}\n{% block footer %}\n{{ 1 / 0 }}{% endblock %}',
            "division by zero",
        ),
        ("\n\n{% if %}", "line 3"),
        ('{% extends "nowhere.jinja2" %}', "nowhere"),
        ("{{ undefined_name }}", "line 1"),
        ("{{ page | nofilter }}", "line 1"),
    ],
)
def test_mistakes_in_templates_have_a_file_and_a_line(
    text: str, says: str, report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / "base.html.jinja2").write_text(text, encoding="utf-8")
    status = main(["render", str(report), "--templates", str(templates)])
    said = capsys.readouterr().err
    assert status == 1
    assert said.startswith("reportgen: --templates: ")
    assert says in said
    assert said.count("\n") == 1
    assert verify_report(report) == []


def test_a_line_is_short_and_printable() -> None:
    long = one_line("expected\n\x1b[31m" + "x" * 1000 + "\u202e; do this")
    assert len(long) <= 280
    assert long.isprintable()
    assert long.endswith("do this")


@pytest.mark.parametrize("command", [["schema"], ["summary", "{report}"], ["verify", "{report}"]])
def test_a_reader_of_the_output_that_leaves_is_no_fault(command: list[str], report: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    words = [*COMMAND, *(part.format(report=report) for part in command)]
    done = subprocess.run(words, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("change", "status"), [(False, 0), (True, 3)])
def test_a_reader_of_the_messages_that_leaves_changes_no_status(change: bool, status: int, report: Path) -> None:
    (report / "mine.txt").write_text("a line is said of it", encoding="utf-8")
    if change:
        (report / "index.html").unlink()
    reading, writing = os.pipe()
    os.close(reading)
    words = [*COMMAND, "verify", str(report)]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=writing, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stdout) == (status, "" if change else f"{report}\n")
