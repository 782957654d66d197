"""Why an image was taken for what it is not, as its page shows it: both classes side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from reportgen.record import Contrast, ContrastChannel, ContrastSide, Image, Tile
from reportgen.site.catalogue import Catalogue
from reportgen.site.figures import FigureGroup, FigureView, view_figure


@dataclass(frozen=True)
class SideView:
    """One of the two classes: its map on the image, and the image of that class most like it, where there is one.

    `role` says what the class is to the image; of `likeness` and `tile` at most one shows the nearest image.
    """

    subject: str
    role: str
    map: FigureGroup | None
    nearest: str | None
    page: str | None
    likeness: FigureView | None
    tile: Tile | None


@dataclass(frozen=True)
class ChannelEvidence:
    """A channel that spoke for one class over the other, its page, and what it serves elsewhere."""

    shown: ContrastChannel
    page: str | None
    image_page: str | None
    likeness: FigureView | None


@dataclass(frozen=True)
class ContrastView:
    """A mistake: the class named, the right one, their difference, and the channels that made it."""

    shown: Contrast
    sides: tuple[SideView, SideView]
    difference: FigureGroup
    layer_page: str | None
    channels: tuple[tuple[ChannelEvidence, ...], tuple[ChannelEvidence, ...]]  # for the answer, for what is right

    @property
    def groups(self) -> frozenset[str]:
        """The ids of the groups of figures that stand in it."""
        shown = (self.difference, *(side.map for side in self.sides))
        return frozenset(group.id for group in shown if group is not None)


def view_contrasts(image: Image, groups: Sequence[FigureGroup], catalogue: Catalogue) -> tuple[ContrastView, ...]:
    """The mistakes made on an image, of whose figures `groups` are all; none where pictures were left out."""
    by_name = {group.first.figure.group: group for group in groups}
    found = []
    for contrast in catalogue.contrasts_of_image.get(image.file, ()):
        figure = catalogue.figures.get(contrast.figure)
        difference = by_name.get(figure.group) if figure is not None else None
        if difference is not None:
            found.append(_view(contrast, image, difference, by_name, catalogue))
    return tuple(found)


def _view(
    contrast: Contrast,
    image: Image,
    difference: FigureGroup,
    by_name: dict[str | None, FigureGroup],
    catalogue: Catalogue,
) -> ContrastView:
    maps = _maps_of_layer(contrast, image, by_name, catalogue)
    rows = [_channel(one, contrast, catalogue) for one in contrast.channels]
    return ContrastView(
        shown=contrast,
        sides=(
            _side(contrast.answer, "the answer", maps.get("predicted"), catalogue),
            _side(contrast.right, "the right class", maps.get("truth"), catalogue),
        ),
        difference=difference,
        layer_page=catalogue.layer_page(contrast.layer),
        channels=(
            tuple(row for row in rows if row.shown.evidence > 0),
            tuple(row for row in reversed(rows) if row.shown.evidence < 0),
        ),
    )


def _maps_of_layer(
    contrast: Contrast, image: Image, by_name: dict[str | None, FigureGroup], catalogue: Catalogue
) -> dict[str, FigureGroup | None]:
    """The maps of the two classes by their kind, of the method that found most; the first of those alike."""
    found: dict[str, dict[str, FigureGroup | None]] = {}
    telling: Counter[str] = Counter()
    for one in image.attributions:
        figure = catalogue.figures.get(one.figure or "")
        if (one.layer, one.output) == (contrast.layer, contrast.output) and figure is not None:
            found.setdefault(one.method, {}).setdefault(one.target.kind, by_name.get(figure.group))
            telling[one.method] += one.positive_evidence
    return found[max(found, key=lambda method: telling[method])] if found else {}


def _side(side: ContrastSide, role: str, shown: FigureGroup | None, catalogue: Catalogue) -> SideView:
    likeness = catalogue.likenesses.get(side.nearest or "")
    return SideView(
        subject=side.subject,
        role=role,
        map=shown,
        nearest=side.nearest,
        page=catalogue.image_page(side.nearest),
        likeness=None if likeness is None else view_figure(likeness, catalogue),
        tile=catalogue.record.thumbnails.get(side.nearest or "") if likeness is None else None,
    )


def _channel(one: ContrastChannel, contrast: Contrast, catalogue: Catalogue) -> ChannelEvidence:
    likeness = catalogue.likenesses.get(one.image or "")
    return ChannelEvidence(
        shown=one,
        page=catalogue.channel_page(contrast.layer, one.channel),
        image_page=catalogue.image_page(one.image),
        likeness=None if likeness is None else view_figure(likeness, catalogue),
    )
