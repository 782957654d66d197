"""Scaling that is split over networks nested in each other, saved and loaded; answers against plain Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.analysis.network.feeding import open_network
from reportgen.analysis.network.running import run_unwatched
from reportgen.config import Config

SIDE = 16
PIXELS = np.random.default_rng(5).integers(0, 256, (4, SIDE, SIDE, 3)).astype(np.uint8)
MEAN, DEVIATION = np.array([120.0, 110.0, 100.0]), np.array([60.0, 55.0, 70.0])


def backbone(*start: layers.Layer) -> keras.Sequential:
    ends = [layers.Conv2D(4, 3, activation="relu"), layers.GlobalAveragePooling2D(), layers.Dense(2)]
    return keras.Sequential([keras.Input((SIDE, SIDE, 3)), *start, *ends], name="backbone")


def behind_nested_augmentation() -> keras.Model:
    flips = keras.Sequential([keras.Input((SIDE, SIDE, 3)), layers.RandomFlip(), layers.RandomRotation(0.1)])
    image = keras.Input((SIDE, SIDE, 3))
    scaled = keras.Model(image, layers.Rescaling(1 / 127.5, offset=-1)(flips(image)), name="scaled")
    return keras.Sequential([keras.Input((SIDE, SIDE, 3)), scaled, backbone()])


def adapted_then_nested() -> keras.Model:
    normalization = layers.Normalization()
    normalization.adapt(np.stack([MEAN - DEVIATION, MEAN + DEVIATION]).reshape(2, 1, 1, 3).repeat(SIDE, 1))
    inner = keras.Sequential([keras.Input((SIDE, SIDE, 3)), normalization], name="adapted")
    image = keras.Input((SIDE, SIDE, 3))
    return keras.Model(image, backbone()(keras.Model(image, inner(image), name="outer")(image)))


def in_two_steps() -> keras.Model:
    image = keras.Input((SIDE, SIDE, 3))
    halves = keras.Sequential([keras.Input((SIDE, SIDE, 3)), layers.Rescaling(2.0, offset=-1)], name="to_both_sides")
    return keras.Model(image, backbone(halves)(layers.Rescaling(1 / 255)(image)))


@keras.saving.register_keras_serializable("nested_scaling")
class ScalingInCall(keras.Model):
    """Divides in its `call`, around a network that shifts."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        self.inner = backbone(layers.Rescaling(1.0, offset=-0.5))

    def call(self, inputs, training=False):
        return self.inner(inputs / 255.0, training=training)


def in_a_call() -> keras.Model:
    model = ScalingInCall()
    model(np.zeros((1, SIDE, SIDE, 3), "float32"))
    return model


NETWORKS = {
    "behind nested augmentation": (behind_nested_augmentation, 1 / 127.5, -1.0),
    "adapted, then nested": (adapted_then_nested, 1 / DEVIATION, -MEAN / DEVIATION),
    "in two steps": (in_two_steps, 2 / 255, -1.0),
    "in a call": (in_a_call, 1 / 255, -0.5),
}


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("form", ["fresh", ".keras", ".h5"])
@pytest.mark.parametrize("kind", NETWORKS)
def test_nested_scaling_is_measured_and_nothing_is_scaled_twice(kind, form, tmp_path):
    make, scale, offset = NETWORKS[kind]
    if (kind, form) == ("in a call", ".h5"):
        pytest.skip("HDF5 holds no subclassed networks")
    model = make()
    path = tmp_path / f"network{form}"
    if form != "fresh":
        model.save(path)
    network = open_network(Config(), model) if form == "fresh" else open_network(Config(model=str(path)))
    assert (network.preprocessing.mode, network.preprocessing.origin) == ("none", "inside")
    inside = network.preprocessing.inside
    np.testing.assert_allclose(inside.matrix, np.eye(3) * scale, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(inside.offset, np.broadcast_to(offset, 3), rtol=1e-3, atol=1e-4)
    expected = model(PIXELS.astype(np.float32), training=False)
    np.testing.assert_allclose(run_unwatched(network, PIXELS), expected, rtol=1e-5, atol=1e-6)
