"""Tiny networks with seeded weights, shared by tests."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers


def seeded(model: keras.Model, seed: int = 0) -> keras.Model:
    """Give every kernel and bias of `model` values drawn from `seed`, whatever ran before."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        if weight.name in ("kernel", "depthwise_kernel", "pointwise_kernel"):
            fan_in = max(1, int(np.prod(weight.shape[:-1])))
            weight.assign(random.normal(0, np.sqrt(2 / fan_in), weight.shape))
        elif weight.name == "bias":
            weight.assign(random.normal(0, 0.05, weight.shape))
    return model


def two_convolutions(size: int | None = 8, classes: int = 4, channels: int = 3, seed: int = 0) -> keras.Model:
    """Two convolutions of 6 and 8 filters, a max pooling between them, and a softmax over `classes`."""
    model = keras.Sequential(
        [
            layers.Input((size, size, channels)),
            layers.Conv2D(6, 3, padding="same", activation="relu", name="conv1"),
            layers.MaxPooling2D(name="pool1"),
            layers.Conv2D(8, 3, padding="same", activation="relu", name="conv2"),
            layers.GlobalAveragePooling2D(name="average"),
            layers.Dense(classes, activation="softmax", name="classes"),
        ],
        name="two_convolutions",
    )
    return seeded(model, seed)


def base(seed: int = 0) -> keras.Model:
    """A network without a head, of open size, to be nested in others."""
    image = keras.Input((None, None, 3), name="pixels")
    features = layers.Conv2D(6, 3, padding="same", activation="relu", name="base_conv")(image)
    return seeded(keras.Model(image, features, name="base"), seed)


@keras.saving.register_keras_serializable(package="support")
class Subclassed(keras.Model):
    """Two convolutions called from a `call` of its own."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.first = layers.Conv2D(4, 3, padding="same", activation="relu", name="first")
        self.second = layers.Conv2D(5, 3, padding="same", activation="relu", name="second")
        self.average = layers.GlobalAveragePooling2D(name="average")
        self.classes = layers.Dense(3, name="classes")

    def call(self, inputs: object) -> object:
        return self.classes(self.average(self.second(self.first(inputs))))
