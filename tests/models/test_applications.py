"""Networks of `keras.applications`, by name and recognised inside others."""

from __future__ import annotations

import sys

import keras
import numpy as np
import pytest
from keras import layers
from support.images import random_images
from support.loading import load
from support.networks import seeded, two_convolutions

from reportgen.errors import ReportgenError, UsageError
from reportgen.models.applications import FAMILIES, architectures, recognize


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
