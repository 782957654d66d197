from __future__ import annotations

import math

import numpy as np
import pytest
from skimage import metrics as image_metrics
from sklearn import metrics

from reportgen.analysis.figures_of_merit.maps import MapAccumulator, MapFigures
from reportgen.analysis.figures_of_merit.pictures import PictureAccumulator
from reportgen.analysis.figures_of_merit.similarity import structural_similarity

CASES = 1_000


def maps(seed: int) -> tuple[int, list[tuple[np.ndarray, np.ndarray]]]:
    random = np.random.default_rng(seed)
    classes = int(random.integers(2, 5))
    pairs = []
    for _ in range(random.integers(1, 4)):
        shape = tuple(random.integers(1, 6, 2))
        truth = random.integers(0, random.integers(1, classes + 1), shape)
        answer = np.where(random.random(shape) < 0.6, truth, random.integers(0, classes, shape))
        truth[random.random(shape) < 0.2] = 255
        pairs.append((truth.astype(np.uint8), answer))
    return classes, pairs


def figures(classes: int, pairs: list[tuple[np.ndarray, np.ndarray]]) -> MapFigures:
    accumulator = MapAccumulator(classes)
    for image, (truth, answer) in enumerate(pairs):
        accumulator.add(image, truth, answer)
    return accumulator.result()


def test_figures_of_every_class_are_those_of_scikit_learn_on_the_judged_pixels() -> None:
    for seed in range(CASES):
        classes, pairs = maps(seed)
        found = figures(classes, pairs)
        truth = np.concatenate([pair[0].ravel() for pair in pairs])
        answer = np.concatenate([pair[1].ravel() for pair in pairs])[truth != 255]
        assert found.ignored == int((truth == 255).sum())
        truth = truth[truth != 255]
        if not len(truth):
            assert (found.pixels, found.mean_iou, found.pixel_accuracy) == (0, None, None)
            continue
        labels = list(range(classes))
        iou = metrics.jaccard_score(truth, answer, labels=labels, average=None, zero_division=0)
        dice = metrics.f1_score(truth, answer, labels=labels, average=None, zero_division=0)
        shown = np.unique(truth).tolist()
        assert found.without_images == tuple(sorted(set(labels) - set(shown)))
        for row in found.per_class:
            assert (row.iou is None) == (row.dice is None) == (row.index not in shown)
        np.testing.assert_allclose([found.per_class[label].iou for label in shown], iou[shown])
        np.testing.assert_allclose([found.per_class[label].dice for label in shown], dice[shown])
        assert found.mean_iou == pytest.approx(iou[shown].mean())
        assert found.pixel_accuracy == metrics.accuracy_score(truth, answer)


def test_the_worst_map_leads() -> None:
    right, half = np.zeros((2, 2), np.uint8), np.array([[0, 0], [1, 1]])
    found = figures(2, [(right, right), (right, 1 - right), (right, half)])
    assert found.answers.worst_first().tolist() == [1, 2, 0]
    assert found.answers.mean_iou.tolist() == [1.0, 0.0, 0.5]


def test_pixels_of_no_class_are_counted_and_an_image_without_judged_pixels_is_none() -> None:
    found = figures(2, [(np.array([[7, 255]]), np.array([[0, 0]]))])
    assert (found.images, found.unmatched, found.ignored, found.baseline) == (0, 1, 1, None)


def test_class_255_is_no_class_even_where_there_are_more() -> None:
    found = figures(300, [(np.array([[255, 299]]), np.array([[0, 299]]))])
    assert (found.ignored, found.pixel_accuracy) == (1, 1.0)


def test_maps_split_and_merged_give_the_same_bits() -> None:
    random = np.random.default_rng(3)
    pairs = [(random.integers(0, 4, (9, 7)).astype(np.uint8), random.integers(0, 4, (9, 7))) for _ in range(60)]
    whole = figures(4, pairs)
    for _ in range(10):
        sides = MapAccumulator(4), MapAccumulator(4)
        for image in random.permutation(60):
            sides[random.integers(2)].add(int(image), *pairs[image])
        sides[1].merge(sides[0])
        merged = sides[1].result()
        assert (merged.per_class, merged.mean_iou, merged.confusion) == (
            whole.per_class,
            whole.mean_iou,
            whole.confusion,
        )
        np.testing.assert_array_equal(merged.answers.mean_iou, whole.answers.mean_iou)


def pictures(seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    shape = (*random.integers(11, 15, 2), int(random.choice([1, 3, 5])))
    first = random.integers(0, 256, shape).astype(np.uint8)
    noise = random.normal(0, random.choice([2, 40]), shape)
    return first, np.clip(first + noise, 0, 255).astype(np.float32)


def test_similarity_is_that_of_scikit_image() -> None:
    for seed in range(CASES):
        first, second = (picture.astype(float) for picture in pictures(seed))
        oracle = image_metrics.structural_similarity(
            first,
            second,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
            channel_axis=-1,
        )
        assert structural_similarity(first, second, data_range=255) == pytest.approx(oracle, abs=1e-10)


def test_noise_ratio_and_error_are_those_of_the_oracles() -> None:
    accumulator, ratios, errors = PictureAccumulator(), [], []
    for seed in range(CASES):
        first, second = pictures(seed)
        accumulator.add(seed, first, second)
        ratios.append(image_metrics.peak_signal_noise_ratio(first.astype(float), second, data_range=255))
        errors.append(np.abs(first - second.astype(float)).mean())
    found = accumulator.result()
    np.testing.assert_allclose(found.answers.psnr, ratios, rtol=1e-10)
    np.testing.assert_allclose(found.answers.mae, errors, rtol=1e-12)
    assert found.psnr == pytest.approx(np.mean(ratios))
    assert found.answers.worst_first()[0] == int(np.argmax(errors))


def test_equal_and_small_pictures_are_counted_and_do_not_spoil_the_means() -> None:
    accumulator = PictureAccumulator()
    first, second = pictures(1)
    accumulator.add(0, first, first)
    accumulator.add(1, first[:5], second[:5])
    accumulator.add(2, first, np.full_like(second, np.nan))
    found = accumulator.result()
    assert (found.images, found.identical, found.too_small, found.not_finite) == (2, 1, 1, 1)
    assert found.ssim == pytest.approx(1.0)
    assert found.psnr is not None
    assert math.isfinite(found.psnr)


def test_pictures_split_and_merged_give_the_same_bits() -> None:
    pairs = [pictures(seed) for seed in range(30)]
    sides = PictureAccumulator(), PictureAccumulator()
    whole = PictureAccumulator()
    for image, pair in enumerate(pairs):
        whole.add(image, *pair)
    for image in reversed(range(30)):
        sides[image % 2].add(image, *pairs[image])
    sides[0].merge(sides[1])
    one, other = whole.result(), sides[0].result()
    assert (one.mae, one.psnr, one.ssim) == (other.mae, other.psnr, other.ssim)
