from __future__ import annotations

import re
import shutil
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reportgen.errors import ReportgenError
from reportgen.finished.bundle import bundle_report, bundle_text
from reportgen.record import dump_record
from reportgen.site.links import is_outside, read_links
from reportgen.site.writer import write_site

if TYPE_CHECKING:
    from conftest import Written


@pytest.fixture(scope="module")
def one_file(small: Written) -> str:
    return bundle_text(small.folder)


def test_it_holds_every_page_once(small: Written, one_file: str) -> None:
    pages = {path.removesuffix(".html") for path in small.pages()} - {"components"}
    assert set(re.findall(r'<article class="page" id="([^"]+)">', one_file)) == pages
    assert one_file.count("<article") == len(pages)


def test_every_link_leads_to_a_part_of_it(one_file: str) -> None:
    links = read_links(one_file)
    assert links.repeated == set()
    for address in links.addresses:
        assert address.startswith(("#", "data:")), address
        if address.startswith("#"):
            assert address[1:].replace("%20", " ") in links.ids, address


def test_nothing_outside_no_script(one_file: str) -> None:
    assert [
        address for address in read_links(one_file).addresses if not address.startswith("data:") and is_outside(address)
    ] == []
    assert "<script" not in one_file
    assert ' style="' not in one_file
    assert "data-grid" not in one_file


def test_its_policy_allows_its_styles_and_pictures_alone(one_file: str) -> None:
    styles = re.findall(r"<style>(.*?)</style>", one_file, re.DOTALL)
    assert len(styles) == 2
    digests = " ".join(f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" for style in styles)
    assert f"default-src 'none'; img-src data:; style-src {digests}; base-uri 'none'" in one_file


def test_each_picture_is_in_it_once(one_file: str) -> None:
    pictures = re.findall(r'\.(picture-\d+)\{background-image:url\("(data:image/webp[^"]+)"\)\}', one_file)
    assert len(pictures) == len({data for _, data in pictures}) > 4
    drawn = re.findall(r'<foreignObject width="\d+" height="\d+"><div class="([^"]+)">', one_file)
    assert set(drawn) == {name for name, _ in pictures}
    assert len(drawn) > len(pictures)
    assert 'aria-label="Filters of conv1, for the tests"' in one_file


def test_the_frame_is_at_no_page(one_file: str) -> None:
    outline = one_file.partition('<nav class="outline"')[2].partition("</nav>")[0]
    assert "aria-current" not in outline


def test_links_to_files_that_are_not_in_it_are_plain_text(one_file: str) -> None:
    assert "report.json" in one_file
    assert 'href="report.json"' not in one_file
    assert re.search(r"<a\b(?![^>]* href=)[^>]*>", one_file) is None


def test_hostile_names_stay_text(hostile: Written) -> None:
    text = bundle_text(hostile.folder)
    assert "<script" not in text
    assert "<img src=x" not in text
    assert read_links(text).repeated == set()


def test_the_same_report_gives_the_same_file(small: Written, one_file: str, tmp_path: Path) -> None:
    bundle_report(small.folder, tmp_path / "one.html")
    assert (tmp_path / "one.html").read_text(encoding="utf-8") == one_file


def test_own_style_and_logo_are_in_it(small: Written, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small.folder, tmp_path / "report"))
    (folder / "assets" / "own.css").write_text("h1 { color: teal } /* </style> */")
    (folder / "assets" / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    look = small.record.site.model_copy(update={"css": "assets/own.css", "logo": "assets/logo.svg"})
    record = small.record.model_copy(update={"site": look})
    (folder / "report.json").write_text(dump_record(record), encoding="utf-8")
    write_site(record, folder)
    text = bundle_text(folder)
    assert "h1 { color: teal }" in text
    assert text.count("</style>") == text.count("<style>") == 2
    assert '<img class="logo" src="data:image/svg+xml;base64,' in text


def test_a_report_that_is_not_whole(small: Written, tmp_path: Path) -> None:
    with pytest.raises(ReportgenError, match=r"report\.json"):
        bundle_report(tmp_path, tmp_path / "one.html")
    folder = Path(shutil.copytree(small.folder, tmp_path / "report"))
    (folder / "filters.html").unlink()
    with pytest.raises(ReportgenError, match=r"filters\.html.*reportgen render"):
        bundle_report(folder, tmp_path / "one.html")
    assert not (tmp_path / "one.html").exists()
