from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from hypothesis import strategies

from reportgen.errors import ReportgenError
from reportgen.files.manifest import write_manifest
from reportgen.finished.verification import files_beside, verify_report
from reportgen.site.links import css_addresses, is_outside, parse_links, read_links, resolve

if TYPE_CHECKING:
    from conftest import Written


_ELSEWHERE = "index.html: refers to '//e.invalid/x', outside the report"


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


def _replace_by_link(place: Path, target: Path) -> None:
    place.rename(target)
    place.symlink_to(target)


def _replace_by_folder(place: Path, target: Path) -> None:
    place.rename(target)
    place.mkdir()
    (place / "mine.txt").write_text("?")


@pytest.mark.parametrize("replace", [_replace_by_link, _replace_by_folder])
@pytest.mark.parametrize("name", ["graph.html", "report.json", "assets"])
def test_what_stands_in_the_place_of_a_listed_file_is_not_called_somebody_elses(
    replace: Callable[[Path, Path], None], name: str, report: Path
) -> None:
    replace(report / name, report.parent / "taken")
    (report / "link.txt").symlink_to(report / "index.html")
    problems = verify_report(report)
    assert any(problem.startswith(name) for problem in problems)
    beside = files_beside(report)
    assert name not in beside
    assert "link.txt" in beside


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
        ('<table background="//e.invalid/x"></table>', _ELSEWHERE),
        ('<a href="index.html" ping="a b">x</a>', "index.html: link to 'b' leads nowhere"),
        ('<p style="color: red; background: url(//e.invalid/x)">x</p>', _ELSEWHERE),
        ("<style>@import '//e.invalid/x';</style>", _ELSEWHERE),
        ('<style media="all">p { background: url("//e.invalid/x") }</style>', _ELSEWHERE),
        ('<meta http-equiv="refresh" content="0;url=//e.invalid/x">', _ELSEWHERE),
        ('<meta http-equiv="&#82;efresh" content="5, URL = \'//e.invalid/x\'">', _ELSEWHERE),
        ('<meta content="1; nowhere.html" http-equiv=" refresh">', "index.html: link to 'nowhere.html' leads nowhere"),
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


_PIECES = (
    *("<p>", "</p>", "x", "<br/>", " ", "\n", '<a href="l.html#f" id="k">t</a>', '<img srcset="a.png 1x, b.png 2x">'),
    *("<", ">", '"', "'", "=", "/", "&", "&amp;", "&lt", "&#60;", "<b", "</", "\0", "\r", "\t", ' id="q"', ' href="'),
    *("<!--", "-->", "<!DOCTYPE html>", "<script>", "</script>", "<STYLE>", "<style ", "<title>", "</title>", "<xmp>"),
    *('<a title="x href=" id="y">', "<p id=z>", '<p ID="K">', '<a HREF="b" href="c&ampd">', "<textarea>", "</a b>"),
)


@hypothesis.settings(max_examples=400, deadline=None)
@hypothesis.given(strategies.lists(strategies.sampled_from(_PIECES), max_size=9).map("".join))
def test_a_page_has_the_links_that_a_parser_finds(page: str) -> None:
    try:
        expected = parse_links(page)
    except ValueError as error:
        with pytest.raises(ValueError, match=re.escape(str(error))):
            read_links(page)
        return
    found = read_links(page)
    assert (found.addresses, found.ids, found.repeated) == (expected.addresses, expected.ids, expected.repeated)


def test_pages_as_they_are_written_need_no_parser(small: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {path: path.read_text(encoding="utf-8") for path in small.folder.rglob("*.html")}
    expected = {path: parse_links(text).addresses for path, text in pages.items()}
    monkeypatch.delattr("reportgen.site.links.feed_page")
    assert {path: read_links(text).addresses for path, text in pages.items()} == expected
    assert sum(map(len, expected.values())) > 100


@pytest.mark.parametrize("page", ["<p " + 'id="x" ' * 100_000 + ">", "<p>" + "= " * 100_000, "<p" + " a" * 100_000])
def test_long_pages_have_the_links_that_a_parser_finds(page: str) -> None:
    # So long that none would end which took the square of its letters.
    expected = found = None
    with suppress(ValueError):
        expected = parse_links(page)
    with suppress(ValueError):
        found = read_links(page)
    assert found == expected


def test_reading_links() -> None:
    links = read_links('<a href="a.html#b">x</a><svg><image href="c.webp"/></svg><p id="d">')
    assert links.addresses == ["a.html#b", "c.webp"]
    assert links.ids == {"d"}
    assert resolve("layers/x.html", "../a%20b.html#c%23") == ("a b.html", "c#")
    assert not is_outside("a.html")
    assert css_addresses('a {background: url("x.png")}') == ["x.png"]
