"""Every architecture of `keras.applications`: totals, shapes, captured outputs, blocks; published costs.

A few run with every test; the rest, and the native sizes, are marked slow.
"""

from __future__ import annotations

import inspect
from typing import Any

import keras
import pytest
from support.checks import check_keras_shapes, check_network
from support.zoo import pictures

from reportgen.analysis.network.layers import summarize_network
from reportgen.analysis.network.selection import select_layers
from reportgen.config import Config
from reportgen.models import Network, load_network

ARCHITECTURES = [
    name for name, make in vars(keras.applications).items() if inspect.isfunction(make) and name[0].isupper()
]
FAST = ("MobileNet", "VGG16", "VGG19")

# The smallest sides the architectures take without their heads.
SMALLEST = {"InceptionResNetV2": 75, "InceptionV3": 75, "Xception": 71}


def _open(name: str, side: int) -> Network:
    keras.utils.set_random_seed(0)
    model = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(side, side, 3))
    return load_network(Config(preprocess="none"), model)


def _cases() -> list[Any]:
    return [pytest.param(name, marks=() if name in FAST else pytest.mark.slow) for name in ARCHITECTURES]


@pytest.mark.parametrize("name", _cases())
def test_architecture_is_read_rightly(name: str) -> None:
    network = _open(name, SMALLEST.get(name, 32))
    summary = check_network(network, pictures(network, count=1))
    if not any(isinstance(layer, keras.Model) for layer in network.model.layers):
        check_keras_shapes(network.model, summary)
    assert 3 <= len(summary.blocks) <= 12
    assert len(select_layers(summary, ["blocks"])) == len(summary.blocks)
    assert summary.mac_count is not None


def test_every_architecture_is_tried() -> None:
    assert len(ARCHITECTURES) >= 38
    assert set(FAST) <= set(ARCHITECTURES)


# Published multiply-accumulates, in millions, at the native input size. All count convolutions and dense layers,
# a multiplication with the addition to the sum as one, and neither biases nor normalisation.
PUBLISHED = {
    # The model table of torchvision (its GFLOPs are multiply-accumulates); the paper gives none.
    "VGG16": (224, 15_470),
    "VGG19": (224, 19_630),
    # He et al. 2015, table 1. The stride is in the first 1x1 convolution, as there; in the 3x3 one it makes the often
    # quoted 4.1 billion.
    "ResNet50": (224, 3_800),
    # Sandler et al. 2018, table 4.
    "MobileNetV2": (224, 300),
    # The model table of torchvision; Szegedy et al. 2015 round to 5 billion.
    "InceptionV3": (299, 5_710),
    # The model table of torchvision; Huang et al. 2017 only draw it (figure 3).
    "DenseNet121": (224, 2_830),
    # Tan and Le 2019, table 2.
    "EfficientNetB0": (224, 390),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "MobileNetV2" else pytest.mark.slow) for name in PUBLISHED]
)
def test_multiply_accumulates_are_those_published(name: str) -> None:
    side, millions = PUBLISHED[name]
    model = getattr(keras.applications, name)(weights=None)
    network = load_network(Config(preprocess="none"), model)
    assert network.size == (side, side)
    assert summarize_network(network).mac_count == pytest.approx(millions * 1e6, rel=0.02)


def test_block_ends_of_vgg16() -> None:
    summary = summarize_network(_open("VGG16", 32))
    ends = select_layers(summary, ["blocks"])
    assert ends == ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3")
    assert [summary.layer(name).index for name in ends] == [2, 5, 9, 13, 17]
    assert summary.parameter_count == 14_714_688
    assert summary.layer("block5_pool").output_shape == (None, 1, 1, 512)


def test_receptive_fields_of_vgg16() -> None:
    """The sizes published for VGG16 (Araujo et al. 2019, table 1)."""
    summary = summarize_network(_open("VGG16", 32))
    field = summary.layer("block5_pool").receptive_field
    assert field is not None
    assert field.size == (212, 212)
    assert field.stride == (32.0, 32.0)
    assert field.padding == (90.0, 90.0)
