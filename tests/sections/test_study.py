from __future__ import annotations

import pytest

from reportgen.facts import Evaluation, Mistake
from reportgen.images import FileSource, ImageFile
from reportgen.sections.study import choose_shown

IMAGES = tuple(ImageFile(f"{number:02d}.png", FileSource(""), "", 8, 8) for number in range(40))


def evaluation(*mistaken: int) -> Evaluation:
    mistakes = tuple(Mistake(image=f"{number:02d}.png", truth="cat", predicted="dog", score=0.9) for number in mistaken)
    return Evaluation(
        images=40,
        accuracy=0.5,
        top5_accuracy=None,
        unmatched=(),
        confusions=(),
        mistakes=mistakes,
        calibration=(),
    )


def shown(count: int, found: Evaluation | None = None) -> list[int]:
    return [int(image.file[:2]) for image in choose_shown(IMAGES, count, found)]


def test_pages_are_spread_evenly_over_the_images() -> None:
    assert shown(8) == [0, 5, 10, 15, 20, 25, 30, 35]
    assert shown(40) == shown(100) == list(range(40))
    assert shown(0) == []


def test_a_quarter_of_the_pages_goes_to_the_most_confident_mistakes() -> None:
    found = shown(8, evaluation(33, 7, 12))
    assert len(found) == 8
    assert {33, 7} <= set(found)
    assert 12 not in found
    assert found == sorted(found)


@pytest.mark.parametrize("count", [0, 3, 39, 40])
def test_there_are_never_more_pages_than_asked_for(count: int) -> None:
    assert len(shown(count, evaluation(0, 5, 39))) == count
