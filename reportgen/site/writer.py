"""Pages to files: assets under names that follow their content, every page, the manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment

from reportgen.record import Record
from reportgen.site.environment import make_environment, template_directory
from reportgen.site.front import summarize_model
from reportgen.site.outline import Outline
from reportgen.site.page import Page
from reportgen.site.pages import outline_of, settle_pages
from reportgen.site.search import search_index
from reportgen.site.strip import StripBlock, draw_strip

MANIFEST = "manifest.json"
NO_JEKYLL = ".nojekyll"
ASSETS = "assets"


@dataclass(frozen=True)
class SiteView:
    """What all pages share; the files are paths in the report."""

    title: str
    description: str
    generator: str
    created: str | None
    logo: str | None
    css: str | None
    icon: str
    style: str
    script: str | None
    search: str | None


def write_site(record: Record, folder: Path, *, templates: Path | None = None) -> None:
    """Write every page of `record` and what they need into `folder`, which holds its pictures already.

    Args:
        record: all the pages say.
        folder: the report's folder.
        templates: a folder whose templates go before the report's own.
    """
    pages = settle_pages(record)
    site = _write_assets(record, folder)
    outline, strip = outline_of(record, pages), draw_strip(record)
    environment = make_environment(templates)
    for page in pages:
        _write_text(folder / page.path, render_page(environment, page, site, outline, strip))
    (folder / NO_JEKYLL).write_bytes(b"")


def render_page(
    environment: Environment, page: Page, site: SiteView, outline: Outline, strip: Sequence[StripBlock]
) -> str:
    """The text of one page."""
    return environment.get_template(page.template).render(
        page=page, view=page.view, site=site, outline_of_site=outline, strip=strip
    )


def write_manifest(folder: Path) -> None:
    """Write the SHA-256 of every file of the report but the manifest itself."""
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / MANIFEST
    }
    _write_text(
        folder / MANIFEST, json.dumps({"files": dict(sorted(files.items()))}, indent=1, ensure_ascii=False) + "\n"
    )


def _write_assets(record: Record, folder: Path) -> SiteView:
    own = template_directory() / "assets"
    look = record.site
    return SiteView(
        title=look.title,
        description=summarize_model(record.model),
        generator=f"{record.generator.name} {record.generator.version}",
        created=record.provenance.created,
        logo=look.logo,
        css=look.css,
        icon=_write_asset(folder, "icon.svg", (own / "icon.svg").read_bytes()),
        style=_write_asset(folder, "style.css", (own / "style.css").read_bytes()),
        script=_write_asset(folder, "script.js", (own / "script.js").read_bytes()) if look.script else None,
        search=_write_asset(folder, "search.js", search_index(record).encode()) if look.script else None,
    )


def _write_asset(folder: Path, name: str, data: bytes) -> str:
    """Write `data` under a name with a hash of it; the path in the report."""
    stem, dot, suffix = name.partition(".")
    path = f"{ASSETS}/{stem}-{hashlib.sha256(data).hexdigest()[:10]}{dot}{suffix}"
    (folder / ASSETS).mkdir(exist_ok=True)
    (folder / path).write_bytes(data)
    return path


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
