"""One trace of a network, from which other functions take what they need."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from support import zoo
from support.networks import two_convolutions

from reportgen.analysis.network.capture import read_layers, run_layers
from reportgen.analysis.network.running import run_traced, run_unwatched
from reportgen.analysis.network.traced import TracedNetwork, image_of, traced_network
from reportgen.config import Config
from reportgen.models import Network, load_network


def opened(model: keras.Model) -> Network:
    return load_network(Config(preprocess="none"), model)


def computed(traced: TracedNetwork, wanted: list[tf.Tensor], *fed: Any) -> list[np.ndarray]:
    """`wanted` for one input, in a function of its own."""
    run = tf.function(lambda given: traced.replay(given, wanted)[0], autograph=False)
    return [np.asarray(each) for each in run(*fed)]


@pytest.mark.parametrize("name", zoo.ZOO)
def test_it_answers_as_the_network_does(name: str) -> None:
    network = zoo.open_zoo(name)
    pixels = zoo.pictures(network, 3)
    expected = run_unwatched(network, pixels)
    tf.nest.assert_same_structure(run_traced(network, pixels), expected)
    tolerance = 2e-2 if name.startswith("mixed") else 1e-5
    for one, other in zip(tf.nest.flatten(run_traced(network, pixels)), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["nested", "shared_layer", "subclassed", "two_inputs", "layer_gives_dictionary"])
@pytest.mark.parametrize("before", [False, True])
def test_layers_are_those_of_a_run_of_its_own(name: str, before: bool) -> None:
    network = zoo.open_zoo(name)
    pixels, names = zoo.pictures(network, 2).astype(np.float32), list(traced_network(network).calls)

    def from_trace(given: tf.Tensor) -> Any:
        return read_layers(network, network.feed(given), names, before_activation=before, whole=True)

    def by_running(given: tf.Tensor) -> Any:
        return run_layers(network.model, network.feed(given), names, before_activation=before, whole=True)

    one, other = (tf.function(run, autograph=False)(pixels) for run in (from_trace, by_running))
    tf.nest.assert_same_structure(one, other)
    for here, there in zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True):
        np.testing.assert_array_equal(here, there)


def test_the_network_is_traced_once_a_size() -> None:
    network = opened(two_convolutions(size=None))
    assert traced_network(network, (8, 8)) is traced_network(network, (8, 8))
    assert traced_network(network, (8, 8)) is not traced_network(network, (12, 12))
    assert traced_network(network.for_pictures(), (8, 8)) is traced_network(network, (8, 8))


def test_a_trace_goes_with_its_network() -> None:
    network = opened(two_convolutions())
    traced = traced_network(network)
    computed(traced, [traced.answer], tf.ones((1, 8, 8, 3)))
    remains = weakref.ref(traced)
    del traced, network
    gc.collect()
    assert remains() is None


def test_what_is_computed_changes_with_the_weights() -> None:
    network = opened(two_convolutions())
    pixels = zoo.pictures(network)
    before = np.asarray(run_traced(network, pixels))
    network.model.layers[-1].kernel.assign(-network.model.layers[-1].kernel)
    after = np.asarray(run_traced(network, pixels))
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, network.model(pixels.astype(np.float32)), rtol=1e-5)


def test_no_more_of_the_network_is_taken_than_is_needed() -> None:
    network = opened(two_convolutions())
    traced = traced_network(network)
    run = tf.function(lambda fed: traced.replay(fed, traced.calls["conv1"].outputs)[0], autograph=False)
    graph = run.get_concrete_function(tf.TensorSpec((1, 8, 8, 3))).graph
    assert [operation.type for operation in graph.get_operations()].count("Conv2D") == 1
    assert len(graph.internal_captures) == 2  # kernel and bias


def test_an_input_is_handed_on_as_it_is() -> None:
    network = opened(two_convolutions())
    traced = traced_network(network)
    given = tf.ones((2, 8, 8, 3))
    image, map_ = computed(traced, [image_of(network, traced), traced.calls["conv1"].outputs[0]], given)
    np.testing.assert_array_equal(image, given)
    assert map_.shape == (2, 8, 8, 6)


def gradient_through(model: keras.Model, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gradient of the first score, by operations added to the trace and by Keras alone."""
    network = opened(model)
    traced = traced_network(network)
    with traced.graph.as_default():
        slope = tf.gradients(tf.reduce_sum(traced.answer[:, 0]), traced.inputs[0])[0]
    [ours] = computed(traced, [slope], tf.constant(pixels))
    [answer] = computed(traced, [traced.answer], tf.constant(pixels))  # what was added changes nothing of it
    np.testing.assert_allclose(answer, model(pixels, training=False), rtol=1e-4, atol=1e-5)
    with tf.GradientTape() as tape:
        given = tf.constant(pixels)
        tape.watch(given)
        score = tf.reduce_sum(model(given, training=False)[:, 0])
    return ours, np.asarray(tape.gradient(score, given))


class Opened(layers.Layer):
    """Calls a `tf.function` of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = self.add_weight(shape=(), initializer="ones")

    @tf.function(autograph=False)
    def scaled(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.sin(inputs) * self.factor

    def call(self, inputs: Any) -> Any:
        return self.scaled(inputs)


class Doubled(layers.Layer):
    """Has a gradient of its own: three times the input's, where twice is right."""

    def call(self, inputs: Any) -> Any:
        @tf.custom_gradient
        def doubled(values: tf.Tensor) -> Any:
            return 2 * values, lambda slope: 3 * slope + 0 * values

        return doubled(inputs)


@pytest.mark.parametrize(
    "layer",
    [
        lambda: layers.Activation("silu"),
        lambda: layers.Activation("gelu"),
        Opened,
        Doubled,
        lambda: layers.Conv2D(4, 3, dilation_rate=2, padding="same"),
        lambda: layers.Conv2DTranspose(4, 3, strides=2),
        lambda: layers.DepthwiseConv2D(3),
    ],
    ids=["silu", "gelu", "function", "own-gradient", "dilated", "transposed", "depthwise"],
)
def test_gradients_are_those_of_the_network(layer: Any) -> None:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((9, 9, 3)),
            layers.Conv2D(5, 3, padding="same"),
            layer(),
            layers.Conv2D(4, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )
    ours, theirs = gradient_through(model, np.random.default_rng(0).normal(size=(2, 9, 9, 3)).astype(np.float32))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_other_variables_can_be_read() -> None:
    network = opened(two_convolutions())
    traced, kernel = traced_network(network), network.model.get_layer("conv1").kernel
    other = tf.Variable(np.asarray(kernel) * 2)
    pixels = tf.constant(zoo.pictures(network), tf.float32)

    def run(fed: tf.Tensor) -> list[tf.Tensor]:
        given = zip(traced.inputs, [fed], strict=True)
        return traced.replay_from(given, traced.calls["conv1"].outputs, {id(kernel.value.handle): other.handle})

    [seen] = tf.function(run, autograph=False)(pixels)
    bias = np.asarray(network.model.get_layer("conv1").bias)
    plain = tf.nn.conv2d(pixels, np.asarray(kernel) * 2, 1, "SAME") + bias
    np.testing.assert_allclose(seen, tf.nn.relu(plain), rtol=1e-5, atol=1e-4)
    other.assign(tf.zeros_like(other))
    [seen] = tf.function(run, autograph=False)(pixels)
    np.testing.assert_allclose(seen, np.broadcast_to(np.maximum(bias, 0), seen.shape), atol=1e-6)


class Backwards(layers.Layer):
    """Computed by numpy, so that TensorFlow does not know its shape by itself."""

    def call(self, inputs: Any) -> Any:
        turned = tf.numpy_function(lambda values: values[:, ::-1], [inputs], tf.float32)
        turned.set_shape(inputs.shape)
        return turned


def test_shapes_that_python_alone_knew_are_kept() -> None:
    model = keras.Sequential([keras.Input((4, 4, 3)), Backwards(name="turned"), layers.Flatten(), layers.Dense(2)])
    network = opened(model)
    traced = traced_network(network)
    found = []
    values = np.arange(96, dtype=np.float32).reshape(2, 4, 4, 3)

    def run(fed: tf.Tensor) -> list[tf.Tensor]:
        found.extend(traced.replay(fed, traced.calls["turned"].outputs)[0])
        return found[-1:]

    [turned] = tf.function(run, autograph=False)(tf.constant(values))
    assert found[-1].shape[1:] == (4, 4, 3)
    np.testing.assert_array_equal(turned, values[:, ::-1])
