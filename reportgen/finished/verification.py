"""Whether a report is whole: every file as the manifest says, every link and fragment leading somewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from reportgen.errors import ReportgenError, one_line
from reportgen.files.beyond import beyond
from reportgen.files.inside import Inside, regular_files
from reportgen.files.locks import steady
from reportgen.files.manifest import MANIFEST, file_digest, kind_of, read_manifest
from reportgen.files.targets import absolute
from reportgen.files.workplaces import settle_left
from reportgen.site.links import PageLinks, css_addresses, is_outside, read_links, resolve

_CHANGED = "changed since the report was made"


def verify_report(folder: Path) -> list[str]:
    """What is wrong with the report in `folder`, a line each; empty where nothing is.

    What is not in its manifest is the user's and no problem: see `files_beside`.

    Raises:
        ReportgenError: `folder` has no manifest that could be read.
    """
    settle_left(absolute(folder))
    with steady(folder):
        expected = read_manifest(folder)
        if kind_of(folder) is None:
            raise ReportgenError(
                f"expected {one_line(folder / MANIFEST, 100)} to list the pages of a report, comparison or collection, "
                "it does not; make the report again"
            )
        inside = Inside(folder)
        faults = {name: _file_problem(inside, name, digest) for name, digest in sorted(expected.items())}
        readable = [name for name, fault in faults.items() if fault is None or fault.endswith(_CHANGED)]
        problems = [fault for fault in faults.values() if fault is not None]
        problems += _link_problems(inside, readable, {*regular_files(folder), *readable})
        return [one_line(problem) for problem in problems]


def files_beside(folder: Path) -> list[str]:
    """The paths in a report's folder that are none of its own; a folder without any of its files is one.

    What took the place of one of its files, or of a folder above some, is a problem: see `verify_report`.

    Raises:
        ReportgenError: `folder` has no manifest that could be read.
    """
    own = {*read_manifest(folder), MANIFEST}
    places = own.union(str(parent) for path in own for parent in PurePosixPath(path).parents)
    return [path for path in beyond(folder, own) if path not in places]


def _file_problem(inside: Inside, name: str, digest: str) -> str | None:
    """What is wrong with the file `name`, which should have that SHA-256."""
    try:
        (inside.folder / name).lstat()
    except OSError:
        return f"{name}: missing"
    try:
        found = file_digest(inside.find(name, MANIFEST))
    except ReportgenError:
        return f"{name}: a link, or no regular file"
    except OSError as error:
        return f"{name}: cannot be read ({error.strerror})"
    return None if found == digest else f"{name}: {_CHANGED}"


def _link_problems(inside: Inside, names: list[str], found: set[str]) -> Iterator[str]:
    """What is wrong with the links of the pages and style sheets among `names`."""
    pages: dict[str, PageLinks] = {}
    for name in names:
        if name.endswith(".html"):
            try:
                pages[name] = read_links(inside.read(name, MANIFEST, "page").decode("utf-8", "replace"))
            except (ReportgenError, ValueError) as error:
                yield f"{name}: cannot be read as a page ({error})"
    for name, links in pages.items():
        for repeated in sorted(links.repeated):
            yield f"{name}: the id {repeated!r} is used more than once"
        yield from _address_problems(name, links.addresses, pages, found)
    for name in names:
        if name.endswith(".css"):
            try:
                text = inside.read(name, MANIFEST, "style").decode("utf-8", "replace")
            except ReportgenError as error:
                yield f"{name}: cannot be read as a style sheet ({error})"
            else:
                yield from _address_problems(name, css_addresses(text), pages, found)


def _address_problems(
    name: str, addresses: list[str], pages: Mapping[str, PageLinks], found: set[str]
) -> Iterator[str]:
    for address in dict.fromkeys(addresses):
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
