"""How a network is fed: the modes, functions of the user's own."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from support.images import random_images
from support.loading import load
from support.networks import two_convolutions

from reportgen.errors import ReportgenError, UsageError
from reportgen.models import MODES, make_preprocessing
from reportgen.models.preprocessing import CAFFE_MEAN


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
