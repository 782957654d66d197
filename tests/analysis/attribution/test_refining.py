"""Integrated gradients get more points only where the way bends, and no more than they need or may."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops

from reportgen.analysis.attribution import TracedCall, integrated_gradients, output_value
from reportgen.analysis.attribution.planning import ROOM, make_plan
from reportgen.analysis.network.layers import summarize_network
from reportgen.attribution_settings import AttributionSettings
from reportgen.config import Config
from reportgen.models import load_network

SIDE = 4


def _bent(at: float) -> keras.Model:
    """Steeper by a factor of fifty from a mean brightness of `at` (0..1) on."""
    image = keras.Input((SIDE, SIDE, 1))
    mean = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(image))
    return keras.Model(image, layers.Lambda(lambda x: ops.relu(x - at) * 50 + x, name="value")(mean))


@pytest.mark.parametrize("at", [0.513, 0.7307, 0.871, 0.9533])
def test_a_bend_is_found_by_halving(at: float) -> None:
    traced = TracedCall(load_network(Config(preprocess="none"), _bent(at)))
    pixels = np.full((1, SIDE, SIDE, 1), 255.0, np.float32)
    fixed = integrated_gradients(traced, pixels, [output_value(1, 0)], points=50, most_points=50)
    found = integrated_gradients(traced, pixels, [output_value(1, 0)], points=20, most_points=400)
    assert fixed.completeness_error is not None
    assert found.completeness_error is not None
    assert found.points is not None
    assert found.completeness_error[0, 0] <= 0.01
    assert 20 <= found.points[0] <= 60
    # By hand: half the way in brightness, and fifty times what lies above the bend.
    assert found.maps[0, 0].sum() == pytest.approx(0.5 + 50 * (1 - at), rel=0.01)


def test_points_end_where_they_may_be_no_more() -> None:
    traced = TracedCall(load_network(Config(preprocess="none"), _bent(0.7307)))
    pixels = np.full((1, SIDE, SIDE, 1), 255.0, np.float32)
    for most in (5, 9, 12, 20):
        found = integrated_gradients(traced, pixels, [output_value(1, 0)], points=4, most_points=most)
        assert found.points is not None
        assert 4 <= found.points[0] <= most


def test_what_does_not_change_takes_no_more_points_and_misses_nothing() -> None:
    image = keras.Input((SIDE, SIDE, 1))
    flat = layers.GlobalAveragePooling2D()(layers.Rescaling(0.0)(image))
    traced = TracedCall(
        load_network(Config(preprocess="none"), keras.Model(image, layers.Dense(1, name="value")(flat)))
    )
    found = integrated_gradients(traced, np.zeros((2, SIDE, SIDE, 1)), [output_value(1, 0)], points=20, most_points=400)
    assert found.completeness_error is not None
    assert found.completeness_error.max() == 0
    assert found.points is not None
    assert found.points.tolist() == [20, 20]
    assert not found.positive_evidence.any()


def test_without_measuring_there_are_the_same_maps_and_no_error() -> None:
    traced = TracedCall(load_network(Config(preprocess="none"), _bent(0.6)))
    pixels = np.random.default_rng(0).uniform(0, 255, (2, SIDE, SIDE, 1)).astype(np.float32)
    plain = integrated_gradients(traced, pixels, [output_value(1, 0)], points=16, most_points=16)
    bare = integrated_gradients(traced, pixels, [output_value(1, 0)], points=16, most_points=0)
    np.testing.assert_array_equal(plain.maps, bare.maps)
    assert bare.completeness_error is None


def test_large_networks_keep_to_their_first_points_where_nobody_asked() -> None:
    image = keras.Input((64, 64, 3))
    maps = layers.Conv2D(64, 3, padding="same", name="conv")(image)
    summary = summarize_network(
        load_network(Config(preprocess="none"), keras.Model(image, layers.Dense(2)(layers.GlobalMaxPooling2D()(maps))))
    )
    assert summary.mac_count
    settings = AttributionSettings(points=50, most_points=10_000_000 // 100)
    chosen = make_plan(summary, ("auto",), settings, [False]).settings.most_points
    assert chosen == min(settings.most_points, int(ROOM // summary.mac_count))
    assert make_plan(summary, ("integrated-gradients",), settings, [False]).settings.most_points == settings.most_points
