"""Other inputs than the image, and what is said where pixels are scaled twice."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops
from PIL import Image

from reportgen import build
from reportgen.analysis.network.feeding import open_network, rounded_away, scaled_twice
from reportgen.analysis.network.running import run_unwatched
from reportgen.config import Config
from reportgen.errors import UsageError
from reportgen.formats import shape
from reportgen.models import Network

SIDE = 16
PIXELS = np.random.default_rng(1).integers(0, 256, (3, SIDE, SIDE, 3)).astype(np.uint8)


def pair(inside: bool = True, right: tuple[int, ...] = (SIDE, SIDE, 3)) -> keras.Model:
    """A siamese network; its second image may be of another size."""
    scaled = [layers.Rescaling(1 / 255)] if inside else []
    open_size = keras.Input((None, None, 3))
    tower = keras.Sequential([open_size, *scaled, layers.Conv2D(4, 3), layers.GlobalMaxPooling2D()])
    one, two = keras.Input((SIDE, SIDE, 3), name="left"), keras.Input(right, name="right")
    return keras.Model([one, two], layers.Dense(2)(ops.abs(layers.Subtract()([tower(one), tower(two)]))))


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(2).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)).save(path)
    return path


@pytest.mark.parametrize(("inside", "mode"), [(True, "auto"), (False, "unit"), (False, "caffe")])
def test_a_picture_for_another_input_is_fed_as_the_images_are(photo, inside, mode):
    model = pair(inside)
    network = open_network(Config(preprocess=mode, inputs={"right": str(photo)}), model)
    given = np.asarray(network.prepare(np.asarray(Image.open(photo))[None]))
    expected = model([np.asarray(network.prepare(PIXELS)), np.repeat(given, 3, axis=0)])
    np.testing.assert_allclose(run_unwatched(network, PIXELS), expected, rtol=1e-5, atol=1e-6)
    assert network.held == {"right": "photo.png"}


def test_a_picture_is_fitted_to_the_input_it_is_given_for(photo):
    network = open_network(Config(inputs={"right": str(photo)}), pair(right=(12, 10, 3)))
    assert network.other_inputs["right"].shape == (12, 10, 3)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ""])
def test_a_picture_that_is_not_there(tmp_path, suffix):
    with pytest.raises(UsageError, match=r"--input right=.*expected a number, 768 numbers, a .npy file"):
        open_network(Config(inputs={"right": str(tmp_path / f"nothing{suffix}")}), pair())


def test_a_picture_for_an_input_of_numbers(photo):
    image, age = keras.Input((SIDE, SIDE, 3), name="image"), keras.Input((1,), name="age")
    features = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(image))
    model = keras.Model([image, age], layers.Dense(2)(layers.Concatenate()([features, age])))
    with pytest.raises(UsageError, match="height, width and channels"):
        open_network(Config(inputs={"age": str(photo)}), model)


def test_the_report_says_what_other_inputs_were_held_at(tmp_path, photo):
    settings = {"sections": "overview,predictions", "activation_max": "off", "use_cache": False}
    model = pair()
    held = build(model, PIXELS, tmp_path / "held", **settings)
    found = [finding for finding in held.data.findings if finding.rule == "held-input"]
    assert [finding.severity for finding in found] == ["warning"]
    assert "right (16x16x3)" in found[0].message
    assert [(one.name, one.given) for one in held.data.model.inputs] == [("left", "image"), ("right", "zeros")]
    page = (tmp_path / "held" / "index.html").read_text()
    assert f"held were right ({shape((None, SIDE, SIDE, 3))}) at zeros" in page
    assert f"reads images of {shape((None, SIDE, SIDE, 3))} and" in page
    given = build(model, PIXELS, tmp_path / "given", inputs={"right": str(photo)}, **settings)
    assert not any(finding.rule == "held-input" for finding in given.data.findings)
    assert given.data.model.inputs[1].given == "photo.png"
    assert str(tmp_path) not in (tmp_path / "given" / "report.json").read_text()
    measured = given.data.model.preprocessing.measured
    assert measured.inside.words == measured.total.words == "pixels / 255"
    np.testing.assert_allclose(measured.inside.matrix, np.eye(3) / 255, rtol=1e-5)
    assert "measured: pixels / 255" in (tmp_path / "given" / "index.html").read_text()


def opened(mode: str, *before: layers.Layer, dtype: str = "float32") -> Network:
    image = keras.Input((SIDE, SIDE, 3), dtype=dtype)
    tensor = ops.cast(image, "float32")
    for layer in before:
        tensor = layer(tensor)
    return open_network(Config(preprocess=mode), keras.Model(image, layers.Conv2D(2, 3)(tensor)))


@pytest.mark.parametrize("mode", ["unit", "tf", "torch"])
@pytest.mark.parametrize("scale", [1 / 255, 1 / 127.5])
def test_pixels_scaled_twice(mode, scale):
    twice = not (mode == "torch" and scale == 1 / 127.5)  # spans 0.036
    assert scaled_twice(opened(mode, layers.Rescaling(scale))) == twice
    assert not scaled_twice(opened(mode))
    assert not scaled_twice(opened("none", layers.Rescaling(scale)))


def test_whole_numbers_are_not_scaled_before():
    assert rounded_away(opened("unit", dtype="uint8"))
    assert not rounded_away(opened("none", dtype="uint8"))
    assert not rounded_away(opened("unit"))
