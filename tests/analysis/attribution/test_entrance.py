"""Gradients added up behind the first convolution are those of images, wherever that can be done at all."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from numpy.typing import NDArray
from support import zoo

from reportgen.analysis.attribution import TracedCall, integrated_gradients, output_value
from reportgen.analysis.attribution import tracing as tracing_module
from reportgen.analysis.attribution.integrated_gradients import quadrature
from reportgen.config import Config
from reportgen.models import Network, load_network

POINTS = 6


def _body(values: keras.KerasTensor) -> keras.KerasTensor:
    values = layers.Conv2D(5, 3, strides=2)(values)
    values = layers.Activation("tanh")(values)
    values = layers.Conv2D(4, 3, padding="same", activation="swish")(values)
    return layers.Dense(3, name="values")(layers.Flatten()(values))


def _network(stem: str) -> keras.Model:
    image = keras.Input((9, 11, 3), name="image")
    if stem == "two readers":
        first = layers.Conv2D(4, 3, padding="same")(image)
        return keras.Model(image, _body(layers.Concatenate()([layers.ReLU()(first), image])))
    if stem == "nested":
        own = keras.Input((9, 11, 3))
        return keras.Model(image, keras.Model(own, _body(layers.Rescaling(1 / 127.5, -1)(own)))(image))
    if stem == "dense":
        values = layers.Dense(6, activation="tanh")(layers.Flatten()(image))
        return keras.Model(image, layers.Dense(3, name="values")(values))
    stems = {
        "plain": lambda values: values,
        "padded": lambda values: layers.ZeroPadding2D()(layers.BatchNormalization()(values)),
        "centred": layers.Lambda(lambda values: values - ops.mean(values, axis=(1, 2), keepdims=True)),
        "squared": layers.Lambda(lambda values: values * values),
        "standardised": layers.LayerNormalization(axis=(1, 2, 3)),
        "pooled": layers.MaxPooling2D(2),
        "gated": layers.Activation("swish"),
    }
    return keras.Model(image, _body(stems[stem](image)))


def _plain(network: Network, pixels: NDArray[np.float32], value: int) -> NDArray[np.float32]:
    """A map for each image by one tape over all points."""
    places, weights = quadrature(POINTS)
    maps = []
    for image in pixels:
        points = tf.constant(127.5 + places[:, None, None, None] * (image - 127.5))
        with tf.GradientTape() as tape:
            tape.watch(points)
            score = network.model(network.prepare(points), training=False)[:, value]
        slopes = np.einsum("k,khwc->hwc", weights, tape.gradient(score, points).numpy())
        maps.append((slopes * (image - 127.5)).sum(axis=2))
    return np.stack(maps)


@pytest.mark.parametrize("preprocess", ["none", "tf", "caffe"])
@pytest.mark.parametrize(
    ("stem", "behind"),
    [
        ("plain", True),
        ("padded", True),
        ("centred", True),
        ("nested", True),
        ("dense", True),
        ("two readers", False),
        ("squared", False),
        ("standardised", False),
        ("pooled", False),
        ("gated", False),
    ],
)
def test_maps_are_those_of_a_plain_tape(
    stem: str, behind: bool, preprocess: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keras.utils.set_random_seed(1)
    network = load_network(Config(preprocess=preprocess), _network(stem))
    # Of values as small as they are in networks that learnt, so that no tanh is at its end.
    network.model.set_weights([0.05 * each for each in network.model.get_weights()])
    pixels = zoo.pictures(network).astype(np.float32)
    used = []
    back = tracing_module.Run.entrance_gradients

    def counted(run: tracing_module.Run, scores: tf.Tensor) -> tf.Tensor:
        used.append(run.entrance is not run.images)
        return back(run, scores)

    monkeypatch.setattr(tracing_module.Run, "entrance_gradients", counted)
    maps = integrated_gradients(
        TracedCall(network), pixels, [output_value(3, 0), output_value(3, 2)], points=POINTS, most_points=POINTS
    ).maps
    assert used
    assert set(used) == {behind}
    for slot, value in enumerate((0, 2)):
        expected = _plain(network, pixels, value)
        np.testing.assert_allclose(maps[slot], expected, atol=1e-5 * np.abs(expected).max())


def test_a_preprocessing_that_bends_is_gone_back_through_at_every_point() -> None:
    image = keras.Input((9, 11, 3), name="image")
    network = load_network(Config(preprocess=f"python:{__name__}:_root"), keras.Model(image, _body(image)))
    pixels = zoo.pictures(network).astype(np.float32)
    maps = integrated_gradients(
        TracedCall(network), pixels, [output_value(3, 1)], points=POINTS, most_points=POINTS
    ).maps[0]
    expected = _plain(network, pixels, 1)
    np.testing.assert_allclose(maps, expected, atol=1e-5 * np.abs(expected).max())


def _root(values: tf.Tensor) -> tf.Tensor:
    return tf.sqrt(values + 1) / 16
