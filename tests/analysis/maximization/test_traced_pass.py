from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from support.ascents import as_network
from support.networks import seeded
from support.settled import settled_output

from reportgen.analysis.maximization import CRISP, maximize
from reportgen.analysis.maximization.answer_goals import AnswerGoals
from reportgen.analysis.maximization.deep_dream import dream
from reportgen.analysis.maximization.objectives import channel
from reportgen.analysis.maximization.subjects import Goal, OutputNumbers, response_function
from reportgen.analysis.maximization.traced_pass import TracedPasses
from reportgen.analysis.network.layers import summarize_network
from reportgen.config import Config
from reportgen.models import load_network

QUICK = replace(CRISP, steps=4, check_every=2, rival_steps=4, second_seeds=1, restarts=0, least_canvas=24)


def deep(depth: int, size: int | None = 32, head: bool = True) -> keras.Model:
    image = keras.Input((size, size, 3))
    maps = image
    for place in range(depth):
        maps = layers.Conv2D(6, 3, padding="same", activation="relu", name=f"conv{place}")(maps)
    if head:
        maps = layers.Dense(4, activation="softmax", name="classes")(layers.Flatten()(layers.MaxPooling2D(4)(maps)))
    return seeded(keras.Model(image, maps))


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The calls of networks with symbolic tensors of a graph, each of which runs their Python."""
    found: list[object] = []
    real = keras.Model.__call__

    def called(self: keras.Model, *args: object, **kwargs: object) -> object:
        leaves = tf.nest.flatten(args)
        if (
            any(isinstance(leaf, tf.Tensor) and not hasattr(leaf, "numpy") for leaf in leaves)
            or not tf.executing_eagerly()
        ):
            found.append(leaves)
        return real(self, *args, **kwargs)

    monkeypatch.setattr(keras.Model, "__call__", called)
    return found


def test_twenty_layers_with_rivals_seeds_answers_and_a_dream_cost_one_trace(traces):
    model = deep(20)
    network = as_network(model, "unit")
    traces.clear()
    summary = summarize_network(network)
    passes = TracedPasses(network)
    names = [row.name for row in summary.layers if row.is_convolution]
    # Rivals are there for all: no channel reaches what the images are said to.
    maxima = {name: np.full(6, 1e3, np.float32) for name in names}
    answers = AnswerGoals(OutputNumbers(settled_output(), "classes"), (Goal(0), Goal(2)))
    made, left_out = maximize(
        passes, summary, dict.fromkeys(names, (0, 3)), QUICK, dataset_max=maxima, answers=[answers]
    )
    assert not left_out
    assert len(made) == 20 * 3 + 2
    assert len({picture.canvas for picture in made}) > 1
    dream(passes, np.zeros((32, 32, 3), np.uint8), "conv9", steps=1)
    assert len(traces) == 1


def test_other_numbers_are_fed_not_traced(traces):
    passes = TracedPasses(as_network(deep(2), "unit"))
    measure = response_function(passes, "conv1")
    for batch in (1, 3, 2):
        measure(np.zeros((batch, 32, 32, 3), np.uint8))
    assert len(traces) == 1


@pytest.mark.parametrize("size", [(32, 32), (20, 28)])
@pytest.mark.parametrize("relieved", [True, False])
def test_slopes_are_those_of_a_tape(size, relieved):
    model = deep(3, size=None, head=False)
    passes = TracedPasses(load_network(Config(preprocess="unit", size=(32, 32)), model))
    taken = passes.at(size, ["conv2"])

    def make(channels, signs):
        return channel("conv2", channels, sign=signs)

    slope = taken.slope(make, before_activation=False, relieved=relieved)

    @tf.function
    def run(images, channels, signs):
        return slope(images, channels, signs, tf.constant(False))

    images = tf.constant(np.random.default_rng(0).uniform(0, 255, (2, *size, 3)), tf.float32)
    scores, slopes = run(images, tf.constant([4, 1]), tf.constant([1.0, -1.0]))
    with tf.GradientTape() as tape:
        tape.watch(images)
        maps = model(images / 255)
        own = tf.stack([tf.reduce_mean(maps[0, ..., 4]), -tf.reduce_mean(maps[1, ..., 1])])
    np.testing.assert_allclose(scores, own, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(slopes, tape.gradient(own, images), rtol=1e-3, atol=1e-7)


@keras.saving.register_keras_serializable(package="support")
class Reversed(layers.Layer):
    """Passes values on, and gradients turned round."""

    def call(self, values):
        @tf.custom_gradient
        def turned(given):
            return tf.identity(given), lambda slope: -slope

        return turned(values)


def test_a_layers_own_gradient_is_kept():
    image = keras.Input((12, 12, 3))
    maps = layers.Conv2D(3, 3, activation="silu", name="first")(image)
    model = seeded(keras.Model(image, layers.Conv2D(2, 1, name="last")(Reversed()(maps))))
    passes = TracedPasses(as_network(model, "unit"))
    taken = passes.at((12, 12), ["last"])
    slope = taken.slope(lambda channels, _: channel("last", channels), before_activation=True, relieved=False)

    @tf.function
    def run(images):
        return slope(images, tf.constant([0]), tf.constant([1.0]), tf.constant(False))

    images = tf.constant(np.random.default_rng(0).uniform(0, 255, (1, 12, 12, 3)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(images)
        own = tf.reduce_mean(model(images / 255)[..., 0])
    np.testing.assert_allclose(run(images)[1], tape.gradient(own, images), rtol=1e-3, atol=1e-7)


@keras.saving.register_keras_serializable(package="support")
class OnlyOwnSize(layers.Layer):
    """Asks for its sides in Python, as networks with patches do."""

    def call(self, values):
        side = values.shape[1] // 2
        return keras.ops.reshape(values, (-1, side, 2 * values.shape[2], values.shape[3]))


def test_a_network_that_needs_known_sides_is_traced_for_each_canvas(traces):
    image = keras.Input((16, 16, 3))
    maps = layers.Conv2D(3, 3, padding="same", name="early")(OnlyOwnSize()(image))
    passes = TracedPasses(as_network(seeded(keras.Model(image, maps)), "unit"))
    traces.clear()
    for size in ((16, 16), (8, 12), (16, 16)):
        assert response_function(passes, "early")(np.zeros((1, *size, 3), np.uint8)).shape == (1, 3)
    assert len(traces) == 3  # on open sides in vain, and on two canvases


def test_changed_weights_are_seen():
    model = deep(2, head=False)
    measure = response_function(TracedPasses(as_network(model, "unit")), "conv1")
    pixels = np.full((1, 32, 32, 3), 200, np.uint8)
    before = measure(pixels)
    model.get_layer("conv1").bias.assign(model.get_layer("conv1").bias + 1.0)
    np.testing.assert_array_less(before, measure(pixels))
