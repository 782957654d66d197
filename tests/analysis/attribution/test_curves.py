"""Deletion and insertion where the right order is known."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.analysis.attribution import Curve, Faithfulness, TracedCall, check_faithfulness, output_value
from reportgen.analysis.attribution.curves import STEPS, blur, coarsened, enlarged, pixel_order
from reportgen.config import Config
from reportgen.models import Network, load_network

SIDE = 10


def _sum_network() -> Network:
    """The sum of all values, in units of 255."""
    model = keras.Sequential([keras.Input((SIDE, SIDE, 1)), layers.Flatten(), layers.Dense(1, name="sum")])
    model.set_weights([np.ones((SIDE * SIDE, 1), np.float32), np.zeros(1)])
    return load_network(Config(preprocess="unit"), model)


def _image() -> np.ndarray:
    return (
        np.random.default_rng(0).permutation(np.linspace(0, 255, SIDE * SIDE)).reshape(SIDE, SIDE, 1).astype(np.uint8)
    )


def test_deletion_of_a_perfect_map_is_the_lowest_possible() -> None:
    traced, image, target = TracedCall(_sum_network()), _image(), output_value(1, 0)
    best = check_faithfulness(traced, image, target, image[..., 0].astype(np.float32))
    values, places = np.sort(image.reshape(-1).astype(np.float64))[::-1], np.arange(image.size)
    states = [np.where(places < step * image.size / STEPS, 127.5, values).sum() / 255 for step in range(STEPS + 1)]
    assert best.deletion.area == pytest.approx(np.trapezoid(states, dx=1 / STEPS), rel=1e-5)
    random = np.random.default_rng(1)
    for _ in range(20):
        other = check_faithfulness(traced, image, target, random.random((SIDE, SIDE)).astype(np.float32))
        assert other.deletion.area > best.deletion.area
    worst = check_faithfulness(traced, image, target, -image[..., 0].astype(np.float32))
    assert worst.gain < -0.2 < 0.2 < best.gain
    assert best.score == pytest.approx(image.sum() / 255, rel=1e-5)
    assert best.deleted == pytest.approx(SIDE * SIDE / 2, rel=1e-5)


def test_random_orders_come_from_the_seed() -> None:
    traced, image, target = TracedCall(_sum_network()), _image(), output_value(1, 0)
    values = image[..., 0].astype(np.float32)
    one, same, other = (check_faithfulness(traced, image, target, values, seed=seed) for seed in (0, 0, 1))
    assert one == same
    assert one.deletion.area == pytest.approx(other.deletion.area)
    assert one.deletion.random != other.deletion.random


def test_an_answer_that_never_changes_gains_nothing() -> None:
    level = Curve(0.5, 0.5)
    assert Faithfulness(level, level, score=0.5, deleted=0.5, blurred=0.5, span=0.0).gain == 0


def test_equal_pixels_are_ordered_at_random_not_by_row() -> None:
    order = pixel_order(np.zeros((4, 4), np.float32), (20, 20), np.random.default_rng(0))
    assert sorted(order) == list(range(400))
    assert abs(np.corrcoef(order, np.arange(400))[0, 1]) < 0.2
    values = np.zeros((2, 2), np.float32)
    values[1, 1] = 1
    assert (pixel_order(values, (20, 20), np.random.default_rng(0))[:25] // 20 >= 10).all()


def test_the_blur_is_a_gaussian_of_five_pixels_at_224() -> None:
    image = np.zeros((112, 224, 1), np.float32)
    image[50, 100] = 1000
    down, right = np.arange(112) - 50, np.arange(224) - 100
    bell = np.exp(-0.5 * ((down[:, None] / 2.5) ** 2 + (right / 5) ** 2)) / (2 * np.pi * 2.5 * 5)
    np.testing.assert_allclose(blur(image)[..., 0], 1000 * bell, atol=0.01)
    level = np.full((20, 30, 3), 77, np.float32)
    np.testing.assert_allclose(blur(level), level, rtol=1e-6)


def test_maps_are_enlarged_between_the_centres_of_cells() -> None:
    large = enlarged(np.array([[0, 1]], np.float32), (1, 4))
    np.testing.assert_allclose(large, [[0, 0.25, 0.75, 1]])


def test_cells_that_a_method_cannot_tell_apart_are_averaged() -> None:
    values = np.arange(15, dtype=np.float32).reshape(3, 5)
    np.testing.assert_allclose(coarsened(values, 2), [[3, 5, 6.5], [10.5, 12.5, 14]])
    assert coarsened(values, 1) is values
