"""Integrated gradients where the right answer is known."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from support import zoo
from support.networks import two_convolutions

from reportgen.analysis.attribution import (
    BLACK,
    TracedCall,
    class_logit,
    integrated_gradients,
    logit_difference,
    output_value,
)
from reportgen.analysis.attribution import tracing as tracing_module
from reportgen.analysis.attribution.integrated_gradients import completeness_error, quadrature
from reportgen.config import Config
from reportgen.models import Network, load_network


def _linear(preprocess: str = "none", channels: int = 3) -> tuple[Network, np.ndarray]:
    model = keras.Sequential([keras.Input((8, 10, channels)), layers.Flatten(), layers.Dense(2, name="values")])
    weights = np.random.default_rng(0).normal(size=(8 * 10 * channels, 2)).astype(np.float32)
    model.set_weights([weights, np.array([3, -1], np.float32)])
    return load_network(Config(preprocess=preprocess), model), weights.reshape(8, 10, channels, 2)


@pytest.mark.parametrize(("channels", "baseline"), [(3, 127.5), (3, BLACK), (1, 127.5), (5, 10.0)])
def test_of_a_linear_network_it_is_weight_times_distance(channels: int, baseline: float) -> None:
    network, weights = _linear(channels=channels)
    pixels = zoo.pictures(network)
    maps = integrated_gradients(
        TracedCall(network), pixels, [output_value(2, 0), output_value(2, 1)], baseline=baseline
    )
    for value in (0, 1):
        expected = ((pixels - baseline) * weights[..., value]).sum(axis=3)
        np.testing.assert_allclose(maps.maps[value], expected, rtol=1e-4, atol=1e-2)
    assert maps.completeness_error.max() < 1e-3  # float32 sums


def test_preprocessing_is_part_of_what_is_explained() -> None:
    network, weights = _linear("tf")
    pixels = zoo.pictures(network)
    maps = integrated_gradients(TracedCall(network), pixels, [output_value(2, 0)])
    np.testing.assert_allclose(maps.maps[0], ((pixels / 127.5 - 1) * weights[..., 0]).sum(axis=3), atol=1e-4)


def test_a_quadratic_is_integrated_exactly() -> None:
    image = keras.Input((2, 2, 3), name="image")
    squares = layers.Lambda(lambda each: each * each, name="square")(image)
    network = load_network(Config(preprocess="unit"), keras.Model(image, layers.Flatten(name="values")(squares)))
    pixels = zoo.pictures(network)
    maps = integrated_gradients(
        TracedCall(network), pixels, [output_value(12, 0)], baseline=BLACK, points=2, most_points=2
    )
    np.testing.assert_allclose(maps.maps[0, :, 0, 0], (pixels[:, 0, 0, 0] / 255) ** 2, rtol=1e-5)
    assert not maps.maps[0, :, 1].any()


def test_batches_bounded_by_memory_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    network = load_network(Config(preprocess="unit"), two_convolutions())
    pixels = zoo.pictures(network)
    targets = [class_logit(4, [0, 2]), logit_difference(4, 1, 3)]
    whole = integrated_gradients(TracedCall(network), pixels, targets, points=50, most_points=50)
    monkeypatch.setattr(tracing_module, "BATCH_BYTES", 60_000)
    parts = TracedCall(network)
    assert 1 <= parts.rows(pixels.shape[1:], gradient=True) < 20
    bounded = integrated_gradients(parts, pixels, targets, points=50, most_points=50)
    np.testing.assert_allclose(bounded.maps, whole.maps, atol=1e-5)
    np.testing.assert_allclose(whole.maps[1], _difference(network, pixels), atol=1e-5)


def _difference(network: Network, pixels: np.ndarray) -> np.ndarray:
    maps = integrated_gradients(
        TracedCall(network), pixels, [class_logit(4, 1), class_logit(4, 3)], points=50, most_points=50
    ).maps
    return maps[0] - maps[1]


@pytest.mark.parametrize("name", ["byte_input", "channels_first", "mixed_bfloat16", "transfer_functional"])
def test_odd_networks_are_nearly_complete(name: str) -> None:
    network = zoo.open_zoo(name)
    maps = integrated_gradients(TracedCall(network), zoo.pictures(network), [class_logit(4, 0)])
    assert maps.maps.any()
    assert maps.completeness_error.max() < (0.1 if name == "mixed_bfloat16" else 0.03)


def test_points_are_doubled_for_the_images_that_need_it() -> None:
    """A single rectifier that opens at a fifth of the way, for the first image; the second is linear."""
    model = keras.Sequential([keras.Input((1, 1, 3)), layers.Flatten(), layers.Dense(1, activation="relu")])
    model.set_weights([np.ones((3, 1), np.float32), np.array([-60], np.float32)])
    network = load_network(Config(preprocess="none"), model)
    pixels = np.array([[100, 100, 100], [0, 0, 0]], np.uint8).reshape(2, 1, 1, 3)
    traced, target = TracedCall(network), [output_value(1, 0)]
    few = integrated_gradients(traced, pixels, target, baseline=BLACK, points=3, most_points=3)
    assert few.completeness_error[0, 0] > 0.05
    assert few.points.tolist() == [3, 3]
    more = integrated_gradients(traced, pixels, target, baseline=BLACK, points=3, most_points=200)
    assert more.completeness_error[0, 0] <= 0.01
    assert more.points[0] > 3
    assert more.points[1] == 3
    np.testing.assert_allclose(more.maps[0, 0], 240, rtol=0.01)


def test_the_gradient_is_that_of_a_tape() -> None:
    """With one point, halfway: of a network with a frozen base inside, on its own values."""
    network = zoo.open_zoo("transfer_functional")
    pixels = zoo.pictures(network)
    middle = tf.constant((pixels + np.float32(127.5)) / 2)
    features = keras.Model(network.model.input, network.model.get_layer("pool").output)
    dense = network.model.get_layer("classes")
    with tf.GradientTape() as tape:
        tape.watch(middle)
        score = (features(middle, training=False) @ dense.kernel)[:, 2]
    expected = tf.reduce_sum(tape.gradient(score, middle) * (pixels - np.float32(127.5)), axis=3).numpy()
    maps = integrated_gradients(TracedCall(network), pixels, [class_logit(4, 2)], points=1, most_points=1).maps[0]
    scale = np.abs(expected).max()
    np.testing.assert_allclose(maps / scale, expected / scale, atol=1e-5)


def test_the_quadrature_integrates_polynomials() -> None:
    places, weights = quadrature(5)
    assert weights.sum() == pytest.approx(1)
    for power in range(1, 10):
        assert (weights * places**power).sum() == pytest.approx(1 / (power + 1), rel=1e-5)


def test_an_error_is_a_share_of_what_is_explained_and_never_a_division_by_zero() -> None:
    maps = np.zeros((1, 4, 2, 2), np.float32)
    maps[0, :, 0, 0] = [11, 10, 0, 1]
    scores, baseline = np.array([[10, 10, 5, 5]], np.float32), np.array([[0, 0, 5, 5]], np.float32)
    assert completeness_error(maps, scores, baseline).tolist() == [[pytest.approx(0.1), 0, 0, np.inf]]
