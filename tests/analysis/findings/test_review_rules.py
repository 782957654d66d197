"""Rules on the review: each at its threshold and beside it, on answers made by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from reportgen.analysis.figures_of_merit.classes import ClassAccumulator
from reportgen.analysis.findings import ReviewEvidence, review_rules
from reportgen.analysis.review import ClassReview
from reportgen.analysis.robustness import RobustnessAccumulator
from reportgen.results import Finding

NAMES = ("cat", "dog", "owl")


def review(truth: list[int], predicted: list[int], confidence: float = 0.9) -> ClassReview:
    scores = np.full((len(truth), 3), (1 - confidence) / 2, np.float32)
    scores[np.arange(len(truth)), predicted] = confidence
    found = ClassAccumulator(3, probabilities=True)
    found.add(np.arange(len(truth)), np.array(truth), scores)
    return ClassReview(NAMES, False, found.result(), None, ())


def found_by(rule: Any, **review: Any) -> list[Finding]:
    files = tuple(f"{index}.png" for index in range(200))
    return list(rule(SimpleNamespace(review=ReviewEvidence(files=files, **review))))


@pytest.mark.parametrize(("right", "expected"), [(10, 1), (15, 1), (16, 0)])
def test_no_better_than_the_most_frequent_class(right: int, expected: int) -> None:
    truth = [0] * 15 + [1] * 15
    predicted = [*truth[:right], *((one + 1) % 3 for one in truth[right:])]
    found = found_by(review_rules.worse_than_baseline, judged=review(truth, predicted))
    assert len(found) == expected
    assert all(one.severity == "error" and one.section == "predictions" for one in found)


def test_images_of_one_class_have_no_baseline() -> None:
    assert found_by(review_rules.worse_than_baseline, judged=review([0] * 30, [1] * 30)) == []


@pytest.mark.parametrize(("confidence", "expected"), [(0.99, 1), (0.62, 0), (0.45, 0)])
def test_more_sure_than_right(confidence: float, expected: int) -> None:
    truth = [0, 1] * 50
    predicted = [2 if place % 5 < 2 else one for place, one in enumerate(truth)]
    found = found_by(review_rules.overconfident, judged=review(truth, predicted, confidence))
    assert len(found) == expected
    if found:
        assert "60.0%" in found[0].message


@pytest.mark.parametrize(("kept", "expected"), [(0.4, 1), (0.5, 1), (0.6, 0)])
def test_collapsing_under_a_corruption(kept: float, expected: int) -> None:
    count = 40
    answers = RobustnessAccumulator()
    for index in range(count):
        scores = np.array([[0.8, 0.2], [0.8, 0.2] if index < kept * count else [0.2, 0.8]], np.float32)
        answers.add_versions(index, 0, scores, [("clean", 0), ("noise", 3)])
    found = found_by(review_rules.collapsing, steadiness=answers.result())
    assert [one.rule for one in found] == ["collapsing"] * expected
    if found:
        assert "noise" in found[0].message
        assert found[0].section == "robustness"


@pytest.mark.parametrize(("least", "expected"), [(3, 1), (4, 0)])
def test_unbalanced_truth(least: int, expected: int) -> None:
    truth = [0] * 30 + [1] * least
    found = found_by(review_rules.unbalanced_truth, judged=review(truth, truth))
    assert len(found) == expected
    assert all("cat" in one.message and "dog" in one.message for one in found)


@pytest.mark.parametrize(
    "rule",
    [
        review_rules.worse_than_baseline, review_rules.weak_slices, review_rules.overconfident,
        review_rules.collapsing, review_rules.leakage, review_rules.duplicates, review_rules.suspicious,
        review_rules.outliers, review_rules.unbalanced_truth, review_rules.few_images,
    ],
)  # fmt: skip
def test_without_a_review_nothing_is_found(rule: Any) -> None:
    assert found_by(rule) == []
