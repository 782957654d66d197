"""Capture on the zoo of odd networks: every layer, every call, and the very values the network computes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from support import zoo
from support.networks import two_convolutions

from reportgen.analysis.network import capture
from reportgen.analysis.network.capture import Extractor, LayerNotReachedError, run_layers
from reportgen.config import Config
from reportgen.models import load_network


def _opened(model: keras.Model) -> Any:
    return load_network(Config(preprocess="none"), model)


def test_captured_maps_are_those_of_a_keras_submodel() -> None:
    network = zoo.open_zoo("convolution_kinds")
    pixels = zoo.pictures(network)
    names = ["dilated", "grouped", "depthwise", "separable", "transposed"]
    outputs = Extractor(network, names)(pixels)
    submodel = keras.Model(network.model.input, [network.model.get_layer(name).output for name in names])
    for name, expected in zip(names, submodel(pixels.astype(np.float32)), strict=True):
        np.testing.assert_allclose(outputs[name], expected, rtol=1e-4, atol=1e-3)


def test_outputs_come_in_the_order_asked_for() -> None:
    network = zoo.open_zoo("sequential_built")
    pixels = zoo.pictures(network)
    outputs = Extractor(network, ["classes", "conv_a"])(pixels)
    assert list(outputs) == ["classes", "conv_a"]
    np.testing.assert_allclose(outputs["classes"], network.model(pixels.astype(np.float32)), rtol=1e-4)


def test_each_call_of_a_shared_layer_is_seen_by_itself() -> None:
    network = zoo.open_zoo("shared_layer")
    pixels = zoo.pictures(network)
    outputs = Extractor(network, ["conv", "conv:2"])(pixels)
    conv = network.model.get_layer("conv")
    np.testing.assert_allclose(outputs["conv"], conv(pixels.astype(np.float32)), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(outputs["conv:2"], conv(outputs["conv"]), rtol=1e-4, atol=1e-4)


def test_each_call_of_a_shared_network_is_seen_by_itself() -> None:
    network = load_network(Config(preprocess="none", inputs=("other=7",)), zoo.build("shared_network"))
    pixels = zoo.pictures(network)
    outputs = Extractor(network, ["tower/pool", "tower:2/pool"])(pixels)
    tower = network.model.get_layer("tower")
    np.testing.assert_allclose(outputs["tower/pool"], tower(pixels.astype(np.float32)), rtol=1e-4)
    np.testing.assert_allclose(outputs["tower:2/pool"], tower(np.full(pixels.shape, 7, np.float32)), rtol=1e-4)


def test_layers_below_nested_networks_have_paths_for_names() -> None:
    network = zoo.open_zoo("nested")
    outputs = Extractor(network, ["middle/inner/conv"])(zoo.pictures(network))
    assert outputs["middle/inner/conv"].shape == (2, zoo.SIDE, zoo.SIDE, 5)


def test_adapted_normalization_is_applied() -> None:
    network = zoo.open_zoo("adapted_normalization")
    normal = Extractor(network, ["normalize"])(zoo.pictures(network, count=16))["normalize"]
    assert abs(normal.mean()) < 0.1
    assert abs(normal.std() - 1) < 0.1


def test_before_activation_gives_what_the_activation_takes() -> None:
    network = zoo.open_zoo("sequential_built")
    pixels = zoo.pictures(network)
    before = Extractor(network, ["conv_a"], before_activation=True)(pixels)["conv_a"]
    after = Extractor(network, ["conv_a"])(pixels)["conv_a"]
    assert before.min() < 0
    np.testing.assert_array_equal(np.maximum(before, 0), after)


def test_before_activation_of_an_activation_layer_is_its_input() -> None:
    network = zoo.open_zoo("channels_first")
    outputs = Extractor(network, ["norm", "relu"], before_activation=True)(zoo.pictures(network))
    np.testing.assert_array_equal(outputs["norm"], outputs["relu"])


def test_the_model_is_as_it_was_after_a_capture() -> None:
    network = _opened(two_convolutions())
    activations = [getattr(layer, "activation", None) for layer in network.model.layers]
    call = keras.Layer.__call__
    with pytest.raises(LayerNotReachedError):
        Extractor(network, ["conv1", "no_such_layer"], before_activation=True)(zoo.pictures(network))
    assert [getattr(layer, "activation", None) for layer in network.model.layers] == activations
    assert keras.Layer.__call__ is call


def test_channels_first_maps_are_turned_channels_last() -> None:
    network = zoo.open_zoo("channels_first")
    pixels = zoo.pictures(network)
    conv = network.model.get_layer("conv")
    captured = Extractor(network, ["conv"])(pixels)["conv"]
    expected = tf.nn.conv2d(pixels.astype(np.float32), conv.kernel, 1, "VALID") + conv.bias
    np.testing.assert_allclose(captured, expected, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("name", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_maps_are_captured_as_float32(name: str) -> None:
    network = zoo.open_zoo(name)
    assert Extractor(network, ["conv"])(zoo.pictures(network))["conv"].dtype == np.float32


def test_reduction_runs_inside_the_compiled_function() -> None:
    network = zoo.open_zoo("sequential_built")
    pixels = zoo.pictures(network)
    whole = Extractor(network, ["conv_a", "conv_b"])(pixels)

    def extremes(name: str, tensor: tf.Tensor) -> dict[str, tf.Tensor]:
        assert name in ("conv_a", "conv_b")
        assert tf.executing_eagerly() is False
        return {"high": tf.reduce_max(tensor, (1, 2)), "low": tf.reduce_min(tensor)}

    reduced = Extractor(network, ["conv_a", "conv_b"], reduce=extremes)(pixels)
    for name, maps in whole.items():
        np.testing.assert_array_equal(reduced[name]["high"], maps.max((1, 2)))
        assert reduced[name]["low"] == maps.min()


def test_one_compilation_serves_batches_of_every_length(monkeypatch: pytest.MonkeyPatch) -> None:
    network = zoo.open_zoo("sequential_built")
    extract = Extractor(network, ["conv_a"])
    traced = []
    read = capture.read_layers
    monkeypatch.setattr(capture, "read_layers", lambda *args, **kwargs: traced.append(1) or read(*args, **kwargs))
    for count in (1, 3, 2):
        assert extract(zoo.pictures(network, count))["conv_a"].shape[0] == count
    assert len(traced) == 1


def test_smaller_pictures_run_up_to_the_layers_that_take_them() -> None:
    network = zoo.open_zoo("sequential_built")  # its dense head takes one size only
    small = zoo.pictures(network)[:, :9, :12]
    assert Extractor(network, ["conv_b"])(small)["conv_b"].shape == (2, 1, 3, 6)


def test_capture_is_differentiable() -> None:
    network = _opened(two_convolutions())
    pixels = tf.Variable(zoo.pictures(network).astype(np.float32))

    @tf.function(autograph=False)
    def gradient() -> tf.Tensor:
        with tf.GradientTape() as tape:
            outputs, answer = run_layers(network.model, network.feed(network.prepare(pixels)), ["conv2"])
            assert answer is None
            value = tf.reduce_mean(outputs["conv2"][0])
        return tape.gradient(value, pixels)

    assert np.abs(gradient().numpy()).max() > 0


def test_lists_and_dictionaries_of_layers_are_kept_whole() -> None:
    for name in ("layer_gives_list", "layer_gives_dictionary"):
        network = zoo.open_zoo(name)
        pixels = tf.constant(zoo.pictures(network), tf.float32)
        outputs, _ = run_layers(network.model, pixels, ["conv", "halves"])
        np.testing.assert_array_equal(tf.concat(outputs["halves"], -1), outputs["conv"][0])


def test_an_unknown_layer_is_named() -> None:
    network = zoo.open_zoo("sequential_built")
    with pytest.raises(LayerNotReachedError, match=r"got conv_z; .*reportgen layers") as caught:
        Extractor(network, ["conv_a", "conv_z"])(zoo.pictures(network))
    assert caught.value.names == ("conv_z",)


def test_channels_first_is_differentiable_and_shows_what_its_activations_take() -> None:
    image = keras.Input((3, 8, 8), name="image")
    maps = layers.Conv2D(4, 3, activation="relu", data_format="channels_first", name="conv")(image)
    maps = layers.AveragePooling2D(2, data_format="channels_first", name="halve")(maps)
    network = _opened(keras.Model(image, layers.Conv2D(2, 1, data_format="channels_first", name="classes")(maps)))
    pixels = tf.Variable(zoo.pictures(network).astype(np.float32))

    @tf.function(autograph=False)
    def gradient() -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            inputs = network.feed(network.prepare(pixels))
            outputs, _ = run_layers(network.model, inputs, ["conv"], before_activation=True)
            before = outputs["conv"][0]
        return before, tape.gradient(before, pixels)

    before, slope = gradient()
    assert before.shape == (2, 6, 6, 4)
    assert before.numpy().min() < 0
    assert np.abs(slope.numpy()).max() > 0
