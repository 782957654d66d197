"""The pages of a collection: its reports, the newest first, and their figures as lines over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reportgen import formats
from reportgen._version import __version__
from reportgen.finished.collection_content import Content, Entry, EntryMeasure, Glimpse, Neighbours
from reportgen.finished.markdown import code, escaped
from reportgen.finished.site_folders import CHANGES, REPORTS
from reportgen.site.charts import Trend, draw_trend
from reportgen.site.environment import make_environment
from reportgen.site.outline import Link, Outline
from reportgen.site.page import FRONT, HOME, Page, chained
from reportgen.site.parts import page_links, page_paths, split
from reportgen.site.search import Entry as SearchEntry
from reportgen.site.writer import SiteView, finish_site, render_page, write_assets, write_text

# Reports on one page.
ENTRIES = 40
# What a summary in Markdown lists.
MOST_IN_SUMMARY = 8
_LONGEST = 160
# The first figures of a report without right answers, which say nothing of how right the network is.
_COUNTED = ("errors", "warnings")


@dataclass(frozen=True)
class TrendView:
    """A figure over the reports that have it: `first`, `last` and what became of it, in words."""

    title: str
    trend: Trend
    low: str
    high: str
    words: str


@dataclass(frozen=True)
class EntryView:
    """A report in the list: where it is, what changed since the one before, a picture of that."""

    entry: Entry
    page: str
    tags: tuple[tuple[str, str], ...]
    change: str
    change_page: str | None
    glimpse: Glimpse | None
    picture: str | None


@dataclass(frozen=True)
class CollectionView:
    """The front page of a collection, or a further page of its list."""

    lead: str
    trends: tuple[TrendView, ...]
    constant: tuple[tuple[str, str], ...]
    entries: tuple[EntryView, ...]
    pages: tuple[Link, ...]


def write_index(content: Content, folder: Path) -> None:
    """Write the index of the collection in `folder`, its search, and what its pages need."""
    pages = _settle(content)
    site = SiteView(
        title=content.title,
        description="reports on image networks over time",
        generator=f"reportgen {__version__}",
        created=None,
        logo=None,
        css=None,
        record=None,
        assets=write_assets(folder, _search_entries(content)),
    )
    newest = [Link(_short(entry), f"{REPORTS}/{entry.slug}/{FRONT}") for entry in reversed(content.entries)]
    general = (Link(HOME.text, FRONT), *newest[:ENTRIES])
    environment = make_environment()
    for page in pages:
        write_text(folder / page.path, render_page(environment, page, site, Outline(general, ()), ()))
    finish_site(folder)


def _short(entry: Entry) -> str:
    return entry.title if entry.label == entry.slug else f"{entry.title}, {entry.label}"


def _search_entries(content: Content) -> Iterator[SearchEntry]:
    for entry in reversed(content.entries):
        words = " ".join(f"{key} {value}" for key, value in entry.tags.items())
        yield "report", f"{entry.title} {entry.network} {words}".strip(), f"{REPORTS}/{entry.slug}/{FRONT}"
    for one in reversed(content.comparisons):
        yield "comparison", f"{one.before}, {one.after}", f"{CHANGES}/{one.folder}/{FRONT}"


def _settle(content: Content) -> list[Page]:
    runs = split([_view_entry(entry, content) for entry in reversed(content.entries)], ENTRIES)
    paths = page_paths(FRONT, "index-{}.html", len(runs))
    lines, constant = _trends(content.entries)
    pages = []
    for number, (path, run) in enumerate(zip(paths, runs, strict=True), 1):
        first = number == 1
        view = CollectionView(
            lead=_lead(content) if first else "",
            trends=lines if first else (),
            constant=constant if first else (),
            entries=tuple(run),
            pages=page_links(paths),
        )
        title = content.title if first else f"{content.title}, page {number}"
        pages.append(
            Page(
                path, title, "collection.html.jinja2", view,
                crumbs=() if first else (HOME,), parent=None if first else FRONT,
            )
        )  # fmt: skip
    return chained(pages)


def _lead(content: Content) -> str:
    """How many reports there are, and what the newest changed."""
    many = formats.counted(len(content.entries), "report")
    last = content.comparisons[-1].words[0] if content.comparisons else ""
    return f"{many}, the newest first. {f'The newest against the one before: {last}' if last else ''}".strip()


def _view_entry(entry: Entry, content: Content) -> EntryView:
    before = next((one for one in content.comparisons if one.after == entry.slug), None)
    glimpse = before.picture if before is not None and before.picture is not None else entry.glimpse
    return EntryView(
        entry=entry,
        page=f"{REPORTS}/{entry.slug}/{FRONT}",
        tags=tuple(entry.tags.items()),
        change=before.words[0] if before is not None and before.words else "",
        change_page=None if before is None else f"{CHANGES}/{before.folder}/{FRONT}",
        glimpse=glimpse,
        picture=None if glimpse is None else f"{REPORTS}/{entry.slug}/{glimpse.picture}",
    )


def _trends(entries: Sequence[Entry]) -> tuple[tuple[TrendView, ...], tuple[tuple[str, str], ...]]:
    """A line for each figure that varies; what is the same in all reports as words."""
    series: dict[str, list[tuple[int, Entry, EntryMeasure]]] = {}
    for place, entry in enumerate(entries):
        for measure in entry.measures:
            series.setdefault(measure.name, []).append((place, entry, measure))
    lines, constant = [], []
    for points in series.values():
        values = {measure.value for _, _, measure in points}
        if len(values) == 1 or len(points) < 2:
            constant.append((points[-1][2].title, points[-1][2].words))
            continue
        lines.append(_view_trend(points, len(entries)))
    return tuple(lines), tuple(constant)


def _view_trend(points: Sequence[tuple[int, Entry, EntryMeasure]], count: int) -> TrendView:
    measures = [measure for _, _, measure in points]
    low, high = (pick(measures, key=lambda measure: measure.value) for pick in (min, max))
    last = measures[-1]
    best = {"higher": high, "lower": low}.get(last.better or "")
    extra = "" if best is None else f", best {best.words}" if best.value != last.value else ", the best so far"
    return TrendView(
        title=last.title,
        trend=draw_trend([(place, measure.value) for place, _, measure in points], count),
        low=low.words,
        high=high.words,
        words=f"{measures[0].words} at first ({points[0][1].label}), {last.words} now ({points[-1][1].label}){extra}",
    )


def collection_markdown(content: Content) -> str:
    """The collection in one screen of Markdown: the newest reports, and what each changed."""
    lines = [_line(entry, content) for entry in list(reversed(content.entries))[:MOST_IN_SUMMARY]]
    more = len(content.entries) - MOST_IN_SUMMARY
    blocks = [
        f"# {escaped(content.title, _LONGEST)}",
        f"{formats.counted(len(content.entries), 'report')}, the newest first.",
        "\n".join([*lines, *([f"- and {formats.count(more)} more"] if more > 0 else [])]),
        f"Open [{FRONT}]({FRONT}) for all of it.",
    ]
    return "\n\n".join(blocks) + "\n"


def _quality(measure: EntryMeasure) -> str:
    return f"{escaped(formats.uncapitalized(measure.title), _LONGEST)} {measure.words}"


def _line(entry: Entry, content: Content) -> str:
    before: Neighbours | None = next((one for one in content.comparisons if one.after == entry.slug), None)
    told = [_quality(entry.measures[0])] if entry.measures and entry.measures[0].name not in _COUNTED else []
    told += [
        formats.counted(entry.counts[severity], severity)
        for severity in ("error", "warning")
        if entry.counts.get(severity)
    ]
    change = f" {escaped(before.words[0], 2 * _LONGEST)}" if before is not None and before.words else ""
    return f"- {code(_short(entry), _LONGEST)}: {', '.join(told) or 'no error, no warning'}.{change}"
