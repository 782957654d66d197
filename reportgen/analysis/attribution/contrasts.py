"""What speaks for the answer that was given rather than for the right one: where, and by which channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.attribution.explained import Explained
from reportgen.analysis.attribution.questions import Question


@dataclass(frozen=True, eq=False)
class Contrast:
    """Why an image was taken for what it is not.

    Gradient of the difference of the two scores times activation, in `layer`: `values` `(rows, columns)` float32 is its
    sum over channels, above zero where the image speaks for the `answer`, below for what is `right`; `channels`
    `(channels,)` its sum over positions. `image` is its place among the images given.
    """

    image: int
    answer: Question
    right: Question
    layer: str
    values: NDArray[np.float32]
    channels: NDArray[np.float32]

    def strongest(self, count: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The channels that speak most for the answer and for what is right, at most `count` each."""
        order = np.argsort(-self.channels, kind="stable").tolist()
        return (
            tuple(channel for channel in order[:count] if self.channels[channel] > 0),
            tuple(channel for channel in order[: -count - 1 : -1] if self.channels[channel] < 0),
        )


def find_contrasts(maps: Sequence[Explained]) -> tuple[Contrast, ...]:
    """The contrast of each mistake that class activation maps were made of, by the first layer they read."""
    first: dict[tuple[int, str, str], Explained] = {}
    for one in maps:
        if one.evidence is not None:
            first.setdefault((one.image, one.question.output, one.question.kind), one)
    found = []
    for (image, output, kind), right in sorted(first.items()):
        answer = first.get((image, output, "predicted")) if kind == "truth" else None
        if answer is not None and answer.layer == right.layer:
            found.append(_contrast(answer, right))
    return tuple(one for one in found if np.isfinite(one.values).all())


def _contrast(answer: Explained, right: Explained) -> Contrast:
    """The evidence is linear in the score, so that of the difference is the difference of the two."""
    assert answer.layer is not None
    assert answer.evidence is not None
    assert right.evidence is not None
    assert answer.channels is not None
    assert right.channels is not None
    return Contrast(
        image=answer.image,
        answer=answer.question,
        right=right.question,
        layer=answer.layer,
        values=answer.evidence - right.evidence,
        channels=answer.channels - right.channels,
    )
