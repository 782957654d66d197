"""Comparisons and collections as one HTML file, as reports are."""

from __future__ import annotations

import html
import re
from pathlib import Path

from reportgen._version import __version__
from reportgen.errors import GateError
from reportgen.files.inside import Inside
from reportgen.files.locks import steady
from reportgen.files.manifest import kind_of, read_manifest
from reportgen.files.replacing import replacing_file
from reportgen.files.targets import absolute
from reportgen.files.workplaces import settle_left
from reportgen.finished.bundle import (
    OUTLINE,
    PAGES,
    PICTURES,
    STRIP,
    STYLE,
    bundle_report,
    frame_pages,
    own_style,
    write_bundle,
)
from reportgen.finished.opened import odd_pages_told
from reportgen.finished.rewriting import Part, Pictures, page_id
from reportgen.finished.site_folders import CHANGES, REPORTS
from reportgen.site.links import feed_page
from reportgen.site.page import FRONT

_TITLE = re.compile(r"<title>([^<]*)</title>")
_NUMBER = re.compile(r"(\d+)")
_HOLDS = {
    "comparison": "the whole comparison",
    "collection": "the index of the collection; its reports and comparisons are bundled by themselves",
}


def bundle_folder(folder: Path, out: Path, limit: int | None = None, templates: Path | None = None) -> None:
    """Write the report, comparison or collection in `folder`, which stays as it is, as the one file `out`.

    Of a collection this is its index; reports and comparisons are bundled by themselves.

    Raises:
        ReportgenError: `folder` is none of these, or `out` cannot be written.
        GateError: it is larger than `limit` bytes, and, of a report, cannot be made to fit.
    """
    if kind_of(folder) in (None, "report"):
        bundle_report(folder, out, limit, templates)
        return
    text = bundle_site_text(folder)
    size = len(text.encode())
    if limit is not None and size > limit:
        raise GateError(f"--max-size: expected at most {limit:,} bytes, the file has {size:,}; allow more")
    with replacing_file(out) as new:
        write_bundle(text, new)


def bundle_site_text(folder: Path) -> str:
    """The comparison or collection in `folder` as the text of one HTML file.

    Raises:
        ReportgenError: one of its files is missing.
    """
    settle_left(absolute(folder))
    with steady(folder), odd_pages_told(folder):
        return _bundle(folder)


def _bundle(folder: Path) -> str:
    apart = (f"{REPORTS}/", f"{CHANGES}/")
    files = [name for name in read_manifest(folder) if name.endswith(".html") and not name.startswith(apart)]
    ids = {path: page_id(path) for path in sorted(files, key=_reading_order)}
    inside = Inside(folder, "make it again")
    pictures = Pictures(inside, {})

    def part(path: str, wanted: str, prefix: str) -> str:
        taken = Part(page=path, pages=ids, prefix=prefix, wanted=wanted, pictures=pictures)
        feed_page(taken, inside.read_text(path, "a page", "page"))
        return "".join(taken.pieces)

    articles = [
        f'<article class="page" id="{name}">\n{part(path, "main", f"{name}:")}\n</article>\n'
        for path, name in ids.items()
    ]
    inserts = {STYLE: own_style(), STRIP: "", OUTLINE: part(FRONT, "outline", ""), PAGES: "".join(articles)}
    inserts[PICTURES] = pictures.style()
    title = _TITLE.search(inside.read_text(FRONT, "a page", "page"))
    return frame_pages(
        inserts,
        title=html.unescape(title[1]) if title is not None else "",
        generator=f"reportgen {__version__}",
        created=None,
        logo=None,
        holds=_HOLDS.get(str(kind_of(folder)), "the whole site"),
    )


def _reading_order(path: str) -> tuple[object, ...]:
    """The front page first, then pages in the order of their numbers, those in folders last."""
    parts = [(int(part), "") if part.isdigit() else (-1, part) for part in _NUMBER.split(path)]
    return path != FRONT, path.count("/"), parts
