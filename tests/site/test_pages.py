from __future__ import annotations

import difflib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.sites import COMPONENTS_PAGE, KINDS

from reportgen.files.manifest import write_manifest
from reportgen.finished.verification import verify_report
from reportgen.record import dump_record, read_record
from reportgen.site.layer_pages import ARRAYS
from reportgen.site.links import is_outside, read_links
from reportgen.site.pages import outline_of, settle_pages
from reportgen.site.writer import write_site

if TYPE_CHECKING:
    from conftest import Written

# The hashes of assets follow every change of the style and are left out.
GOLDEN = Path(__file__).parents[1] / "golden" / "site"

MOST_BYTES = 100_000
MOST_ELEMENTS = 1_500


def without_hashes(text: str) -> str:
    return re.sub(r"(assets/(?:style|script|search|icon))-[0-9a-f]{10}\.", r"\1-HASH.", text)


class Elements(HTMLParser):
    """Counts elements and collects what must not be on a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.count = 0
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count += 1
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]


@pytest.mark.parametrize("path", KINDS)
def test_golden(path: str, small: Written, update_golden: bool) -> None:
    made = without_hashes((small.folder / path).read_text(encoding="utf-8"))
    file = GOLDEN / path
    if update_golden:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(made, encoding="utf-8", newline="\n")
    expected = file.read_text(encoding="utf-8")
    difference = "\n".join(
        difflib.unified_diff(expected.split("\n"), made.split("\n"), "golden", "made now", lineterm="")
    )
    assert not difference, f"{path} changed; if that is meant, run pytest tests/site --update-golden\n{difference}"


@pytest.mark.parametrize("name", ["small", "hostile", "large"])
def test_every_link_leads_somewhere(name: str, request: pytest.FixtureRequest) -> None:
    assert verify_report(request.getfixturevalue(name).folder) == []


@pytest.mark.parametrize("name", ["small", "hostile", "large"])
def test_no_page_is_too_heavy(name: str, request: pytest.FixtureRequest) -> None:
    written: Written = request.getfixturevalue(name)
    for path, text in written.pages().items():
        assert len(text.encode()) <= MOST_BYTES, path
        if path != COMPONENTS_PAGE:
            assert Elements(text).count <= MOST_ELEMENTS, path


def test_a_page_of_a_layer_lists_a_few_arrays_and_says_how_many_there_are(large: Written) -> None:
    layer = large.record.features[0].layer
    page = next(each.page for each in large.record.layers if each.name == layer)
    text = (large.folder / str(page)).read_text(encoding="utf-8")
    arrays = sum(feature.layer == layer for feature in large.record.features)
    assert text.count(" download>") == ARRAYS < arrays
    assert f"<p>{arrays - ARRAYS} more: see the pages of the images.</p>" in text


@pytest.mark.parametrize("name", ["small", "hostile"])
def test_nothing_is_fetched_from_elsewhere(name: str, request: pytest.FixtureRequest) -> None:
    written: Written = request.getfixturevalue(name)
    for path, text in written.pages().items():
        outside = [address for address in read_links(text).addresses if is_outside(address)]
        assert outside == [], path
        policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
        assert policy is not None
        assert policy[1].startswith("default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'")


@pytest.mark.parametrize("name", ["small", "hostile"])
def test_no_style_attributes_no_handlers_one_script(name: str, request: pytest.FixtureRequest) -> None:
    written: Written = request.getfixturevalue(name)
    for path, text in written.pages().items():
        elements = Elements(text)
        bad = [
            (tag, attribute)
            for tag, attribute, _ in elements.attributes
            if attribute == "style" or attribute.startswith("on")
        ]
        assert bad == [], path
        assert elements.tags.count("script") == 1, path
        assert not {"iframe", "object", "embed", "base", "form"} & set(elements.tags), path


@pytest.mark.parametrize("name", ["small", "hostile", "large"])
def test_navigations_of_a_page_have_names_of_their_own(name: str, request: pytest.FixtureRequest) -> None:
    written: Written = request.getfixturevalue(name)
    for path, text in written.pages().items():
        names = re.findall(r'<nav[^>]* aria-label="([^"]*)"', text)
        assert len(names) == len(set(names)), path


def test_every_picture_has_alternative_text_and_a_size(small: Written) -> None:
    for path, text in small.pages().items():
        for tag in re.findall(r"<img [^>]*>", text):
            assert re.search(r' alt="', tag), (path, tag)
            assert re.search(r' width="\d+" height="\d+"', tag), (path, tag)
            assert 'alt=""' not in tag or "thumbnail" in tag, (path, tag)


def test_hostile_names_stay_text(hostile: Written) -> None:
    front = (hostile.folder / "index.html").read_text(encoding="utf-8")
    assert "&lt;img src=x onerror=alert(1)&gt;" in front
    assert "<img src=x" not in front
    for path, text in hostile.pages().items():
        assert "alert(1)</script>" not in text, path
        assert re.search(r"[\x00-\x08\x0b\x0e-\x1f]", text) is None, path


def test_paths_suit_every_file_system(hostile: Written) -> None:
    for path in hostile.pages():
        assert len(path) < 100
        assert re.fullmatch(r"[a-z0-9][a-z0-9_./-]*", path), path
        for part in path.removesuffix(".html").split("/"):
            assert not re.fullmatch(r"con|prn|aux|nul|com\d|lpt\d", part), path


def test_the_same_record_gives_the_same_bytes(small: Written, tmp_path: Path) -> None:
    again = tmp_path / "again"
    for file in small.folder.rglob("*"):
        target = again / file.relative_to(small.folder)
        if file.is_file() and file.suffix != ".html":
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    record = read_record(small.folder)
    assert dump_record(record) == dump_record(small.record)
    write_site(record, again)
    (again / "components.html").write_bytes((small.folder / "components.html").read_bytes())
    write_manifest(again, "report")
    for file in small.folder.rglob("*"):
        if file.is_file():
            assert (again / file.relative_to(small.folder)).read_bytes() == file.read_bytes(), file.name


def test_each_page_says_where_it_is(small: Written) -> None:
    unit = (small.folder / "units/conv1/1.html").read_text(encoding="utf-8")
    assert re.search(r'rel="prev" href="0.html"', unit)
    assert re.search(r'rel="next" href="2.html"', unit)
    assert re.search(r'aria-label="Breadcrumb">.*href="../../layers/conv1.html">conv1<', unit, re.DOTALL)
    layer = (small.folder / "layers/conv1.html").read_text(encoding="utf-8")
    assert layer.count('aria-current="page"') == 2  # in the strip and in the outline


def test_without_pages_of_channels_the_outline_leads_to_their_tables(small: Written) -> None:
    record = small.record.model_copy(update={"units": []})
    outline = outline_of(record, settle_pages(record))
    (group,) = [group for group in outline.groups if group.title == "Channels"]
    assert group.links
    assert {link.page for link in group.links} <= {page.path for page in settle_pages(record)}
