from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from support.records import small_record

import reportgen
from reportgen.cli import commands, main
from reportgen.config import Config, option_facts, option_name
from reportgen.files.cache import Cache, content_key
from reportgen.finished.rendering import write_pages
from reportgen.finished.sizes import BIGGEST_SHOWN
from reportgen.formats import byte_count
from reportgen.record import dump_record

WITHOUT_TENSORFLOW = """
import sys
from reportgen.cli import main
status = main(sys.argv[1:])
loaded = sorted(name for name in ("tensorflow", "keras", "matplotlib", "numba") if name in sys.modules)
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


@pytest.mark.parametrize("words", ["verify R", "summary R", "render R", "compare R R -o C", "bundle R -o one.html"])
def test_commands_on_finished_reports_need_no_network(
    words: str, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(report.parent)
    done = run_light(*words.replace("R", report.name).split())
    assert done.returncode == 0, done.stderr


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


def test_a_title_given_again_is_the_only_one_on_all_pages(report: Path) -> None:
    for title in ("The first of two", "The second of two"):
        assert main(["render", str(report), "--title", title]) == 0
    pages = {page: page.read_text(encoding="utf-8") for page in report.rglob("*.html")}
    assert "The second of two" in pages[report / "index.html"]
    assert [page for page, text in pages.items() if "The first of two" in text] == []


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
        (["build", "m.keras", "a.png", "-o", "out", "--size", "9999x9999"], 2, "from 1 to 8,192"),
        (["build", "m.keras", "a.png", "-o", "out", "--channels", "first:0"], 2, "strongest:N"),
        (["build", "m.keras", "a.png", "-o", "out", "--budget", "inf"], 2, "5m"),
        (["build", "m.keras", "a.png", "-o", "out", "--steps", "1000000000"], 2, "at most 100,000"),
        (["bundle", "absent", "-o", "one.html", "--max-size", "nan"], 2, "25MB"),
        (["bundle", "absent", "-o", "one.html"], 1, "absent"),
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


def test_cache_says_where_and_how_much_and_is_emptied(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    for folder, options in ((tmp_path / "reportgen", []), (tmp_path / "own", ["--cache", str(tmp_path / "own")])):
        kept = Cache(folder)
        kept.put(content_key("a"), {"values": np.zeros(1000)}, {})
        size = byte_count(sum(file.size for file in kept.files()))
        assert main(["cache", *options]) == 0
        assert capsys.readouterr().out == f"{folder}\n1 result, {size} of at most 2.00 GB\n"
        assert main(["cache", "--clear", *options]) == 0
        assert capsys.readouterr().out == f"{folder}\n0 results, 0 bytes of at most 2.00 GB\n"
        assert kept.get(content_key("a")) is None
        assert folder.is_dir()


def test_compare_makes_a_site_and_replaces_an_earlier_one(
    report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other, out = Path(shutil.copytree(report, tmp_path / "other")), tmp_path / "compared"
    assert main(["render", str(other), "--title", "The other"]) == 0
    capsys.readouterr()
    for arguments in ([str(report), str(other)], [str(other), str(report / "report.json")]):
        assert main(["compare", *arguments, "-o", str(out)]) == 0
        said = capsys.readouterr()
        assert (said.out.strip(), said.err) == (str(out), "")
        page = (out / "index.html").read_text(encoding="utf-8")
        assert "The other" in page
        assert "Textures" in page


def test_compare_replaces_what_is_no_comparison_only_by_force(
    report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work", encoding="utf-8")
    assert main(["compare", str(report), str(report), "-o", str(out)]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "--force" in said
    assert (out / "thesis.txt").is_file()
    assert main(["compare", str(report), str(report), "-o", str(out), "--force"]) == 0
    assert (out / "index.html").is_file()
    assert main(["compare", str(report), str(tmp_path / "absent"), "-o", str(tmp_path / "no")]) == 1
    assert not (tmp_path / "no").exists()


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_bundle_writes_one_file_and_leaves_the_folder(
    report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, out = contents(report), tmp_path / "new" / "one.html"
    assert main(["bundle", str(report), "-o", str(out)]) == 0
    said = capsys.readouterr()
    assert (said.out.strip(), said.err) == (str(out), "")
    whole = out.read_bytes()
    assert main(["bundle", str(report), "-o", str(out), "--max-size", f"{len(whole)}B"]) == 0
    assert out.read_bytes() == whole
    limit = len(whole) - 1
    assert main(["bundle", str(report), "-o", str(out), "--max-size", f"{limit}B"]) == 0
    assert out.stat().st_size <= limit
    assert f"To keep the report under {limit:,} bytes" in out.read_text(encoding="utf-8")
    assert contents(report) == before


def test_a_bundle_that_cannot_be_so_small_fails_with_a_table(
    report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, out = contents(report), tmp_path / "one.html"
    assert main(["bundle", str(report), "-o", str(out), "--max-size", "2kB"]) == 3
    said = capsys.readouterr()
    first, *table = said.err.splitlines()
    assert first.startswith("reportgen: --max-size: expected at most 2,000 bytes")
    assert len(table) == BIGGEST_SHOWN
    assert all(re.fullmatch(r" *[\d.]+ \w+  .+ \(\d+ files?\)", line) for line in table)
    assert said.out == ""
    assert not out.exists()
    assert contents(report) == before


def test_a_smaller_bundle_is_made_with_the_templates_given(report: Path, tmp_path: Path) -> None:
    theme, whole, small = tmp_path / "theme", tmp_path / "whole.html", tmp_path / "small.html"
    theme.mkdir()
    own = '{% extends "reportgen/index.html.jinja2" %}{% block provenance %}<p>Made in our house.</p>{% endblock %}'
    (theme / "index.html.jinja2").write_text(own, encoding="utf-8")
    assert main(["bundle", str(report), "-o", str(whole)]) == 0
    for options in ([], ["--templates", str(theme)]):
        limit = f"{whole.stat().st_size - 1}B"
        assert main(["bundle", str(report), "-o", str(small), "--max-size", limit, *options]) == 0
        assert ("Made in our house." in small.read_text(encoding="utf-8")) == bool(options)


def test_bundle_and_compare_work_without_tensorflow(report: Path, tmp_path: Path) -> None:
    for arguments in (
        ["bundle", str(report), "-o", str(tmp_path / "one.html"), "--max-size", "100MB"],
        ["compare", str(report), str(report), "-o", str(tmp_path / "compared")],
    ):
        done = run_light(*arguments)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("command", "has", "has_not"),
    [
        (
            "features",
            {"--size", "--input", "--preprocess", "--resize", "--strict"},
            {"--labels", "--sections", "--css"},
        ),
        ("layers", {"--size", "--input", "--no-top", "--custom-objects"}, {"--preprocess", "--strict"}),
        ("render", {"--css", "--logo", "--templates", "--title", "--no-script"}, {"--size", "--max-size"}),
        ("bundle", {"--max-size", "--templates"}, {"--css", "--size"}),
        ("demo", {"--sections", "--css", "--max-size", "--strict"}, {"--size", "--preprocess", "--labels", "--truth"}),
    ],
)
def test_a_command_takes_the_options_that_concern_it(command: str, has: set[str], has_not: set[str]) -> None:
    options = {name for option in commands.commands[command].params for name in option.opts}
    assert has <= options
    assert not has_not & options


def test_every_setting_is_an_option_of_build_with_help() -> None:
    options = {option.opts[0]: option for option in commands.commands["build"].params if option.opts[0][:2] == "--"}
    for field in Config.model_fields:
        if option_facts(field).place == "option":
            assert options[f"--{option_name(field)}"].help


def test_the_record_fits_its_schema(tmp_path: Path) -> None:
    record = small_record(tmp_path)
    jsonschema.validate(json.loads(dump_record(record)), reportgen.record.schema())


@pytest.mark.parametrize(
    ("arguments", "unused"),
    [
        ("['--help']", {"tensorflow", "keras", "numpy", "PIL", "jinja2", "rich"}),
        ("['summary', 'none']", {"tensorflow", "keras", "numpy", "PIL", "jinja2", "rich"}),
        ("['verify', 'none']", {"tensorflow", "keras", "numpy", "PIL", "rich"}),
        ("['render', 'none']", {"tensorflow", "keras", "numpy", "rich", "numba"}),
        ("['compare', 'none', 'none', '-o', 'out']", {"tensorflow", "keras", "rich", "numba"}),
    ],
)
def test_a_command_loads_only_what_it_uses(arguments: str, unused: set[str], tmp_path: Path) -> None:
    code = f"import sys; from reportgen.cli import main; main({arguments}); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert not unused.intersection(done.stderr.split())
