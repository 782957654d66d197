"""What a collection says of its reports, as data: `collection.json` in its folder."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from reportgen.errors import ReportgenError, one_line
from reportgen.facts import Fact
from reportgen.finished.site_folders import CONTENT
from reportgen.opening import read_regular
from reportgen.plain_json import parse_json
from reportgen.record.paths import PicturePath

# A name that is a part of a path: what this program makes of the name of a folder.
_SLUG = r"^[a-z0-9][a-z0-9_-]{0,150}$"


class EntryMeasure(Fact):
    """A figure of a report that is followed over time."""

    name: str
    title: str
    value: float
    words: str
    better: Literal["higher", "lower"] | None


class Glimpse(Fact):
    """A picture in the report that stands for what changed: its path there, and what it shows."""

    picture: PicturePath
    alt: str
    width: int
    height: int


class Entry(Fact):
    """A report of a collection: `slug` is its folder, `added` its place in the order in which reports were added."""

    slug: str = Field(pattern=_SLUG)
    added: int
    sha256: str
    title: str
    network: str
    what: str
    tags: dict[str, str]
    counts: dict[str, int]
    measures: tuple[EntryMeasure, ...]
    glimpse: Glimpse | None

    @property
    def order(self) -> tuple[float, float, int]:
        """Where it stands among the others: by its date, then its step, then as it was added."""
        return _moment(self.tags.get("date")), _number(self.tags.get("step")), self.added

    @property
    def unordered(self) -> list[str]:
        """A line for each tag that is there to order by and does not say where the report stands."""
        wanted = (("date", "a date such as 2026-05-31", _moment), ("step", "a number", _number))
        return [
            f"{self.slug}: the tag {key}={self.tags[key]} is not {words}, which reports are ordered by; "
            f"it stands among those without a {key}"
            for key, words, place in wanted
            if key in self.tags and place(self.tags[key]) == -math.inf
        ]

    @property
    def label(self) -> str:
        """What tells it from the others in few words: its step or date, else its folder."""
        named = next((key for key in ("step", "date") if self.tags.get(key)), None)
        return self.slug if named is None else f"{named} {self.tags[named]}"


class Neighbours(Fact):
    """The comparison of two reports that stand side by side: their folders, its folder, and its first sentence."""

    before: str = Field(pattern=_SLUG)
    after: str = Field(pattern=_SLUG)
    folder: str = Field(pattern=_SLUG)
    words: tuple[str, ...]
    picture: Glimpse | None = None  # of the later one, the figure that changed most


class Content(Fact):
    """All of `collection.json`: entries from the oldest to the newest, and the comparisons between them."""

    schema_version: Literal["1.0"] = "1.0"
    title: str
    entries: tuple[Entry, ...]
    comparisons: tuple[Neighbours, ...]

    @model_validator(mode="after")
    def _check_folders(self) -> Content:
        """Refuse two reports or comparisons in one folder, and comparisons of what is not there."""
        places = [entry.slug for entry in self.entries]
        for what, names in (("reports", places), ("comparisons", [one.folder for one in self.comparisons])):
            if len(set(names)) < len(names):
                raise ValueError(f"expected a folder for each of its {what}, two have one")
        between = [(one.before, one.after) for one in self.comparisons]
        if not {slug for pair in between for slug in pair} <= set(places) or len(set(between)) < len(between):
            raise ValueError("expected one comparison of two of its reports, got another")
        return self

    def between(self, before: str, after: str) -> Neighbours | None:
        """The comparison of two neighbours."""
        return next((one for one in self.comparisons if (one.before, one.after) == (before, after)), None)


def in_order(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Entries from the oldest to the newest; those without a date or a step before those that have one."""
    return tuple(sorted(entries, key=lambda entry: entry.order))


def _moment(text: str | None) -> float:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return -math.inf
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def _number(text: str | None) -> float:
    try:
        number = float(text or "")
    except ValueError:
        return -math.inf
    return number if math.isfinite(number) else -math.inf


def read_content(folder: Path) -> Content:
    """What the collection in `folder` says.

    Raises:
        ReportgenError: there is none, or it is not what this version writes.
    """
    file = folder / CONTENT
    try:
        # Texts and numbers alone: the tuples of a collection are lists in JSON.
        return Content.model_validate(parse_json(read_regular(file, "manifest", through_links=False)))
    except OSError as error:
        raise ReportgenError(f"expected a collection at {folder}, cannot read {file}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "top"
        raise ReportgenError(
            f"{one_line(file, 80)} is no content of a collection: {one_line(where, 60)}: "
            f"{one_line(first['msg'].removeprefix('Value error, '), 80)}; collect the reports anew"
        ) from error
    except ValueError as error:
        raise ReportgenError(
            f"{one_line(file, 80)} is no content of a collection: {one_line(error, 100)}; collect the reports anew"
        ) from error


def dump_content(content: Content) -> str:
    """The text of `collection.json`."""
    return content.model_dump_json(indent=1) + "\n"


def neighbours(entries: Sequence[Entry]) -> list[tuple[Entry, Entry]]:
    """Each entry with the one after it."""
    return list(itertools.pairwise(entries))
