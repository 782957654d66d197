"""axe-core and the Nu HTML checker over every kind of page; `npm ci` in this folder provides both."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.sites import COMPONENTS_PAGE, KINDS

if TYPE_CHECKING:
    from conftest import Opener

MODULES = Path(__file__).parent / "node_modules"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


@pytest.fixture(scope="session")
def axe() -> str:
    """The text of axe-core."""
    file = MODULES / "axe-core" / "axe.min.js"
    if not file.is_file():
        pytest.skip("axe-core is not installed: run `npm ci --prefix tests/browser`")
    return file.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def nu() -> list[str]:
    """The command of the Nu HTML checker."""
    file = MODULES / "vnu-jar" / "build" / "dist" / "vnu.jar"
    java = shutil.which("java")
    if java is None or not file.is_file():
        pytest.skip("the Nu checker is not installed: it needs Java and `npm ci --prefix tests/browser`")
    # The stack is what the checker asks for with long pages.
    return [java, "-Xss8m", "-jar", str(file), "--stdout", "--errors-only", "--format", "json"]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 320)])
def test_axe(scheme: str, width: int, axe: str, report: Path, one_file: Path, compared: Path, window: Opener) -> None:
    # The pages' own policy would keep axe out.
    shown = window(width=width, color_scheme=scheme, bypass_csp=True)
    run = f"axe.run(document, {{preload: false, resultTypes: ['violations'], runOnly: {json.dumps(TAGS)}}})"
    addresses = [
        *(f"{report.as_uri()}/{path}" for path in (*KINDS, COMPONENTS_PAGE)),
        *(f"{one_file.as_uri()}#{part}" for part in ("index", "layers/conv1", "units/conv1/0", "images/checks")),
        *(path.as_uri() for path in sorted(compared.glob("*.html"))),
    ]
    found = []
    for address in addresses:
        shown.open(address)
        shown.page.evaluate(axe)
        violations = shown.page.evaluate(run)["violations"]
        found += [(address.rpartition("/")[2], one["id"], one["nodes"][0]["html"]) for one in violations]
    assert found == []


def test_nu(nu: list[str], report: Path, hostile: Path, one_file: Path, compared: Path) -> None:
    pages = [str(path) for path in (report, hostile, one_file, compared)]
    done = subprocess.run([*nu, "--skip-non-html", *pages], capture_output=True, text=True, check=False)
    messages = json.loads(done.stdout)["messages"]
    assert [(message.get("url", "").rpartition("/")[2], message["message"]) for message in messages] == []
