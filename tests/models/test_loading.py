"""Loaded networks answer as before, built or not yet built."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers
from support.images import random_images
from support.loading import answer, load
from support.networks import Subclassed, two_convolutions

from reportgen.config import Config
from reportgen.errors import ReportgenError, UsageError
from reportgen.models import load_network


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


@pytest.mark.parametrize(("options", "named"), [({"weights": "none"}, "--weights"), ({"top": False}, "--no-top")])
def test_weights_and_heads_are_chosen_for_architectures_alone(tmp_path, options, named):
    model = two_convolutions()
    model.save(tmp_path / "net.keras")
    for given, name in ((model, ""), (None, str(tmp_path / "net.keras")), (None, "python:module:made")):
        with pytest.raises(UsageError, match=rf"{named}: expected it beside keras:NAME"):
            load_network(Config(model=name, **options), given)
