"""Class activation maps against a plain tape, by hand, and on every odd network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray
from support import zoo
from support.networks import Subclassed, seeded, two_convolutions

from reportgen.analysis.attribution import (
    TracedCall,
    answer_images,
    cam_layers,
    class_logit,
    grad_cam,
    layer_cam,
    logit_difference,
)
from reportgen.analysis.network.layers import summarize_network
from reportgen.config import Config
from reportgen.errors import ReportgenError
from reportgen.images import Fitting, collect_images, load_image
from reportgen.models import Network, load_network

Parts = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]  # images -> maps of a layer, logits


def plain_cams(parts: Parts, pixels: Any, index: int) -> tuple[Any, Any]:
    """Grad-CAM and LayerCAM as their papers write them, by an eager tape."""
    images = tf.constant(pixels, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(images)
        maps, logits = parts(images)
        score = logits[:, index]
    slopes = tape.gradient(score, maps)
    weights = tf.reduce_mean(slopes, axis=(1, 2), keepdims=True)
    grad = tf.nn.relu(tf.reduce_sum(weights * maps, axis=3))
    return grad, tf.nn.relu(tf.reduce_sum(tf.nn.relu(slopes) * maps, axis=3))


def assert_same_cams(network: Network, layer: str, parts: Parts, pixels: Any, *indices: int) -> None:
    classes = answer_images(TracedCall(network), pixels)[0].shape[1]
    traced = TracedCall(network, [layer])
    targets = [class_logit(classes, index) for index in indices]
    expected = [plain_cams(parts, pixels, index) for index in indices]
    for place, method in enumerate((grad_cam, layer_cam)):
        plain = np.stack([each[place] for each in expected])
        assert plain.max() > 0
        np.testing.assert_allclose(
            method(traced, pixels, targets)[layer].maps / plain.max(), plain / plain.max(), atol=1e-5
        )


def logits_of(dense: keras.layers.Dense, features: tf.Tensor) -> tf.Tensor:
    return features @ dense.kernel + dense.bias


def _base() -> keras.Model:
    """Two convolutions with a BatchNormalization, frozen."""
    keras.utils.set_random_seed(0)
    inside = keras.Input((16, 16, 3), name="pixels")
    maps = layers.Conv2D(6, 3, padding="same", use_bias=False, name="conv")(inside)
    maps = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm")(maps))
    maps = layers.Conv2D(8, 3, padding="same", activation="relu", name="last")(maps)
    base = keras.Model(inside, maps, name="base")
    base.trainable = False
    return base


def _transfer() -> keras.Model:
    """A base inside another network, and an application's scaling before it."""
    image = keras.Input((16, 16, 3), name="image")
    scaled = layers.Rescaling(1 / 127.5, -1)(image)
    features = layers.Dropout(0.4)(layers.GlobalAveragePooling2D()(_base()(scaled, training=False)))
    return keras.Model(image, layers.Dense(3, activation="softmax", name="classes")(features))


def _transfer_sequential() -> keras.Model:
    """The same as a row of layers, not built before it is trained."""
    return keras.Sequential(
        [
            layers.Rescaling(1 / 127.5, -1),
            _base(),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.4),
            layers.Dense(3, activation="softmax", name="classes"),
        ]
    )


def _trained(model: keras.Model) -> keras.Model:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (24, 16, 16, 3)).astype(np.float32)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(images, random.integers(0, 3, 24), epochs=2, verbose=0)
    return model


@pytest.mark.parametrize("make", [_transfer, _transfer_sequential])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("layer", ["relu", "last"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_transfer_network_that_was_trained_saved_and_loaded(
    tmp_path: Path, make: Callable[[], keras.Model], suffix: str, layer: str
) -> None:
    file = tmp_path / f"transfer{suffix}"
    _trained(make()).save(file)
    network = load_network(Config(model=str(file), preprocess="none"))
    base, dense = network.model.get_layer("base"), network.model.get_layer("classes")
    below = keras.Model(base.input, [base.get_layer(layer).output, base.output])

    def parts(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        maps, features = below(images / 127.5 - 1.0, training=False)
        return maps, logits_of(dense, tf.reduce_mean(features, axis=(1, 2)))

    assert_same_cams(network, f"base/{layer}", parts, zoo.pictures(network), 1)


def test_a_functional_network() -> None:
    network = load_network(Config(preprocess="none"), two_convolutions())
    model = network.model
    below = keras.Model(model.inputs[0], [model.get_layer("conv1").output, model.get_layer("average").output])

    def parts(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        maps, features = below(images)
        return maps, logits_of(model.get_layer("classes"), features)

    assert_same_cams(network, "conv1", parts, zoo.pictures(network), 0, 1, 2, 3)


def test_a_subclassed_network() -> None:
    model = Subclassed()
    model(np.zeros((1, 8, 8, 3), np.float32))
    network = load_network(Config(preprocess="unit"), seeded(model))

    def parts(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        maps = model.first(images / 255)
        return maps, model.classes(model.average(model.second(maps)))

    assert_same_cams(network, "first", parts, zoo.pictures(network), 0)


@pytest.mark.parametrize("call", ["conv", "conv:2"])
def test_each_call_of_a_shared_layer_has_its_own_map(call: str) -> None:
    network = zoo.open_zoo("shared_layer")
    conv, dense = network.model.get_layer("conv"), network.model.get_layer("classes")

    def parts(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        first = conv(images)
        second = conv(first)
        features = tf.reduce_mean(second + images, axis=(1, 2))
        return (first if call == "conv" else second), logits_of(dense, features)

    assert_same_cams(network, call, parts, zoo.pictures(network), 0, 1, 2, 3)


def test_channels_first_gives_the_same_as_its_twin_with_channels_last() -> None:
    network = zoo.open_zoo("channels_first")
    conv, norm = network.model.get_layer("conv"), network.model.get_layer("norm")
    dense = network.model.get_layer("classes")
    assert norm.gamma.shape == (4,)

    def parts(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        maps = tf.nn.conv2d(images, conv.kernel, 1, "VALID") + conv.bias
        shared = tf.nn.batch_normalization(
            maps, norm.moving_mean, norm.moving_variance, norm.beta, norm.gamma, norm.epsilon
        )
        pooled = tf.nn.max_pool2d(tf.nn.relu(shared), 2, 2, "VALID")
        return maps, logits_of(dense, tf.reduce_mean(pooled, axis=(1, 2)))

    assert_same_cams(network, "conv", parts, zoo.pictures(network), 0)


# How each of the trained networks is fed.
MODES = {
    "tiny_darknet": "unit",
    "squeezenet_v10_dc": "caffe",
    "mobilenet_v2_100_224": "tf",
    "mobilenet_v1_075_192": "none",
}


def _open_trained(models: Path, name: str) -> Network:
    return load_network(Config(model=str(models / f"{name}.keras"), preprocess=MODES[name]))


def _pixels(photos: Path, network: Network, *files: str) -> NDArray[np.uint8]:
    found = collect_images([photos / file for file in files], channels=3).images
    return np.stack([Fitting(network.size, "crop").apply(load_image(image, 3))[0] for image in found])


def _plain_parts(network: Network, layer: str) -> Parts:
    """The maps of a layer and the logits, by a functional network of Keras' own."""
    model = network.model
    below = keras.Model(model.input, [model.get_layer(layer).output, _before_softmax(model)])

    def parts(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        maps, logits = below(network.feed(network.prepare(images)), training=False)
        return maps, tf.reshape(logits, (images.shape[0], -1))

    return parts


@pytest.mark.slow
@pytest.mark.parametrize("name", MODES)
def test_the_last_block_of_trained_networks(shared_models: Path, shared_photos: Path, name: str) -> None:
    network = _open_trained(shared_models, name)
    last = cam_layers(summarize_network(network))[0]
    pixels = _pixels(shared_photos, network, "coffee.png", "parrot_macaw.jpg")
    indices = answer_images(TracedCall(network), pixels)[0].argmax(axis=1)
    assert_same_cams(network, last, _plain_parts(network, last), pixels, *(int(index) for index in indices))


def _in_double(model: keras.Model) -> keras.Model:
    """The same network in float64."""

    def doubled(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: doubled(each) for key, each in part.items()}
        if isinstance(part, list | tuple):
            return type(part)(doubled(each) for each in part)
        return "float64" if part == "float32" else part

    twin = type(model).from_config(doubled(model.get_config()))
    twin.set_weights([np.asarray(weight, np.float64) for weight in model.get_weights()])
    return twin


@pytest.mark.slow
@pytest.mark.parametrize("name", MODES)
def test_five_block_ends_of_trained_networks_from_one_call(shared_models: Path, shared_photos: Path, name: str) -> None:
    """In float64: in float32 a rectifier or a maximum that stands at its edge falls to one side or the other.

    That moves values of early blocks by up to 3 % of the largest one, and a plain tape in float32 differs from one in
    float64 by as much and as often.
    """
    network = load_network(
        Config(preprocess=MODES[name]), _in_double(keras.models.load_model(shared_models / f"{name}.keras"))
    )
    ends = cam_layers(summarize_network(network))[:5]
    assert len(ends) == 5
    pixels = _pixels(shared_photos, network, "cat_chelsea.png", "coffee.png")
    (answers,) = answer_images(TracedCall(network), pixels)
    traced, target = TracedCall(network, ends), class_logit(answers.shape[1], answers.argmax(axis=1))
    made = [method(traced, pixels, [target]) for method in (grad_cam, layer_cam)]
    for layer in ends:
        parts = _plain_parts(network, layer)
        for image, index in enumerate(answers.argmax(axis=1)):
            for maps, plain in zip(made, plain_cams(parts, pixels[image : image + 1], int(index)), strict=True):
                largest = float(np.max(plain)) or 1.0  # some early block has nothing for a class
                np.testing.assert_allclose(
                    maps[layer].maps[0, image] / largest, plain[0] / largest, atol=1e-5, err_msg=layer
                )


def _before_softmax(model: keras.Model) -> Any:
    """What the last softmax takes, found by Keras' own history."""
    operation, node, _ = model.outputs[0]._keras_history
    while "softmax" not in type(operation).__name__.lower() and not _is_softmax(operation):
        operation, node, _ = operation._inbound_nodes[node].input_tensors[0]._keras_history
    return operation._inbound_nodes[node].input_tensors[0]


def _is_softmax(operation: Any) -> bool:
    return getattr(getattr(operation, "activation", None), "__name__", "") == "softmax" and not operation.weights


def test_one_convolution_and_a_dense_head_worked_out_by_hand() -> None:
    """A convolution of one position copies red and green; the head takes 2 of red and gives away 3 of green.

    The gradient of the logit is 2/4 at each of four positions of red and -3/4 of green, so Grad-CAM is
    max(0, red / 2 - 3 green / 4), and LayerCAM red / 2.
    """
    model = keras.Sequential(
        [keras.Input((2, 2, 3)), layers.Conv2D(2, 1, name="conv"), layers.GlobalAveragePooling2D(), layers.Dense(2)]
    )
    kernel = np.zeros((1, 1, 3, 2), np.float32)
    kernel[0, 0, 0, 0] = kernel[0, 0, 1, 1] = 1
    model.set_weights([kernel, np.zeros(2), np.array([[2, 0], [-3, 0]], np.float32), np.zeros(2)])
    network = load_network(Config(preprocess="none"), model)
    red, green = np.array([[8, 4], [2, 0]]), np.array([[0, 4], [1, 8]])
    pixels = np.stack([red, green, np.full((2, 2), 99)], axis=2)[None].astype(np.uint8)
    traced = TracedCall(network, ["conv"])
    maps = grad_cam(traced, pixels, [class_logit(2, 0), class_logit(2, 1)])["conv"]
    np.testing.assert_array_equal(maps.maps[0, 0], np.maximum(red / 2 - 3 * green / 4, 0))
    np.testing.assert_array_equal(maps.scores[0], [(2 * red - 3 * green).mean()])
    assert maps.positive_evidence.tolist() == [[True], [False]]
    np.testing.assert_array_equal(layer_cam(traced, pixels, [class_logit(2, 0)])["conv"].maps[0, 0], red / 2)


def test_several_layers_and_targets_at_once_are_as_one_by_one() -> None:
    network = load_network(Config(preprocess="unit"), two_convolutions())
    pixels = zoo.pictures(network, 3)
    targets = [class_logit(4, [0, 3, 2]), class_logit(4, 1), logit_difference(4, 2, 1)]
    together = layer_cam(TracedCall(network, ["conv2", "conv1"]), pixels, targets)
    assert list(together) == ["conv2", "conv1"]
    for name in together:
        traced = TracedCall(network, [name])
        for place, target in enumerate(targets):
            for image in range(3):
                alone = layer_cam(traced, pixels[image : image + 1], [target.only(image)])[name]
                np.testing.assert_allclose(together[name].maps[place, image], alone.maps[0, 0], atol=1e-6)


def test_further_targets_run_no_further_forward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    network = load_network(Config(preprocess="none"), two_convolutions())
    traced, pixels = TracedCall(network, ["conv2"]), zoo.pictures(network)
    calls = []
    original = layers.Conv2D.call
    monkeypatch.setattr(
        layers.Conv2D, "call", lambda layer, *given: calls.append(layer.name) or original(layer, *given)
    )
    grad_cam(traced, pixels, [class_logit(4, index) for index in range(4)])
    assert calls == ["conv1", "conv2"]
    grad_cam(traced, pixels, [class_logit(4, index) for index in range(3)])
    assert calls == ["conv1", "conv2"]


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("several_outputs", "conv"),
        ("output_dictionary", "conv"),
        ("five_channels", "conv"),
        ("grey", "conv"),
        ("mixed_float16", "conv"),
        ("mixed_bfloat16", "conv"),
        ("byte_input", "conv"),
        ("nested", "middle/inner/conv"),
        ("composite_layers", None),
        ("transfer_sequential", None),
        ("convolution_kinds", "grouped"),
        ("layer_gives_list", "conv"),
        ("squeeze_and_excite", None),
        ("next_generation", None),
    ],
)
def test_odd_networks_have_finite_maps_that_depend_on_the_target(name: str, layer: str | None) -> None:
    network = zoo.open_zoo(name)
    pixels = zoo.pictures(network)
    rows = [row for row in summarize_network(network).layers if row.is_map and row.is_convolution]
    chosen = layer or rows[-1].name
    traced = TracedCall(network, [chosen])
    answers = answer_images(traced, pixels)
    output = next(i for i, leaf in enumerate(answers) if leaf.ndim == 2)
    classes = answers[output].shape[1]
    targets = [class_logit(classes, 0, output=output), class_logit(classes, 1, output=output)]
    maps = layer_cam(traced, pixels, targets)[chosen].maps
    assert np.isfinite(maps).all()
    assert maps.min() >= 0
    # Maps of deep networks that were not trained are tiny: what matters is how they differ for their size.
    largest = np.abs(maps).max()
    assert largest > 0
    assert np.abs(maps[0] - maps[1]).max() > 1e-3 * largest


def test_a_layer_without_positions_has_no_map() -> None:
    traced = TracedCall(zoo.open_zoo("sequential_built"), ["flatten"])
    with pytest.raises(ReportgenError, match="expected a layer whose output is a map or a grid of tokens, got flatten"):
        grad_cam(traced, zoo.pictures(traced.network), [class_logit(4, 0)])


def test_a_layer_the_target_does_not_depend_on_has_no_evidence() -> None:
    network = zoo.open_zoo("several_outputs")
    maps = grad_cam(TracedCall(network, ["mask"]), zoo.pictures(network), [class_logit(4, 0)])["mask"]
    assert not maps.maps.any()
    assert not maps.positive_evidence.any()


def _dense_only(*before: layers.Layer) -> keras.Model:
    flat = [layers.Flatten(), layers.Dense(8, activation="relu"), layers.Dense(3)]
    return keras.Sequential([keras.Input((8, 8, 3)), *before, *flat])


@pytest.mark.parametrize(
    "before",
    [
        [lambda: layers.Rescaling(1 / 255)],
        [lambda: layers.Rescaling(1 / 255), layers.BatchNormalization, lambda: layers.GaussianNoise(0.1)],
        [lambda: layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 2.0, 3.0]), layers.PReLU],
        [lambda: layers.AveragePooling2D(2)],
    ],
)
def test_the_image_itself_is_no_map(before: list[Callable[[], layers.Layer]]) -> None:
    """However its values were changed: nothing that mixes them by learnt weights has a place any more."""
    network = load_network(Config(preprocess="none"), _dense_only(*[make() for make in before]))
    assert cam_layers(summarize_network(network)) == ()


def test_dense_layers_that_keep_the_places_make_maps() -> None:
    model = _dense_only(layers.Rescaling(1 / 255), layers.Dense(4, activation="relu", name="mixed"))
    assert cam_layers(summarize_network(load_network(Config(preprocess="none"), model))) == ("mixed",)


def test_a_map_is_one_after_its_activation_in_whatever_order_layers_were_written_down() -> None:
    class Backwards(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.head = layers.Dense(3, name="head")
            self.average = layers.GlobalAveragePooling2D(name="average")
            self.cut = layers.ReLU(name="cut")
            self.norm = layers.BatchNormalization(name="norm")
            self.maps = layers.Conv2D(4, 3, name="maps")

        def call(self, images: Any) -> Any:
            return self.head(self.average(self.cut(self.norm(self.maps(images)))))

    model = Backwards()
    model(np.zeros((1, 8, 8, 3), np.float32))
    assert cam_layers(summarize_network(load_network(Config(preprocess="none"), model)))[0] == "cut"
