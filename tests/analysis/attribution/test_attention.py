"""Attention rollout by hand, and maps on the grid of tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from support import zoo

import reportgen
from reportgen.analysis.attribution import TracedCall, attention_rollout, cam_layers, class_logit, grad_cam
from reportgen.analysis.attribution.attention import NoAttentionError, roll_out
from reportgen.analysis.network.layers import summarize_network
from reportgen.config import Config
from reportgen.errors import ReportgenError
from reportgen.models import load_network
from reportgen.record import read_record


def test_two_layers_rolled_out_by_hand() -> None:
    """(A + 1) with rows of one, of the second layer times that of the first."""
    first = np.array([[[[0.0, 1.0], [0.5, 0.5]], [[1.0, 0.0], [0.5, 0.5]]]], np.float32)  # two heads: their mean is 1/2
    second = np.array([[[[0.0, 1.0], [0.0, 1.0]]]], np.float32)
    one = np.array([[0.75, 0.25], [0.25, 0.75]])
    two = np.array([[0.5, 0.5], [0.0, 1.0]])
    rolled = roll_out([tf.constant(first), tf.constant(second)])
    np.testing.assert_allclose(rolled[0], two @ one)


def _scores(network: Any, pixels: np.ndarray) -> list[np.ndarray]:
    """The scores as Keras hands them out, layer by layer."""
    model = network.model
    names = [layer.name for layer in model.layers if isinstance(layer, layers.MultiHeadAttention)]
    norms = [name.replace("attention", "norm") for name in names]
    normed = keras.Model(model.input, [model.get_layer(name).output for name in norms])(pixels.astype(np.float32))
    return [
        model.get_layer(name)(each, each, return_attention_scores=True)[1]
        for name, each in zip(names, normed, strict=True)
    ]


def test_the_rollout_is_made_of_the_scores_keras_hands_out() -> None:
    network = zoo.open_zoo("vision_transformer")
    pixels = zoo.pictures(network)
    maps = attention_rollout(TracedCall(network), pixels, (4, 4, 1)).maps
    expected = np.eye(17)[None]
    for score in _scores(network, pixels):
        mixing = np.asarray(score).mean(axis=1) + np.eye(17)
        expected = (mixing / mixing.sum(axis=-1, keepdims=True)) @ expected
    np.testing.assert_allclose(maps[0], expected[:, 0, 1:].reshape(2, 4, 4), rtol=1e-4)


@keras.saving.register_keras_serializable("attribution")
class OwnAttention(layers.Layer):
    """Attention as users write it themselves."""

    def build(self, shape: Any) -> None:
        self.mix = [layers.Dense(shape[-1], use_bias=False) for _ in range(3)]
        for each in self.mix:
            each.build(shape)

    def call(self, tokens: Any) -> Any:
        query, key, value = (each(tokens)[:, None] for each in self.mix)
        scores = ops.softmax(ops.matmul(query, ops.swapaxes(key, -1, -2)) / 2.0)
        return ops.squeeze(ops.matmul(scores, value), axis=1)


def test_without_a_class_token_it_is_the_mean_and_attention_may_be_the_users_own() -> None:
    keras.utils.set_random_seed(0)
    image = keras.Input((16, 16, 3), name="image")
    maps = layers.Conv2D(4, 4, strides=4, name="patches")(layers.Rescaling(1 / 255)(image))
    tokens = layers.Reshape((16, 4), name="row")(maps)
    attended = OwnAttention(name="own")(tokens)
    pooled = layers.GlobalAveragePooling1D(name="mean")(layers.Add(name="skip")([tokens, attended]))
    network = load_network(Config(preprocess="none"), keras.Model(image, layers.Dense(3, name="classes")(pooled)))
    rolled = attention_rollout(TracedCall(network), zoo.pictures(network), (4, 4, 0)).maps
    np.testing.assert_allclose(rolled.sum(axis=(2, 3)), 1, rtol=1e-5)
    assert rolled.std() > 0


def test_a_network_without_attention_says_so() -> None:
    network = zoo.open_zoo("sequential_built")
    with pytest.raises(ReportgenError, match="expected a network with attention between its 17 tokens"):
        attention_rollout(TracedCall(network), zoo.pictures(network), (4, 4, 1))


def test_grad_cam_on_the_grid_of_tokens() -> None:
    network = zoo.open_zoo("vision_transformer")
    summary = summarize_network(network)
    grids = {row.name: row.token_grid for row in summary.layers if row.token_grid}
    chosen = cam_layers(summary)[0]
    pixels = zoo.pictures(network)
    maps = grad_cam(TracedCall(network, [chosen], grids=grids), pixels, [class_logit(4, 0), class_logit(4, 1)])[chosen]
    assert maps.maps.shape == (2, 2, 4, 4)
    assert maps.positive_evidence.any()
    assert not np.allclose(maps.maps[0], maps.maps[1])


def test_the_tokens_after_the_last_attention_are_read_by_nobody() -> None:
    network = zoo.open_zoo("vision_transformer")
    summary = summarize_network(network)
    grids = {row.name: row.token_grid for row in summary.layers if row.token_grid}
    after = grad_cam(TracedCall(network, ["layer1_out"], grids=grids), zoo.pictures(network), [class_logit(4, 0)])
    assert not after["layer1_out"].positive_evidence.any()
    assert "layer1_out" not in cam_layers(summary)


def _of_patches(attend: Any) -> keras.Model:
    """Sixteen tokens in a grid of 4 x 4, which `attend` mixes."""
    keras.utils.set_random_seed(0)
    image = keras.Input((16, 16, 3), name="image")
    maps = layers.Conv2D(4, 4, strides=4, name="patches")(layers.Rescaling(1 / 255)(image))
    tokens = layers.Reshape((16, 4), name="row")(maps)
    mixed = layers.Add(name="skip")([tokens, attend(tokens)])
    return keras.Model(image, layers.Dense(3, "softmax", name="classes")(layers.GlobalAveragePooling1D()(mixed)))


@keras.saving.register_keras_serializable("attribution")
class GatedAttention(layers.Layer):
    """Called attention, but each token only weighs its own channels."""

    def build(self, shape: Any) -> None:
        self.weigh = layers.Dense(shape[-1], activation="sigmoid")
        self.weigh.build(shape)

    def call(self, tokens: Any) -> Any:
        return tokens * self.weigh(tokens)


@pytest.mark.parametrize("kind", [layers.Attention, layers.AdditiveAttention])
def test_attention_without_heads_is_rolled_out(kind: type[layers.Layer]) -> None:
    attention = kind(name="attention")
    model = _of_patches(lambda tokens: attention([tokens, tokens]))
    network = load_network(Config(preprocess="none"), model)
    pixels = zoo.pictures(network)
    rolled = attention_rollout(TracedCall(network), pixels, (4, 4, 0)).maps
    tokens = keras.Model(model.input, model.get_layer("row").output)(pixels.astype(np.float32))
    scores = np.asarray(attention([tokens, tokens], return_attention_scores=True)[1])
    expected = ((scores + np.eye(16)) / 2).mean(axis=1).reshape(-1, 4, 4)
    np.testing.assert_allclose(rolled[0], expected, rtol=1e-4)


@keras.saving.register_keras_serializable("attribution")
class FoldedAttention(layers.Layer):
    """Attention of two heads that stand beside the images on the first axis, before or after them."""

    def __init__(self, heads_first: bool, **options: Any) -> None:
        super().__init__(**options)
        self.heads_first = heads_first

    def call(self, tokens: Any) -> Any:
        parts = ops.split(tokens, 2, axis=-1)
        if self.heads_first:
            folded = ops.concatenate(parts, axis=0)
        else:
            folded = ops.reshape(ops.stack(parts, axis=1), (-1, tokens.shape[1], tokens.shape[2] // 2))
        mixed = ops.matmul(ops.softmax(ops.matmul(folded, ops.swapaxes(folded, -1, -2))), folded)
        if self.heads_first:
            return ops.concatenate(ops.split(mixed, 2, axis=0), axis=-1)
        heads = ops.reshape(mixed, (-1, 2, tokens.shape[1], tokens.shape[2] // 2))
        return ops.concatenate([heads[:, 0], heads[:, 1]], axis=-1)


@pytest.mark.parametrize("heads_first", [False, True])
@pytest.mark.parametrize("count", [1, 2])
def test_heads_beside_images_are_taken_for_no_images(count: int, heads_first: bool) -> None:
    network = load_network(Config(preprocess="none"), _of_patches(FoldedAttention(heads_first, name="attention")))
    with pytest.raises(NoAttentionError, match=f"of each of {count} images, found {2 * count} rows"):
        attention_rollout(TracedCall(network), zoo.pictures(network)[:count], (4, 4, 0))


def test_what_is_called_attention_and_mixes_no_tokens_has_the_other_methods(tmp_path: Path) -> None:
    model = _of_patches(GatedAttention(name="gate"))
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype(np.uint8)
    options: dict[str, Any] = {"preprocess": "none", "no_cache": True}
    with pytest.raises(ReportgenError, match="attention-rollout can explain, got one without"):
        reportgen.explain(model, images, method="attention-rollout", **options)
    reportgen.build(model, images, tmp_path / "auto", sections="attribution", **options)
    record = read_record(tmp_path / "auto")
    methods = {one.method for image in record.images for one in image.attributions}
    assert "integrated-gradients" in methods
    assert "attention-rollout" not in methods
    options |= {"attribution": "attention-rollout", "sections": "attribution"}
    reportgen.build(model, images, tmp_path / "asked", **options)
    (section,) = (one for one in read_record(tmp_path / "asked").sections if one.slug == "attribution")
    assert section.note is not None
    assert "no attention" in section.note
