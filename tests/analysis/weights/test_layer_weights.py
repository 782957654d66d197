"""The weights of every layer with a kernel, against what Keras holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from support.networks import seeded, two_convolutions

from reportgen.analysis.network.layers import summarize_network
from reportgen.analysis.weights import filters
from reportgen.analysis.weights.filters import filter_banks, weight_statistics
from reportgen.analysis.weights.layer_weights import weights_by_layer
from reportgen.config import Config
from reportgen.facts import Weights
from reportgen.models import load_network


def weights_of(model: keras.Model) -> dict[str, Weights]:
    network = load_network(Config(preprocess="unit"), model)
    summary = summarize_network(network)
    return weights_by_layer(network, summary, [weight_statistics(bank) for bank in filter_banks(network, summary)])


def check(found: Weights, kernel: np.ndarray, bias: np.ndarray | None) -> None:
    """`found` says of `kernel` what numpy says."""
    assert found.kernel_shape == list(kernel.shape)
    assert found.bias_shape == (None if bias is None else list(bias.shape))
    measured = (found.min, found.max, found.mean, found.std, found.zero_fraction)
    wide = kernel.astype(np.float64)
    expected = (wide.min(), wide.max(), wide.mean(), wide.std(), np.mean(kernel == 0))
    assert measured == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert found.histogram is not None
    assert sum(found.histogram.counts) == kernel.size


def test_convolutions_and_dense_layers_of_a_saved_network(tmp_path: Path) -> None:
    model = two_convolutions()
    kernel = model.get_layer("conv2").kernel.numpy()
    kernel[np.abs(kernel) < 0.05] = 0  # a pruned layer
    model.get_layer("conv2").kernel.assign(kernel)
    model.save(tmp_path / "net.keras")
    loaded = keras.models.load_model(tmp_path / "net.keras")
    found = weights_of(loaded)
    assert list(found) == ["conv1", "conv2", "classes"]
    for name, weights in found.items():
        check(weights, *loaded.get_layer(name).get_weights())
    assert found["conv2"].zero_fraction > 0.1


def _tokens() -> keras.Model:
    """Pixels as words of a vocabulary: an embedding, a normalization, convolutions of one dimension."""
    image = keras.Input((6, 6, 1))
    words = layers.Reshape((36,))(layers.Rescaling(10.0)(image))
    rows = layers.Embedding(300, 5, name="words")(words)
    rows = layers.LayerNormalization(name="norm")(rows)
    rows = layers.Conv1D(4, 3, name="conv", use_bias=False)(rows)
    rows = layers.SeparableConv1D(6, 3, name="separable")(rows)
    return keras.Model(image, layers.Dense(3, name="classes")(layers.GlobalAveragePooling1D()(rows)))


def test_other_layers_with_a_kernel_and_those_without() -> None:
    model = _tokens()
    found = weights_of(model)
    assert list(found) == ["words", "conv", "separable", "classes"]
    check(found["words"], model.get_layer("words").embeddings.numpy(), None)
    check(found["conv"], model.get_layer("conv").kernel.numpy(), None)
    separable = model.get_layer("separable")
    check(found["separable"], separable.pointwise_kernel.numpy(), separable.bias.numpy())


def _nested() -> keras.Model:
    image = keras.Input((8, 8, 3))
    inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(5, name="hidden")], name="base")
    return seeded(keras.Model(image, layers.Dense(2, name="last")(inner(image))))


def _shared() -> keras.Model:
    image = keras.Input((8, 8, 3))
    shared = layers.Dense(3, name="shared")
    return seeded(keras.Model(image, shared(shared(image))))


def _volume() -> keras.Model:
    image = keras.Input((8, 8, 3))
    volume = layers.Conv3D(2, 3, padding="same", name="conv")(layers.Reshape((8, 8, 3, 1))(image))
    return seeded(keras.Model(image, layers.GlobalAveragePooling3D()(volume)))


@pytest.mark.parametrize(
    ("make", "names"),
    [(_nested, ["base/hidden", "last"]), (_shared, ["shared"]), (_volume, ["conv"])],
)
def test_nested_and_shared_layers_and_volumes(make: Callable[[], keras.Model], names: list[str]) -> None:
    assert list(weights_of(make())) == names


def test_a_large_kernel_is_looked_at_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    model = _nested()
    kernel = model.get_layer("base").get_layer("hidden").kernel.numpy()
    kernel[:7] = np.nan
    kernel[7:9, 1:] = 0
    model.get_layer("base").get_layer("hidden").kernel.assign(kernel)
    whole = weights_of(model)["base/hidden"]
    monkeypatch.setattr(filters, "BLOCK", 11)
    parts = weights_of(model)["base/hidden"]
    assert parts.histogram == whole.histogram
    assert parts.dead_filters == whole.dead_filters
    finite = kernel[np.isfinite(kernel)].astype(np.float64)
    assert (parts.min, parts.max) == (finite.min(), finite.max())
    assert (parts.mean, parts.std) == pytest.approx((finite.mean(), finite.std()), rel=1e-9)
    assert parts.zero_fraction == pytest.approx(8 / finite.size)
