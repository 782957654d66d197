"""Inputs: their size, axes and types, and the values of others beside the image."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from support.images import random_images
from support.loading import answer, load
from support.networks import seeded, two_convolutions

from reportgen.errors import ReportgenError, UsageError


def test_size_of_an_open_network():
    assert load(two_convolutions(size=None)).size == (224, 224)
    assert load(two_convolutions(size=None), size=(20, 12)).size == (20, 12)
    with pytest.raises(ReportgenError, match="the network takes 8x8 only, got 20x12; leave --size out"):
        load(two_convolutions(), size=(20, 12))


def test_a_size_too_small_for_an_open_network():
    open_network = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 9), layers.Conv2D(2, 9)])
    assert load(open_network, size=(17, 17)).size == (17, 17)
    with pytest.raises(ReportgenError, match=r"cannot take images of 12x12.*choose --size HxW"):
        load(open_network, size=(12, 12))


def test_an_open_network_that_needs_more_than_the_usual_size():
    model = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 240, 9)])
    assert load(model).size == (256, 256)


def test_one_open_side():
    model = keras.Sequential([keras.Input((16, None, 3)), layers.Conv2D(2, 3)])
    assert load(model).size == (16, 224)
    with pytest.raises(ReportgenError, match="the network takes 16xany only"):
        load(model, size=(20, 20))


@pytest.mark.parametrize("shape", [(10,), (16, 16), (8, 8, 8, 3)])
def test_a_network_that_takes_no_image(shape):
    model = keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(2)])
    with pytest.raises(ReportgenError, match="expected an image input"):
        load(model)


def _two_inputs() -> keras.Model:
    meta, image = keras.Input((2,), name="meta"), keras.Input((8, 8, 3), name="image")
    features = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(image))
    return seeded(keras.Model([meta, image], layers.Dense(3)(layers.Concatenate()([features, meta]))))


def _dictionary() -> keras.Model:
    model = _two_inputs()
    return keras.Model({"meta": model.inputs[0], "image": model.inputs[1]}, model.outputs[0])


@pytest.mark.parametrize("make", [_two_inputs, _dictionary])
@pytest.mark.parametrize(("given", "value"), [(None, [0, 0]), ("1.5", [1.5, 1.5]), ("1,2", [1, 2])])
def test_several_inputs(make, given, value):
    model = make()
    network = load(model, inputs={} if given is None else {"meta": given})
    assert network.image_input == "image"
    pixels = random_images(3)
    expected = model({"meta": np.tile(np.float32(value), (3, 1)), "image": pixels / 255})
    np.testing.assert_allclose(answer(network, pixels), expected, atol=1e-5)
    specs = network.input_specs(size=(None, None))
    shapes = {tuple(spec.shape) for spec in tf.nest.flatten(specs)}
    assert shapes == {(None, 2), (None, None, None, 3)}


def test_feeding_inside_a_graph_of_open_batch():
    network = load(_two_inputs(), inputs={"meta": "2"})

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32)])
    def run(pixels):
        return network.model(network.feed(network.prepare(pixels)))

    pixels = random_images(5)
    np.testing.assert_allclose(run(tf.constant(pixels, tf.float32)), answer(network, pixels), atol=1e-5)


def test_values_of_other_inputs_from_a_file_and_wrong_ones(tmp_path):
    np.save(tmp_path / "meta.npy", np.array([[3.0, 4.0]]))
    network = load(_two_inputs(), inputs={"meta": str(tmp_path / "meta.npy")})
    np.testing.assert_array_equal(network.other_inputs["meta"], [3, 4])
    for value, message in [
        ("1,2,3", r"2 numbers, a .npy file of shape \(2,\), a picture or a .csv file .*, got shape \(3,\)"),
        ("x", "expected"),
    ]:
        with pytest.raises(UsageError, match=message):
            load(_two_inputs(), inputs={"meta": value})
    with pytest.raises(UsageError, match="no such input; its other inputs are meta"):
        load(_two_inputs(), inputs={"mega": "1"})


def test_the_image_input_can_be_named():
    first, second = keras.Input((8, 8, 3), name="left"), keras.Input((8, 8, 3), name="right")
    model = keras.Model([first, second], layers.Conv2D(1, 3)(layers.Subtract()([first, second])))
    assert load(model).image_input == "left"
    network = load(model, inputs={"right": "image", "left": "7"})
    assert network.image_input == "right"
    assert float(network.other_inputs["left"].max()) == 7


def test_channels_first_is_fed_turned():
    image = keras.Input((3, 8, 10))
    model = keras.Model(image, layers.Permute((2, 3, 1))(image))
    network = load(model, preprocess="none")
    assert (network.channels_first, network.size, network.channels) == (True, (8, 10), 3)
    pixels = random_images(2, 8, 10)
    np.testing.assert_array_equal(answer(network, pixels), pixels)
    assert network.input_specs().shape == (None, 3, 8, 10)


def test_channels_first_by_the_first_layer_that_says():
    model = keras.Sequential([keras.Input((5, 8, 7)), layers.MaxPooling2D(data_format="channels_first")])
    network = load(model)
    assert (network.channels_first, network.channels, network.size) == (True, 5, (8, 7))


def test_whole_number_inputs_are_rounded():
    image = keras.Input((4, 4, 3), dtype="uint8")
    model = keras.Model(image, layers.Rescaling(1.0)(image))
    network = load(model, preprocess="none")
    prepared = tf.constant([1.6, 300.0, -4.0])[None, None, None] + tf.zeros((1, 4, 4, 3))
    np.testing.assert_array_equal(np.asarray(network.feed(prepared))[0, 0, 0], [2, 255, 0])
