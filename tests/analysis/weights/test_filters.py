from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from support.networks import seeded

from reportgen.analysis.network.layers import summarize_network
from reportgen.analysis.weights.filters import filter_banks, weight_statistics, zero_filters
from reportgen.config import Config
from reportgen.draw.filters import draw_filters
from reportgen.models import load_network
from reportgen.results import FilterBank


def _banks(model: keras.Model, **settings: object) -> tuple[FilterBank, ...]:
    network = load_network(Config.checked(**{"preprocess": "none"} | settings), model)
    return filter_banks(network, summarize_network(network))


def _sequential(*inner: keras.Layer, channels: int = 3) -> keras.Model:
    return seeded(keras.Sequential([layers.Input((8, 8, channels)), *inner]))


def _answers(layer: keras.Layer, images: np.ndarray) -> np.ndarray:
    return np.asarray(layer(images.astype(np.float32)))


def _bank(kernel: np.ndarray) -> FilterBank:
    return FilterBank("conv", kernel.astype(np.float32), None, kernel.shape, sees_colour=False)


def test_plain_convolution() -> None:
    model = _sequential(layers.Conv2D(5, (3, 2), name="conv"))
    (bank,) = _banks(model)
    assert bank.layer == "conv"
    assert bank.kernel_shape == bank.kernel.shape == (3, 2, 3, 5)
    np.testing.assert_array_equal(bank.kernel, model.get_layer("conv").kernel)
    np.testing.assert_array_equal(bank.bias, model.get_layer("conv").bias)


def test_depthwise_kernel_has_one_filter_for_each_output() -> None:
    model = _sequential(layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False, name="conv"))
    (bank,) = _banks(model)
    assert bank.kernel_shape == (3, 3, 3, 2)
    assert bank.kernel.shape == (3, 3, 1, 6)
    assert bank.bias is None
    image = np.random.default_rng(0).normal(size=(1, 3, 3, 3))
    expected = [np.sum(image[0, :, :, output // 2] * bank.kernel[:, :, 0, output]) for output in range(6)]
    np.testing.assert_allclose(_answers(model.get_layer("conv"), image)[0, 0, 0], expected, rtol=1e-4)


def test_transposed_kernel_is_turned_to_inputs_then_filters() -> None:
    model = _sequential(layers.Conv2DTranspose(4, 3, use_bias=False, name="conv"))
    (bank,) = _banks(model)
    assert bank.kernel_shape == (3, 3, 4, 3)
    assert bank.kernel.shape == (3, 3, 3, 4)
    image = np.zeros((1, 1, 1, 3))
    image[0, 0, 0, 2] = 1
    np.testing.assert_allclose(_answers(model.get_layer("conv"), image)[0], bank.kernel[:, :, 2], rtol=1e-5)


def test_separable_convolution_gives_both_kernels() -> None:
    model = _sequential(layers.SeparableConv2D(4, 3, name="conv"))
    depthwise, pointwise = _banks(model)
    assert (depthwise.part, pointwise.part) == ("depthwise", "pointwise")
    assert depthwise.kernel.shape == (3, 3, 1, 3)
    assert pointwise.kernel.shape == (1, 1, 3, 4)
    assert depthwise.bias is None
    assert pointwise.bias is not None
    ids = [drawing.id for bank in (depthwise, pointwise) for drawing in draw_filters(bank, weight_statistics(bank))]
    assert len(set(ids)) == len(ids) == 5


def test_grouped_convolution_reads_a_group_of_channels() -> None:
    model = _sequential(layers.Conv2D(4, 3, groups=2, name="conv"), channels=4)
    (bank,) = _banks(model)
    assert bank.kernel.shape == (3, 3, 2, 4)


def test_layers_without_a_two_dimensional_kernel_are_left_out() -> None:
    model = _sequential(layers.Reshape((64, 3)), layers.Conv1D(4, 3), layers.Flatten(), layers.Dense(2))
    assert _banks(model) == ()


def test_shared_layer_once_and_nested_layers_by_their_path() -> None:
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    inner_input = keras.Input((8, 8, 3))
    inner = keras.Model(inner_input, layers.Conv2D(2, 3, name="inside")(inner_input), name="base")
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, inner(shared(shared(image))))
    assert [bank.layer for bank in _banks(model)] == ["shared", "base/inside"]


@pytest.mark.parametrize(
    ("before", "sees"),
    [
        ([], True),
        ([layers.Rescaling(1 / 255)], True),
        ([layers.ZeroPadding2D()], True),
        ([layers.Conv2D(3, 1, name="mix")], False),
        ([layers.MaxPooling2D()], False),
    ],
)
def test_which_layer_sees_colour(before: Sequence[keras.Layer], sees: bool) -> None:
    banks = _banks(_sequential(*before, layers.Conv2D(2, 3, name="conv")))
    assert banks[-1].sees_colour is sees


def test_colour_order_follows_the_preprocessing() -> None:
    model = _sequential(layers.Conv2D(2, 3))
    assert _banks(model, preprocess="caffe")[0].colour_order == (2, 1, 0)
    assert _banks(model, preprocess="tf")[0].colour_order == (0, 1, 2)


def test_a_network_that_takes_grey_sees_no_colour() -> None:
    (bank,) = _banks(_sequential(layers.Conv2D(2, 3), channels=1))
    assert not bank.sees_colour


def test_statistics_are_numpys() -> None:
    kernel = np.random.default_rng(0).normal(size=(3, 3, 4, 6)).astype(np.float32)
    kernel[0, 0] = 0
    statistics = weight_statistics(_bank(kernel))
    assert statistics.min == kernel.min()
    assert statistics.max == kernel.max()
    assert statistics.mean == pytest.approx(kernel.astype(np.float64).mean())
    assert statistics.std == pytest.approx(kernel.astype(np.float64).std())
    assert statistics.zero_fraction == pytest.approx(1 / 9)
    assert statistics.counts.sum() == kernel.size
    assert len(statistics.edges) == len(statistics.counts) + 1
    assert statistics.nonfinite_count == 0


def test_statistics_leave_out_what_is_not_finite_and_count_it() -> None:
    statistics = weight_statistics(_bank(np.array([np.nan, np.inf, 1.0, 3.0]).reshape(1, 1, 2, 2)))
    assert (statistics.min, statistics.max, statistics.mean) == (1, 3, 2)
    assert statistics.nonfinite_count == 2


def test_statistics_of_nothing_finite_and_of_one_value() -> None:
    nothing = weight_statistics(_bank(np.full((1, 1, 2, 2), np.nan)))
    assert (nothing.min, nothing.std, nothing.zero_fraction) == (None, None, None)
    assert nothing.counts.sum() == 0
    same = weight_statistics(_bank(np.full((1, 1, 2, 2), 2.0)))
    assert same.std == 0
    assert same.counts.sum() == 4


def test_filters_are_zero_beside_the_others() -> None:
    kernel = np.random.default_rng(0).normal(size=(3, 3, 2, 5)).astype(np.float32)
    kernel[..., 1] = 0
    kernel[..., 2] *= 1e-9
    kernel[..., 3] *= 1e-3  # weak, not dead
    kernel[1:, :, :, 4] = 0  # sparse, not dead
    assert zero_filters(kernel) == (1, 2)


def test_all_filters_of_a_zero_kernel_are_dead_and_none_with_nan() -> None:
    assert zero_filters(np.zeros((3, 3, 2, 3), np.float32)) == (0, 1, 2)
    kernel = np.zeros((1, 1, 1, 2), np.float32)
    kernel[..., 0] = np.nan
    assert zero_filters(kernel) == (1,)


def test_a_small_kernel_is_not_dead_by_its_size() -> None:
    assert zero_filters(np.full((3, 3, 2, 3), 1e-12, np.float32)) == ()


def test_of_several_inputs_only_the_image_is_in_colour() -> None:
    image, other = keras.Input((8, 8, 3), name="image"), keras.Input((8, 8, 3), name="depth")
    one, two = layers.Conv2D(2, 3, name="of_image")(image), layers.Conv2D(2, 3, name="of_depth")(other)
    banks = _banks(keras.Model([image, other], layers.Concatenate()([one, two])), inputs=["depth=0"])
    assert {bank.layer: bank.sees_colour for bank in banks} == {"of_image": True, "of_depth": False}


def test_filters_of_vgg16() -> None:
    model = keras.applications.VGG16(weights=None, include_top=False)
    banks = _banks(model, preprocess="caffe", size=(32, 32))
    convolutions = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]
    assert [bank.layer for bank in banks] == [layer.name for layer in convolutions]
    for bank, layer in zip(banks, convolutions, strict=True):
        kernel, bias = layer.get_weights()
        assert bank.kernel_shape == kernel.shape
        np.testing.assert_array_equal(bank.kernel, kernel)
        np.testing.assert_array_equal(bank.bias, bias)
    assert [bank.sees_colour for bank in banks] == [True] + [False] * 12


def test_zero_filters_of_a_real_network(shared_models: Path) -> None:
    network = load_network(
        Config.checked(model=str(shared_models / "mobilenet_v2_100_224.keras"), preprocess="tf", resize="crop")
    )
    banks = filter_banks(network, summarize_network(network))
    first = weight_statistics(banks[0])
    kernel = network.model.get_layer(banks[0].layer).get_weights()[0]
    dead = tuple(int(i) for i in np.flatnonzero(np.abs(kernel).max(axis=(0, 1, 2)) < 1e-6))
    assert first.zero_filters == dead
    assert len(dead) == 8
