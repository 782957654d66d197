from __future__ import annotations

from typing import Any

import keras
import pytest
import tensorflow as tf
from keras import layers
from support import zoo

from reportgen.analysis.network.capture import Extractor
from reportgen.analysis.network.layers import summarize_network
from reportgen.analysis.network.running import run_traced
from reportgen.analysis.network.whole_run import runs_one_by_one
from reportgen.config import Config
from reportgen.errors import ReportgenError
from reportgen.models import load_network


def _opened(model: keras.Model) -> Any:
    return load_network(Config(preprocess="none"), model)


def test_a_network_that_cannot_run_fails_in_one_line() -> None:
    image = keras.Input((zoo.SIDE, zoo.SIDE, 3))
    broken = layers.Lambda(lambda maps: tf.ensure_shape(maps, (None, 5, 5, 3)), output_shape=(5, 5, 3), name="broken")
    network = _opened(keras.Model(image, layers.Conv2D(2, 3)(broken(image)), name="wrong"))
    with pytest.raises(ReportgenError, match=r"^wrong cannot run on an input of 16x16x3 .*; check --size") as caught:
        Extractor(network, ["broken"])(zoo.pictures(network))
    assert "\n" not in str(caught.value)


def test_a_network_that_only_runs_eagerly_fails_in_one_line() -> None:
    class Eager(keras.Model):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.conv = layers.Conv2D(2, 3, name="conv")

        def call(self, inputs: Any) -> Any:
            return self.conv(tf.constant(inputs.numpy() * 2))

    model = Eager(name="eager")
    model(tf.zeros((1, 8, 8, 3)))
    network = _opened(model)
    with pytest.raises(ReportgenError, match=r"^eager cannot run .* no attribute 'numpy'.*inside a tf.function$"):
        summarize_network(network)


def _checked(most: float, image: Any) -> Any:
    with tf.control_dependencies([tf.debugging.assert_less(tf.reduce_mean(image), most, message="too bright")]):
        return tf.identity(image)


@pytest.mark.parametrize("one_by_one", [True, False])
def test_what_a_network_minds_is_said_without_what_passed_it_on(one_by_one: bool) -> None:
    image = keras.Input((zoo.SIDE, zoo.SIDE, 3))
    minding = layers.Lambda(lambda maps: _checked(0.0, maps), output_shape=(zoo.SIDE, zoo.SIDE, 3), name="minding")
    network = _opened(keras.Model(image, layers.Conv2D(2, 3, name="conv")(minding(image)), name="wrong"))
    pixels = zoo.pictures(network)
    with pytest.raises(ReportgenError, match=r"^wrong cannot run .* channels\): assertion failed: .too bright"):
        if one_by_one:
            list(runs_one_by_one(network, ["conv"], ["a", "b"], pixels.__getitem__, "uint8", 2))
        else:
            run_traced(network, pixels)
