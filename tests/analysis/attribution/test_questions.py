"""What is asked about answers of each kind, against what can be read off the answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reportgen.analysis.attribution.questions import Question, ask, why_nothing
from reportgen.analysis.network.settled_output import SettledOutput


def _output(kind: str, size: tuple[int, ...], **changed: Any) -> SettledOutput:
    return SettledOutput(
        index=changed.pop("index", 0), name="out", kind=kind, shape=(None, *size), size=size, reason="", **changed
    )


def _told(questions: list[Question]) -> list[tuple[str, int | None]]:
    return [(question.kind, question.index) for question in questions]


def _ask(output: SettledOutput, answers: Any, truth: Any = None, **options: Any) -> list[list[Question]]:
    array = np.asarray(answers, np.float32)
    return ask(output, array, [f"image-{place}" for place in range(len(array))], truth, **options)


def test_the_predicted_class_the_right_one_and_a_close_second_are_asked_about() -> None:
    output = _output("classes", (3,), activation="softmax", labels=("a", "b", "c"))
    asked = _ask(output, [[0.5, 0.4, 0.1], [0.7, 0.2, 0.1], [0.1, 0.5, 0.4]], [(0,), (2,), (2,)])
    assert [_told(own) for own in asked] == [
        [("predicted", 0), ("runner-up", 1)],
        [("predicted", 0), ("truth", 2)],
        [("predicted", 1), ("truth", 2)],  # the second is the right one: asked about once
    ]
    assert asked[0][1].target.directions.tolist() == [[0, 1, 0]]
    assert asked[1][1].label == "c"
    assert asked[0][0].score == pytest.approx(0.5)


def test_plain_scores_are_close_by_their_probabilities() -> None:
    output = _output("classes", (2,), activation="linear")
    assert _told(_ask(output, [[3.0, 2.9]])[0]) == [("predicted", 0), ("runner-up", 1)]
    assert _told(_ask(output, [[3.0, 1.0]])[0]) == [("predicted", 0)]
    assert _told(_ask(output, [[3.0, 2.9]], close=1.0)[0]) == [("predicted", 0)]


@pytest.mark.parametrize(("score", "index", "direction"), [(0.8, 1, 1.0), (0.3, 0, -1.0)])
def test_one_number_speaks_for_the_second_of_two_classes(score: float, index: int, direction: float) -> None:
    (asked,) = _ask(_output("classes", (1,), activation="sigmoid", labels=("no", "yes")), [[score]])
    assert _told(asked) == [("predicted", index)]
    assert asked[0].target.directions.tolist() == [[direction]]


def test_one_label_alone_speaks_for_itself() -> None:
    (asked,) = _ask(_output("multilabel", (1,), activation="sigmoid"), [[0.2]])
    assert asked[0].target.directions.tolist() == [[1.0]]


def test_of_several_labels_a_right_one_is_asked_about_where_the_strongest_is_wrong() -> None:
    output = _output("multilabel", (4,), activation="sigmoid")
    asked = _ask(output, [[0.9, 0.8, 0.1, 0.1]] * 2, [(1, 2), (0, 3)])
    assert [_told(own) for own in asked] == [[("predicted", 0), ("truth", 1)], [("predicted", 0)]]


def test_answers_that_are_not_finite_are_not_asked_about() -> None:
    assert _ask(_output("classes", (2,), activation="softmax"), [[np.nan, 0.5]]) == [[]]


def test_of_many_values_those_that_differ_most_are_asked_about() -> None:
    answers = np.zeros((3, 6), np.float32)
    answers[:, 1], answers[:, 4], answers[:, 5] = [0, 1, 2], [0, 10, 20], [3, 3, 4]
    asked = _ask(_output("values", (6,)), answers)
    assert {1, 4, 5} <= {question.index for question in asked[0]}
    assert len(asked[0]) == 4
    assert asked[2][-1].score == 4
    assert asked[2][-1].target.reading == "values"


@pytest.mark.parametrize("channels_first", [False, True])
def test_the_largest_regions_of_a_map_are_asked_about(channels_first: bool) -> None:
    answer = np.zeros((1, 4, 4, 3), np.float32)
    answer[0, :, :3, 2], answer[0, :3, 3, 1], answer[0, 3, 3, 0] = 1, 1, 1  # 12, 3 and 1 of 16
    given = np.moveaxis(answer, 3, 1) if channels_first else answer
    (asked,) = _ask(_output("map", (4, 4, 3), activation="softmax", channels_first=channels_first), given)
    assert _told(asked) == [("region", 2), ("region", 1)]
    assert asked[0].score == 0.75
    directions = asked[1].target.directions
    assert directions.shape == given.shape
    back = np.moveaxis(directions, 1, 3) if channels_first else directions
    assert back[0, :3, 3, 1].tolist() == pytest.approx([1 / 3] * 3)
    assert back.sum() == pytest.approx(1)


def test_a_map_of_one_class_is_asked_about_where_it_is_above_one_half() -> None:
    logits = np.full((1, 4, 4, 1), -2.0, np.float32)
    logits[0, :2] = 0.3  # a probability above one half, and below it as a number
    (asked,) = _ask(_output("map", (4, 4, 1), activation="linear"), logits)
    assert asked[0].target.directions[0, :2].sum() == pytest.approx(1)
    assert _ask(_output("map", (4, 4, 1), activation="linear"), logits - 5) == [[]]


def test_an_embedding_is_explained_by_its_nearest_other_image() -> None:
    asked = _ask(_output("embedding", (2,)), [[1, 0], [3, 0.1], [0, 1]])
    assert [own[0].label for own in asked] == ["image-1", "image-0", "image-1"]
    assert asked[0][0].target.reading == "cosine"
    assert _ask(_output("embedding", (2,)), [[1, 0]]) == [[]]


@pytest.mark.parametrize("kind", ["points", "boxes"])
def test_coordinates_are_explained_by_their_sum(kind: str) -> None:
    (asked,) = _ask(_output(kind, (4,), index=1), [[1, 2, 3, 4]])
    assert _told(asked) == [(kind, None)]
    assert asked[0].target.directions.tolist() == [[1, 1, 1, 1]]
    assert asked[0].target.output == 1


@pytest.mark.parametrize(
    ("output", "answers"),
    [
        (_output("classes", (2,), activation="softmax"), [[0.2, 0.8], [np.nan, np.nan], [0.7, 0.3]]),
        (_output("values", (2,)), [[1.0, 2.0], [np.nan, 2.0], [3.0, 1.0]]),
        (_output("embedding", (2,)), [[1.0, 0.0], [np.inf, 1.0], [1.0, 1.0]]),
        (_output("map", (1, 2, 2), activation="softmax"), [[[[0.9, 0.1], [0.2, 0.8]]], [[[np.nan] * 2] * 2]] * 2),
        (_output("points", (2,)), [[1.0, 2.0], [np.nan, 2.0], [3.0, 1.0]]),
    ],
)
def test_an_answer_that_is_not_finite_is_not_asked_about(output: SettledOutput, answers: Any) -> None:
    """And does not keep the others from it, nor is it the nearest of any."""
    asked = _ask(output, answers)
    told = [bool(own) for own in asked]
    assert told == [bool(np.isfinite(answer).all()) for answer in answers]
    assert all(question.label != "image-1" for own in asked for question in own)


def test_nothing_is_asked_for_a_reason() -> None:
    alone = np.ones((1, 2), np.float32)
    assert "is not" not in why_nothing(_output("embedding", (2,)), alone)
    assert "another image" in why_nothing(_output("embedding", (2,)), alone)
    assert "no region" in why_nothing(
        _output("map", (1, 1, 1), activation="sigmoid"), np.zeros((1, 1, 1, 1), np.float32)
    )
    assert "no answer is finite" in why_nothing(_output("values", (2,)), alone * np.nan)


@pytest.mark.parametrize(("activation", "score", "offset"), [("sigmoid", 0.2, 1.0), ("linear", -1.5, 0.0)])
def test_the_rest_of_one_is_only_said_of_probabilities(activation: str, score: float, offset: float) -> None:
    """What a plain score leaves of one means nothing: for the first class speaks the score below zero."""
    (asked,) = _ask(_output("classes", (1,), activation=activation), [[score]])
    assert asked[0].target.offset == offset
    assert asked[0].target.directions.tolist() == [[-1.0]]
