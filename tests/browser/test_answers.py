"""Answers of every kind as they are read: the strength of a mask without script, on a phone, by checkers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.browsing import ALL_LOADED, OVERFLOWING, axe_violations, nu_errors
from support.records import answers_record, real_names_record
from support.sites import write_report

from reportgen.finished.bundle import bundle_report
from reportgen.finished.comparison import compare
from reportgen.finished.comparison_pages import write_comparison
from reportgen.record import read_record

if TYPE_CHECKING:
    from conftest import Opener

PAGES = ("index.html", "outputs.html", "images/index.html", "images/checks.html")

# Names that stand on several lines though a line has room for them: those that break elsewhere than behind a separator.
BROKEN = """() => {
  const found = [];
  const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!node.parentElement.checkVisibility()) continue;
    for (const word of node.data.matchAll(/[^\\s/_-]+/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) found.push(word[0]);
    }
  }
  return found.filter((word) => word.length < 40);
}"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a network with outputs of every kind."""
    folder = tmp_path_factory.mktemp("browser") / "answers"
    write_report(answers_record, folder)
    return folder


@pytest.fixture(scope="module")
def bundled(answers: Path) -> Path:
    out = answers.parent / "alone" / "answers.html"
    bundle_report(answers, out)
    return out


@pytest.fixture(scope="module")
def real_names(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser") / "names"
    write_report(real_names_record, folder)
    return folder


@pytest.fixture(scope="module")
def side_by_side(answers: Path) -> Path:
    folder = answers.parent / "compared"
    write_comparison(compare(read_record(answers), read_record(answers)), (answers, answers), folder)
    return folder


@pytest.mark.parametrize("where", ["site", "one file"])
def test_the_strength_of_a_mask_is_chosen_without_script(
    where: str, answers: Path, bundled: Path, window: Opener
) -> None:
    shown = window(java_script_enabled=False)
    shown.open(f"{bundled.as_uri()}#images/checks" if where == "one file" else f"{answers.as_uri()}/images/checks.html")
    masks = shown.page.locator(".stacked .mask").filter(visible=True)
    assert masks.count() == 2

    def strengths() -> list[float]:
        return [float(mask.evaluate("(mask) => getComputedStyle(mask).opacity")) for mask in masks.all()]

    before = strengths()
    first = shown.page.locator(".opacity").filter(visible=True).first
    first.get_by_text("full").click()
    full = strengths()
    first.get_by_text("light").click()
    light = strengths()
    assert light[0] < before[0] < full[0] == 1
    assert light[1] == before[1] == full[1]  # the other map is chosen by itself
    assert first.get_by_role("radio").count() == 3
    assert shown.messages == []


@pytest.mark.parametrize("where", ["site", "one file"])
def test_mask_and_photograph_lie_on_each_other(where: str, answers: Path, bundled: Path, window: Opener) -> None:
    shown = window()
    shown.open(f"{bundled.as_uri()}#images/checks" if where == "one file" else f"{answers.as_uri()}/images/checks.html")
    stack = shown.page.locator(".stacked .stack").filter(visible=True).first
    layers = [box for layer in stack.locator("image, foreignObject").all() if (box := layer.bounding_box())]
    assert len(layers) == 3  # photograph, mask, outlines
    whole = stack.bounding_box()
    assert whole is not None
    for box in layers:
        assert [box[side] for side in ("x", "y", "width", "height")] == pytest.approx(
            [whole[side] for side in ("x", "y", "width", "height")], abs=1
        )


@pytest.mark.parametrize(("scheme", "script"), [("light", True), ("dark", False)])
def test_on_a_phone_nothing_scrolls_sideways(scheme: str, script: bool, answers: Path, window: Opener) -> None:
    shown = window(width=320, color_scheme=scheme, java_script_enabled=script)
    for path in PAGES:
        shown.open(f"{answers.as_uri()}/{path}")
        assert shown.width() <= 320, path
        assert shown.page.evaluate(OVERFLOWING) == [], path
        assert shown.page.evaluate(ALL_LOADED), path
    assert shown.messages == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_axe(
    scheme: str, width: int, axe: str, answers: Path, bundled: Path, side_by_side: Path, window: Opener
) -> None:
    shown = window(width=width, color_scheme=scheme, bypass_csp=True)
    addresses = [
        *(f"{answers.as_uri()}/{path}" for path in PAGES),
        f"{bundled.as_uri()}#images/checks",
        f"{side_by_side.as_uri()}/images.html",
    ]
    found = []
    for address in addresses:
        shown.open(address)
        found += [(address.rpartition("/")[2], *one) for one in axe_violations(shown.page, axe)]
    assert found == []


def test_nu(nu: list[str], answers: Path, bundled: Path, side_by_side: Path) -> None:
    assert nu_errors(nu, (answers, bundled, side_by_side)) == []


@pytest.mark.parametrize("width", [1100, 1280])
def test_no_word_is_broken_while_there_is_room(
    width: int, real_names: Path, side_by_side: Path, window: Opener
) -> None:
    shown = window(width=width)
    places = ("*.html", "images/*.html", "layers/*.html", "units/*/index.html", "units/*/0.html")
    pages = [page for pattern in places for page in sorted(real_names.glob(pattern))]
    for page in (*pages, *sorted(side_by_side.glob("*.html"))):
        shown.open(page.as_uri())
        assert shown.page.evaluate(BROKEN) == [], page
        wide = "[...document.querySelectorAll('.table')].filter((one) => one.scrollWidth > one.clientWidth + 1).length"
        assert shown.page.evaluate(wide) == 0, page
