from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from support import zoo

from reportgen.analysis.network import capture_check
from reportgen.analysis.network.capture_check import check_capture
from reportgen.analysis.network.whole_run import WholeRun
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


def test_what_was_captured_of_each_image_is_compared_with_the_answer_to_all() -> None:
    network = _opened(zoo.build("several_outputs"))
    pixels = zoo.pictures(network)[:2]
    run = WholeRun(network)
    captured = [run(pixels[place : place + 1]) for place in range(2)]
    assert check_capture(network, pixels, captured=captured).difference < 1e-5
    wrong = [replace(one, answer=[leaf + 1 for leaf in one.answer]) for one in captured]
    # It is captured again, and found to be right.
    assert check_capture(network, pixels, captured=wrong).difference < 1e-5


def test_an_answer_that_depends_on_the_batch_is_captured_of_the_batch() -> None:
    image = keras.Input((8, 8, 3))
    together = layers.Lambda(lambda maps: maps - tf.reduce_mean(maps, axis=0, keepdims=True), output_shape=(8, 8, 3))
    network = _opened(keras.Model(image, layers.GlobalAveragePooling2D()(together(image))))
    pixels = zoo.pictures(network)[:2]
    captured = [WholeRun(network)(pixels[place : place + 1]) for place in range(2)]
    assert not any(np.concatenate(one.answer).any() for one in captured)
    assert check_capture(network, pixels, captured=captured).difference < 1e-5


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_counted_where_it_goes_into_an_activation(bad: float) -> None:
    image = keras.Input((8, 8, 3))
    body = layers.Conv2D(2, 3, name="fine", activation="relu")(image)
    body = layers.Conv2D(2, 3, name="broken", activation="relu6")(body)
    model = keras.Model(image, layers.GlobalAveragePooling2D()(body))
    kernel = model.get_layer("fine").kernel
    kernel.assign(np.abs(kernel))
    bias = model.get_layer("broken").bias
    network = _opened(model)
    pixels = zoo.pictures(network)[:2]
    assert not check_capture(network, pixels).nonfinite
    bias.assign([0.0, bad])
    assert check_capture(network, pixels).nonfinite == {"broken": 2 * 4 * 4}
    assert WholeRun(network)(pixels).sums["broken"] != WholeRun(network)(pixels).sums["fine"]


def test_large_numbers_that_add_up_to_infinity_are_none_that_are_not_finite() -> None:
    image = keras.Input((8, 8, 3))
    large = layers.Conv2D(1, 1, use_bias=False, activation="relu6", name="large")
    model = keras.Model(image, large(image))
    large.kernel.assign(np.full((1, 1, 3, 1), 1e35))
    network = _opened(model)
    pixels = np.full((2, 8, 8, 3), 200, np.uint8)
    assert not np.isfinite(WholeRun(network)(pixels).sums["large"])
    assert not check_capture(network, pixels).nonfinite
