"""What the layers before the first convolution do says what the network expects."""

from __future__ import annotations

import keras
import pytest
from keras import layers
from support.loading import load
from support.networks import base, two_convolutions


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
