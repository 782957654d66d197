"""What is not a number stays so, whatever TensorFlow would fuse: the oracle is Keras run operation by operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from support.networks import seeded

from reportgen.analysis.network.capture import Extractor
from reportgen.config import Config
from reportgen.models import load_network

KINDS: dict[str, Callable[..., keras.Layer]] = {
    "dense": layers.Dense,
    "convolution": lambda units, **settings: layers.Conv2D(units, 3, **settings),
    "depthwise": lambda _, **settings: layers.DepthwiseConv2D(3, **settings),
    "separable": lambda units, **settings: layers.SeparableConv2D(units, 3, **settings),
    "transposed": lambda units, **settings: layers.Conv2DTranspose(units, 3, **settings),
}


def _answers(model: keras.Model, layer: str) -> tuple[np.ndarray, np.ndarray]:
    """What the extractor gives of `layer`, and what Keras does."""
    network = load_network(Config(preprocess="none", size=(8, 8)), model)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), np.uint8)
    return Extractor(network, [layer])(pixels)[layer], np.asarray(model(tf.constant(pixels, tf.float32)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", ["relu", "relu6", "leaky_relu", "gelu"])
@pytest.mark.parametrize("apart", [False, True], ids=["fused", "apart"])
def test_a_bias_that_is_not_a_number_is_seen_behind_the_activation(kind: str, activation: str, apart: bool) -> None:
    image = keras.Input((8, 8, 3))
    maps = KINDS[kind](4, activation=None if apart else activation, name="broken")(image)
    last = layers.Activation(activation, name="last") if apart else layers.Identity(name="last")
    model = seeded(keras.Model(image, last(maps)))
    model.get_layer("broken").bias.assign([0.0, np.nan, 1.0] + [0.0] * (kind != "depthwise"))
    given, expected = _answers(model, "last")
    assert np.isnan(given[..., 1]).all()
    np.testing.assert_array_equal(np.isnan(given), np.isnan(expected))


def test_a_normalisation_that_is_not_a_number_is_seen_behind_the_rectifier() -> None:
    image = keras.Input((8, 8, 3))
    maps = layers.BatchNormalization(name="norm")(layers.Conv2D(4, 3, use_bias=False)(image))
    model = seeded(keras.Model(image, layers.ReLU(name="last")(maps)))
    model.get_layer("norm").moving_variance.assign([1.0, 1.0, np.nan, -2.0])
    given, _ = _answers(model, "last")
    assert np.isnan(given).all(axis=(0, 1, 2)).tolist() == [False, False, True, True]


def test_operations_that_are_no_layers_are_kept_apart_too() -> None:
    class Rectified(layers.Layer):
        def build(self, shape: Any) -> None:
            self.kernel = self.add_weight(shape=(3, 3, shape[-1], 4), name="kernel")
            self.bias = self.add_weight(shape=(4,), name="bias")

        def call(self, inputs: Any) -> Any:
            return tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(inputs, self.kernel, 1, "SAME"), self.bias))

    image = keras.Input((8, 8, 3))
    model = seeded(keras.Model(image, Rectified(name="last")(image)))
    model.get_layer("last").bias.assign([0.0, np.nan, 0.0, 0.0])
    given, expected = _answers(model, "last")
    np.testing.assert_array_equal(np.isnan(given), np.isnan(expected))
    assert np.isnan(given[..., 1]).all()
