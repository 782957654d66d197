from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from support import zoo

from reportgen.analysis.network import capture_check
from reportgen.analysis.network.capture_check import check_capture
from reportgen.config import Config
from reportgen.models import load_network


def _opened(model: keras.Model) -> Any:
    return load_network(Config(preprocess="none"), model)


def test_a_difference_from_the_networks_answer_is_measured() -> None:
    class Restless(layers.Layer):
        """Gives something else whenever it is called."""

        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.calls = 0

        def call(self, inputs: Any) -> Any:
            self.calls += 1
            return inputs * float(self.calls)

    image = keras.Input((8, 8, 3), name="image")
    ones = layers.Lambda(tf.ones_like, output_shape=(8, 8, 3), name="ones")(image)
    restless = Restless(name="restless")
    network = _opened(keras.Model(image, layers.GlobalAveragePooling2D(name="pool")(restless(ones))))
    restless.calls = 0
    assert check_capture(network, zoo.pictures(network)).difference == pytest.approx(1)


def test_only_finite_numbers_differ() -> None:
    numbers = np.ones((1, 2), np.float32)
    assert capture_check._difference(numbers, np.array([[1, np.nan]], np.float32)) == 0
    assert capture_check._difference(np.array([[np.inf, 2]], np.float32), numbers) == 1
    assert capture_check._difference(np.array([[2, np.nan]], np.float32), np.array([[1, np.nan]], np.float32)) == 1
    assert capture_check._difference(numbers, np.ones((1, 3), np.float32)) == float("inf")
