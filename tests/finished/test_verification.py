from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reportgen.errors import ReportgenError
from reportgen.files.manifest import write_manifest
from reportgen.finished.verification import files_beside, verify_report
from reportgen.site.links import css_addresses, is_outside, read_links, resolve

if TYPE_CHECKING:
    from conftest import Written


@pytest.fixture
def report(small: Written, tmp_path: Path) -> Path:
    """A copy that may be spoilt."""
    return Path(shutil.copytree(small.folder, tmp_path / "report"))


def test_a_whole_report_has_no_problems(report: Path) -> None:
    assert verify_report(report) == []


def test_changed_missing_and_additional_files(report: Path) -> None:
    (report / "report.json").write_bytes(b"{}")
    (report / "graph.html").unlink()
    (report / "extra.txt").write_text("?")
    problems = verify_report(report)
    assert "report.json: changed since the report was made" in problems
    assert "graph.html: missing" in problems
    assert not any(problem.startswith("extra.txt") for problem in problems)
    assert files_beside(report) == ["extra.txt"]


@pytest.mark.parametrize(
    ("markup", "problem"),
    [
        ('<a href="nowhere.html">x</a>', "index.html: link to 'nowhere.html' leads nowhere"),
        ('<a href="filters.html#none">x</a>', "index.html: link to 'filters.html#none': the page has no such part"),
        ('<a href="#none">x</a>', "index.html: link to '#none': the page has no such part"),
        (
            '<img src="https://example.com/x.png">',
            "index.html: refers to 'https://example.com/x.png', outside the report",
        ),
        ('<img src="//example.com/x.png">', "index.html: refers to '//example.com/x.png', outside the report"),
        ('<a href="/etc/passwd">x</a>', "index.html: refers to '/etc/passwd', outside the report"),
        ('<a href="../above.html">x</a>', "index.html: link to '../above.html' leads nowhere"),
        ('<a href="javascript:alert(1)">x</a>', "index.html: refers to 'javascript:alert(1)', outside the report"),
        ('<p id="main"></p>', "index.html: the id 'main' is used more than once"),
        ('<img srcset="a.png 1x, b.png 2x">', "index.html: link to 'b.png' leads nowhere"),
    ],
)
def test_bad_links(markup: str, problem: str, report: Path) -> None:
    page = report / "index.html"
    page.write_text(page.read_text(encoding="utf-8").replace("</main>", f"{markup}</main>"), encoding="utf-8")
    write_manifest(report, "report")
    assert problem in verify_report(report)


def test_style_sheets_are_read_too(report: Path) -> None:
    (report / "assets" / "own.css").write_text("@import 'https://example.com/a.css'; p {background: url(missing.png)}")
    write_manifest(report, "report")
    problems = verify_report(report)
    assert "assets/own.css: refers to 'https://example.com/a.css', outside the report" in problems
    assert "assets/own.css: link to 'missing.png' leads nowhere" in problems


@pytest.mark.parametrize("content", [None, "not json", "{}", '{"files": 3}', '{"files": {"a": 1}}'])
def test_without_a_manifest(content: str | None, report: Path) -> None:
    (report / "manifest.json").unlink()
    if content is not None:
        (report / "manifest.json").write_text(content)
    with pytest.raises(ReportgenError, match=r"manifest\.json"):
        verify_report(report)


def test_reading_links() -> None:
    links = read_links('<a href="a.html#b">x</a><svg><image href="c.webp"/></svg><p id="d">')
    assert links.addresses == ["a.html#b", "c.webp"]
    assert links.ids == {"d"}
    assert resolve("layers/x.html", "../a%20b.html#c%23") == ("a b.html", "c#")
    assert not is_outside("a.html")
    assert css_addresses('a {background: url("x.png")}') == ["x.png"]
