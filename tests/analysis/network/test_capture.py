"""Capture on the zoo of odd networks: every layer, every call, and the very values the network computes."""

from __future__ import annotations

import threading
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from support import zoo
from support.networks import two_convolutions

from reportgen.analysis.network import capture
from reportgen.analysis.network.capture import Extractor, LayerNotReachedError, check_capture, fold_tokens, run_layers
from reportgen.analysis.network.layers import summarize_network
from reportgen.config import Config
from reportgen.errors import ReportgenError
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


def test_outputs_come_in_the_order_asked_for_with_the_answer() -> None:
    network = zoo.open_zoo("sequential_built")
    pixels = zoo.pictures(network)
    outputs, (answer,) = Extractor(network, ["classes", "conv_a"]).with_answer(pixels)
    assert list(outputs) == ["classes", "conv_a"]
    np.testing.assert_allclose(answer, network.model(pixels.astype(np.float32)), rtol=1e-4)
    np.testing.assert_array_equal(outputs["classes"], answer)


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
    monkeypatch.setattr(capture, "run_layers", lambda *args, **kwargs: traced.append(1) or run_layers(*args, **kwargs))
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


def test_calls_in_other_threads_are_not_taken_for_the_networks() -> None:
    network = _opened(two_convolutions())
    other = two_convolutions()
    seen: list[str] = []

    def watcher(call: Any) -> None:
        seen.append(call.name)
        if call.name == "conv1":
            thread = threading.Thread(target=lambda: other(np.zeros((1, 8, 8, 3), np.float32)))
            thread.start()
            thread.join()

    with capture.watched_calls(network.model, watcher):
        network.model(np.zeros((1, 8, 8, 3), np.float32))
    assert seen == ["conv1", "pool1", "conv2", "average", "classes"]


def test_building_inside_a_trace_is_not_taken_for_a_call() -> None:
    model = keras.Sequential([layers.Conv2D(2, 3, name="conv"), layers.GlobalAveragePooling2D(name="pool")])
    trace = capture.trace_network(model, tf.TensorSpec((None, 8, 8, 3)))
    assert [call.name for call in trace.calls] == ["conv", "pool"]


def test_what_a_call_reads_is_followed_through_operations() -> None:
    network = zoo.open_zoo("operations_outside_layers")
    calls = {call.name: call for call in capture.trace_network(network.model, network.input_specs()).calls}
    assert calls["conv"].inputs == ("image",)
    assert calls["conv"].operations == ("RealDiv", "Sub")
    assert calls["pool"].inputs == ("conv",)
    assert set(calls["pool"].operations) == {"Relu", "Sigmoid", "AddV2"}


def test_a_skip_around_a_layer_at_rest_is_told_from_the_way_through_it() -> None:
    network = zoo.open_zoo("augmentation_inside")
    calls = {call.name: call for call in capture.trace_network(network.model, network.input_specs()).calls}
    assert calls["rest"].inputs == ("drop",)
    assert calls["skip"].inputs == ("rest", "drop")


def test_the_layers_that_give_the_answer_are_known() -> None:
    given = {
        "several_outputs": ("classes", "mask"),
        "nested": ("classes",),
        "operations_outside_layers": (),
    }
    for name, answer_layers in given.items():
        network = zoo.open_zoo(name)
        assert capture.trace_network(network.model, network.input_specs()).answer_layers == answer_layers


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
    assert capture._difference(numbers, np.array([[1, np.nan]], np.float32)) == 0
    assert capture._difference(np.array([[np.inf, 2]], np.float32), numbers) == 1
    assert capture._difference(np.array([[2, np.nan]], np.float32), np.array([[1, np.nan]], np.float32)) == 1
    assert capture._difference(numbers, np.ones((1, 3), np.float32)) == float("inf")


def test_tokens_fold_back_into_the_map_they_came_from() -> None:
    network = zoo.open_zoo("vision_transformer")
    summary = summarize_network(network)
    outputs = Extractor(network, ["patches", "row", "class_token"])(zoo.pictures(network))
    grid = summary.layer("row").token_grid
    assert grid == (4, 4, 0)
    np.testing.assert_array_equal(fold_tokens(outputs["row"], grid), outputs["patches"])
    with_class = summary.layer("class_token").token_grid
    assert with_class == (4, 4, 1)
    assert fold_tokens(outputs["class_token"], with_class).shape == (2, 4, 4, 8)
    tokens = tf.constant(outputs["class_token"])
    np.testing.assert_array_equal(fold_tokens(tokens, with_class), fold_tokens(tokens.numpy(), with_class))


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
