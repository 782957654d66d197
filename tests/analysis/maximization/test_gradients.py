from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from reportgen.analysis.maximization.gradients import ascent_gradients, relieved_gradient

# output of a cell, its gradient, output of another cell (whose gradient is 1), ceiling: what comes through
TRUTH = [
    # ReLU: the second cell is alive, so nothing is changed
    (2.0, +1.0, 3.0, None, +1.0),
    (2.0, -1.0, 3.0, None, -1.0),
    (0.0, +1.0, 3.0, None, 0.0),
    (0.0, -1.0, 3.0, None, 0.0),
    # ReLU: the whole image is dead, what raises a cell comes through
    (0.0, +1.0, 0.0, None, +1.0),
    (0.0, -1.0, 0.0, None, 0.0),
    # ReLU6: alive beside a live cell
    (2.0, +1.0, 3.0, 6.0, +1.0),
    (6.0, +1.0, 3.0, 6.0, 0.0),
    (6.0, -1.0, 3.0, 6.0, 0.0),
    (0.0, +1.0, 3.0, 6.0, 0.0),
    # ReLU6: everything at one end or the other
    (0.0, +1.0, 6.0, 6.0, +1.0),
    (0.0, -1.0, 6.0, 6.0, 0.0),
    (6.0, +1.0, 6.0, 6.0, 0.0),
    (6.0, -1.0, 6.0, 6.0, -1.0),
]


@pytest.mark.parametrize(("output", "gradient", "other", "ceiling", "through"), TRUTH)
def test_relief_follows_the_truth_table(output, gradient, other, ceiling, through):
    result = relieved_gradient(tf.constant([[output, other]]), tf.constant([[gradient, 1.0]]), ceiling)
    assert float(result[0, 0]) == through


def test_an_image_without_gradient_is_relieved_while_another_is_not():
    output = tf.constant([[0.0, 0.0], [0.0, 1.0]])
    result = relieved_gradient(output, tf.ones((2, 2)), None)
    np.testing.assert_array_equal(result, [[1, 1], [0, 1]])


def test_a_cell_without_upstream_gradient_does_not_count_as_passing():
    # The live cell is of no use: nothing asks for it.
    result = relieved_gradient(tf.constant([[0.0, 5.0]]), tf.constant([[1.0, 0.0]]), None)
    np.testing.assert_array_equal(result, [[1, 0]])


@pytest.mark.parametrize("rectifier", [tf.nn.relu, tf.nn.relu6])
@pytest.mark.parametrize("relief", [True, False])
def test_rectifiers_in_a_graph_are_relieved_only_when_asked(rectifier, relief):
    @tf.function
    def gradient(x, flag):
        with ascent_gradients(flag):
            return tf.gradients(tf.reduce_sum(rectifier(x - 10.0)), x)[0]

    expected = np.ones((2, 3)) if relief else np.zeros((2, 3))
    np.testing.assert_array_equal(gradient(tf.zeros((2, 3)), tf.constant(relief)), expected)
    np.testing.assert_array_equal(gradient(tf.fill((2, 3), 11.0), tf.constant(relief)), np.ones((2, 3)))


def test_outside_the_block_gradients_are_the_usual_ones():
    x = tf.fill((1, 2), -1.0)

    @tf.function
    def gradient():
        with ascent_gradients(tf.constant(True)):
            tf.nn.relu(x)
        return tf.gradients(tf.reduce_sum(tf.nn.relu(x)), x)[0]

    np.testing.assert_array_equal(gradient(), [[0, 0]])


CONVOLUTIONS = [
    {"kernel": (3, 3), "padding": "SAME"},
    {"kernel": (3, 3), "padding": "VALID"},
    {"kernel": (2, 4), "padding": "SAME"},
    {"kernel": (1, 1), "padding": "SAME"},
    {"kernel": (3, 3), "padding": "SAME", "dilations": (2, 2)},
    {"kernel": (3, 2), "padding": "VALID", "dilations": (1, 3)},
    {"kernel": (3, 3), "padding": [[0, 0], [2, 0], [1, 1], [0, 0]]},
    {"kernel": (3, 3), "padding": "SAME", "strides": (2, 2)},
    {"kernel": (3, 3), "padding": "VALID", "strides": (1, 2)},
    {"kernel": (7, 6), "padding": "SAME", "strides": (2, 2)},
    {"kernel": (5, 7), "padding": "VALID", "strides": (2, 2)},
    {"kernel": (4, 3), "padding": "VALID", "strides": (3, 3)},
    {"kernel": (1, 2), "padding": "SAME", "strides": (3, 3)},
    {"kernel": (3, 3), "padding": [[0, 0], [3, 0], [1, 4], [0, 0]], "strides": (2, 2)},
    {"kernel": (3, 3), "padding": "SAME", "groups": 2},
]

# An image has few channels, maps have many: the gradient is found in two ways.
IN_FEW, IN_MANY = 4, 6


@pytest.mark.parametrize("channels", [IN_FEW, IN_MANY])
@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_the_gradient_of_a_convolution_is_its_adjoint(case, channels):
    generator = np.random.default_rng(0)
    inner = channels // case.get("groups", 1)
    kernel = tf.Variable(generator.normal(size=(*case["kernel"], inner, 6)).astype(np.float32))

    def convolved(pixels):
        strides, dilations = case.get("strides", (1, 1)), case.get("dilations", (1, 1))
        return tf.nn.conv2d(pixels, kernel, strides, case["padding"], dilations=dilations)

    basis = tf.reshape(tf.eye(9 * 8 * channels), (-1, 9, 8, channels))
    answers = tf.function(convolved)(basis)
    weights = tf.constant(generator.normal(size=answers.shape[1:]).astype(np.float32))

    @tf.function
    def gradient(pixels):
        with ascent_gradients():
            return tf.gradients(tf.reduce_sum(weights * convolved(pixels)), pixels)[0]

    expected = tf.reshape(tf.reduce_sum(answers * weights, axis=(1, 2, 3)), (9, 8, channels))
    images = tf.constant(generator.normal(size=(2, 9, 8, channels)).astype(np.float32))
    np.testing.assert_allclose(gradient(images)[1], expected, rtol=1e-4, atol=1e-4)


TRANSPOSED = [
    {"kernel": 1, "strides": 2, "padding": "same"},
    {"kernel": 1, "strides": 3, "padding": "valid"},
    {"kernel": 2, "strides": 3, "padding": "same"},
    {"kernel": (1, 3), "strides": 2, "padding": "valid"},
    {"kernel": 3, "strides": 2, "padding": "same"},
    {"kernel": 3, "strides": 1, "padding": "valid"},
]


@pytest.mark.parametrize("case", TRANSPOSED, ids=str)
def test_the_gradient_of_a_transposed_convolution_is_its_adjoint_and_of_the_maps_alone(case):
    settings = dict(case)
    layer = keras.layers.Conv2DTranspose(3, settings.pop("kernel"), **settings)
    basis = tf.reshape(tf.eye(5 * 4 * 2), (-1, 5, 4, 2))
    answers = tf.function(layer)(basis)  # without a bias yet
    generator = np.random.default_rng(0)
    weights = tf.constant(generator.normal(size=answers.shape[1:]).astype(np.float32))

    @tf.function
    def gradient(maps):
        with ascent_gradients():
            return tf.gradients(tf.reduce_sum(weights * layer(maps)), maps)[0]

    maps = tf.constant(generator.normal(size=(2, 5, 4, 2)).astype(np.float32))
    expected = tf.reshape(tf.reduce_sum(answers * weights, axis=(1, 2, 3)), (5, 4, 2))
    np.testing.assert_allclose(gradient(maps)[1], expected, rtol=1e-4, atol=1e-4)
    operations = gradient.get_concrete_function(tf.TensorSpec(maps.shape)).graph.get_operations()
    assert "Conv2DBackpropFilter" not in {operation.type for operation in operations}
