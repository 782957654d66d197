from __future__ import annotations

import numpy as np
import pytest

from reportgen.analysis.predictions import top_classes
from reportgen.models import Head
from reportgen.results import ClassScore

SOFTMAX = Head("softmax", 4, "")


def test_best_classes_first_with_their_names() -> None:
    found = top_classes(np.array([0.1, 0.6, 0.05, 0.25], np.float32), SOFTMAX, ["a", "b", "c", "d"], k=2)
    assert found == (ClassScore(1, "b", pytest.approx(0.6)), ClassScore(3, "d", pytest.approx(0.25)))


def test_equal_scores_by_index() -> None:
    assert [one.index for one in top_classes(np.full(6, 0.5), SOFTMAX, None, k=3)] == [0, 1, 2]


def test_fewer_classes_than_asked_for() -> None:
    assert len(top_classes(np.array([0.2, 0.8]), SOFTMAX, None)) == 2


@pytest.mark.parametrize("labels", [None, (), ("only", ""), ("only",)])
def test_classes_without_a_name(labels: tuple[str, ...] | None) -> None:
    assert top_classes(np.array([0.1, 0.9]), SOFTMAX, labels)[0].label is None


def test_scores_that_are_not_finite_are_left_out() -> None:
    scores = np.array([np.nan, 0.2, np.inf, 0.7, -np.inf])
    assert [one.index for one in top_classes(scores, SOFTMAX, None)] == [3, 1]
    assert top_classes(np.full(3, np.nan), SOFTMAX, None) == ()


def test_logits_stay_as_they_are() -> None:
    found = top_classes(np.array([-3.0, 12.5]), Head("logits", 2, ""), None)
    assert [(one.index, one.score) for one in found] == [(1, 12.5), (0, -3.0)]


def test_one_sigmoid_between_two_labels() -> None:
    found = top_classes(np.array([0.9]), Head("sigmoid", 1, ""), ("cat", "dog"))
    assert [(one.index, one.label) for one in found] == [(1, "dog"), (0, "cat")]
    assert [one.score for one in found] == pytest.approx([0.9, 0.1])


def test_one_sigmoid_alone() -> None:
    assert top_classes(np.array([0.3]), Head("sigmoid", 1, ""), None) == (ClassScore(0, None, 0.3),)


def test_a_network_without_a_head_has_no_classes() -> None:
    assert top_classes(np.zeros((7, 7, 512)), Head("none", None, "", None), None) == ()
