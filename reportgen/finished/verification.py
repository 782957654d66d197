"""Whether a report is whole: every file as the manifest says, every link and fragment leading somewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from reportgen.files.manifest import MANIFEST, read_manifest
from reportgen.site.links import PageLinks, css_addresses, is_outside, read_links, resolve


def verify_report(folder: Path) -> list[str]:
    """What is wrong with the report in `folder`, a line each; empty where nothing is.

    Raises:
        ReportgenError: `folder` has no manifest that could be read.
    """
    expected = read_manifest(folder)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
    return [*_file_problems(folder, expected, found), *_link_problems(folder, found)]


def _file_problems(folder: Path, expected: Mapping[str, str], found: set[str]) -> Iterator[str]:
    for name in sorted(set(expected) | found):
        if name not in found:
            yield f"{name}: missing"
        elif name not in expected:
            yield f"{name}: not in {MANIFEST}"
        elif hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected[name]:
            yield f"{name}: changed since the report was made"


def _link_problems(folder: Path, found: set[str]) -> Iterator[str]:
    pages = {
        name: read_links((folder / name).read_text(encoding="utf-8", errors="replace"))
        for name in sorted(found)
        if name.endswith(".html")
    }
    for name, links in pages.items():
        for repeated in sorted(links.repeated):
            yield f"{name}: the id {repeated!r} is used more than once"
        for address in dict.fromkeys(links.addresses):
            problem = _link_problem(name, address, pages, found)
            if problem is not None:
                yield f"{name}: {problem}"
    for name in sorted(found):
        if name.endswith(".css"):
            for address in css_addresses((folder / name).read_text(encoding="utf-8", errors="replace")):
                problem = _link_problem(name, address, pages, found)
                if problem is not None:
                    yield f"{name}: {problem}"


def _link_problem(name: str, address: str, pages: Mapping[str, PageLinks], found: set[str]) -> str | None:
    """What is wrong with `address` on the page or in the style sheet `name`."""
    if address.startswith("data:"):
        return None
    if is_outside(address):
        return f"refers to {address!r}, outside the report"
    target, fragment = resolve(name, address)
    if target not in found and target != MANIFEST:
        return f"link to {address!r} leads nowhere"
    if fragment and target in pages and fragment not in pages[target].ids:
        return f"link to {address!r}: the page has no such part"
    return None
