"""The documentation: its reference is made from what the program declares, and its links lead somewhere."""

from __future__ import annotations

import io
import re
import runpy
import sys
import types
from pathlib import Path

import pytest

import reportgen
from reportgen.analysis.findings import RULES
from reportgen.ascent_settings import AscentSettings
from reportgen.cli import commands
from reportgen.config import Config, option_name
from reportgen.record import schema
from reportgen.sections import SECTIONS

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"


class Kept(io.StringIO):
    """A page that is still there once it was written."""

    def close(self) -> None:
        """Keep the text."""


@pytest.fixture(scope="module")
def reference() -> dict[str, str]:
    """The pages of the reference, made as MkDocs makes them."""
    pages: dict[str, Kept] = {}
    plugin = types.ModuleType("mkdocs_gen_files")
    plugin.open = lambda name, _mode: pages.setdefault(name, Kept())  # type: ignore[attr-defined]
    before = sys.modules.get("mkdocs_gen_files")
    sys.modules["mkdocs_gen_files"] = plugin
    try:
        runpy.run_path(str(DOCS / "reference.py"))
    finally:
        if before is None:
            del sys.modules["mkdocs_gen_files"]
        else:
            sys.modules["mkdocs_gen_files"] = before
    return {name: page.getvalue() for name, page in pages.items()}


def test_every_option_is_documented(reference: dict[str, str]) -> None:
    page = reference["reference/options.md"]
    missing = [name for name in Config.model_fields if f"## `{option_name(name)}`" not in page]
    assert not missing


def test_every_parameter_of_maximisation_is_documented(reference: dict[str, str]) -> None:
    page = reference["reference/ascent.md"]
    assert not [name for name in AscentSettings.model_fields if f"`{name}`" not in page]


def test_every_command_is_documented(reference: dict[str, str]) -> None:
    page = reference["reference/commands.md"]
    assert not [name for name in commands.commands if f"## `reportgen {name}`" not in page]


def test_every_section_is_documented(reference: dict[str, str]) -> None:
    page = reference["reference/sections.md"]
    assert not [section.slug for section in SECTIONS if f"{{ #{section.slug} }}" not in page]


def test_every_rule_is_documented_with_what_to_do(reference: dict[str, str]) -> None:
    page = reference["reference/findings.md"]
    parts = dict(re.findall(r"## [^\n]* \{ #(\w+) \}\n(.*?)(?=\n## |\Z)", page, re.DOTALL))
    assert set(parts) == {rule.__name__ for rule in RULES}
    assert not [name for name, text in parts.items() if "| threshold |" not in text or "| what to do |" not in text]


def test_every_key_of_the_record_is_documented(reference: dict[str, str]) -> None:
    page = reference["reference/report-json.md"]
    whole = schema()
    keys = set(whole["properties"])
    for definition in whole["$defs"].values():
        keys |= set(definition.get("properties", {}))
    assert not [key for key in keys if f"| `{key}` |" not in page]


def test_every_public_name_is_documented() -> None:
    page = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")
    settings = {"Config", "Record", "Finding", "build_from", "__version__"}  # described by the pages beside it
    assert not [name for name in reportgen.__all__ if name not in settings and f"::: reportgen.{name}\n" not in page]


def test_every_page_is_in_the_contents_and_every_link_leads_somewhere(reference: dict[str, str]) -> None:
    written = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    listed = set(re.findall(r"- (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE))
    assert listed == written | set(reference)
    for name in written:
        for target in re.findall(r"\]\(([^)#]+\.md)", (DOCS / name).read_text(encoding="utf-8")):
            place = (DOCS / name).parent.joinpath(target).resolve().relative_to(DOCS).as_posix()
            assert place in listed, f"{name}: {target}"
