"""A page of the report, before it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reportgen.site.outline import Link, OutlineGroup

FRONT = "index.html"
LAYERS = "layers/index.html"
IMAGES = "images/index.html"
UNITS = "units/index.html"
GRAPH = "graph.html"
EVALUATION = "evaluation.html"
OUTPUTS = "outputs.html"

HOME = Link("Overview", FRONT)


@dataclass(frozen=True)
class Page:
    """A page to be written from `template` with `view`; `here` is the layer its place in the strip is marked at."""

    path: str
    title: str
    template: str
    view: object
    crumbs: tuple[Link, ...] = ()
    parent: str | None = None
    here: str | None = None
    previous: Link | None = None
    next: Link | None = None
    listed: bool = False  # in the outline, among the general pages
    short: str | None = None  # what the pages before and after call it, where that is not its title

    @property
    def root(self) -> str:
        """The way from the page to the report's folder, such as `../`; empty for pages in the folder itself."""
        return "../" * self.path.count("/")

    def is_in(self, group: OutlineGroup) -> bool:
        """Whether the page, or the one it lies below, is in a group of the outline."""
        paths = {group.page, *(link.page for link in group.links)}
        return self.path in paths or self.parent in paths


def chained(pages: Sequence[Page]) -> list[Page]:
    """Pages with each one's neighbours set."""
    links = [Link(page.short or page.title, page.path) for page in pages]
    return [
        replace(page, previous=before, next=after)
        for page, before, after in zip(pages, [None, *links], [*links[1:], None], strict=False)
    ]
