from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from support.ascents import as_network
from support.networks import seeded

from reportgen.analysis.maximization.targets import NetworkActivations, before_squashing


def chain(*stack: keras.layers.Layer) -> keras.Model:
    return seeded(keras.Sequential([layers.Input((12, 10, 3)), layers.Conv2D(4, 3, padding="same"), *stack]))


TARGETS = {
    "convolution": layers.Conv2D(7, 3, strides=2, padding="same", activation="relu", name="target"),
    "without bias": layers.Conv2D(7, (2, 3), use_bias=False, activation="relu6", name="target"),
    "dilated": layers.Conv2D(7, 3, dilation_rate=2, padding="same", activation="swish", name="target"),
    "grouped": layers.Conv2D(8, 3, groups=2, padding="same", activation="relu", name="target"),
    "depthwise": layers.DepthwiseConv2D(3, padding="same", activation="relu", name="target"),
    "normalisation": layers.BatchNormalization(name="target"),
    "rectifier": layers.ReLU(6.0, name="target"),
    "pooling": layers.MaxPooling2D(name="target"),
    "dense": layers.Dense(6, activation="relu", name="target"),
    "vector": layers.GlobalAveragePooling2D(name="target"),
    "tokens": layers.Reshape((30, 16), name="target"),
}

IMAGES = np.random.default_rng(0).uniform(0, 255, (3, 12, 10, 3)).astype(np.float32)
CHANNELS = [2, 0, 3]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("name", TARGETS)
def test_each_images_channel_is_that_of_the_whole_output(name, before):
    model = chain(TARGETS[name])
    network = as_network(model, "unit")

    @tf.function
    def run(images):
        activations = NetworkActivations(network, images, before_activation=before)
        return activations.channel("target", tf.constant(CHANNELS)), activations.layer("target")

    own, whole = run(tf.constant(IMAGES))
    assert len(whole.shape) == 4
    np.testing.assert_allclose(own, [whole[i, :, :, c] for i, c in enumerate(CHANNELS)], rtol=1e-4, atol=1e-5)
    if not before:
        np.testing.assert_allclose(np.ravel(whole), np.ravel(model(IMAGES / 255)), rtol=1e-4, atol=1e-5)


@keras.saving.register_keras_serializable("targets")
class NumberPlus(layers.Layer):
    """One number plus what comes in, in this order."""

    def call(self, inputs):
        return tf.constant(0.5) + inputs


@pytest.mark.parametrize(
    "stack",
    [
        [layers.Rescaling(1 / 255, 0.25, name="target")],
        [layers.Conv2D(1, 3, name="below"), layers.Rescaling(2.0, -1.0, name="target")],
        [layers.Conv2D(1, 3, name="below"), NumberPlus(name="target")],
        [layers.Conv2D(4, 3, name="below"), NumberPlus(name="target")],
    ],
)
def test_channels_of_maps_plus_one_number_are_read(stack):
    network = as_network(seeded(keras.Sequential([layers.Input((9, 9, 1)), *stack, layers.Flatten()])))

    @tf.function
    def run(images):
        activations = NetworkActivations(network, images)
        return activations.channel("target", tf.constant([0, 0])), activations.layer("target")[..., 0]

    own, whole = run(tf.constant(IMAGES[:2, :9, :9, :1]))
    np.testing.assert_allclose(own, whole, rtol=1e-4, atol=1e-5)


def test_only_the_wanted_channels_of_a_convolution_are_computed():
    network = as_network(chain(layers.Conv2D(64, 3, padding="same", activation="relu", name="target")), "unit")

    @tf.function
    def run(images):
        return NetworkActivations(network, images).channel("target", tf.constant(CHANNELS))

    graph = run.get_concrete_function(tf.TensorSpec((None, 12, 10, 3))).graph
    needed, queue = set(), [graph.outputs[0].op]
    while queue:
        operation = queue.pop()
        if operation.name not in needed:
            needed.add(operation.name)
            queue += [tensor.op for tensor in operation.inputs]
    widths = [op.outputs[0].shape[-1] for op in graph.get_operations() if op.type == "Conv2D" and op.name in needed]
    assert widths == [4, 3]


def test_one_channel_stands_for_all_images():
    network = as_network(chain(layers.Conv2D(5, 3, name="target")), "unit")

    @tf.function
    def run(images):
        activations = NetworkActivations(network, images)
        return activations.channel("target", tf.constant(1)), activations.layer("target")[..., 1]

    own, expected = run(tf.constant(IMAGES))
    np.testing.assert_allclose(own, expected, rtol=1e-4, atol=1e-5)


def test_what_lies_below_a_head_of_another_size_can_be_read_and_the_answer_not():
    network = as_network(chain(layers.MaxPooling2D(name="target"), layers.Flatten(), layers.Dense(3)), "unit")

    @tf.function
    def run(images):
        activations = NetworkActivations(network, images)
        return activations.layer("target"), activations.error is not None

    maps, stopped = run(tf.constant(IMAGES[:, :8, :8]))
    assert maps.shape == (3, 4, 4, 4)
    assert stopped

    @tf.function
    def answered(images):
        return NetworkActivations(network, images).answers()

    with pytest.raises(ValueError, match=r"incompatible|must be equal|dimension"):
        answered(tf.constant(IMAGES[:, :8, :8]))


@pytest.mark.parametrize(
    ("turn", "squash"),
    [
        ((0, 1, 2, 3), lambda values: keras.ops.softmax(values, axis=-1)),
        ((0, 1, 2, 3), lambda values: keras.ops.softmax(values, axis=1)),
        ((0, 3, 1, 2), lambda values: keras.ops.softmax(values, axis=2)),
        ((0, 3, 1, 2), lambda values: keras.ops.log_softmax(values, axis=1)),
        ((0, 2, 1, 3), keras.ops.sigmoid),
    ],
)
@pytest.mark.parametrize("turned_after", [False, True])
def test_what_goes_into_a_softmax_over_any_axis_is_found_and_turned_as_the_answer(turn, squash, turned_after):
    def turned(values):
        return keras.ops.transpose(values, turn)

    image = layers.Input((12, 10, 3))
    logits = layers.Conv2D(5, 1, name="logits")(layers.Conv2D(4, 3, padding="same")(image))
    first, then = (squash, turned) if turned_after else (turned, squash)
    answer = then(first(logits))
    model = seeded(keras.Model(image, answer))
    expected = np.transpose(keras.Model(image, model.get_layer("logits").output).predict(IMAGES, verbose=0), turn)

    @tf.function
    def before(images):
        return before_squashing(model(images, training=False))

    np.testing.assert_allclose(before(tf.constant(IMAGES)), expected, rtol=1e-5, atol=1e-5)
