"""Reports as they are read: from files, from servers, without script, on a phone, as one file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.browsing import ALL_LOADED, OVERFLOWING
from support.sites import COMPONENTS_PAGE, KINDS

from reportgen.analysis.network.graph_layout import MARGIN
from reportgen.finished.comparison import compare
from reportgen.finished.comparison_pages import write_comparison
from reportgen.record import SCHEMA_VERSION, read_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Opener

# What a common continuous-integration server sends with the files it shows.
SANDBOX = "sandbox allow-same-origin; default-src 'none'; img-src 'self'; style-src 'self'"

PAGES = (*KINDS, COMPONENTS_PAGE)


def test_from_files_without_a_word_and_nothing_else_asked_for(report: Path, window: Opener) -> None:
    shown = window()
    for path in PAGES:
        shown.open(f"{report.as_uri()}/{path}")
        assert shown.page.evaluate(ALL_LOADED), path
    assert shown.messages == []
    assert {url for url in shown.requests if not url.startswith(report.as_uri())} == set()


def test_under_a_path_of_a_server(report: Path, window: Opener, serve: Callable[..., str]) -> None:
    address = serve(report)
    shown = window()
    for path in PAGES:
        shown.open(f"{address}/{path}")
        assert shown.page.evaluate(ALL_LOADED), path
    assert shown.messages == []
    assert {url for url in shown.requests if not url.startswith(address)} == set()


def test_under_the_policy_of_a_build_server(report: Path, window: Opener, serve: Callable[..., str]) -> None:
    shown = window(java_script_enabled=False)
    address = serve(report, policy=SANDBOX)
    for path in PAGES:
        shown.open(f"{address}/{path}")
        assert shown.page.locator("h1").is_visible()
        assert shown.page.evaluate("getComputedStyle(document.querySelector('.frame')).display") == "grid"
        assert shown.page.evaluate(ALL_LOADED), path
    assert [message for message in shown.messages if "script" not in message] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_on_a_phone_nothing_scrolls_sideways(scheme: str, script: bool, report: Path, window: Opener) -> None:
    shown = window(width=320, color_scheme=scheme, java_script_enabled=script)
    for path in PAGES:
        shown.open(f"{report.as_uri()}/{path}")
        assert shown.width() <= 320, path
        assert shown.page.evaluate(OVERFLOWING) == [], path


def test_hostile_names_do_nothing_and_their_links_work(hostile: Path, window: Opener) -> None:
    shown = window(width=320)
    dialogs: list[str] = []
    shown.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    pages = sorted(path for path in hostile.rglob("*.html") if "units" not in path.parts or path.name == "0.html")
    for path in pages:
        shown.open(path.as_uri())
        assert shown.width() <= 320, path.name
    shown.open((hostile / "index.html").as_uri())
    assert shown.page.evaluate("document.querySelectorAll('script').length") == 1
    for number in range(3):
        link = shown.page.locator("main .card h3 a").nth(number)
        name = link.inner_text()
        link.click()
        assert name in shown.page.locator("h1").inner_text()
        shown.page.go_back()
    assert dialogs == []
    assert shown.messages == []


def test_without_script_everything_is_there(report: Path, window: Opener) -> None:
    with_script, without = window(), window(java_script_enabled=False)
    for path in PAGES:
        texts = []
        for shown in (with_script, without):
            shown.open(f"{report.as_uri()}/{path}")
            texts.append(set(shown.page.locator("main").inner_text().split()))
        added = {"Pin", "for", "comparison", "Filter", "rows", "All"}
        assert texts[1] - texts[0] == set(), path
        assert texts[0] - texts[1] <= added, path


def test_enlarging_and_choosing_a_variant_need_no_script(report: Path, window: Opener) -> None:
    shown = window(java_script_enabled=False)
    shown.open(f"{report.as_uri()}/images/checks.html")
    figure = shown.page.locator("#maps-0-0-0")
    shared, each = figure.locator(".variant").all()
    assert shared.is_visible()
    assert not each.is_visible()
    figure.get_by_text("each map by itself").click()
    assert each.is_visible()
    assert not shared.is_visible()
    each.locator(".canvas").hover()
    each.get_by_role("button", name="Enlarge").click()
    lightbox = shown.page.locator(".lightbox:popover-open")
    assert lightbox.is_visible()
    lightbox.get_by_role("button", name="Close").click()
    assert not lightbox.is_visible()


def test_the_outline_opens_on_a_phone_without_script(report: Path, window: Opener) -> None:
    shown = window(width=320, java_script_enabled=False)
    shown.open(f"{report.as_uri()}/layers/conv1.html")
    outline = shown.page.locator("#outline")
    assert not outline.is_visible()
    shown.page.get_by_role("button", name="Contents").click()
    assert outline.is_visible()
    outline.get_by_role("link", name="conv2").first.click()
    assert shown.page.locator("h1").inner_text() == "conv2"


class TestOneFile:
    @pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
    def test_it_opens_alone_and_its_links_work(self, script: bool, one_file: Path, window: Opener) -> None:
        shown = window(java_script_enabled=script)
        shown.open(one_file.as_uri())
        visible = shown.page.locator(".page:visible")
        assert visible.count() == 1
        assert visible.locator("h1").inner_text() == "Textures"
        visible.get_by_role("link", name="checks.png").first.click()
        assert visible.locator("h1").inner_text() == "checks.png"
        visible.locator(".subject a").first.click()
        assert visible.locator("h1").inner_text() == "conv1"
        visible.locator('a[rel="next"]').click()
        assert visible.locator("h1").inner_text() == "conv2"
        shown.page.go_back()
        assert visible.locator("h1").inner_text() == "conv1"
        assert shown.messages == []
        assert {url for url in shown.requests if not url.startswith("data:")} == {one_file.as_uri()}

    def test_every_page_can_be_reached(self, one_file: Path, window: Opener) -> None:
        shown = window()
        shown.open(one_file.as_uri())
        for name in shown.page.evaluate("[...document.querySelectorAll('.page')].map((page) => page.id)"):
            shown.page.evaluate("(name) => { location.hash = name }", name)
            assert shown.page.locator(".page:visible").evaluate_all("(pages) => pages.map((page) => page.id)") == [name]

    def test_pictures_are_drawn(self, one_file: Path, window: Opener) -> None:
        shown = window()
        shown.open(f"{one_file.as_uri()}#images/checks")
        drawing = shown.page.locator('.page:visible svg[role="img"]').first
        drawing.scroll_into_view_if_needed()
        # The test pictures are stripes of two colours: a picture that is not there would be of one.
        pixels = drawing.screenshot()
        assert len(pixels) > 1_000

    @pytest.mark.parametrize(
        ("page", "places"), [("index", ".card > :first-child"), ("units/conv1/0", ".made-one > .crop, .top .crop")]
    )
    def test_pictures_stand_where_they_do_in_the_site(
        self, page: str, places: str, report: Path, one_file: Path, window: Opener
    ) -> None:
        boxes = []
        for address in (f"{report.as_uri()}/{page}.html", f"{one_file.as_uri()}#{page}"):
            shown = window(width=1400, java_script_enabled=False)
            shown.open(address)
            found = shown.page.locator(places).filter(visible=True).all()
            boxes.append([(box["x"], box["width"], box["height"]) for one in found if (box := one.bounding_box())])
        assert len(boxes[0]) > 1
        assert boxes[1] == [pytest.approx(box, abs=1) for box in boxes[0]]

    def test_the_outline_on_a_phone(self, one_file: Path, window: Opener) -> None:
        shown = window(width=320)
        shown.open(one_file.as_uri())
        assert shown.width() <= 320
        assert not shown.page.locator("#outline").is_visible()
        shown.page.get_by_role("link", name="Contents").click()
        shown.page.locator("#outline").get_by_role("link", name="conv2").first.click()
        assert not shown.page.locator("#outline").is_visible()
        assert shown.page.locator(".page:visible h1").inner_text() == "conv2"


def test_printing_leaves_out_the_navigation_and_spells_links_out(report: Path, window: Opener) -> None:
    shown = window()
    shown.open(f"{report.as_uri()}/layers/conv1.html")
    shown.page.emulate_media(media="print")
    for hidden in (".outline", ".strip", ".turns", ".tools", ".zoom"):
        assert not shown.page.locator(hidden).first.is_visible(), hidden
    spelled = shown.page.evaluate("getComputedStyle(document.querySelector('main .chips a'), '::after').content")
    assert spelled in {"none", "normal"}
    link = "getComputedStyle(document.querySelector('main .plate h3 a'), '::after').content"
    assert "images/checks.html" in shown.page.evaluate(link)
    assert shown.page.pdf().startswith(b"%PDF")


@pytest.mark.parametrize("setting", [{"forced_colors": "active"}, {"reduced_motion": "reduce"}])
def test_other_settings_of_readers(setting: dict[str, str], report: Path, window: Opener) -> None:
    shown = window(**setting)
    shown.open(f"{report.as_uri()}/layers/conv1.html")
    behaviour = shown.page.evaluate("getComputedStyle(document.documentElement).scrollBehavior")
    assert behaviour == ("auto" if "reduced_motion" in setting else "smooth")
    assert shown.page.locator("h1").is_visible()
    assert shown.messages == []


def test_the_record_is_beside_the_pages(report: Path) -> None:
    assert json.loads((report / "report.json").read_text(encoding="utf-8"))["schema_version"] == SCHEMA_VERSION


@pytest.mark.parametrize("width", [320, 1280])
def test_no_sign_beside_a_node_is_cut_off(
    width: int, report: Path, hostile: Path, tmp_path: Path, window: Opener
) -> None:
    # Laid out by the program, the widest node begins as far from the edge of its drawing.
    first, second = (read_record(folder) for folder in (report, hostile))
    assert first.graph is not None
    at_edge = [node.model_copy(update={"x": MARGIN}) for node in first.graph.nodes]
    first = first.model_copy(update={"graph": first.graph.model_copy(update={"nodes": at_edge})})
    write_comparison(compare(first, second), (report, hostile), tmp_path / "out")
    shown = window(width=width)
    shown.open((tmp_path / "out" / "graph.html").as_uri())
    # A drawing hides what lies beyond it, or else its frame does.
    cut = """() => [...document.querySelectorAll('.graph svg')].flatMap((drawing) => {
        const hides = getComputedStyle(drawing).overflow !== 'visible';
        const room = (hides ? drawing : drawing.parentElement).getBoundingClientRect();
        return [...drawing.querySelectorAll('.sign')].filter((one) => one.getBoundingClientRect().left < room.left)
            .map((one) => one.textContent);
    })"""
    assert shown.page.locator(".graph .sign").count() > 0
    assert shown.page.evaluate(cut) == []
