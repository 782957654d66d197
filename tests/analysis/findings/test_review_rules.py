"""Rules on the review: each at its threshold and beside it, on answers made by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from reportgen.analysis.dataset_quality.duplicates import find_copies, find_leaks
from reportgen.analysis.dataset_quality.image_set import ImageSet, ImageSetAccumulator
from reportgen.analysis.dataset_quality.labels import suspicious_labels
from reportgen.analysis.dataset_quality.nearest import find_neighbours
from reportgen.analysis.figures_of_merit.classes import ClassAccumulator
from reportgen.analysis.findings import ReviewEvidence, review_rules
from reportgen.analysis.review import ClassReview
from reportgen.analysis.robustness import RobustnessAccumulator
from reportgen.analysis.slices import find_slices
from reportgen.results import Finding

NAMES = ("cat", "dog", "owl")


def review(truth: list[int], predicted: list[int], confidence: float = 0.9) -> ClassReview:
    scores = np.full((len(truth), 3), (1 - confidence) / 2, np.float32)
    scores[np.arange(len(truth)), predicted] = confidence
    found = ClassAccumulator(3, probabilities=True)
    found.add(np.arange(len(truth)), np.array(truth), scores)
    return ClassReview(NAMES, False, found.result(), None, (), ())


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


# --- slices, and the set of images ---------------------------------------------------------------


@pytest.mark.parametrize(("right_inside", "expected"), [(24, 1), (33, 0), (38, 0)])
def test_weak_slices(right_inside: int, expected: int) -> None:
    """Of 40 images of one camera so many are right, of 160 of the other 150."""
    right = np.array([place < right_inside if place < 40 else place < 190 for place in range(200)])
    cameras = ["west" if place < 40 else "north" for place in range(200)]
    slices = find_slices(np.arange(200), right, {}, {"camera": cameras})
    found = found_by(review_rules.weak_slices, judged=SimpleNamespace(slices=slices))
    assert len(found) == expected
    if found:
        assert "camera is west" in found[0].message
        assert found[0].image == "24.png"


def pictures(count: int, seed: int) -> np.ndarray:
    """Smooth pictures `(count, 32, 32, 1)`."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 1)).astype(np.uint8)
    return coarse.repeat(4, axis=1).repeat(4, axis=2)


def gathered(pixels: np.ndarray) -> ImageSet:
    """Pixels as a set, compared by the pixels themselves."""
    found = ImageSetAccumulator()
    found.add(np.arange(len(pixels)), pixels, pixels.reshape(len(pixels), -1).astype(np.float32) / 255)
    return found.result()


@pytest.mark.parametrize(("moved", "expected"), [(0, 1), (1, 1), (9, 0)])
def test_leakage_of_copies_and_of_images_that_are_only_alike(moved: int, expected: int) -> None:
    """One of the reference images is one of these, moved by so many pixels; by many it is another picture."""
    own, reference = pictures(40, 1), pictures(40, 2)
    reference[7] = np.roll(own[3], moved, axis=1)
    images, others = gathered(own), gathered(reference)
    leaks = find_leaks(images, lambda place: own[place], others, lambda place: reference[place])
    found = found_by(review_rules.leakage, quality=SimpleNamespace(images=images, leaks=leaks))
    assert len(found) == expected
    if found:
        assert found[0].severity == "error"
        assert found[0].image == "3.png"


@pytest.mark.parametrize(("exchanged", "sure", "expected"), [(3, 0.95, 1), (2, 0.95, 0), (3, 0.5, 0)])
def test_suspicious_labels(exchanged: int, sure: float, expected: int) -> None:
    """So many of 60 labels are exchanged, and of their own class the network is so sure."""
    truth = np.arange(60) % 3
    scores = np.full((60, 3), 0.04, np.float32)
    scores[np.arange(60), truth] = 0.92
    given = truth.copy()
    for place in range(exchanged):
        given[place] = (truth[place] + 1) % 3
        scores[place] = (1 - sure) / 2
        scores[place, truth[place]] = sure
    judged = ClassAccumulator(3, probabilities=True)
    judged.add(np.arange(60), given, scores)
    figures = judged.result()
    quality = SimpleNamespace(suspicious=suspicious_labels(figures.answers, 3))
    found = found_by(review_rules.suspicious, quality=quality, judged=ClassReview(NAMES, False, figures, None, (), ()))
    assert len(found) == expected


def test_names_with_commas_are_told_from_each_other() -> None:
    few = tuple(SimpleNamespace(index=index, count=1) for index in range(3))
    judged = review([0, 1, 2], [0, 1, 2])
    named = replace(judged, names=("macaw", "Samoyed, Samoyede", "tabby, tabby cat"))
    for called, said in ((judged, "cat, dog and owl"), (named, "macaw; Samoyed, Samoyede; and tabby, tabby cat")):
        (found,) = found_by(review_rules.few_images, quality=SimpleNamespace(few=few), judged=called)
        assert found.message.endswith(f"{said}.")


@pytest.mark.parametrize("answer", ["always the first", "the next class", "the truth shuffled"])
def test_a_network_that_knows_no_class_contradicts_no_label(answer: str) -> None:
    truth = np.arange(60) % 3
    answers = {
        "always the first": np.zeros(60, int),
        "the next class": (truth + 1) % 3,
        "the truth shuffled": np.roll(truth, 1),
    }
    judged = review(truth.tolist(), answers[answer].tolist(), 0.95)
    quality = SimpleNamespace(suspicious=suspicious_labels(judged.figures.answers, 3))
    assert len([one for one in quality.suspicious if one.confident]) >= review_rules.SUSPICIOUS_LEAST
    assert len(found_by(review_rules.worse_than_baseline, judged=judged)) == 1
    assert found_by(review_rules.suspicious, quality=quality, judged=judged) == []


@pytest.mark.parametrize(("moved", "expected"), [(0, 1), (9, 0)])
def test_copies_of_each_other(moved: int, expected: int) -> None:
    own = pictures(40, 1)
    own[30] = np.roll(own[3], moved, axis=1)
    images = gathered(own)
    copies = find_copies(images, lambda place: own[place], find_neighbours(images.features))
    assert len(found_by(review_rules.duplicates, quality=SimpleNamespace(images=images, copies=copies))) == expected
