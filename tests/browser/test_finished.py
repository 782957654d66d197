"""A finished report of a trained network: the demo that the first command of the README makes, or any other.

`REPORT=path/to/report pytest tests/browser/test_finished.py` checks the report in that folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.browsing import ALL_LOADED, OVERFLOWING, axe_violations, element_count, nu_errors, one_of_each_kind

from reportgen.finished.verification import verify_report

if TYPE_CHECKING:
    from conftest import Opener

ROOT = Path(__file__).resolve().parents[2]

# What a common continuous-integration server sends with the files it shows.
SANDBOX = "sandbox allow-same-origin; default-src 'none'; img-src 'self'; style-src 'self'"

MOST_BYTES = 100_000
MOST_ELEMENTS = 1_500


@pytest.fixture(scope="session")
def finished() -> Path:
    """The folder of the report."""
    named = os.environ.get("REPORT")
    folder = Path(named).resolve() if named else ROOT / "reportgen-demo"
    if not (folder / "index.html").is_file():
        pytest.skip(f"there is no report in {folder.name}: make it with `reportgen demo`, or name one with REPORT")
    return folder


def test_every_link_leads_somewhere(finished: Path) -> None:
    assert verify_report(finished) == []


def test_no_page_is_too_heavy(finished: Path) -> None:
    for page in finished.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert len(text.encode()) <= MOST_BYTES, page.name
        assert element_count(text) <= MOST_ELEMENTS, page.name


def test_nu(nu: list[str], finished: Path) -> None:
    assert nu_errors(nu, [finished]) == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 320)])
def test_axe(scheme: str, width: int, axe: str, finished: Path, window: Opener) -> None:
    # The pages' own policy would keep axe out.
    shown = window(width=width, color_scheme=scheme, bypass_csp=True)
    found = []
    for path in one_of_each_kind(finished):
        shown.open(f"{finished.as_uri()}/{path}")
        found += [(path, *one) for one in axe_violations(shown.page, axe)]
        assert shown.width() <= width, path
        assert shown.page.evaluate(OVERFLOWING) == [], path
    assert found == []


@pytest.mark.parametrize("place", ["file", "server", "sandbox"])
def test_no_word_and_no_request_beyond_the_folder(
    place: str, finished: Path, window: Opener, serve: Callable[..., str]
) -> None:
    shown = window(java_script_enabled=place != "sandbox")
    address = finished.as_uri() if place == "file" else serve(finished, policy=SANDBOX if place == "sandbox" else None)
    for path in one_of_each_kind(finished):
        shown.open(f"{address}/{path}")
        assert shown.page.evaluate(ALL_LOADED), path
    # The browser says that it blocks the script, as the policy asks.
    assert [message for message in shown.messages if place != "sandbox" or "script" not in message] == []
    assert {url for url in shown.requests if not url.startswith(address)} == set()
