from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.records import HOSTILE, small_record

from reportgen.cli import main
from reportgen.errors import ReportgenError
from reportgen.files.inside import Inside
from reportgen.finished.markdown import code, escaped, unescaped
from reportgen.finished.rendering import write_pages
from reportgen.finished.replaced import changes_since
from reportgen.finished.summary import changes_kept, kept_changes, summarize, summary_markdown, summary_of
from reportgen.record import Record

if TYPE_CHECKING:
    from conftest import Written

# What a screen shows of a comment.
SCREEN = 45

ATTACKS = (
    *HOSTILE,
    "[x](javascript:alert(1))",
    "![x](https://example.org/pixel.png)",
    "# heading",
    "1. list",
    "- list",
    "> quoted",
    "a | b",
    "**strong** _weak_ ~~gone~~ `code`",
    "@someone #12 https://example.org www.example.org",
    "line\n\n## Findings",
    "<details open>",
    "<!-- hidden",
    "$x$ ^[1]",
    "\\*not strong\\*",
    "``` fence",
)


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return small_record(tmp_path)


def tagged(record: Record, tags: dict[str, str]) -> Record:
    return record.model_copy(update={"provenance": record.provenance.model_copy(update={"tags": tags})})


def test_a_report_in_one_screen(record: Record) -> None:
    text = summary_markdown(summarize(tagged(record, {"step": "3"}), ["This one is better."]))
    assert text.startswith("# Textures\n\n`texture_net`: A network of 7 layers and 123 k parameters")
    assert "step: `3`" in text
    assert "1 error, 1 warning, 1 note." in text
    assert text.index("**error**") < text.index("**warning**") < text.index("**info**")
    assert "- Accuracy: 50.0 % of 2 images" in text
    assert "## Since the report before\n\n- This one is better.\n" in text
    assert "Open [index.html](index.html)." in text
    assert len(text.splitlines()) <= SCREEN


def test_many_findings_stay_on_the_screen(record: Record) -> None:
    many = record.model_copy(update={"findings": record.findings * 40})
    text = summary_markdown(summarize(many, ["Something changed."] * 40))
    assert "and 114 more" in text
    assert len(text.splitlines()) <= SCREEN


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_report_says_stays_text(attack: str, record: Record) -> None:
    finding = record.findings[0].model_copy(update={"message": attack})
    hostile = tagged(
        record.model_copy(
            update={
                "site": record.site.model_copy(update={"title": attack}),
                "model": record.model.model_copy(update={"name": attack}),
                "findings": [finding],
            }
        ),
        {attack: attack},
    )
    text = summary_markdown(summarize(hostile, [attack]))
    harmless = summary_markdown(summarize(tagged(record.model_copy(update={"findings": [finding]}), {"a": "b"}), ["x"]))
    outside = re.sub(r"(`+)(?: .*? |[^`].*?)\1", "", text)
    assert not re.search(r"<[a-z!/]", outside, re.IGNORECASE)
    assert len(re.findall(r"(?<!\\)\]\(", outside)) == 1  # the way to the report
    assert not re.search(r"@\w|#\d|https?://|www\.\w|javascript:alert\(1\)\)$", outside)
    assert not re.search("[\u0000-\u0009\u000b-\u001f\u202a-\u202e]", text)
    assert [line for line in text.splitlines() if line.startswith("#")][1:] == [
        line for line in harmless.splitlines() if line.startswith("#")
    ][1:]
    for line in outside.splitlines():
        assert len(re.findall(r"(?<!\\)\*\*", line)) in (0, 2)


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_escaped_can_be_read_again(attack: str) -> None:
    again = unescaped(escaped(attack))
    assert escaped(again) == escaped(attack)


def test_names_in_spans_of_code() -> None:
    assert code("plain") == "`plain`"
    assert code("a ``b`` c`") == "``` a ``b`` c` ```"
    assert code("") == "` `"
    assert code("x" * 50, 10) == "`xxxxxxxxx\N{HORIZONTAL ELLIPSIS}`"


def test_what_changed_since_the_report_before(small: Written, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    small_record(folder)
    write_pages(small.record, folder)
    assert changes_since(folder, small.record) == ()
    fewer = small.record.model_copy(update={"findings": small.record.findings[:1]})
    changes = changes_since(folder, fewer)
    assert changes == (
        "This one is right as often as the one before on 2 images; no answer changed.",
        "2 findings went (1 error, 1 warning).",
    )
    write_pages(fewer, folder, since=changes)
    assert changes_kept(Inside(folder)) == changes
    assert changes_since(folder, fewer) == changes  # made again, it says what it said
    assert changes[1] in summary_of(folder, "markdown")
    assert json.loads(summary_of(folder, "json"))["changes"] == list(changes)


def test_no_report_or_a_broken_one_is_no_report_before(small: Written, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    assert changes_since(folder, small.record) == ()
    small_record(folder)
    write_pages(small.record, folder)
    (folder / "report.json").write_text("{", encoding="utf-8")
    assert changes_since(folder, small.record) == ()


def test_a_summary_of_a_stranger_brings_only_text() -> None:
    text = (
        "# x\n\n## Since the report before\n\n- <script>alert(1)</script>\nnot a line\n- @someone\n\n## More\n\n- y\n"
    )
    kept = kept_changes(text)
    assert kept == ("<script>alert(1)</script>", "@someone")


def test_the_command_prints_what_the_report_says(small: Written, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", str(small.folder)]) == 0
    assert f"Open `{small.folder.as_posix()}/index.html`" in capsys.readouterr().out
    assert main(["summary", str(small.folder), "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["findings"]["error"] == 1
    assert said["measures"]["accuracy"]["value"] == 0.5
    assert said["report"].endswith("index.html")
    assert main(["summary", str(small.folder / "none")]) == 1
    assert "expected a report's folder" in capsys.readouterr().err


def test_the_command_loads_no_tensorflow(small: Written) -> None:
    program = (
        "import sys; from reportgen.cli import main; "
        f"main(['summary', {str(small.folder)!r}]); "
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_report() -> None:
    with pytest.raises(ReportgenError, match="expected a report's folder"):
        summary_of(Path("/nowhere"), "markdown")
