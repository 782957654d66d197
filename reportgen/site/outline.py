"""The outline on every page: all there is to go to, shortened where it would be longer than the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# So many layers or images are listed on every page; of more, those around the page one is on.
MOST_LISTED = 50
_AROUND = 12


@dataclass(frozen=True)
class Link:
    """A page (a path in the report, maybe with `#fragment`) and what it is called in a list."""

    text: str
    page: str


@dataclass(frozen=True)
class OutlineGroup:
    """A heading of the outline with links under it; `total` is how many there are where not all are listed."""

    title: str
    page: str
    links: tuple[Link, ...]
    names: bool  # the links are names of layers or files, not words
    total: int | None = None


@dataclass(frozen=True)
class Outline:
    """All groups, complete; a page asks for what it shows."""

    general: tuple[Link, ...]
    groups: tuple[OutlineGroup, ...]

    def around(self, page: str, parent: str | None) -> tuple[OutlineGroup, ...]:
        """The groups as they stand on `page`, which lies below `parent`; long ones cut to the neighbourhood.

        The many pages of single channels, and further pages of a layer or an image, list their own group alone.
        """
        here = {page, parent}
        return tuple(_cut(group, here, listed=page.count("/") < 2 or _holds(group, here)) for group in self.groups)


def _holds(group: OutlineGroup, here: set[str | None]) -> bool:
    return not here.isdisjoint({group.page, *(link.page for link in group.links)})


def _cut(group: OutlineGroup, here: set[str | None], *, listed: bool) -> OutlineGroup:
    if not listed:
        return OutlineGroup(group.title, group.page, (), group.names)
    if len(group.links) <= MOST_LISTED:
        return group
    shown = _window(group.links, here)
    return OutlineGroup(group.title, group.page, shown, group.names, len(group.links))


def _window(links: Sequence[Link], here: set[str | None]) -> tuple[Link, ...]:
    """The links around the page one is on, else the first ones."""
    place = next((index for index, link in enumerate(links) if link.page in here), 0)
    start = max(0, min(place - _AROUND, len(links) - 2 * _AROUND - 1))
    return tuple(links[start : start + 2 * _AROUND + 1])
