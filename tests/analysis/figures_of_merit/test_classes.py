from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from reportgen.analysis.figures_of_merit.calibration import coverage_curve, reliability_bins
from reportgen.analysis.figures_of_merit.classes import ClassAccumulator, ClassFigures
from reportgen.analysis.figures_of_merit.intervals import wilson_interval

CASES = 1_000


def softmax(scores: np.ndarray) -> np.ndarray:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)


def case(seed: int, *, most_images: int = 30, most_classes: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Truth and probabilities of few images: classes without any, scores that are equal, some exactly 0 and 1."""
    random = np.random.default_rng(seed)
    images, classes = int(random.integers(1, most_images)), int(random.integers(2, most_classes))
    scores = random.normal(size=(images, classes)) * random.choice([0.5, 3.0, 40.0])
    if seed % 4 == 0:
        scores = scores.round()
    return random.integers(0, random.integers(1, classes + 1), images), softmax(scores)


def figures(truth: Sequence[int] | np.ndarray, scores: np.ndarray, *, probabilities: bool = True) -> ClassFigures:
    accumulator = ClassAccumulator(scores.shape[1], probabilities=probabilities)
    accumulator.add(np.arange(len(scores)), np.asarray(truth, np.int64), scores)
    return accumulator.result()


@pytest.fixture(scope="module")
def cases() -> list[tuple[np.ndarray, np.ndarray, ClassFigures]]:
    return [(*case(seed), figures(*case(seed))) for seed in range(CASES)]


def test_figures_of_every_class_are_those_of_scikit_learn(cases: list) -> None:
    for truth, scores, found in cases:
        labels, predicted = list(range(scores.shape[1])), scores.argmax(axis=1)
        oracle = metrics.precision_recall_fscore_support(truth, predicted, labels=labels, zero_division=0)
        for row, precision, recall, f1, count in zip(found.per_class, *oracle, strict=True):
            assert row.count == count
            assert (row.recall is None) == (row.f1 is None) == (count == 0)
            np.testing.assert_allclose(
                [row.precision or 0, row.recall or 0, row.f1 or 0], [precision, recall, f1], rtol=1e-12
            )
        np.testing.assert_array_equal(
            found.confusion_matrix(), metrics.confusion_matrix(truth, predicted, labels=labels)
        )


def test_macro_averages_leave_out_classes_without_images_and_name_them(cases: list) -> None:
    for truth, scores, found in cases:
        with_images = np.unique(truth)
        oracle = metrics.precision_recall_fscore_support(
            truth, scores.argmax(axis=1), labels=with_images, average="macro", zero_division=0
        )
        got = [found.macro_precision, found.macro_recall, found.macro_f1]
        np.testing.assert_allclose(got, oracle[:3], rtol=1e-12)
        assert found.without_images == tuple(sorted(set(range(scores.shape[1])) - set(with_images.tolist())))


def test_accuracy_its_interval_and_the_balanced_one(cases: list) -> None:
    for truth, scores, found in cases:
        predicted = scores.argmax(axis=1)
        right = int((truth == predicted).sum())
        oracle = stats.binomtest(right, len(truth)).proportion_ci(method="wilson")
        np.testing.assert_allclose(found.interval, (oracle.low, oracle.high), atol=1e-12)
        assert found.accuracy == metrics.accuracy_score(truth, predicted)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            assert found.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(truth, predicted))
        assert found.baseline == np.bincount(truth).max() / len(truth)


def test_losses_are_those_of_scikit_learn(cases: list) -> None:
    for truth, scores, found in cases:
        labels = list(range(scores.shape[1]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # float32 probabilities do not add up to one exactly
            assert found.nll == pytest.approx(metrics.log_loss(truth, scores, labels=labels), rel=1e-5)
            oracle = metrics.brier_score_loss(truth, scores, labels=labels) if len(labels) > 2 else None
        if oracle is None:
            oracle = metrics.brier_score_loss(truth == 1, scores[:, 1], labels=[False, True])
        assert found.brier == pytest.approx(oracle, rel=1e-5)


def test_top_k_is_that_of_scikit_learn_where_no_scores_are_equal(cases: list) -> None:
    compared = 0
    for truth, scores, found in cases:
        classes = scores.shape[1]
        assert [k for k, _ in found.top] == [k for k in (1, 3, 5, 10) if k < classes]
        if classes > 2 and (np.diff(np.sort(scores, axis=1), axis=1) > 0).all():
            compared += 1
            for k, accuracy in found.top:
                assert accuracy == metrics.top_k_accuracy_score(truth, scores, k=k, labels=list(range(classes)))
    assert compared > 300


def test_of_equal_scores_the_first_class_ranks_first() -> None:
    scores = np.full((4, 4), 0.25, np.float32)
    found = figures([0, 1, 2, 3], scores)
    assert found.top == ((1, 0.25), (3, 0.75))


def naive_ece(truth: np.ndarray, scores: np.ndarray, bins: int = 15) -> float:
    """By torchmetrics' definition: a bin is closed below, and confidence 1 is beyond the last."""
    confidence, right = scores.max(axis=1), scores.argmax(axis=1) == truth
    places = np.digitize(confidence, np.linspace(0, 1, bins + 1, dtype=np.float32)) - 1
    confidence = confidence.astype(float)
    return float(
        sum(
            (places == place).mean() * abs(confidence[places == place].mean() - right[places == place].mean())
            for place in np.unique(places)
        )
    )


def test_calibration_error_is_that_of_torchmetrics(cases: list) -> None:
    assert sum(bool((scores.max(axis=1) == 1).any()) for _, scores, _ in cases) > 100
    for truth, scores, found in cases:
        assert found.ece == pytest.approx(naive_ece(truth, scores), abs=1e-12)
        assert sum(one.count for one in found.reliability) == len(truth)


def test_a_confidence_on_an_edge_belongs_to_the_upper_bin_and_one_to_the_last() -> None:
    bins = reliability_bins(np.array([0.0, 0.2, 1.0], np.float64).astype(np.float32), np.array([True, True, False]))
    assert [place for place, one in enumerate(bins) if one.count] == [0, 3, 14]
    assert bins[14].accuracy == 0.0


def test_coverage_answers_equal_confidences_together() -> None:
    confidence = np.array([0.9, 0.5, 0.5, 0.5, 0.1], np.float32)
    points = coverage_curve(confidence, np.array([True, True, False, False, False]))
    assert [(point.share, point.accuracy) for point in points] == [(0.2, 1.0), (0.8, 0.5), (1.0, 0.4)]


def test_the_whole_coverage_has_the_accuracy_of_all(cases: list) -> None:
    for _, _, found in cases:
        assert found.coverage[-1].share == 1.0
        assert found.coverage[-1].accuracy == found.accuracy


def same(one: ClassFigures, other: ClassFigures) -> bool:
    plain = [field.name for field in fields(ClassFigures) if field.name != "answers"]
    return all(getattr(one, name) == getattr(other, name) for name in plain) and all(
        np.array_equal(getattr(one.answers, field.name), getattr(other.answers, field.name))
        for field in fields(one.answers)
    )


@pytest.mark.parametrize("classes", [2, 3, 10, 131, 1000])
def test_neither_split_nor_order_changes_a_bit(classes: int) -> None:
    random = np.random.default_rng(classes)
    scores = softmax(random.normal(size=(301, classes)) * 3)
    truth = random.integers(-1, classes, 301)
    whole = figures(truth, scores)
    for _ in range(20):
        parts = [ClassAccumulator(classes, probabilities=True) for _ in range(3)]
        order = random.permutation(301)
        for part in np.split(order, np.sort(random.integers(0, 302, 40))):
            parts[random.integers(3)].add(part, truth[part], scores[part])
        parts[2].merge(parts[0])
        parts[2].merge(parts[1])
        assert same(parts[2].result(), whole)


def test_images_of_unknown_class_and_answers_of_nan_are_counted_and_left_out() -> None:
    scores = np.array([[0.9, 0.1], [0.2, 0.8], [np.nan, 0.5]], np.float32)
    found = figures([0, -1, 1], scores)
    assert (found.images, found.unmatched, found.not_finite, found.accuracy) == (1, 1, 1, 1.0)


def test_nothing_is_said_of_no_image() -> None:
    found = figures([], np.zeros((0, 3), np.float32))
    assert (found.images, found.accuracy, found.interval, found.ece, found.nll, found.brier) == (0, *[None] * 5)
    assert (found.top, found.coverage, found.confusion, found.baseline_class) == ((), (), (), None)


def test_scores_that_are_no_probabilities_have_no_calibration() -> None:
    found = figures([1], np.array([[-3.0, 12.0]], np.float32), probabilities=False)
    assert (found.accuracy, found.ece, found.nll, found.brier, found.reliability) == (1.0, None, None, None, ())


def test_the_images_of_a_cell_come_most_confident_first() -> None:
    scores = np.array([[0.6, 0.4], [0.9, 0.1], [0.3, 0.7], [0.8, 0.2]], np.float32)
    found = figures([1, 1, 1, 0], scores)
    assert found.answers.in_cell(1, 0).tolist() == [1, 0]
    assert [(cell.truth, cell.predicted, cell.count) for cell in found.confusion] == [(1, 0, 2), (0, 0, 1), (1, 1, 1)]


def test_an_image_added_twice_is_refused() -> None:
    accumulator = ClassAccumulator(2, probabilities=True)
    for _ in range(2):
        accumulator.add(np.array([7]), np.array([0]), np.array([[1.0, 0.0]], np.float32))
    with pytest.raises(ValueError, match="image 7 again"):
        accumulator.result()


@pytest.mark.parametrize("total", [1, 5, 30, 83, 1_000])
def test_the_interval_of_all_right_ends_at_one_and_that_of_none_at_zero(total: int) -> None:
    low, high = wilson_interval(total, total) or (0.0, 0.0)
    assert high == 1.0  # to the last bit: what is all is written as all
    assert low == pytest.approx(stats.binomtest(total, total).proportion_ci(method="wilson").low)
    low, high = wilson_interval(0, total) or (0.0, 0.0)
    assert low == 0.0
    assert high == pytest.approx(stats.binomtest(0, total).proportion_ci(method="wilson").high)
