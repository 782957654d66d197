"""What channels are used for: how much each adds to which answers, beside what makes it fire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reportgen.analysis.attribution.explained import Explained

# Of a channel, so many classes and images.
MOST_CLASSES, MOST_IMAGES = 5, 3


@dataclass(frozen=True)
class ClassUse:
    """What a channel adds to an answer, on average over the images that got it; most on the one at `strongest`."""

    label: str
    evidence: float
    images: int
    strongest: int


@dataclass(frozen=True)
class ChannelUse:
    """The answers that a channel serves most, the strongest first, and the places of the images where it adds most.

    Evidence is gradient times activation, summed over positions: in units of the score that is explained.
    """

    layer: str
    channel: int
    classes: tuple[ClassUse, ...]
    images: tuple[tuple[int, float], ...]


def channel_uses(maps: Sequence[Explained], layer: str, channels: Sequence[int]) -> tuple[ChannelUse, ...]:
    """What `channels` of `layer` are used for, by the maps of the answers given; none where there are no such maps."""
    own = [one for one in maps if one.layer == layer and one.channels is not None and one.question.kind == "predicted"]
    # The same image may have maps of two methods on the layer: what its channels add is the same.
    first = {one.image: one for one in reversed(own)}
    return tuple(_use(list(first.values()), layer, channel) for channel in channels) if first else ()


def _use(maps: Sequence[Explained], layer: str, channel: int) -> ChannelUse:
    by_class: dict[str, list[tuple[float, int]]] = {}
    by_image: list[tuple[int, float]] = []
    for one in maps:
        if one.channels is not None:
            value = float(one.channels[channel])
            by_class.setdefault(one.question.subject, []).append((value, one.image))
            by_image.append((one.image, value))
    classes = [
        ClassUse(label, float(np.mean([value for value, _ in own])), len(own), max(own, key=lambda pair: pair[0])[1])
        for label, own in by_class.items()
    ]
    return ChannelUse(
        layer,
        channel,
        tuple(sorted((use for use in classes if use.evidence > 0), key=lambda use: (-use.evidence, use.label)))[
            :MOST_CLASSES
        ],
        tuple(sorted(((image, value) for image, value in by_image if value > 0), key=lambda pair: (-pair[1], pair[0])))[
            :MOST_IMAGES
        ],
    )
