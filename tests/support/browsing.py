"""What is asked of pages in a browser, of made-up reports and of real ones alike."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")

_RUN_AXE = f"axe.run(document, {{preload: false, resultTypes: ['violations'], runOnly: {json.dumps(TAGS)}}})"

# Parts that reach beyond the right edge, but for what scrolls by itself or is not to be seen.
OVERFLOWING = """[...document.querySelectorAll('main *, header *, footer *')].filter((element) =>
    element.checkVisibility() && element.getBoundingClientRect().right > innerWidth + 1 &&
    !element.closest('.graph, .visually-hidden, [popover], thead, svg *'))
  .map((element) => element.outerHTML.slice(0, 120))"""

# Every picture is asked for, seen or not, and those that are shown have arrived.
ALL_LOADED = """Promise.all([...document.images].map((image) => {
  image.loading = 'eager';
  return image.decode().then(() => image.naturalWidth > 0, () => !image.checkVisibility());
})).then((loaded) => loaded.every(Boolean))"""


def axe_violations(page: Page, axe: str) -> list[tuple[str, str]]:
    """The rules that the page breaks, each with the first element that does; `axe` is the text of axe-core."""
    page.evaluate(axe)
    violations: list[dict[str, Any]] = page.evaluate(_RUN_AXE)["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in violations]


def nu_errors(nu: Sequence[str], places: Sequence[Path]) -> list[tuple[str, str]]:
    """The errors in all pages below `places`: page and message; `nu` is the command of the checker."""
    command = [*nu, "--skip-non-html", *map(str, places)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    messages = json.loads(done.stdout)["messages"]
    return [(message.get("url", "").rpartition("/")[2], message["message"]) for message in messages]


def one_of_each_kind(folder: Path) -> list[str]:
    """The heaviest page of each kind in a report: every page in the folder itself, and one of each sort below."""
    below = ("layers/*.html", "layers/*/*.html", "units/*/index*.html", "units/*/[0-9]*.html", "images/*.html")
    indexes = [page for page in sorted(folder.glob("*/index.html")) if page.is_file()]
    heaviest = [
        max(pages, key=lambda page: page.stat().st_size) for pattern in below if (pages := sorted(folder.glob(pattern)))
    ]
    chosen = [*sorted(folder.glob("*.html")), *indexes, *heaviest]
    return list(dict.fromkeys(page.relative_to(folder).as_posix() for page in chosen))


def element_count(text: str) -> int:
    """How many elements a page opens."""
    return len(re.findall("<[a-z]", text))
