"""What the script adds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Opener, Window

DENY_STORAGE = """Object.defineProperty(window, 'localStorage', {
  get() { throw new DOMException('denied', 'SecurityError'); } })"""


@pytest.fixture
def layer(report: Path, window: Opener) -> Window:
    """A layer's page."""
    shown = window()
    shown.open(f"{report.as_uri()}/layers/conv1.html")
    return shown


def title(shown: Window) -> str:
    return shown.page.locator("h1").inner_text()


def test_keys_go_from_page_to_page(layer: Window) -> None:
    layer.page.keyboard.press("n")
    layer.page.wait_for_url("**/conv2.html")
    layer.page.keyboard.press("p")
    layer.page.wait_for_url("**/conv1.html")
    layer.page.keyboard.press("h")
    layer.page.wait_for_url("**/index.html")
    assert layer.messages == []


def test_keys_can_be_switched_off_and_stay_off(layer: Window) -> None:
    layer.page.keyboard.press("?")
    layer.page.get_by_label("Single keys are on").uncheck()
    layer.page.keyboard.press("Escape")
    layer.page.keyboard.press("n")
    layer.page.reload()
    layer.page.keyboard.press("n")
    layer.page.wait_for_timeout(200)
    assert title(layer) == "conv1"


def test_the_switch_of_the_keys_is_at_hand_and_the_key_that_opened_closes(layer: Window) -> None:
    keys = layer.page
    keys.keyboard.press("?")
    assert keys.evaluate("document.activeElement.matches('#keys input')")
    keys.keyboard.press("?")
    assert not keys.evaluate("document.getElementById('keys').matches(':popover-open')")
    keys.keyboard.press("?")
    keys.keyboard.press("Space")
    keys.keyboard.press("Escape")
    keys.keyboard.press("n")
    keys.wait_for_timeout(200)
    assert title(layer) == "conv1"


def test_keys_go_on_where_a_variant_was_chosen(report: Path, window: Opener) -> None:
    shown = window()
    shown.open(f"{report.as_uri()}/images/checks.html")
    shown.page.locator("#maps-0-0-0").get_by_text("each map by itself").click()
    assert shown.page.evaluate("document.activeElement.type") == "radio"
    shown.page.keyboard.press("h")
    shown.page.wait_for_url("**/index.html", timeout=5_000)


@pytest.mark.parametrize(
    ("text", "found"), [("conv2", "conv2"), ("channel conv1 2", "conv1, channel 2"), ("spirals", "spirals.png")]
)
def test_search(text: str, found: str, layer: Window) -> None:
    layer.page.keyboard.press("/")
    layer.page.keyboard.type(text)
    layer.page.locator("#results [data-page]").first.wait_for()
    layer.page.keyboard.press("ArrowDown")
    layer.page.keyboard.press("Enter")
    layer.page.get_by_role("heading", level=1, name=found, exact=True).wait_for()
    assert layer.messages == []


def test_the_theme_is_remembered(layer: Window) -> None:
    background = "getComputedStyle(document.documentElement).backgroundColor"
    light = layer.page.evaluate(background)
    button = layer.page.get_by_role("button", name="Theme")
    button.click()
    button.click()
    assert button.inner_text() == "Theme: dark"
    dark = layer.page.evaluate(background)
    assert dark != light
    layer.page.reload()
    assert layer.page.evaluate(background) == dark


def test_tables_sort_and_filter(report: Path, window: Opener) -> None:
    shown = window()
    shown.open(f"{report.as_uri()}/units/conv1/index.html")
    first = shown.page.locator("tbody tr:visible").first
    shown.page.get_by_role("button", name="Highest").click()
    assert first.inner_text().split()[0] == "7"
    shown.page.get_by_role("button", name="Highest").click()
    assert first.inner_text().split()[0] == "0"
    assert shown.page.locator("th[aria-sort]").get_attribute("aria-sort") == "ascending"
    shown.page.get_by_label("Show rows that hold this text").fill("dead")
    assert shown.page.locator("tbody tr:visible").count() == 1
    assert shown.page.get_by_role("status").inner_text() == "1 of 8 rows"


def test_the_pointer_names_channels_and_marks_them_in_all_mosaics(layer: Window) -> None:
    picture = layer.page.locator("#maps-0-0-0 .canvas > img")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box is not None
    layer.page.mouse.move(box["x"] + box["width"] * 0.35, box["y"] + box["height"] * 0.2)
    assert layer.page.locator(".tip").inner_text() == "channel 1, up to 0.5, silent (click for its page)"
    assert layer.page.locator(".tile-frame:visible").count() == 3
    layer.page.mouse.click(box["x"] + box["width"] * 0.35, box["y"] + box["height"] * 0.2)
    layer.page.wait_for_url("**/units/conv1/1.html")
    assert layer.messages == []


def test_two_channels_side_by_side(report: Path, window: Opener) -> None:
    shown = window()
    for channel in (0, 1, 2):
        shown.open(f"{report.as_uri()}/units/conv1/{channel}.html")
        shown.page.get_by_role("button", name="Pin for comparison").click()
    shown.open(f"{report.as_uri()}/layers/conv1.html")
    dock = shown.page.get_by_role("complementary", name="Pinned for comparison")
    assert [link.inner_text() for link in dock.get_by_role("link").all()] == ["conv1, channel 1", "conv1, channel 2"]
    assert dock.locator("svg image").count() > 2
    dock.get_by_role("button", name="Unpin conv1, channel 1").click()
    assert dock.get_by_role("link").count() == 1
    assert shown.messages == []


def test_the_zoom_key(layer: Window) -> None:
    layer.page.locator("#filters-0").scroll_into_view_if_needed()
    layer.page.keyboard.press("z")
    assert layer.page.locator(".lightbox:popover-open").count() == 1
    layer.page.keyboard.press("z")
    assert layer.page.locator(".lightbox:popover-open").count() == 0


def test_denied_storage_is_no_error(report: Path, window: Opener) -> None:
    shown = window()
    shown.page.add_init_script(DENY_STORAGE)
    shown.open(f"{report.as_uri()}/units/conv1/0.html")
    shown.page.get_by_role("button", name="Theme").click()
    shown.page.get_by_role("button", name="Pin for comparison").click()
    assert shown.page.get_by_role("complementary").is_visible()
    assert shown.messages == []
