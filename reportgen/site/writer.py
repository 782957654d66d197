"""Pages to files: assets under names that follow their content, and every page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex

from jinja2 import Environment

from reportgen.files.hashed import hashed_name
from reportgen.record import RECORD_NAME, Record
from reportgen.record.addresses import section_page
from reportgen.site.environment import make_environment, template_directory
from reportgen.site.front import summarize_model
from reportgen.site.outline import Outline
from reportgen.site.page import FRONT, Page
from reportgen.site.pages import outline_of, settle_pages
from reportgen.site.search import Entry, page_entry, search_entries, search_script
from reportgen.site.strip import StripBlock, draw_strip
from reportgen.site.template_faults import template_faults_told

NO_JEKYLL = ".nojekyll"
ASSETS = "assets"


@dataclass(frozen=True)
class Assets:
    """The files all pages use, as paths in the site; None without script."""

    icon: str
    style: str
    script: str | None
    search: str | None


@dataclass(frozen=True)
class SiteView:
    """What all pages share; the files are paths in the site. `record` is None where no record belongs to the pages."""

    title: str
    description: str
    generator: str
    created: str | None
    logo: str | None
    css: str | None
    record: str | None
    assets: Assets


def write_site(record: Record, folder: Path, *, templates: Path | None = None) -> None:
    """Write every page of `record` and what they need into `folder`, which holds its pictures already.

    Args:
        record: all the pages say.
        folder: the report's folder.
        templates: a folder whose templates go before the report's own.
    """
    with template_faults_told(templates):
        _write_site(record, folder, make_environment(templates))


def _write_site(record: Record, folder: Path, environment: Environment) -> None:
    """Write the site with the templates of `environment`."""
    pages = settle_pages(record)
    outline, strip = outline_of(record, pages), draw_strip(record)
    assets = _write_look(folder, script=record.site.script)
    # The name of what is searched follows the words of the pages that name it: they are made with another in its
    # place, which stands nowhere else, and get the true one when all words are known.
    stand_in = token_hex(16)
    unsearched = view_site(record, replace(assets, search=stand_in if record.site.script else None))
    listed = {
        page.path: render_page(environment, page, unsearched, outline, strip)
        for page in pages
        if page.listed or page.path == FRONT
    }
    if record.site.script:
        found_by = _words(record)
        titles = {page.path: page.title for page in pages}
        entries = [page_entry(titles[path], path, text, found_by.get(path, ())) for path, text in listed.items()]
        search = search_script([*entries, *search_entries(record)])
        assets = replace(assets, search=_write_asset(folder, "search.js", search.encode()))
    site = view_site(record, assets)
    for page in pages:
        made = listed.pop(page.path, None)
        text = render_page(environment, page, site, outline, strip) if made is None else made
        write_text(folder / page.path, text.replace(stand_in, site.assets.search or ""))
    finish_site(folder)


def _words(record: Record) -> dict[str, tuple[str, ...]]:
    """The words that sections want to be found by, by the path of their pages."""
    return {section_page(section.slug): section.words for section in record.sections}


def view_site(record: Record, assets: Assets) -> SiteView:
    """What all pages of a report share."""
    return SiteView(
        title=record.site.title,
        description=summarize_model(record.model),
        generator=f"{record.generator.name} {record.generator.version}",
        created=record.provenance.created,
        logo=record.site.logo,
        css=record.site.css,
        record=RECORD_NAME,
        assets=assets,
    )


def render_page(
    environment: Environment, page: Page, site: SiteView, outline: Outline, strip: Sequence[StripBlock]
) -> str:
    """The text of one page."""
    return environment.get_template(page.template).render(
        page=page, view=page.view, site=site, outline_of_site=outline, strip=strip
    )


def finish_site(folder: Path) -> None:
    """Write what a static host asks for: GitHub's would leave out files without it."""
    (folder / NO_JEKYLL).write_bytes(b"")


def write_assets(folder: Path, entries: Iterable[Entry] | None) -> Assets:
    """Write icon, style and, where there are `entries` to search, the script and what it searches."""
    if entries is None:
        return _write_look(folder, script=False)
    search = _write_asset(folder, "search.js", search_script(entries).encode())
    return replace(_write_look(folder, script=True), search=search)


def _write_look(folder: Path, *, script: bool) -> Assets:
    """Write icon, style and, if asked for, the script, with nothing to search yet."""
    names = ("icon.svg", "style.css", *(("script.js",) if script else ()))
    icon, style, *rest = (
        _write_asset(folder, name, (template_directory() / ASSETS / name).read_bytes()) for name in names
    )
    return Assets(icon, style, script=rest[0] if rest else None, search=None)


def _write_asset(folder: Path, name: str, data: bytes) -> str:
    """Write `data` under a name with a hash of it; the path in the site."""
    stem, _, suffix = name.partition(".")
    path = f"{ASSETS}/{hashed_name(stem, data, f'.{suffix}')}"
    (folder / ASSETS).mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(data)
    return path


def write_text(path: Path, text: str) -> None:
    """Write a page, with the same line ends on every system."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
