from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn import metrics

from reportgen.analysis.figures_of_merit import values as module
from reportgen.analysis.figures_of_merit.values import ValueAccumulator, ValueFigures
from reportgen.analysis.sampling import sample

CASES = 1_000


def figures(truth: np.ndarray, answers: np.ndarray, **options: int) -> ValueFigures:
    accumulator = ValueAccumulator(truth.shape[1], **options)
    accumulator.add(np.arange(len(truth)), truth, answers)
    return accumulator.result()


def case(seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    images = int(random.integers(1, 12))
    truth = random.normal(size=(images, 2)) * 10.0 ** random.integers(-3, 4)
    if seed % 5 == 0:
        truth = truth.round()
    return truth, (truth + random.normal(size=truth.shape)).astype(np.float32)


def test_figures_are_those_of_scikit_learn() -> None:
    for seed in range(CASES):
        truth, answers = case(seed)
        found = figures(truth, answers)
        given = answers.astype(float)
        mae = metrics.mean_absolute_error(truth, given, multioutput="raw_values")
        rmse = metrics.root_mean_squared_error(truth, given, multioutput="raw_values")
        np.testing.assert_allclose([row.mae for row in found.per_value], mae, rtol=1e-12)
        np.testing.assert_allclose([row.rmse for row in found.per_value], rmse, rtol=1e-12)
        np.testing.assert_allclose([row.bias for row in found.per_value], (given - truth).mean(axis=0), atol=1e-12)
        for row in found.per_value:
            column = truth[:, row.index]
            if len(set(column.tolist())) == 1:
                assert row.r2 is None
            else:
                assert row.r2 == pytest.approx(metrics.r2_score(column, given[:, row.index]), rel=1e-9, abs=1e-9)
                assert row.baseline_rmse == pytest.approx(column.std(), rel=1e-9)


def test_values_that_are_large_and_alike_keep_their_deviation() -> None:
    truth = 1.7e9 + np.arange(10.0)[:, np.newaxis]
    (row,) = figures(truth, truth + np.where(np.arange(10) % 2, 0.5, -0.5)[:, np.newaxis]).per_value
    assert row.r2 == pytest.approx(1 - 0.25 / 8.25, rel=1e-12)
    assert (row.mae, row.bias) == (0.5, 0.0)


def test_a_missing_truth_is_left_out_of_its_value_alone() -> None:
    truth = np.array([[1.0, np.nan], [3.0, 5.0]])
    found = figures(truth, np.array([[2.0, 9.0], [3.0, 4.0]]))
    assert [(row.images, row.mae) for row in found.per_value] == [(2, 0.5), (1, 1.0)]
    assert [one.image for one in found.per_value[1].worst] == [1]


def test_an_image_with_an_answer_that_is_no_number_is_counted_and_left_out() -> None:
    found = figures(np.ones((3, 1)), np.array([[1.0], [np.nan], [np.inf]]))
    assert (found.images, found.not_finite, found.per_value[0].mae) == (1, 2, 0.0)


def test_nothing_is_said_of_no_image() -> None:
    (row,) = figures(np.zeros((0, 1)), np.zeros((0, 1))).per_value
    assert (row.images, row.mae, row.rmse, row.r2, row.bias, row.worst) == (0, None, None, None, None, ())


def test_the_worst_images_lead_by_the_size_of_their_error_then_by_index() -> None:
    answers = np.array([0.0, -3.0, 1.0, 3.0, 2.0])[:, np.newaxis]
    (row,) = figures(np.zeros((5, 1)), answers).per_value
    assert [one.image for one in row.worst] == [1, 3, 4, 2, 0]


def test_the_scatter_is_the_sample_of_the_stated_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SCATTER_IMAGES", 10)
    truth = np.arange(100.0)[:, np.newaxis]
    scatter = figures(truth, truth + 1, seed=4).scatter
    np.testing.assert_array_equal(scatter.image, sample(np.arange(100), 10, 4))
    np.testing.assert_array_equal(scatter.answer - scatter.truth, 1)
    assert not np.array_equal(scatter.image, figures(truth, truth, seed=5).scatter.image)


def test_neither_split_nor_order_changes_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SCATTER_IMAGES", 40)
    random = np.random.default_rng(2)
    truth = random.normal(size=(150, 3)) * [1e-3, 1.0, 1e6]
    answers = (truth + random.normal(size=truth.shape).round(1)).astype(np.float32)
    truth[random.random(truth.shape) < 0.1] = np.nan
    whole = figures(truth, answers)
    for _ in range(20):
        parts = [ValueAccumulator(3) for _ in range(3)]
        for part in np.split(random.permutation(150), np.sort(random.integers(0, 151, 20))):
            parts[random.integers(3)].add(part, truth[part], answers[part])
        parts[1].merge(parts[2])
        parts[1].merge(parts[0])
        merged = parts[1].result()
        assert merged.per_value == whole.per_value
        np.testing.assert_array_equal(merged.scatter.truth, whole.scatter.truth)
        np.testing.assert_array_equal(merged.scatter.image, whole.scatter.image)


def test_what_is_kept_does_not_grow_with_the_images() -> None:
    def kept(images: int) -> int:
        accumulator = ValueAccumulator(1)
        for start in range(0, images, 500):
            batch = np.arange(start, start + 500)
            accumulator.add(batch, batch[:, np.newaxis] * 1.0, batch[:, np.newaxis] * 2.0)
        return len(pickle.dumps(accumulator))

    assert kept(6_000) < 1.05 * kept(2_000)
