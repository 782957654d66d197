from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from support.ascents import as_network, small_network

from reportgen.analysis.maximization import deep_dream
from reportgen.analysis.maximization.deep_dream import classic_dream, dream
from reportgen.analysis.maximization.subjects import response_function
from reportgen.analysis.maximization.traced_pass import TracedPasses
from reportgen.analysis.network import capture
from reportgen.errors import ReportgenError


@pytest.fixture(scope="module")
def photograph():
    y, x = np.mgrid[:24, :24]
    ramp = np.stack([80 + 4 * y, 160 - 3 * x, 100 + x + y], axis=-1)
    return (ramp + np.random.default_rng(0).normal(0, 6, ramp.shape)).clip(0, 255).astype(np.uint8)


def mean_energy(network, layer, pixels):
    maps = capture.Extractor(network, [layer], before_activation=True)(pixels[None])[layer]
    return float(np.square(maps).mean())


def test_a_dream_strengthens_its_layer_and_keeps_the_photograph(photograph):
    network = small_network()
    before = photograph.copy()
    dreamt, sizes = dream(TracedPasses(network), photograph, "conv2", steps=8, least_side=8)
    assert sizes == 3
    assert (dreamt.shape, dreamt.dtype) == (photograph.shape, np.uint8)
    assert mean_energy(network, "conv2", dreamt) > 1.2 * mean_energy(network, "conv2", photograph)
    assert np.corrcoef(dreamt.ravel(), photograph.ravel())[0, 1] > 0.5
    np.testing.assert_array_equal(photograph, before)


def test_a_larger_size_takes_fewer_steps_and_a_size_alone_takes_all(photograph, monkeypatch):
    taken = []
    climb = deep_dream._Stepping.climb
    monkeypatch.setattr(
        deep_dream._Stepping,
        "climb",
        lambda self, image, corners, *more: (
            taken.append((image.shape[0], len(corners))) or climb(self, image, corners, *more)
        ),
    )
    passes = TracedPasses(small_network())
    dream(passes, photograph, "conv1", ratio=1.5, steps=9, least_side=8)
    assert taken == [(11, 9), (16, 6), (24, 4)]
    taken.clear()
    dream(passes, photograph, "conv1", ratio=1.5, steps=9, least_side=20)
    assert taken == [(24, 9)]


def test_steps_follow_the_size_where_a_size_between_was_left_out(photograph, monkeypatch):
    taken = []

    def grown(_stepping, image, steps, *_, **__):
        taken.append((image.shape[0], steps))
        return None if image.shape[0] == 16 else image

    monkeypatch.setattr(deep_dream, "_grown", grown)
    dream(TracedPasses(small_network()), photograph, "conv1", ratio=1.5, steps=9, least_side=8)
    assert taken == [(11, 9), (16, 6), (24, 4)]


def test_a_dream_of_one_channel_raises_that_channel(photograph):
    network = small_network()
    responses = response_function(TracedPasses(network), "conv2")
    dreamt, _ = dream(TracedPasses(network), photograph, "conv2", 3, steps=8)
    assert responses(dreamt[None])[0, 3] > responses(photograph[None])[0, 3]


def test_a_dream_is_the_same_each_time_and_another_with_another_seed(photograph):
    network = small_network()
    first, again, other = (
        dream(TracedPasses(network), photograph, "conv1", steps=3, seed=seed)[0] for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.fixture(scope="module")
def needs_13_pixels():
    convolutions = [layers.Conv2D(4, 7, name=name) for name in ("first", "second")]
    return as_network(keras.Sequential([keras.Input((16, 16, 3)), *convolutions]))


def test_sizes_on_which_the_layers_do_not_run_are_left_out(needs_13_pixels, photograph):
    # Of 16, 11 and 8 pixels only the first will do, and that only unshifted.
    pixels = photograph[:16, :16]
    dreamt, sizes = dream(TracedPasses(needs_13_pixels), pixels, "second", steps=2)
    assert sizes == 1
    assert dreamt.shape == pixels.shape
    assert (dreamt != pixels).any()


def test_a_network_that_does_not_run_on_the_photograph_says_so(needs_13_pixels, photograph):
    with pytest.raises(ReportgenError, match="cannot run on an input"):
        dream(TracedPasses(needs_13_pixels), photograph[:12, :12], "second", steps=1)


@keras.saving.register_keras_serializable(package="support")
class OfKnownSides(layers.Layer):
    """Passes on what it believes of its maps: where their sides are not known while it is traced, the wrong ones."""

    def call(self, maps):
        side = maps.shape[1] or 10
        return tf.ensure_shape(maps, (None, side, side, maps.shape[3]))


@pytest.mark.parametrize("kind", ["octaves", "classic"])
def test_a_network_whose_open_trace_fails_when_it_runs_is_traced_for_its_size(photograph, kind, tmp_path):
    image = keras.Input((24, 24, 3))
    maps = OfKnownSides()(layers.Conv2D(4, 3, padding="same", name="first")(image))
    keras.Model(image, layers.Conv2D(2, 3, padding="same", name="last")(maps)).save(tmp_path / "known.keras")
    passes = TracedPasses(as_network(keras.models.load_model(tmp_path / "known.keras"), "unit"))
    if kind == "classic":
        dreamt = classic_dream(passes, photograph, "last", steps=2)
    else:
        dreamt, sizes = dream(passes, photograph, "last", steps=2)
        assert sizes == 1
    assert (dreamt != photograph).any()


def test_the_classic_dream_is_plain_ascent_of_the_mean_output(photograph):
    network = small_network()
    image = tf.Variable(photograph[None].astype(np.float32))
    extract = network.model.get_layer("conv1")
    for _ in range(4):
        with tf.GradientTape() as tape:
            score = tf.reduce_mean(extract(network.prepare(image))[..., 1])
        gradient = tape.gradient(score, image)
        image.assign_add(gradient / (tf.sqrt(tf.reduce_mean(tf.square(gradient))) + 1e-5))
    expected = np.clip(np.round(image.numpy()[0]), 0, 255)
    dreamt = classic_dream(TracedPasses(network), photograph, "conv1", 1, steps=4)
    assert np.abs(dreamt.astype(float) - expected).max() <= 1
