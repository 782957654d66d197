from __future__ import annotations

from typing import get_args

import keras
import pytest
from keras import layers

from reportgen.analysis.network.layer_kinds import ACTIVATIONS, kind_of
from reportgen.analysis.network.layers import summarize_network
from reportgen.config import Config
from reportgen.facts import LayerKind
from reportgen.models import load_network


@pytest.mark.parametrize(
    ("layer", "kind"),
    [
        (layers.InputLayer((8, 8, 3)), "input"),
        (layers.Conv2D(4, 3), "convolution"),
        (layers.Conv2DTranspose(4, 3), "convolution"),
        (layers.DepthwiseConv2D(3), "convolution"),
        (layers.SeparableConv2D(4, 3), "convolution"),
        (layers.Conv1D(4, 3), "other"),
        (layers.Dense(4), "dense"),
        (layers.Activation("relu"), "activation"),
        (layers.PReLU(), "activation"),
        (layers.Softmax(), "softmax"),
        (layers.BatchNormalization(), "normalization"),
        (layers.LayerNormalization(), "normalization"),
        (layers.MaxPooling2D(), "pooling"),
        (layers.GlobalAveragePooling2D(), "global pooling"),
        (layers.SpatialDropout2D(0.1), "resting"),
        (layers.RandomFlip(), "resting"),
        (layers.Rescaling(1 / 255), "rescaling"),
        (layers.ZeroPadding2D(1), "padding"),
        (layers.CenterCrop(4, 4), "cropping"),
        (layers.UpSampling2D(), "resizing"),
        (layers.Flatten(), "flattening"),
        (layers.Reshape((4,)), "reshaping"),
        (layers.Multiply(), "merge"),
        (layers.Concatenate(), "concatenation"),
        (layers.MultiHeadAttention(2, 4), "attention"),
        (layers.Embedding(4, 2), "other"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_layers_are_of_the_kind_a_reader_expects(layer: keras.Layer, kind: LayerKind) -> None:
    assert kind_of(layer) == kind
    assert kind in get_args(LayerKind)


class Leaky(layers.LeakyReLU):
    """A user's own name for a layer of Keras."""


class ReLU(layers.Layer):
    """Called like a layer of Keras, and none."""

    def call(self, inputs):
        return inputs


def test_it_is_the_layer_that_decides_and_not_its_name() -> None:
    assert kind_of(Leaky()) in ACTIVATIONS
    assert kind_of(ReLU()) == "other"


def test_kinds_stand_in_the_layer_table_below_nested_networks_too() -> None:
    inner = keras.Sequential([layers.Input((8, 8, 3)), layers.Conv2D(2, 3), layers.ReLU()], name="inner")
    model = keras.Sequential([layers.Input((8, 8, 3)), inner, layers.GlobalMaxPooling2D(), layers.Dense(2)])
    summary = summarize_network(load_network(Config(preprocess="none"), model))
    assert [row.kind for row in summary.layers] == ["convolution", "activation", "global pooling", "dense"]
    assert [row.is_convolution for row in summary.layers] == [True, False, False, False]
