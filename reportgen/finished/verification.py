"""Whether a report is whole: every file as the manifest says, every link and fragment leading somewhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from reportgen.errors import ReportgenError
from reportgen.files.manifest import MANIFEST
from reportgen.site.links import PageLinks, css_addresses, is_outside, read_links, resolve


def verify_report(folder: Path) -> list[str]:
    """What is wrong with the report in `folder`, a line each; empty where nothing is.

    Raises:
        ReportgenError: `folder` has no manifest that could be read.
    """
    expected = read_manifest(folder)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
    return [*_file_problems(folder, expected, found), *_link_problems(folder, found)]


def read_manifest(folder: Path) -> Mapping[str, str]:
    """SHA-256 by path.

    Raises:
        ReportgenError: there is no manifest, or it is not one.
    """
    file = folder / MANIFEST
    try:
        files = json.loads(file.read_text(encoding="utf-8"))["files"]
    except OSError as error:
        raise ReportgenError(
            f"expected a report's folder with a {MANIFEST} at {folder}, found none ({error.strerror}); "
            "make one with `reportgen build`"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ReportgenError(
            f"expected {file} to list the report's files, it does not; make the report again"
        ) from error
    if not isinstance(files, dict) or not all(isinstance(digest, str) for digest in files.values()):
        raise ReportgenError(f"expected {file} to list the report's files, it does not; make the report again")
    return files


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
