"""Which classes are meant, and whether just the right labels are given."""

from __future__ import annotations

import pytest

from reportgen.class_names import labels_agree, match_label
from reportgen.facts import Prediction

NAMES = ("sky", "sea, ocean", "road")


def best(**scores: float) -> list[Prediction]:
    return [Prediction(index=int(key[1:]), label=NAMES[int(key[1:])], score=score) for key, score in scores.items()]


@pytest.mark.parametrize(
    ("given", "scores", "agree"),
    [
        ("sea, ocean|sky", {"_0": 0.9, "_1": 0.8, "_2": 0.1}, True),
        ("Ocean|SKY|sky", {"_0": 0.9, "_1": 0.8, "_2": 0.1}, True),
        ("sky", {"_0": 0.9, "_1": 0.8, "_2": 0.1}, False),
        ("sky|sea|road", {"_0": 0.9, "_1": 0.8, "_2": 0.5}, False),
        ("sky|road", {"_0": 0.9, "_1": 0.8, "_2": 0.1}, False),
        ("0|1", {"_0": 0.9, "_1": 0.8, "_2": 0.1}, True),
        ("sky|moon", {"_0": 0.9, "_1": 0.8, "_2": 0.1}, False),
        ("sky|sea", {"_0": 0.9, "_1": 0.8}, None),
        ("sky", {"_0": 0.9, "_1": 0.3}, True),
    ],
)
def test_labels_agree_where_just_those_given_are_likely(
    given: str, scores: dict[str, float], agree: bool | None
) -> None:
    assert labels_agree(given, best(**scores), 3) is agree


@pytest.mark.parametrize(
    ("given", "index"), [("cat", 1), ("dog", None), ("hound", None), ("2", None), ("background", 0)]
)
def test_names_beyond_the_classes_are_of_none(given: str, index: int | None) -> None:
    assert match_label(given, ["background", "cat", "dog, hound"], 2) == index


@pytest.mark.parametrize(
    ("given", "index"), [("gong", 1), ("Tam-tam", 1), ("bell", 0), ("chime, bell, gong", 0), ("tub", 2)]
)
def test_a_first_name_is_of_its_class_before_one_among_several(given: str, index: int) -> None:
    assert match_label(given, ["chime, bell, gong", "gong, tam-tam", "bath, tub"], 3) == index
