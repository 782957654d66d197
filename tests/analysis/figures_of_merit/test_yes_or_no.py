"""Binary and multi-label answers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from sklearn import metrics

from reportgen.analysis.figures_of_merit.binary import BinaryAccumulator, BinaryFigures
from reportgen.analysis.figures_of_merit.multilabel import MultilabelAccumulator, MultilabelFigures
from reportgen.analysis.figures_of_merit.ranking import average_precision, roc_auc

CASES = 1_000


def case(seed: int, labels: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    images = int(random.integers(1, 25))
    shape = (images,) if labels is None else (images, labels)
    scores = random.random(shape).astype(np.float32)
    if seed % 3 == 0:
        scores = (scores * 4).round() / 4
    return random.random(shape) < random.choice([0.1, 0.5, 0.9]), scores.astype(np.float32)


def binary(positive: np.ndarray, scores: np.ndarray, threshold: float = 0.5) -> BinaryFigures:
    accumulator = BinaryAccumulator(threshold=threshold)
    accumulator.add(np.arange(len(scores)), positive, scores)
    return accumulator.result()


def multilabel(truth: np.ndarray, scores: np.ndarray) -> MultilabelFigures:
    accumulator = MultilabelAccumulator(scores.shape[1])
    accumulator.add(np.arange(len(scores)), truth, scores)
    return accumulator.result()


def test_the_area_is_that_of_scikit_learn_ties_included() -> None:
    for seed in range(CASES):
        positive, scores = case(seed)
        area = roc_auc(positive, scores)
        if positive.all() or not positive.any():
            assert area is None
        else:
            assert area == pytest.approx(metrics.roc_auc_score(positive, scores), abs=1e-12)


def test_average_precision_is_that_of_scikit_learn_ties_included() -> None:
    for seed in range(CASES):
        positive, scores = case(seed)
        if positive.any():
            oracle = metrics.average_precision_score(positive, scores)
            assert average_precision(positive, scores) == pytest.approx(oracle, abs=1e-12)
        else:
            assert average_precision(positive, scores) is None


def test_counts_at_the_threshold_and_along_the_curve_are_those_of_the_confusion_matrix() -> None:
    for seed in range(0, CASES, 10):
        positive, scores = case(seed)
        found = binary(positive, scores)
        assert len(found.curve) == 101
        for point in (found.at_threshold, *found.curve[::20]):
            oracle = metrics.confusion_matrix(positive, scores > point.threshold, labels=[False, True]).ravel()
            got = (point.true_negatives, point.false_positives, point.false_negatives, point.true_positives)
            assert got == tuple(oracle.tolist())
            assert point.sensitivity == (oracle[3] / oracle[2:].sum() if oracle[2:].sum() else None)
            assert point.specificity == (oracle[0] / oracle[:2].sum() if oracle[:2].sum() else None)


def test_counts_at_the_threshold_of_all_random_cases() -> None:
    for seed in range(CASES):
        positive, scores = case(seed)
        point = binary(positive, scores, threshold=0.25).at_threshold
        oracle = metrics.confusion_matrix(positive, scores > 0.25, labels=[False, True]).ravel().tolist()
        assert [point.true_negatives, point.false_positives, point.false_negatives, point.true_positives] == oracle


def test_sensitivity_falls_and_specificity_rises_with_the_threshold() -> None:
    positive, scores = case(7)
    curve = binary(positive, scores).curve
    assert all(a.true_positives >= b.true_positives for a, b in pairwise(curve))
    assert all(a.true_negatives <= b.true_negatives for a, b in pairwise(curve))


def test_the_best_threshold_parts_what_can_be_parted() -> None:
    found = binary(np.array([False, False, True, True]), np.array([0.05, 0.1, 0.2, 0.3], np.float32))
    assert found.best is not None
    assert (found.best.sensitivity, found.best.specificity) == (1.0, 1.0)
    assert found.best.threshold == 0.19  # the nearest to 0.5 of those that part them
    assert found.at_threshold.sensitivity == 0.0


def test_a_single_image_has_neither_area_nor_best_threshold() -> None:
    found = binary(np.array([True]), np.array([0.7], np.float32))
    assert (found.roc_auc, found.best, found.at_threshold.specificity) == (None, None, None)
    assert found.at_threshold.sensitivity == 1.0


def test_labels_are_those_of_scikit_learn() -> None:
    for seed in range(CASES):
        truth, scores = case(seed, labels=3)
        found, given = multilabel(truth, scores), scores > 0.5
        oracle = metrics.precision_recall_fscore_support(truth, given, labels=[0, 1, 2], zero_division=0)
        for row, precision, recall, f1, count in zip(found.per_label, *oracle, strict=True):
            assert row.count == count
            np.testing.assert_allclose([row.precision or 0, row.recall or 0, row.f1 or 0], [precision, recall, f1])
            assert (row.recall is None) == (row.average_precision is None) == (count == 0)
        carried = np.flatnonzero(truth.any(axis=0)).tolist()
        assert found.without_images == tuple({0, 1, 2} - set(carried))
        if carried:
            macro = [float(np.mean(column[carried])) for column in oracle[:3]]
            np.testing.assert_allclose([found.macro_precision, found.macro_recall, found.macro_f1], macro)
            precisions = [metrics.average_precision_score(truth[:, label], scores[:, label]) for label in carried]
            assert found.mean_average_precision == pytest.approx(np.mean(precisions))
        assert found.exact == metrics.accuracy_score(truth, given)


def test_neither_split_nor_order_changes_a_bit() -> None:
    random = np.random.default_rng(5)
    truth, scores = random.random((200, 4)) < 0.3, random.random((200, 4)).astype(np.float32).round(2)
    whole, single = multilabel(truth, scores), binary(truth[:, 0], scores[:, 0])
    for _ in range(20):
        one, two = (MultilabelAccumulator(4), MultilabelAccumulator(4)), (BinaryAccumulator(), BinaryAccumulator())
        for part in np.split(random.permutation(200), np.sort(random.integers(0, 201, 25))):
            side = random.integers(2)
            one[side].add(part, truth[part], scores[part])
            two[side].add(part, truth[part, 0], scores[part, 0])
        one[0].merge(one[1])
        two[1].merge(two[0])
        assert two[1].result() == single
        merged = one[0].result()
        assert merged.per_label == whole.per_label
        assert merged.mean_average_precision == whole.mean_average_precision
        assert np.array_equal(merged.mistakes, whole.mistakes)


def test_answers_of_nan_are_counted_and_left_out() -> None:
    scores = np.array([[0.9, np.nan], [0.9, 0.1]], np.float32)
    found = multilabel(np.array([[True, True], [True, False]]), scores)
    assert (found.images, found.not_finite, found.exact) == (1, 1, 1.0)
    assert binary(np.array([True]), np.array([np.inf], np.float32)).not_finite == 1
