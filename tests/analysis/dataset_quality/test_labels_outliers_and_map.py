from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from reportgen.analysis.dataset_quality import projection as projection_module
from reportgen.analysis.dataset_quality.image_set import ImageSet
from reportgen.analysis.dataset_quality.labels import suspicious_labels, too_few
from reportgen.analysis.dataset_quality.nearest import find_neighbours
from reportgen.analysis.dataset_quality.outliers import Outlier, rank_outliers
from reportgen.analysis.dataset_quality.projection import project
from reportgen.analysis.figures_of_merit.classes import ClassAccumulator, ClassFigures

CLASSES = 8


def clusters(images: int = 600, values: int = 128, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Classes, and rectified features in a cluster for each class."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(CLASSES, values))
    classes = random.integers(0, CLASSES, images)
    return classes, np.maximum(0, centres[classes] + random.normal(size=(images, values)) / 2).astype(np.float32)


def believed(classes: np.ndarray, seed: int = 1) -> np.ndarray:
    """Probabilities of a network that is mostly right, of some classes surer than of others."""
    random = np.random.default_rng(seed)
    scores = random.normal(size=(len(classes), CLASSES)) * 1.3
    scores[np.arange(len(classes)), classes] += 5 + classes / 3
    raised = np.exp(scores)
    return (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)


def judged(truth: np.ndarray, probabilities: np.ndarray) -> ClassFigures:
    accumulator = ClassAccumulator(CLASSES, probabilities=True)
    accumulator.add(np.arange(len(truth)), truth, probabilities)
    return accumulator.result()


def ranked(features: np.ndarray) -> tuple[Outlier, ...]:
    images = np.arange(len(features))
    gathered = ImageSet(
        image=images,
        digest=np.zeros((len(images), 32), np.uint8),
        sampled=images,
        thumbnail=np.zeros((len(images), 1, 1), np.uint8),
        features=features,
        block=1,
    )
    return rank_outliers(gathered, find_neighbours(features))


@pytest.mark.parametrize("seed", range(5))
def test_exchanged_labels_lead_the_suspicious(seed: int) -> None:
    classes, _ = clusters()
    random = np.random.default_rng(seed)
    exchanged = random.choice(len(classes), 10, replace=False)
    given = classes.copy()
    given[exchanged] = (given[exchanged] + random.integers(1, CLASSES, 10)) % CLASSES
    found = suspicious_labels(judged(given, believed(classes)).answers, CLASSES)
    assert len({one.image for one in found[:20]} & set(exchanged.tolist())) >= 9
    for one in found[:5]:
        assert (one.given, one.likely) == (given[one.image], classes[one.image])


def test_only_what_the_network_gets_wrong_is_suspicious() -> None:
    classes, _ = clusters()
    figures = judged(classes, believed(classes))
    found = suspicious_labels(figures.answers, CLASSES)
    wrong = figures.answers.image[~figures.answers.right]
    assert {one.image for one in found} == set(wrong.tolist())
    assert [one.relative for one in found] == sorted(one.relative for one in found)


def test_self_confidence_is_held_against_the_classs_mean() -> None:
    probabilities = np.zeros((4, CLASSES), np.float32)
    probabilities[:, :2] = [[0.9, 0.1], [0.3, 0.7], [0.1, 0.9], [0.6, 0.4]]
    found = suspicious_labels(judged(np.array([0, 0, 1, 1]), probabilities).answers, CLASSES)
    assert [(one.image, one.given, one.likely) for one in found] == [(1, 0, 1), (3, 1, 0)]
    np.testing.assert_allclose([one.relative for one in found], [0.3 / 0.6, 0.4 / 0.65], rtol=1e-6)
    assert [one.confident for one in found] == [True, True]  # 0.7 of at least 0.65, and 0.6 of 0.6


def test_a_class_believed_at_no_image_has_no_mean_to_divide_by() -> None:
    probabilities = np.eye(CLASSES, dtype=np.float32)[[1, 1]]
    (one, _) = suspicious_labels(judged(np.array([0, 0]), probabilities).answers, CLASSES)
    assert (one.relative, one.self_confidence) == (0.0, 0.0)


def test_classes_with_too_few_images_are_named_and_absent_ones_not() -> None:
    truth = np.array([0] * 25 + [1] * 19 + [2])
    rows = too_few(judged(truth, believed(truth)).per_class)
    assert [(row.index, row.count) for row in rows] == [(1, 19), (2, 1)]


@pytest.mark.parametrize("seed", range(5))
def test_noise_stands_out_and_a_clean_set_has_nothing_far_out(seed: int) -> None:
    _, features = clusters(seed=seed)
    assert not any(one.far_out for one in ranked(features))
    random = np.random.default_rng(100 + seed)
    noise = np.maximum(0, random.normal(size=128) + random.normal(size=(4, 128)) / 10).astype(np.float32)
    found = ranked(np.concatenate([features, noise]))
    assert {one.image for one in found[:4]} == {600, 601, 602, 603}
    assert all(one.far_out for one in found[:4])
    assert not any(one.far_out for one in found[4:])


def test_the_farthest_lead_and_the_score_is_in_interquartile_ranges() -> None:
    _, features = clusters()
    found = ranked(features)
    assert len(found) == 200
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    distance = np.sort(1 - units @ units.T, axis=1)[:, 10]  # the first is the image itself
    first, third = np.quantile(distance, [0.25, 0.75])
    assert found[0].distance == pytest.approx(distance.max(), abs=1e-6)
    assert found[0].score == pytest.approx((distance.max() - third) / (third - first), rel=1e-3)


def test_few_images_or_equal_ones_have_no_outliers() -> None:
    assert ranked(clusters(39)[1]) == ()
    assert ranked(np.ones((50, 3), np.float32)) == ()


def test_the_map_is_that_of_scikit_learn_on_1000_random_cases() -> None:
    for seed in range(1_000):
        random = np.random.default_rng(seed)
        shape = int(random.integers(3, 12)), int(random.integers(2, 12))
        features = (random.normal(size=shape) * (0.5 ** np.arange(shape[1]))).astype(np.float32)
        found = project(features)
        assert found is not None
        oracle = PCA(2, svd_solver="full").fit(features.astype(float))
        points = oracle.transform(features.astype(float))
        signs = np.sign((found.points * points).sum(axis=0))
        np.testing.assert_allclose(found.points, points * signs, atol=1e-6 * np.abs(points).max())
        np.testing.assert_allclose(found.explained, oracle.explained_variance_ratio_, atol=1e-6)
        largest = oracle.components_[[0, 1], np.abs(oracle.components_).argmax(axis=1)]
        np.testing.assert_array_equal(signs, np.sign(largest))


@pytest.mark.parametrize("shape", [(700, 40), (120, 900)])
def test_the_map_of_larger_sets_by_either_way(shape: tuple[int, int]) -> None:
    features = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    features[:, 0] *= 9
    features[:, 1] *= 5
    found = project(features)
    assert found is not None
    points = np.abs(PCA(2, svd_solver="full").fit_transform(features.astype(float)))
    np.testing.assert_allclose(np.abs(found.points), points, atol=1e-5 * points.max())


def test_directions_of_very_large_sets_come_from_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    features = np.random.default_rng(1).normal(size=(90, 60)).astype(np.float32)
    features[:, 0] *= 30
    whole = project(features)
    monkeypatch.setattr(projection_module, "MOST_ROWS", 40)
    sampled, again, other = project(features, seed=1), project(features, seed=1), project(features, seed=2)
    assert whole is not None
    assert sampled is not None
    assert again is not None
    assert other is not None
    np.testing.assert_array_equal(sampled.points, again.points)
    assert not np.array_equal(sampled.points, other.points)
    assert abs(np.corrcoef(sampled.points[:, 0], whole.points[:, 0])[0, 1]) > 0.99


def test_few_images_equal_images_and_images_on_a_line() -> None:
    assert project(np.zeros((0, 4), np.float32)) is None
    assert project(np.ones((2, 4), np.float32)) is None
    assert project(np.full((5, 4), 0.1, np.float32)) is None
    for values in (1, 3, 9):
        line = project(np.outer(np.arange(5), np.ones(values)).astype(np.float32))
        assert line is not None
        assert line.explained == pytest.approx((1.0, 0.0), abs=1e-9)
        np.testing.assert_allclose(line.points[:, 0], np.sqrt(values) * (np.arange(5) - 2), atol=1e-6)
        np.testing.assert_allclose(line.points[:, 1], 0, atol=1e-6)
