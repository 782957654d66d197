"""Several reports as one site, over time: each as it is, comparisons of neighbours, an index with their figures."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from reportgen.errors import ReportgenError
from reportgen.files.inside import Inside
from reportgen.files.locks import steady
from reportgen.files.manifest import MANIFEST, file_digest, kind_of, read_manifest, write_manifest
from reportgen.files.replacing import replacing_folder
from reportgen.files.slugs import slugs
from reportgen.files.targets import absolute
from reportgen.files.workplaces import settle_left
from reportgen.finished.collection_content import (
    Content,
    Entry,
    EntryMeasure,
    Glimpse,
    Neighbours,
    dump_content,
    in_order,
    neighbours,
    read_content,
)
from reportgen.finished.collection_pages import collection_markdown, write_index
from reportgen.finished.comparing import make_comparison
from reportgen.finished.comparison import Comparison, compare
from reportgen.finished.comparison_words import sentences
from reportgen.finished.opened import odd_pages_told, opened_report
from reportgen.finished.site_folders import CHANGES, CONTENT, REPORTS, SUMMARY_NAME
from reportgen.finished.summary import summarize
from reportgen.record import RECORD_NAME, Figure, Record, read_record
from reportgen.site.page import FRONT
from reportgen.site.writer import write_text

DEFAULT_TITLE = "Reports over time"

# Kinds of figures that stand for a report where nothing changed, the best first.
_GLIMPSES = ("photo", "input", "feature_maps", "filters")


def collect_reports(
    reports: Sequence[Path], site: Path, *, title: str | None = None, force: bool = False, anew: bool = False
) -> Path:
    """Make a site of `reports`, or add them to the one in `site`; what is there already stays as it is.

    Args:
        reports: folders of reports. One that is in the site already, byte for byte, is left out.
        site: the folder of the collection.
        title: of the collection; by default that which it has.
        force: replace a folder that this program did not make.
        anew: leave out what is in the site.

    Raises:
        ReportgenError: one of `reports` is no report, or `site` is not to be replaced.
    """
    settle_left(absolute(site))
    with ExitStack() as reading, replacing_folder(site, "collection", force=force) as new:
        reading.enter_context(steady(site))
        before = read_content(site) if not anew and kind_of(site) == "collection" else None
        old = before or Content(title=DEFAULT_TITLE, entries=(), comparisons=())
        known = _keep(site, new, old) if before is not None else {}
        reading.close()  # nothing more is read of it, and what takes its place waits for that
        added = _new_entries(reports, old)
        for report, entry in added.items():
            _copy_report(report, new / REPORTS / entry.slug, entry)
        with odd_pages_told(site):
            entries = in_order([*old.entries, *added.values()])
            comparisons = _compare_neighbours(entries, old, new)
            content = Content(title=title or old.title, entries=entries, comparisons=comparisons)
            write_text(new / CONTENT, dump_content(content))
            write_index(content, new)
            write_text(new / SUMMARY_NAME, collection_markdown(content))
        write_manifest(new, "collection", known)
    return site


def _new_entries(reports: Sequence[Path], old: Content) -> dict[Path, Entry]:
    """An entry for each report that is not in the collection yet, by its folder."""
    known, taken = {entry.sha256 for entry in old.entries}, [entry.slug for entry in old.entries]
    found: dict[Path, Entry] = {}
    for report in reports:
        if not report.is_dir() or kind_of(report) != "report":
            raise ReportgenError(
                f"expected the folder of a report, got {report}; "
                "make one with `reportgen build`, and name each by itself"
            )
        digest = file_digest(Inside(report).find(RECORD_NAME, RECORD_NAME))
        if digest in known:
            continue
        known.add(digest)
        slug = _free_slug(report.resolve().name, taken)
        taken.append(slug)
        with opened_report(report) as opened, odd_pages_told(report):
            found[report] = _entry(opened.record, slug, digest, len(taken) - 1)
    return found


def _free_slug(name: str, taken: Sequence[str]) -> str:
    """A folder's name that is none of `taken`."""
    wanted = slugs([name])[name]
    return next(
        slug for slug in (wanted, *(f"{wanted}-{number}" for number in range(2, len(taken) + 3))) if slug not in taken
    )


def _entry(record: Record, slug: str, digest: str, place: int) -> Entry:
    said = summarize(record)
    return Entry(
        slug=slug,
        added=place,
        sha256=digest,
        title=said.title,
        network=said.network,
        what=said.what,
        tags=said.tags,
        counts=said.counts,
        measures=tuple(EntryMeasure(**asdict(measure)) for measure in said.measures),
        glimpse=_glimpse(next((one for kind in _GLIMPSES for one in record.figures if one.kind == kind), None)),
    )


def _glimpse(figure: Figure | None) -> Glimpse | None:
    if figure is None:
        return None
    return Glimpse(picture=figure.picture, alt=figure.alt, width=figure.width, height=figure.height)


def _keep(site: Path, new: Path, old: Content) -> dict[str, str]:
    """Take over the reports and comparisons of `site`: as links to the same files, where the file system has them.

    Gives what the manifest of `site` says of them: what was changed since stays told by `verify`. What its manifest
    does not list is not ours.
    """
    manifest = read_manifest(site)
    folders = [f"{REPORTS}/{entry.slug}/" for entry in old.entries]
    folders += [f"{CHANGES}/{one.folder}/" for one in old.comparisons]
    for folder in folders:
        if f"{folder}{FRONT}" not in manifest or not (site / folder).is_dir():
            raise ReportgenError(f"expected {folder} in the collection {site}, it is gone; collect the reports anew")
    kept, inside = set(folders), Inside(site, "collect the reports anew")
    known = {name: digest for name, digest in manifest.items() if "/".join(name.split("/")[:2]) + "/" in kept}
    for name in known:
        _link_or_copy(inside, name, new)
    return known


def _link_or_copy(inside: Inside, name: str, target: Path) -> None:
    source = inside.find(name, MANIFEST)
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target / name, follow_symlinks=False)
    except OSError:
        inside.copy(name, MANIFEST, target)


def _copy_report(report: Path, target: Path, entry: Entry) -> None:
    """Copy the files of a report's manifest, and the manifest; what else lies in its folder is not the report's.

    Raises:
        ReportgenError: one of them is not what it should be, or another report took its place since it was read.
    """
    with steady(report):
        inside = Inside(report)
        for name in (*read_manifest(report), MANIFEST):
            inside.copy(name, MANIFEST, target)
    if file_digest(target / RECORD_NAME) != entry.sha256:
        raise ReportgenError(f"expected {report} to stay as it was, another report took its place; collect again")


def _compare_neighbours(entries: Sequence[Entry], old: Content, new: Path) -> tuple[Neighbours, ...]:
    """Comparisons of all neighbours: those that are there are kept, those of reports no longer side by side go."""
    pairs = neighbours(entries)
    found = {(a.slug, b.slug): old.between(a.slug, b.slug) for a, b in pairs}
    for one in old.comparisons:
        if (one.before, one.after) not in found:
            shutil.rmtree(new / CHANGES / one.folder)
    records: dict[str, Record] = {}
    for before, after in pairs:
        if found[before.slug, after.slug] is None:
            records = {slug: record for slug, record in records.items() if slug in (before.slug, after.slug)}
            for entry in (before, after):
                records.setdefault(entry.slug, read_record(new / REPORTS / entry.slug))
            found[before.slug, after.slug] = _compare(before, after, records, new)
    return tuple(one for one in found.values() if one is not None)


def _compare(before: Entry, after: Entry, records: dict[str, Record], new: Path) -> Neighbours:
    folders = new / REPORTS / before.slug, new / REPORTS / after.slug
    with odd_pages_told(folders[1]):
        comparison = compare(records[before.slug], records[after.slug], folders)
    # "a to b-to-c" and "a-to-b to c" are two.
    taken = [path.name for path in (new / CHANGES).iterdir()] if (new / CHANGES).is_dir() else []
    folder = _free_slug(f"{before.slug} to {after.slug}", taken)
    (new / CHANGES / folder).mkdir(parents=True)
    make_comparison(comparison, folders, new / CHANGES / folder)
    return Neighbours(
        before=before.slug,
        after=after.slug,
        folder=folder,
        words=sentences(comparison, ("the one before", "this one")),
        picture=_most_changed(comparison),
    )


def _most_changed(comparison: Comparison) -> Glimpse | None:
    """Of the later report, the picture of an answer that changed, else the figure that changed most."""
    changed: Iterable[Figure] = (pair.second for pair in comparison.figures if pair.apart)
    return _glimpse(next(iter(changed), None))
