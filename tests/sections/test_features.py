"""The section of features, of networks with and without convolutions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from support import zoo
from support.images import random_images
from support.networks import seeded

import reportgen
from reportgen.sections.features import NOTHING_BEFORE


def built(model: keras.Model, pixels: np.ndarray, folder: Path, **settings: object) -> reportgen.Report:
    return reportgen.build(
        model, pixels, folder / "out", sections="overview,features", preprocess="unit", no_cache=True, **settings
    )


def _perceptron() -> keras.Model:
    return seeded(
        keras.Sequential(
            [
                keras.Input((8, 8, 3)),
                layers.Flatten(),
                layers.Dense(16, activation="relu", name="wide"),
                layers.Dense(9, activation="relu", name="hidden"),
                layers.Dense(4, activation="softmax", name="classes"),
            ]
        )
    )


def _transformer() -> keras.Model:
    """Patches are cut by reshaping; nowhere a convolution."""
    image = keras.Input((8, 8, 3))
    patches = layers.Reshape((2, 4, 2, 4, 3))(image)
    tokens = layers.Reshape((4, 48))(layers.Permute((1, 3, 2, 4, 5))(patches))
    tokens = layers.Dense(6, name="embed")(tokens)
    attended = layers.MultiHeadAttention(2, 3, name="attention")(tokens, tokens)
    tokens = layers.Add(name="skip")([tokens, attended])
    tokens = layers.LayerNormalization(name="norm")(tokens)
    pooled = layers.GlobalAveragePooling1D(name="pool")(tokens)
    return seeded(keras.Model(image, layers.Dense(4, activation="softmax", name="classes")(pooled)))


@pytest.mark.parametrize(("make", "layer"), [(_perceptron, "hidden"), (_transformer, "pool")])
def test_a_network_without_convolutions_gives_the_layer_before_its_head(
    make: Callable[[], keras.Model], layer: str, tmp_path: Path
) -> None:
    model, pixels = make(), random_images(2)
    report = built(model, pixels, tmp_path)
    expected = keras.Model(model.inputs[0], model.get_layer(layer).output)(pixels / np.float32(255))
    assert [(feature.layer, feature.image) for feature in report.data.features] == [
        (layer, "image-0"),
        (layer, "image-1"),
    ]
    for feature, values in zip(report.data.features, expected, strict=True):
        np.testing.assert_allclose(np.load(report.path / feature.file), values, atol=1e-5)


def test_dense_layers_can_be_named(tmp_path: Path) -> None:
    report = built(_perceptron(), random_images(1), tmp_path, layers=["w*", "hidden"])
    assert [feature.layer for feature in report.data.features] == ["wide", "hidden"]


def test_a_network_that_is_a_head_alone_says_so(tmp_path: Path) -> None:
    image = keras.Input((8, 8, 3))
    answer = layers.Softmax()(layers.Flatten()(layers.Conv2D(4, 8, name="templates")(image)))
    report = built(seeded(keras.Model(image, answer)), random_images(1), tmp_path)
    assert report.data.features == []
    (section,) = [section for section in report.data.sections if section.slug == "features"]
    assert section.note == NOTHING_BEFORE


def test_the_transformer_of_the_zoo_gives_its_tokens(tmp_path: Path) -> None:
    report = built(zoo.build("vision_transformer"), zoo.pictures(zoo.open_zoo("vision_transformer"), 1), tmp_path)
    (feature,) = report.data.features
    assert feature.layer == "layer1_out"
    assert feature.shape == [17, 8]
