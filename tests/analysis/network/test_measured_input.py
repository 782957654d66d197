"""What reaches the first layer with a kernel, for every way of building a network; answers against plain Keras."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, ops
from support.scaling import MAPS, SIDE, WAYS, apply_map

from reportgen.analysis.network.feeding import open_network
from reportgen.analysis.network.measured_words import describe_map
from reportgen.analysis.network.running import run_unwatched
from reportgen.config import Config
from reportgen.models import MeasuredInput, Network

pytestmark = pytest.mark.usefixtures("sound_files")

PIXELS = np.random.default_rng(3).integers(0, 256, (3, SIDE, SIDE, 3)).astype(np.uint8)
REVERSED = np.eye(3)[::-1]


def assert_measured(measured: MeasuredInput | None, matrix: np.ndarray, offset: np.ndarray) -> None:
    assert measured is not None
    assert measured.reason is None
    np.testing.assert_allclose(measured.matrix, matrix, rtol=1e-4, atol=1e-4 * np.abs(matrix).max())
    np.testing.assert_allclose(measured.offset, offset, rtol=1e-4, atol=1e-4 * np.abs(matrix).max() * 255)


def assert_answers(network: Network, expected: np.ndarray) -> None:
    np.testing.assert_allclose(run_unwatched(network, PIXELS), expected, rtol=1e-5, atol=1e-6)


def stored(model: keras.Model, form: str, folder: Path, **options: str) -> Network:
    """The network opened fresh, or from a file of the form."""
    if form == "fresh":
        return open_network(Config(**options), model)
    path = folder / f"network{form}"
    if not path.exists():
        model.save(path)
    return open_network(Config(model=str(path), **options))


def forms(way: str) -> list[str]:
    """Files of HDF5 hold neither subclassed networks nor operations on tensors."""
    layers_alone = way not in ("subclassed", "arithmetic", "operations", "swapped", "the application's own")
    return ["fresh", ".keras", ".h5"] if layers_alone else ["fresh", ".keras"]


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize(("way", "form"), [(way, form) for way in WAYS for form in forms(way)])
@pytest.mark.parametrize("mode", MAPS)
def test_scaling_inside(way, form, mode, tmp_path):
    model = WAYS[way](mode)
    # Nothing measured tells what a network without scaling takes.
    options = {"preprocess": "none"} if mode == "none" else {}
    network = stored(model, form, tmp_path, **options)
    matrix, offset = MAPS[mode]
    matrix = matrix @ REVERSED if way == "swapped" else matrix
    assert network.preprocessing.mode == "none"
    assert network.preprocessing.origin == ("flag" if mode == "none" else "inside")
    assert_measured(network.preprocessing.inside, matrix, offset)
    assert_measured(network.preprocessing.total, matrix, offset)
    assert_answers(network, model(PIXELS.astype(np.float32), training=False))


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize(("way", "form"), [(way, form) for way in WAYS for form in forms(way)])
def test_scaling_outside(way, form, tmp_path):
    model = WAYS[way]("none")
    for mode, (matrix, offset) in MAPS.items():
        network = stored(model, form, tmp_path, preprocess=mode)
        inside = REVERSED if way == "swapped" else np.eye(3)
        assert_measured(network.preprocessing.inside, inside, np.zeros(3))
        assert_measured(network.preprocessing.total, inside @ matrix, inside @ offset)
        assert_answers(network, model(apply_map(mode, PIXELS), training=False))
    assert stored(model, form, tmp_path).preprocessing.origin == "fallback"


# --- first layers of every kind -------------------------------------------------------------------


@keras.saving.register_keras_serializable(package="measured")
class Embedding(layers.Layer):
    """Patches of 4x4 pixels by `ops.einsum`, colours of a pixel together or pixels of a colour together."""

    def __init__(self, by_colour: bool = False, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.by_colour = by_colour

    def build(self, _shape: object) -> None:
        self.table = self.add_weight(shape=(48, 5), name="table")

    def call(self, image: object) -> object:
        patches = ops.reshape(image / 127.5 - 1, (-1, 4, 4, 4, 4, 3))
        order = (0, 1, 3, 5, 2, 4) if self.by_colour else (0, 1, 3, 2, 4, 5)
        return ops.einsum("bnp,pd->bnd", ops.reshape(ops.transpose(patches, order), (-1, 16, 48)), self.table)


class Multiplied(keras.Model):
    """A subclassed network whose first product has no layer of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.table = self.add_weight(shape=(3, 4), name="table")
        self.classes = layers.Dense(2)

    def call(self, image: object) -> object:
        return self.classes(ops.mean(ops.matmul(image / 255.0, self.table), axis=(1, 2)))


FIRST = {
    "separable": lambda: layers.SeparableConv2D(4, 3),
    "depthwise": lambda: layers.DepthwiseConv2D(3),
    "transposed": lambda: layers.Conv2DTranspose(4, 3),
    "padded": lambda: layers.Conv2D(4, 3, padding="same", strides=2),
    "grouped": lambda: layers.Conv2D(6, 3, groups=3),
    "patches": lambda: layers.Conv2D(8, 4, strides=4),
    "dense on channels": lambda: layers.Dense(4),
    "einsum": lambda: layers.EinsumDense("bhwc,cd->bhwd", output_shape=(SIDE, SIDE, 4)),
    "embedding": Embedding,
    "embedding by colour": lambda: Embedding(by_colour=True),
    "dense on all pixels": lambda: keras.Sequential([layers.Flatten(), layers.Dense(4)]),
}


@pytest.mark.parametrize("kind", FIRST)
def test_the_first_layer_may_be_of_any_kind(kind):
    own = kind.startswith("embedding")
    before = [] if own else [layers.Rescaling(1 / 127.5, offset=-1)]
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), *before, FIRST[kind](), layers.Flatten(), layers.Dense(2)])
    network = open_network(Config(), model)
    assert_measured(network.preprocessing.inside, *MAPS["tf"])
    assert_answers(network, model(PIXELS.astype(np.float32)))


def test_a_product_without_a_layer():
    model = Multiplied()
    model(PIXELS.astype(np.float32))
    assert_measured(open_network(Config(), model).preprocessing.inside, *MAPS["unit"])


@pytest.mark.parametrize(
    "between",
    [
        lambda: layers.ZeroPadding2D(3),
        lambda: layers.CenterCrop(12, 10),
        lambda: layers.Resizing(24, 20),
        lambda: layers.Permute((2, 1, 3)),
        lambda: layers.GaussianNoise(0.5),
        lambda: layers.BatchNormalization(epsilon=1e-9),
        lambda: layers.AveragePooling2D(2),
    ],
)
def test_what_stands_between_does_not_mislead(between):
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), layers.Rescaling(1 / 255), between(), layers.Conv2D(2, 3)])
    assert_measured(open_network(Config(), model).preprocessing.inside, *MAPS["unit"])


def test_a_leading_batch_normalization_counts_as_inside():
    first = layers.BatchNormalization(epsilon=1e-9)
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), first, layers.Conv2D(2, 3)])
    first.moving_mean.assign([120.0, 110.0, 100.0])
    first.moving_variance.assign([3600.0, 2500.0, 1600.0])
    network = open_network(Config(), model)
    assert (network.preprocessing.mode, network.preprocessing.origin) == ("none", "inside")
    scales = np.array([1 / 60, 1 / 50, 1 / 40])
    assert_measured(network.preprocessing.inside, np.diag(scales), -scales * [120, 110, 100])


def test_channels_first():
    image = keras.Input((3, SIDE, SIDE))
    maps = layers.Conv2D(4, 3, data_format="channels_first")(layers.Rescaling(1 / 127.5, offset=-1)(image))
    network = open_network(Config(), keras.Model(image, maps))
    assert network.channels_first
    assert_measured(network.preprocessing.inside, *MAPS["tf"])


def test_pixels_in_whole_numbers():
    image = keras.Input((SIDE, SIDE, 3), dtype="uint8")
    maps = layers.Conv2D(4, 3)(ops.cast(image, "float32"))
    network = open_network(Config(), keras.Model(image, maps))
    assert (network.preprocessing.mode, network.preprocessing.origin) == ("none", "inside")
    assert "whole numbers" in network.preprocessing.reason


def test_half_precision():
    image = keras.Input((SIDE, SIDE, 3))
    policy = "mixed_float16"
    scaled = layers.Rescaling(1 / 127.5, offset=-1, dtype=policy)(image)
    network = open_network(Config(), keras.Model(image, layers.Conv2D(2, 3, dtype=policy)(scaled)))
    inside = network.preprocessing.inside
    np.testing.assert_allclose(inside.matrix, np.eye(3) / 127.5, atol=1e-4)
    assert network.preprocessing.mode == "none"


@pytest.mark.parametrize("policy", ["mixed_float16", "float16"])
@pytest.mark.parametrize(
    ("scale", "offset", "words"),
    [(1 / 255, 0.0, "pixels / 255"), (1 / 127.5, -1.0, "pixels / 127.5 - 1"), (1 / 255, -0.5, "pixels / 255 - 0.5")],
)
def test_half_precision_in_words(policy, scale, offset, words):
    image = keras.Input((SIDE, SIDE, 3))
    scaled = layers.Rescaling(scale, offset=offset, dtype=policy)(image)
    network = open_network(Config(), keras.Model(image, layers.Conv2D(2, 3, dtype=policy)(scaled)))
    inside = network.preprocessing.inside
    np.testing.assert_array_equal(np.array(inside.matrix)[~np.eye(3, dtype=bool)], 0)
    assert describe_map(inside) == words


def test_the_image_of_several_inputs():
    left, right = keras.Input((SIDE, SIDE, 3), name="left"), keras.Input((SIDE, SIDE, 3), name="right")
    tower = keras.Sequential([layers.Rescaling(1 / 255), layers.Conv2D(3, 3), layers.GlobalAveragePooling2D()])
    network = open_network(Config(), keras.Model([left, right], layers.Subtract()([tower(left), tower(right)])))
    assert_measured(network.preprocessing.inside, *MAPS["unit"])


def test_grey_from_colours():
    image = keras.Input((SIDE, SIDE, 3))
    model = keras.Model(image, layers.Conv2D(2, 3)(ops.image.rgb_to_grayscale(image) / 255.0))
    measured = open_network(Config(), model).preprocessing
    np.testing.assert_allclose(measured.inside.matrix, np.array([[0.2989, 0.587, 0.114]]) / 255, rtol=1e-3)
    assert measured.mode == "none"


def test_coordinates_beside_the_pixels_are_left_out():
    image = keras.Input((SIDE, SIDE, 3))
    ramp = np.broadcast_to(np.linspace(0, 1, SIDE, dtype=np.float32)[:, None, None], (1, SIDE, SIDE, 1))
    rows = ops.zeros_like(image[..., :1]) + ramp
    model = keras.Model(image, layers.Conv2D(2, 3)(ops.concatenate([image / 255.0, rows], axis=-1)))
    assert_measured(open_network(Config(), model).preprocessing.inside, *MAPS["unit"])


def _with(scale) -> keras.Model:
    image = keras.Input((SIDE, SIDE, 3))
    return keras.Model(image, layers.Conv2D(2, 3)(scale(image)))


@pytest.mark.parametrize(
    ("scale", "reason"),
    [
        (lambda x: ops.clip(x, 0, 1), "no affine map"),
        (ops.sqrt, "no affine map"),
        (lambda x: x - ops.mean(x, axis=(1, 2), keepdims=True), "the same for every constant colour"),
        (lambda x: x / 255.0 + ops.std(x, axis=(1, 2), keepdims=True), "depends on the image as a whole"),
        (
            lambda x: x * 0.0 + np.random.default_rng(0).normal(size=(1, SIDE, SIDE, 3)).astype("float32"),
            "place to place",
        ),
    ],
)
def test_what_is_not_affine_is_said_not_to_be_known(scale, reason):
    network = open_network(Config(), _with(scale))
    assert network.preprocessing.inside.matrix is None
    assert reason in network.preprocessing.inside.reason
    assert network.preprocessing.origin == "fallback"
    assert "not known" in network.preprocessing.reason


def test_a_network_without_a_kernel():
    image = keras.Input((SIDE, SIDE, 3))
    network = open_network(Config(), keras.Model(image, layers.GlobalAveragePooling2D()(image)))
    assert "no layer with a kernel" in network.preprocessing.inside.reason


# --- what is decided by it ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scale", "mode", "origin"),
    [
        (lambda x: x * 2.0 - 1.0, "unit", "inside"),  # 0..1 to -1..1
        (lambda x: x * 255.0, "unit", "inside"),
        (lambda x: x - 0.5, "unit", "inside"),
        (lambda x: x - 127.5, "none", "inside"),
        (lambda x: (x - 0.45) / 0.22, "unit", "inside"),
        (lambda x: x / 10.0, "none", "inside"),
        (lambda x: x * 0.5 + 0.5, "unit", "fallback"),  # made for -1..1
        (lambda x: x * 1.05 + 0.02, "unit", "fallback"),  # adapted to what was standardised already
        (lambda x: x[..., ::-1], "unit", "fallback"),
    ],
)
def test_auto_goes_by_what_is_measured(scale, mode, origin):
    chosen = open_network(Config(), _with(scale)).preprocessing
    assert (chosen.mode, chosen.origin) == (mode, origin)


@pytest.mark.parametrize("name", ["VGG16", "MobileNetV2"])
def test_an_application_behind_augmentation_and_scaling(name):
    base = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(32, 32, 3))
    mode = "caffe" if name == "VGG16" else "tf"

    def transfer(*before: layers.Layer) -> Network:
        return open_network(Config(), keras.Sequential([keras.Input((32, 32, 3)), *before, base]))

    bare = transfer(keras.Sequential([layers.RandomFlip()])).preprocessing
    assert (bare.mode, bare.origin) == (mode, "application")
    scaled = transfer(layers.Rescaling(1 / 127.5, offset=-1)).preprocessing
    assert (scaled.mode, scaled.origin) == ("none", "inside")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "mode"), [("MobileNetV3Small", "tf"), ("EfficientNetB0", "unit"), ("EfficientNetV2B0", "unit")]
)
def test_backbones_that_rescale_inside(name, mode):
    base = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(64, 64, 3))
    network = open_network(Config(), keras.Sequential([keras.Input((64, 64, 3)), layers.RandomFlip(), base]))
    assert network.preprocessing.mode == "none"
    assert_measured(network.preprocessing.inside, *MAPS[mode])


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        (lambda x: x, "pixels as they are"),
        (lambda x: x / 255.0, "pixels / 255"),
        (lambda x: x / 127.5 - 1.0, "pixels / 127.5 - 1"),
        (lambda x: x[..., ::-1] / 255.0, "channels in reversed order / 255"),
        (lambda x: x * 2.0 + 3.0, "pixels * 2 + 3"),
        (keras.applications.vgg16.preprocess_input, "(caffe)"),
        (keras.applications.densenet.preprocess_input, "(torch)"),
        (lambda x: x - np.array([1.0, 2.0, 3.0], np.float32), "pixels - (1, 2, 3)"),
        (ops.image.rgb_to_grayscale, "times the pixel"),
        (ops.sqrt, "not known"),
    ],
)
def test_words(scale, words):
    assert words in describe_map(open_network(Config(), _with(scale)).preprocessing.inside)
