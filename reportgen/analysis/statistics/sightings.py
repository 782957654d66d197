"""The images that excite a channel most, and what in them the channel saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reportgen.facts import Placement
from reportgen.results import LayerSummary, TopActivation

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Sighting:
    """An image that excites a channel, by its place in the set, and where in it.

    `box` is `(top, left, bottom, right)` in the image's own pixels: the receptive field at the position of
    the highest value, clipped to what of the photograph the network got; None where the layer has no
    receptive field or its output no positions.
    """

    place: int
    value: float
    position: tuple[int, int] | None
    box: Box | None


def seen_box(
    layer: LayerSummary,
    position: tuple[int, int] | None,
    placement: Placement,
    photo: tuple[int, int],
    size: tuple[int, int],
) -> Box | None:
    """What of a photograph stands in the receptive field of a position of `layer`.

    Args:
        position: `(y, x)` in the layer's map.
        placement: how the photograph was fitted into the network's input.
        photo: height and width of the photograph.
        size: height and width of the network's input.

    Returns:
        `(top, left, bottom, right)` in pixels of the photograph, at least one pixel.
    """
    if position is None or layer.receptive_field is None:
        return None
    top, left, bottom, right = layer.receptive_field.box(*position)
    clipped = max(0.0, top), max(0.0, left), min(float(size[0]), bottom), min(float(size[1]), right)
    return _at_least_one_pixel(placement.box(clipped, *photo), *photo)


def _at_least_one_pixel(box: Box, height: int, width: int) -> Box:
    """`box` with no side of nothing, as in the margin of a padded photograph."""
    top, left = min(box[0], height - 1), min(box[1], width - 1)
    return top, left, max(box[2], top + 1), max(box[3], left + 1)


@dataclass(frozen=True)
class Wanted:
    """One of the top images of a channel: which channel, its rank among them, and where the value stands."""

    layer: str
    channel: int
    rank: int
    top: TopActivation


def wanted_by_image(tops: Mapping[tuple[str, int], Sequence[TopActivation]]) -> dict[int, list[Wanted]]:
    """The top images of channels `(layer, channel)`, best first, by place of the image: each is loaded once."""
    by_place: dict[int, list[Wanted]] = {}
    for (layer, channel), found in tops.items():
        for rank, top in enumerate(found):
            by_place.setdefault(top.place, []).append(Wanted(layer, channel, rank, top))
    return by_place
