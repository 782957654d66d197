"""The checks of a map in numbers and words."""

from __future__ import annotations

import numpy as np
import pytest
from support import zoo
from support.networks import two_convolutions

from reportgen.analysis.attribution import (
    Curve,
    Faithfulness,
    TracedCall,
    agreement,
    answer_images,
    class_logit,
    grad_cam,
    layer_cam,
    measure_randomization,
    randomize,
    spearman,
    verdict,
)
from reportgen.analysis.attribution.checks import HOLDING_GAIN, NOISE_GAIN, averaged, is_flat, ranks
from reportgen.analysis.attribution.randomization import weight_groups
from reportgen.analysis.attribution.results import AttributionMaps
from reportgen.config import Config
from reportgen.models import load_network

PEAK = np.array([[0, 1], [2, 9]], np.float32)


def _gaining(gain: float) -> Faithfulness:
    return Faithfulness(
        Curve(0.5 - gain, 0.5, gain), Curve(0.5 + gain, 0.5, gain), score=1, deleted=0, blurred=0, span=1
    )


@pytest.mark.parametrize(
    ("values", "gain", "randomization", "error", "said"),
    [
        (PEAK, HOLDING_GAIN + 0.01, 0.1, 0.001, "holds"),
        (PEAK, HOLDING_GAIN + 0.01, None, None, "holds"),
        (PEAK, HOLDING_GAIN - 0.01, 0.1, None, "weak"),
        (PEAK, 0.5, 0.6, None, "weak"),
        (PEAK, 0.5, 0.1, 0.2, "weak"),
        (PEAK, 0.5, 0.1, np.inf, "weak"),
        (PEAK, None, 0.1, None, "weak"),
        (PEAK, NOISE_GAIN - 0.01, 0.1, None, "explains nothing"),
        (PEAK, -0.3, 0.1, None, "explains nothing"),
        (PEAK, np.nan, 0.1, None, "explains nothing"),
        (PEAK, 0.5, 0.95, None, "explains nothing"),
        (PEAK, 0.5, -0.95, None, "explains nothing"),
        (np.zeros((2, 2)), 0.5, 0.1, None, "explains nothing"),
        (-PEAK, 0.5, 0.1, None, "explains nothing"),
        (np.full((2, 2), 3.0), 0.5, 0.1, None, "explains nothing"),
        (np.full((2, 2), np.nan), 0.5, 0.1, None, "explains nothing"),
    ],
)
def test_verdicts(
    values: np.ndarray, gain: float | None, randomization: float | None, error: float | None, said: str
) -> None:
    curves = None if gain is None else _gaining(gain)
    assert verdict(values, curves, randomization, error) == said


def test_equal_values_share_their_ranks() -> None:
    """Ranks 0, 1.5, 1.5, 3 and 0.5, 0.5, 2, 3: the correlation of those numbers."""
    one, other = np.array([[1, 5], [5, 7]]), np.array([[2, 2], [3, 9]])
    assert ranks(one).tolist() == [0, 1.5, 1.5, 3]
    expected = np.corrcoef([0, 1.5, 1.5, 3], [0.5, 0.5, 2, 3])[0, 1]
    assert spearman(one, other) == pytest.approx(expected)
    assert spearman(one, np.exp(one)) == pytest.approx(1)


def test_maps_of_one_value_have_no_order() -> None:
    assert spearman(np.ones(4), np.zeros(4)) == 1
    assert spearman(np.ones(4), np.arange(4)) == 0
    assert is_flat(np.full(4, 7.0))
    assert is_flat(np.zeros(4))
    assert not is_flat(np.array([0, 1e-9]))


def test_agreement_is_measured_on_the_coarser_grid_of_what_speaks_for_a_target() -> None:
    coarse = np.array([[1, 2], [3, 4]], np.float32)
    fine = np.kron(coarse, np.ones((3, 3))) + np.tile([-0.3, 0, 0.3], (6, 2))
    assert agreement(coarse, fine) == pytest.approx(1)
    assert agreement(fine, coarse[::-1, ::-1]) == pytest.approx(-1)
    assert agreement(-coarse, -coarse) == 1
    np.testing.assert_allclose(averaged(np.arange(6.0).reshape(2, 3), (1, 2)), [[1.5 + 1 / 3, 3.5 - 1 / 3]])


def test_the_network_is_as_it_was_and_its_double_is_not() -> None:
    network = load_network(Config(preprocess="unit"), two_convolutions())
    pixels = zoo.pictures(network)
    before = [weight.numpy().copy() for weight in network.model.weights]
    traced = TracedCall(network, ["conv2"])
    learnt = answer_images(traced, pixels, logits=True)[0]
    changed = randomize(traced, pixels.shape[1:], 1.0, seed=1)
    assert not np.allclose(answer_images(changed, pixels, logits=True)[0], learnt)
    np.testing.assert_array_equal(answer_images(traced, pixels, logits=True)[0], learnt)
    for weight, value in zip(network.model.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


def test_weights_are_randomised_from_the_top_down() -> None:
    network = load_network(Config(preprocess="unit"), two_convolutions())
    pixels = zoo.pictures(network)
    traced = TracedCall(network, ["conv1", "conv2"])
    groups = weight_groups(traced, pixels.shape[1:])
    expected = [network.model.get_layer(name).weights for name in ("conv1", "conv2", "classes")]
    assert [[id(each) for each in group] for group in groups] == [[id(each) for each in group] for group in expected]
    target = [class_logit(4, 0)]
    head = randomize(traced, pixels.shape[1:], 0.0, seed=1)
    twice = randomize(traced, pixels.shape[1:], 0.0, seed=1)
    np.testing.assert_array_equal(*(layer_cam(call, pixels, target)["conv2"].maps for call in (head, twice)))
    assert not np.allclose(*(layer_cam(call, pixels, target)["conv2"].maps for call in (head, traced)))


@pytest.mark.parametrize("name", ["subclassed", "channels_first", "adapted_normalization", "vision_transformer"])
def test_odd_networks_are_randomised_too(name: str) -> None:
    network = zoo.open_zoo(name)
    pixels = zoo.pictures(network)
    traced = TracedCall(network)
    (learnt,) = answer_images(traced, pixels)
    (changed,) = answer_images(randomize(traced, pixels.shape[1:], 1.0, seed=1), pixels)
    assert np.isfinite(changed).all()
    assert not np.allclose(changed, learnt)


def test_a_map_that_no_weight_decides_survives_and_that_of_a_method_does_not() -> None:
    network = load_network(Config(preprocess="unit"), two_convolutions(size=16))
    pixels = zoo.pictures(network, 4)
    traced = TracedCall(network, ["conv1"])
    edges = np.abs(np.diff(pixels.astype(np.float32).mean(axis=3), axis=2, prepend=0))[None]
    drawn = measure_randomization(traced, pixels.shape[1:], lambda _: AttributionMaps("grad-cam", "conv1", edges, None))
    assert drawn.correlations == pytest.approx((1, 1, 1))
    learnt = measure_randomization(
        traced, pixels.shape[1:], lambda call: grad_cam(call, pixels, [class_logit(4, 0)])["conv1"]
    )
    assert learnt.shares == (0.0, 0.5, 1.0)
    assert abs(learnt.correlation) < 0.8
