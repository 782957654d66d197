"""What a pass keeps for the review is the same for any split of the images, stored in between or not."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.analysis.reviewing import Review, Reviewing
from reportgen.analysis.statistics.kept_beside import SeenImage

COUNT = 60
OUTPUT = SettledOutput(0, "answer", "classes", (None, 2), (2,), "told", activation="softmax")
TRUTH = np.random.default_rng(0).integers(-1, 2, COUNT).astype(np.int32)
KEEPING = Reviewing(OUTPUT, TRUTH, "layer", 0)


def seen(index: int) -> SeenImage:
    random = np.random.default_rng(index)
    first = random.random()
    pixels = random.integers(0, 256, (28, 28, 1), np.uint8)
    scores = np.array([first, 1 - first], np.float32)
    return SeenImage(index, pixels, scores, random.normal(size=50).astype(np.float32))


def merged(parts: Iterable[Iterable[int]], *, stored: bool) -> Review:
    whole = KEEPING.begin()
    for part in parts:
        kept = KEEPING.begin()
        kept.add([seen(index) for index in part])
        whole.merge(KEEPING.loaded(kept.to_arrays()) if stored else kept)
    return whole


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("parts", [[range(40, 60), range(7), range(7, 40)], [[index] for index in range(COUNT)]])
def test_any_split_gives_the_same_bits(parts: list[Iterable[int]], stored: bool) -> None:
    one, other = merged([range(COUNT)], stored=False), merged(parts, stored=stored)
    assert one.answers is not None
    assert other.answers is not None
    first, second = one.answers.result(), other.answers.result()
    assert first.unmatched == second.unmatched == (TRUTH < 0).sum()
    assert (first.accuracy, first.ece, first.nll, first.brier) == (
        second.accuracy, second.ece, second.nll, second.brier,
    )  # fmt: skip
    assert one.second is not None
    assert other.second is not None
    assert one.second.result() == other.second.result()
    assert one.images.result().features.tobytes() == other.images.result().features.tobytes()
    assert one.images.result().digest.tobytes() == other.images.result().digest.tobytes()
    assert one.properties.sorted()["brightness"].tobytes() == other.properties.sorted()["brightness"].tobytes()
