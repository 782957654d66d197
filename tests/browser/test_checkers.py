"""axe-core and the Nu HTML checker over every kind of page; `npm ci` in this folder provides both."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.sites import COMPONENTS_PAGE, KINDS

from reportgen.comparison import compare
from reportgen.record import read_record
from reportgen.site import bundle_report, write_comparison

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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_axe(scheme: str, width: int, axe: str, report: Path, one_file: Path, window: Opener) -> None:
    # The pages' own policy would keep axe out.
    shown = window(width=width, color_scheme=scheme, bypass_csp=True)
    run = f"axe.run(document, {{preload: false, runOnly: {json.dumps(TAGS)}}})"
    found = []
    for address in (*(f"{report.as_uri()}/{path}" for path in (*KINDS, COMPONENTS_PAGE)), one_file.as_uri()):
        shown.open(address)
        shown.page.evaluate(axe)
        violations = shown.page.evaluate(run)["violations"]
        found += [(address.rpartition("/")[2], one["id"], one["nodes"][0]["html"]) for one in violations]
    assert found == []


def test_nu(nu: list[str], report: Path, hostile: Path, tmp_path: Path) -> None:
    bundle_report(report, tmp_path / "one.html")
    (tmp_path / "compared").mkdir()
    records = read_record(report), read_record(report)
    write_comparison(compare(*records), (report, report), tmp_path / "compared")
    folders = [str(report), str(hostile), str(tmp_path)]
    done = subprocess.run([*nu, "--skip-non-html", *folders], capture_output=True, text=True, check=False)
    messages = json.loads(done.stdout)["messages"]
    assert [(message.get("url", "").rpartition("/")[2], message["message"]) for message in messages] == []
