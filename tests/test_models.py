"""Loading networks: where they come from, how they are fed, what they answer."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from support.images import random_images
from support.networks import Subclassed, base, seeded, two_convolutions

from reportgen.analysis.network.feeding import open_network
from reportgen.analysis.network.heads import describe_head
from reportgen.config import Config
from reportgen.errors import ReportgenError, UsageError
from reportgen.models import MODES, Network, make_preprocessing
from reportgen.models.applications import FAMILIES, architectures, recognize
from reportgen.models.labels import read_labels
from reportgen.models.preprocessing import CAFFE_MEAN


def load(model: keras.Model | str | Path, **settings: object) -> Network:
    if isinstance(model, keras.Model):
        return open_network(Config(**settings), model)
    return open_network(Config(model=str(model), **settings))


def answer(network: Network, pixels: np.ndarray) -> np.ndarray:
    return np.asarray(network.model(network.feed(network.prepare(pixels)), training=False))


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module that can be imported from the current folder, under a name of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    names = []

    def write(text: str) -> str:
        name = f"made_up_{tmp_path.name.replace('-', '_')}_{len(names)}"
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
        names.append(name)
        return name

    yield write
    for name in names:
        sys.modules.pop(name, None)


# --- sources --------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".hdf5"])
def test_a_saved_network_answers_as_before(tmp_path, suffix):
    model = two_convolutions()
    path = tmp_path / f"net{suffix}"
    model.save(path)
    network = load(path)
    pixels = random_images(2)
    np.testing.assert_allclose(answer(network, pixels), model(pixels / 255.0), atol=1e-6)
    assert (network.name, network.source) == ("two_convolutions", f"net{suffix}")
    assert (network.size, network.channels) == ((8, 8), 3)
    assert len(network.sha256) == 64
    assert network.notes == ()


def test_names_keras_made_up_are_replaced_by_the_file_name(tmp_path):
    keras.Sequential([layers.Input((8, 8, 3)), layers.Conv2D(2, 3)]).save(tmp_path / "leaves.keras")
    assert load(tmp_path / "leaves.keras").name == "leaves"


def _folder(path: Path) -> None:
    path.mkdir()


def _saved_model(path: Path) -> None:
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("no model at all")


def _pointer(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\n")


def _cut_off(path: Path) -> None:
    two_convolutions().save(path)
    path.write_bytes(path.read_bytes()[:3000])


def _weights_only(path: Path) -> None:
    two_convolutions().save_weights(path)


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("none.keras", None, "there is no such file; expected a .keras"),
        ("folder", _folder, "is a folder; expected a .keras or .h5 file"),
        ("saved", _saved_model, r"is a SavedModel folder.*save it again with model.save\('saved.keras'\)"),
        ("net.keras", _text, "is no Keras model"),
        ("net.h5", _text, "is no HDF5 file"),
        ("net.onnx", _text, "is an ONNX model; expected a Keras model"),
        ("net.keras", _pointer, "Git LFS pointer.*git lfs pull"),
        ("net.keras", _cut_off, "is no Keras model"),
        ("net.weights.h5", _weights_only, "holds weights without a network; give the network too"),
    ],
)
def test_what_is_no_network_is_said_in_one_line(tmp_path, name, make, message):
    if make is not None:
        make(tmp_path / name)
    with pytest.raises(ReportgenError, match=message) as caught:
        load(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 1


CUSTOM = """
import keras

class Doubled(keras.layers.Layer):
    def call(self, inputs):
        return inputs * 2.0

def build():
    return keras.Sequential([keras.Input((8, 8, 3)), Doubled(), keras.layers.Conv2D(2, 3)], name="with_custom")

def number():
    return 3

built = build()
"""


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_custom_layers_come_from_a_module(module, tmp_path, suffix):
    name = module(CUSTOM)
    network = load(f"python:{name}:build")
    path = tmp_path / f"custom{suffix}"
    network.model.save(path)
    # As in a process of its own: the module is not there until it is asked for.
    sys.modules.pop(name)
    (tmp_path / f"{name}.py").rename(tmp_path / f"{name}_moved.py")
    with pytest.raises(ReportgenError, match=r"does not know a part of the network .*Doubled.*--custom-objects"):
        load(path)
    loaded = load(path, custom_objects=f"python:{name}_moved")
    pixels = random_images(1)
    np.testing.assert_allclose(answer(loaded, pixels), answer(network, pixels), atol=1e-5)
    sys.modules.pop(f"{name}_moved")


def test_lambda_layers_are_not_run(tmp_path):
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Lambda(lambda x: x * 2), layers.Conv2D(2, 3)])
    model.save(tmp_path / "net.keras")
    with pytest.raises(ReportgenError, match=r"Lambda layer.*safe mode does not run.*--custom-objects"):
        load(tmp_path / "net.keras")


def test_python_sources(module):
    name = module(CUSTOM)
    assert load(f"python:{name}:build").name == "with_custom"
    assert load(f"python:{name}:built").source == f"python:{name}:built"
    for reference, message in [
        (f"python:{name}:number", "expected it to return a Keras model, it returned int"),
        (f"python:{name}:nothing", "has no 'nothing'"),
        ("python:no_such_module_at_all:build", "cannot import the module no_such_module_at_all"),
    ]:
        with pytest.raises(ReportgenError, match=message):
            load(reference)
    with pytest.raises(UsageError, match=r"expected python:package.module:name"):
        load(f"python:{name}")
    with pytest.raises(UsageError, match=r"expected python:package.module"):
        load("x.keras", custom_objects=name)


def test_what_a_callable_prints_does_not_reach_standard_output(module, capsys):
    name = module(CUSTOM.replace("def build():", "def build():\n    print('hello')"))
    load(f"python:{name}:build")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "hello" in captured.err


def test_application_by_name():
    network = load("keras:mobilenet", weights="none", top=False, size=(32, 32))
    assert (network.name, network.size) == ("MobileNet", (32, 32))
    assert network.source == "keras:MobileNet, weights none, without its head"
    assert (network.preprocessing.mode, network.preprocessing.origin) == ("tf", "application")
    assert network.labels is None
    with pytest.raises(UsageError, match="nearest are MobileNet"):
        load("keras:mobilnet", weights="none")


def test_open_application_takes_the_usual_size():
    network = load("keras:MobileNet", weights="none", top=False)
    assert network.size == (224, 224)
    assert network.model.input_shape == (None, None, None, 3)


def test_weights_of_an_application_from_a_file(tmp_path):
    with pytest.raises(ReportgenError, match="--weights: expected imagenet, none or a weights file"):
        load("keras:MobileNet", weights=str(tmp_path / "none.h5"))
    model = seeded(keras.applications.MobileNet(weights=None, include_top=False))
    model.save_weights(tmp_path / "mine.weights.h5")
    network = load("keras:MobileNet", weights=str(tmp_path / "mine.weights.h5"), top=False)
    np.testing.assert_array_equal(network.model.get_layer("conv1").kernel, model.get_layer("conv1").kernel)
    assert network.source == "keras:MobileNet, weights mine.weights.h5, without its head"
    two_convolutions().save_weights(tmp_path / "other.weights.h5")
    with pytest.raises(ReportgenError, match="does not fit keras:MobileNet"):
        load("keras:MobileNet", weights=str(tmp_path / "other.weights.h5"), top=False)


def test_weights_that_cannot_be_downloaded(monkeypatch):
    def fetch(*_args: object, **_kwargs: object) -> None:
        raise Exception("URL fetch failure on https://example.org: None -- no route")  # as Keras does

    monkeypatch.setattr(keras.utils, "get_file", fetch)
    monkeypatch.setattr(sys.modules["keras.src.applications.mobilenet"].file_utils, "get_file", fetch)
    with pytest.raises(ReportgenError, match=r"could not be downloaded.*--weights none or --weights FILE"):
        load("keras:MobileNet")


# --- preprocessing --------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_modes_are_what_keras_calls_them(mode):
    pixels = random_images(2).astype(np.float32)
    expected = {
        "none": pixels,
        "unit": pixels / 255,
        "tf": keras.applications.imagenet_utils.preprocess_input(pixels.copy(), mode="tf"),
        "torch": keras.applications.imagenet_utils.preprocess_input(pixels.copy(), mode="torch"),
        "caffe": keras.applications.imagenet_utils.preprocess_input(pixels.copy(), mode="caffe"),
    }[mode]
    made = make_preprocessing(mode, 3, "flag")
    np.testing.assert_allclose(made.apply(tf.constant(pixels)), expected, rtol=1e-4, atol=1e-4)
    extremes = np.asarray(made.apply(tf.constant(np.stack([np.zeros((1, 1, 3)), np.full((1, 1, 3), 255)]), tf.float32)))
    assert made.value_range == pytest.approx((extremes.min(), extremes.max()), abs=1e-4)
    assert made.reverses_channels is (mode == "caffe")
    with tf.GradientTape() as tape:
        variable = tf.Variable(pixels)
        total = tf.reduce_sum(made.apply(variable))
    assert np.all(np.asarray(tape.gradient(total, variable)) > 0)


@pytest.mark.parametrize("channels", [1, 2, 12])
def test_modes_for_other_numbers_of_channels(channels):
    pixels = tf.fill((1, 2, 2, channels), 255.0)
    assert float(tf.reduce_max(make_preprocessing("unit", channels, "flag").apply(pixels))) == 1.0
    for mode in ("torch", "caffe"):
        with pytest.raises(UsageError, match=f"{mode} is made for red, green and blue, the network takes {channels}"):
            make_preprocessing(mode, channels, "flag")


def test_unknown_mode():
    with pytest.raises(UsageError, match="expected auto, none, unit, tf, torch, caffe or python:module:function"):
        load(two_convolutions(), preprocess="imagenet")


def _with(*first: object) -> keras.Model:
    return keras.Sequential([keras.Input((8, 8, 3)), *first, layers.Conv2D(2, 3)])


def _computed(function: object) -> keras.Model:
    image = keras.Input((8, 8, 3))
    return keras.Model(image, layers.Conv2D(2, 3)(function(image)))


def _raw_batch_normalization() -> keras.Model:
    model = _with(layers.BatchNormalization())
    model.layers[0].moving_mean.assign([120.0, 118.0, 103.0])
    return model


@pytest.mark.parametrize(
    ("make", "mode", "origin"),
    [
        (two_convolutions, "unit", "fallback"),
        (lambda: _with(layers.Rescaling(1 / 255)), "none", "inside"),
        (lambda: _with(layers.Rescaling(1 / 127.5, offset=-1)), "none", "inside"),
        (lambda: _with(layers.Rescaling([1 / 127.5, 1 / 127.5, 1 / 127.5])), "none", "inside"),
        (lambda: _with(layers.Rescaling(2.0, offset=-1)), "unit", "inside"),
        (lambda: _with(layers.Rescaling(255.0)), "unit", "inside"),
        (lambda: _with(layers.Rescaling(1.0)), "unit", "fallback"),
        (lambda: _with(layers.Normalization(mean=[120, 115, 100], variance=[3300, 3200, 3400])), "none", "inside"),
        (lambda: _with(layers.Normalization(mean=[0.485, 0.45, 0.4], variance=[0.05, 0.05, 0.05])), "unit", "inside"),
        (lambda: _with(layers.Normalization(mean=[0, 0, 0], variance=[1, 1, 1])), "unit", "fallback"),
        (lambda: _with(layers.RandomFlip(), layers.RandomRotation(0.1), layers.Rescaling(1 / 255)), "none", "inside"),
        (lambda: _with(layers.Resizing(6, 6), layers.Rescaling(1 / 255)), "none", "inside"),
        (lambda: _with(keras.Sequential([layers.Rescaling(1 / 255), layers.RandomFlip()])), "none", "inside"),
        (lambda: _with(layers.Conv2D(3, 1), layers.Rescaling(1 / 255)), "unit", "fallback"),
        (lambda: _with(layers.BatchNormalization()), "unit", "fallback"),
        (_raw_batch_normalization, "none", "inside"),
        (lambda: _computed(lambda x: x / 255.0), "none", "inside"),
        (lambda: _computed(lambda x: x - 127.5), "none", "inside"),
        (lambda: _computed(lambda x: (x - 0.5) * 2), "unit", "inside"),
        (lambda: _computed(keras.applications.vgg16.preprocess_input), "none", "inside"),
        (lambda: _computed(keras.applications.mobilenet.preprocess_input), "none", "inside"),
        (lambda: _computed(lambda x: base()(layers.Rescaling(1 / 255)(x))), "none", "inside"),
    ],
)
def test_auto_sees_what_the_network_does_itself(make, mode, origin):
    chosen = load(make()).preprocessing
    assert (chosen.mode, chosen.origin) == (mode, origin)
    assert chosen.description.endswith(".")


def test_auto_sees_rescaling_in_a_nested_network():
    image = keras.Input((8, 8, 3))
    inner = keras.Model(image, layers.Conv2D(2, 3)(layers.Rescaling(1 / 255)(image)))
    assert load(keras.Sequential([keras.Input((8, 8, 3)), inner, layers.Flatten()])).preprocessing.origin == "inside"


def test_auto_sees_rescaling_in_a_branch_of_several_inputs():
    image, weight = keras.Input((8, 8, 3), name="image"), keras.Input((2,), name="weight")
    features = layers.Flatten()(layers.Conv2D(2, 3)(layers.Rescaling(1 / 255)(image)))
    model = keras.Model([weight, image], layers.Concatenate()([features, layers.Rescaling(3.0)(weight)]))
    assert load(model).preprocessing.mode == "none"


def test_a_flag_overrules_what_is_inside():
    assert load(_with(layers.Rescaling(1 / 255)), preprocess="tf").preprocessing.origin == "flag"


def test_a_nested_application_is_recognized():
    inner = keras.applications.MobileNet(weights=None, include_top=False, input_shape=(32, 32, 3))
    outer = keras.Sequential([keras.Input((32, 32, 3)), inner, layers.GlobalAveragePooling2D(), layers.Dense(2)])
    chosen = load(outer).preprocessing
    assert (chosen.mode, chosen.origin) == ("tf", "application")
    assert "mobilenet" in chosen.description


def test_a_namesake_is_not_taken_for_an_application():
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3, name="block1_conv1")], name="vgg16")
    assert recognize(model) is None
    assert load(model).preprocessing.origin == "fallback"


FIRST_OF_FAMILY = {}
for _name, _function in architectures().items():
    FIRST_OF_FAMILY.setdefault(_function.__module__.rpartition(".")[2], _name)


@pytest.mark.slow
@pytest.mark.parametrize(("family", "name"), sorted(FIRST_OF_FAMILY.items()))
def test_every_family_of_applications_is_known(family, name):
    network = load(f"keras:{name}", weights="none", top=False)
    assert network.preprocessing.origin in ("application", "inside")
    outside = {known.module: known for known in FAMILIES}
    if family in outside:
        assert recognize(network.model) is outside[family]
        probe = random_images(1).astype(np.float32)
        function = sys.modules[architectures()[name].__module__].preprocess_input
        np.testing.assert_allclose(network.prepare(probe), function(probe.copy()), rtol=1e-4, atol=1e-4)
    else:
        assert network.preprocessing.mode == "none"


FUNCTIONS = """
import numpy as np
import tensorflow as tf

def halves(pixels):
    return pixels / 510

def in_place(pixels):
    pixels[..., 0] -= 100.0
    return pixels

def standardized(pixels):
    return tf.image.per_image_standardization(pixels)

def flat(pixels):
    return pixels.reshape(-1)

def fails(pixels):
    raise ValueError("not like this")

text = "halves"
"""


def test_preprocessing_functions(module):
    name = module(FUNCTIONS)
    model = two_convolutions()
    pixels = random_images(2)
    halves = load(model, preprocess=f"python:{name}:halves").preprocessing
    assert (halves.differentiable, halves.value_range) == (True, (0.0, 0.5))
    np.testing.assert_allclose(halves.apply(tf.constant(pixels, tf.float32)), pixels / 510, atol=1e-6)
    in_place = load(model, preprocess=f"python:{name}:in_place").preprocessing
    assert (in_place.differentiable, in_place.value_range) == (False, (-100.0, 255.0))
    np.testing.assert_allclose(in_place.apply(tf.constant(pixels, tf.float32)), pixels - np.array([100.0, 0, 0]))
    assert load(model, preprocess=f"python:{name}:standardized").preprocessing.value_range is None
    for function, message in [
        ("flat", "expected numbers of the shape it was given"),
        ("fails", "the function failed on float32 pixels .*ValueError: not like this"),
        ("text", "expected a function, got str"),
    ]:
        with pytest.raises(ReportgenError, match=message):
            load(model, preprocess=f"python:{name}:{function}")


def test_a_preprocessing_function_of_keras():
    chosen = load(two_convolutions(), preprocess="python:keras.applications.vgg16:preprocess_input").preprocessing
    white = np.asarray(chosen.apply(tf.fill((1, 1, 1, 3), 255.0)))
    np.testing.assert_allclose(white[0, 0, 0], 255 - np.array(CAFFE_MEAN), rtol=1e-5)


# --- inputs ---------------------------------------------------------------------------------------


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


def test_a_subclassed_network():
    model = Subclassed()
    model(np.zeros((2, 16, 16, 3), np.float32))
    network = load(model)
    assert (network.size, network.channels) == ((16, 16), 3)
    assert load(model, size=(24, 20)).size == (24, 20)
    assert answer(network, random_images(2, 16, 16)).shape == (2, 3)


def test_an_unbuilt_network_is_built_but_the_users_own_is_not(module):
    model = keras.Sequential([layers.Conv2D(2, 3), layers.GlobalAveragePooling2D()])
    network = load(model, size=(12, 12))
    assert (network.size, model.built) == ((12, 12), False)
    unbuilt = Subclassed()
    assert load(unbuilt, size=(16, 16)).size == (16, 16)
    assert not unbuilt.built
    name = module(
        """
        import keras

        class Fixed(keras.Model):
            def __init__(self):
                super().__init__()
                self.dense = keras.layers.Dense(2)

            def call(self, inputs):
                raise ValueError("only of 96x96")
        """
    )
    with pytest.raises(ReportgenError, match=r"never built.*12x12x3 failed \(.*only of 96x96"):
        load(f"python:{name}:Fixed", size=(12, 12))


def test_an_unbuilt_transfer_keeps_its_base_and_what_was_adapted():
    base = keras.Sequential([keras.Input((24, 20, 3)), layers.Conv2D(4, 3, name="seen")], name="base")
    adapted = layers.Normalization(name="adapted")
    adapted.adapt(np.random.default_rng(0).uniform(0, 255, (8, 24, 20, 3)))
    model = keras.Sequential([adapted, base, layers.GlobalAveragePooling2D(), layers.Dense(2, name="classes")])
    network = load(model)
    assert network.size == (24, 20)
    assert not model.built
    pixels = np.random.default_rng(1).uniform(0, 255, (2, 24, 20, 3)).astype(np.float32)
    np.testing.assert_array_equal(network.model.layers[1](network.model.layers[0](pixels)), base(adapted(pixels)))


def test_a_sequential_network_built_by_a_call():
    model = keras.Sequential([layers.Conv2D(2, 3), layers.GlobalAveragePooling2D()])
    model(np.zeros((1, 10, 10, 3), np.float32))
    assert load(model).channels == 3


# --- identity -------------------------------------------------------------------------------------


def test_the_digest_is_of_architecture_and_weights(tmp_path):
    model = two_convolutions()
    model.save(tmp_path / "a.keras")
    model.compile("sgd", "categorical_crossentropy")
    model.save(tmp_path / "b.keras")
    digest = load(model).digest
    assert load(model).sha256 == digest
    assert load(tmp_path / "a.keras").digest == digest
    assert load(tmp_path / "b.keras").digest == digest
    assert load(tmp_path / "a.keras").sha256 != digest
    model.get_layer("conv1").bias.assign_add(np.full(6, 1e-3))
    assert load(model).digest != digest


def test_the_digest_of_a_scalar_weight_and_of_half_precision():
    model = keras.Sequential([keras.Input((4, 4, 3)), layers.Normalization(mean=1.0, variance=2.0), layers.Flatten()])
    assert len(load(model).digest) == 64
    half = keras.Sequential([keras.Input((4, 4, 3)), layers.Conv2D(2, 3, dtype="bfloat16")])
    assert len(load(half).digest) == 64


# --- labels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", b"cat\ndog\n", ("cat", "dog")),
        ("a.txt", b"\xef\xbb\xbfcat\r\nd\xc3\xb6g\r\n\r\n\n", ("cat", "dög")),
        ("a.txt", b"cat\n\ndog", ("cat", "", "dog")),
        ("a.json", b'["cat", "dog"]', ("cat", "dog")),
        ("a.json", b'{"1": ["n2", "dog"], "0": ["n1", "cat"]}', ("cat", "dog")),
        ("a.json", b'{"0": "cat", "1": "dog"}', ("cat", "dog")),
        ("a.txt", b'{"dog": 1, "cat": 0}', ("cat", "dog")),
    ],
)
def test_labels(tmp_path, name, content, expected):
    (tmp_path / name).write_bytes(content)
    assert read_labels(tmp_path / name) == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", None, "cannot read"),
        ("a.txt", b"\n \n", "holds no class names"),
        ("a.txt", b"caf\xe9", "is not UTF-8"),
        ("a.json", b"[1, 2]", "JSON of another form"),
        ("a.json", b'{"0": "cat", "2": "dog"}', "JSON of another form"),
        ("a.json", b'["cat"', "is not JSON"),
    ],
)
def test_label_files_that_are_none(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ReportgenError, match=message):
        read_labels(tmp_path / name)


def test_labels_of_a_network(tmp_path):
    (tmp_path / "a.txt").write_text("cat\n\ndog\n")
    network = load(two_convolutions(), labels=tmp_path / "a.txt")
    assert (network.labels_origin, network.label_count) == ("file", 3)
    assert [network.label(index) for index in (0, 1, 2, 3)] == ["cat", None, "dog", None]


def test_imagenet_labels_are_read_where_keras_keeps_them(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    model = two_convolutions(size=32)
    monkeypatch.setattr("reportgen.models.loading.build_application", lambda *_, **__: model)
    assert load("keras:MobileNet").labels_origin == "none"
    (tmp_path / "models").mkdir()
    content = {str(index): [f"n{index}", f"class {index}"] for index in range(1000)}
    (tmp_path / "models" / "imagenet_class_index.json").write_text(json.dumps(content))
    network = load("keras:MobileNet")
    assert (network.labels_origin, network.label(999)) == ("application", "class 999")
    assert load("keras:MobileNet", weights="none").labels is None
    assert load("keras:MobileNet", top=False).labels is None


# --- heads ----------------------------------------------------------------------------------------


def _head(*last: object, shape: tuple[int, ...] = (8, 8, 3)) -> keras.Model:
    return keras.Sequential([keras.Input(shape), layers.Conv2D(4, 3, activation="relu"), *last])


def _operation_softmax() -> keras.Model:
    model = _head(layers.GlobalAveragePooling2D())
    return keras.Model(model.inputs, keras.ops.softmax(model.outputs[0]))


def _pointwise(activation: str) -> keras.Model:
    return _head(
        layers.GlobalAveragePooling2D(keepdims=True),
        layers.Conv2D(5, 1),
        layers.Flatten(),
        layers.Activation(activation),
    )


@pytest.mark.parametrize(
    ("make", "kind", "classes"),
    [
        (two_convolutions, "softmax", 4),
        (lambda: _head(layers.Flatten(), layers.Dense(5), layers.Softmax()), "softmax", 5),
        (lambda: _head(layers.Flatten(), layers.Dense(5), layers.Activation("softmax", dtype="float32")), "softmax", 5),
        (lambda: _head(layers.Flatten(), layers.Dense(5, activation="softmax"), layers.Dropout(0.1)), "softmax", 5),
        (_operation_softmax, "softmax", 4),
        (lambda: _head(layers.GlobalAveragePooling2D(), layers.Dense(1, activation="sigmoid")), "sigmoid", 1),
        (lambda: _head(layers.Flatten(), layers.Dense(5)), "logits", 5),
        (lambda: _head(layers.Flatten(), layers.Dense(5), layers.Activation("linear")), "logits", 5),
        (lambda: _pointwise("softmax"), "softmax", 5),
        (lambda: _pointwise("linear"), "logits", 5),
        (lambda: keras.Sequential([keras.Input((8, 8, 3)), two_convolutions()]), "softmax", 4),
        (lambda: _head(layers.Flatten(), layers.Dense(5, activation="relu")), "none", None),
        (lambda: _head(layers.GlobalAveragePooling2D()), "none", None),
        (lambda: _head(layers.Flatten(), layers.Dense(5), layers.UnitNormalization()), "none", None),
        (_head, "none", None),
    ],
)
def test_heads(make, kind, classes):
    network = load(make())
    given = network.model(network.feed(network.prepare(random_images(2, *network.size))))
    head = describe_head(network, given)
    assert (head.kind, head.classes) == (kind, classes)
    assert head.note.endswith(".")


def test_labels_make_scores_of_features(tmp_path):
    (tmp_path / "a.txt").write_text("a\nb\nc\nd\n")
    network = load(_head(layers.GlobalAveragePooling2D()), labels=tmp_path / "a.txt")
    assert describe_head(network, np.ones((2, 4))).kind == "logits"


def test_heads_without_a_graph_are_judged_by_answers():
    model = Subclassed()
    model(np.zeros((1, 8, 8, 3), np.float32))
    network = load(model)
    assert describe_head(network, np.array([[0.2, 0.7, 0.1], [0, 0, 1]])).kind == "softmax"
    assert describe_head(network, np.array([[0.2, 0.9, 0.1], [0, 0, 1]])).kind == "sigmoid"
    assert describe_head(network, np.array([[0.2, 1.9, 0.1], [0, 0, 1]])).kind == "logits"


def test_heads_of_several_outputs():
    image = keras.Input((8, 8, 3))
    features = layers.Conv2D(4, 3)(image)
    flat = layers.Flatten()(features)
    model = keras.Model(image, [features, layers.Dense(1)(flat), layers.Dense(3, activation="softmax")(flat)])
    head = describe_head(load(model), model(np.zeros((2, 8, 8, 3), np.float32)))
    assert (head.kind, head.classes, head.output) == ("softmax", 3, 2)
    assert "3 outputs" in head.note


# --- real networks --------------------------------------------------------------------------------

REAL = {
    "tiny_darknet": ("unit", "labels_imagenet1000_darknet_order.txt"),
    "squeezenet_v10_dc": ("caffe", "labels_imagenet1000_synset_order.txt"),
    "mobilenet_v2_100_224": ("tf", "labels_imagenet1001_background.txt"),
    "mobilenet_v1_075_192": ("none", "labels_imagenet1001_background.txt"),
}
EXPECTED = {
    "coffee.png": "espresso",
    "parrot_macaw.jpg": "macaw",
    "chickadee.png": "chickadee",
    "cat_chelsea.png": "Egyptian cat|tabby|tiger cat",
    "cat_tabby.jpg": "Egyptian cat|tabby|tiger cat",
    "hot_dog.jpg": "hotdog",
    "dragonfly.png": "dragonfly",
}


@pytest.mark.parametrize("name", sorted(REAL))
def test_real_networks_know_real_photographs(shared_models, shared_photos, name):
    from reportgen.images import Fitting, collect_images, load_image

    mode, labels = REAL[name]
    network = load(shared_models / f"{name}.keras", preprocess=mode, labels=shared_models / labels)
    images = [image for image in collect_images([shared_photos]) if image.file in EXPECTED]
    batch = np.stack([Fitting(network.size, "crop").apply(load_image(image))[0] for image in images])
    for image, scores in zip(images, answer(network, batch), strict=True):
        best = network.label(int(scores.argmax()))
        assert any(best.startswith(right) for right in EXPECTED[image.file].split("|")), (image.file, best)


# --- quiet ----------------------------------------------------------------------------------------


def test_tensorflow_starts_quietly():
    program = (
        "from reportgen.machine.quiet import quiet_tensorflow; quiet_tensorflow(); import tensorflow as tf; tf.zeros(1)"
    )
    environment = {"PATH": "", "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert (run.stdout, run.stderr) == ("", "")
