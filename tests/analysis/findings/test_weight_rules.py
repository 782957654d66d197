"""What stands out in weights: each rule with a planted positive, and a near-miss."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from support.findings import (
    SOUND,
    Planted,
    check_planted,
    check_rule,
    evidence_of,
    named,
    normalization,
    row,
    rules_of,
    table,
    variable,
    with_filters,
)
from support.networks import seeded, two_convolutions

from reportgen.analysis import findings
from reportgen.analysis.findings import weight_rules as weights

PLANTED: list[Planted] = [
    ("one NaN", weights.nonfinite_weights, replace(SOUND, variables=(variable(nonfinite=1),)), ["error"]),
    ("no NaN", weights.nonfinite_weights, SOUND, []),
    ("many zero", weights.zero_filters, with_filters(zero=(1, 2)), ["warning"]),
    ("one zero", weights.zero_filters, with_filters(zero=(1,)), ["info"]),
    ("none zero", weights.zero_filters, SOUND, []),
    ("constant", weights.constant_filters, with_filters(constant=(3, 4)), ["warning"]),
    ("one constant", weights.constant_filters, with_filters(constant=(3,)), ["info"]),
    ("none constant", weights.constant_filters, SOUND, []),
    ("duplicates", weights.duplicate_filters, with_filters(duplicates=((0, 1, 2),)), ["warning"]),
    ("one duplicate", weights.duplicate_filters, with_filters(duplicates=((0, 1),)), ["info"]),
    ("no duplicate", weights.duplicate_filters, SOUND, []),
    ("pruned", weights.pruned_weights, with_filters(zero_fraction=0.7), ["info"]),
    ("half zero", weights.pruned_weights, with_filters(zero_fraction=0.5), []),
    (
        "one of five sparse",
        weights.pruned_weights,
        replace(SOUND, filters=(*SOUND.filters * 4, replace(SOUND.filters[0], zero_fraction=0.7))),
        [],
    ),
    (
        "untrained",
        weights.untrained_weights,
        replace(SOUND, variables=(variable(True),) * 9 + (variable(False),)),
        ["warning"],
    ),
    ("new head", weights.untrained_weights, replace(SOUND, variables=(variable(True), variable(False))), ["warning"]),
    ("trained", weights.untrained_weights, replace(SOUND, variables=(variable(False), variable())), []),
    ("untouched", weights.untouched_moments, replace(SOUND, normalizations=(normalization(True, False),)), ["warning"]),
    ("folded away", weights.untouched_moments, replace(SOUND, normalizations=(normalization(True, True),)), []),
    ("updated", weights.untouched_moments, SOUND, []),
    (
        "nothing was trained",
        weights.untouched_moments,
        replace(SOUND, normalizations=(normalization(True, False),), variables=(variable(True),)),
        [],
    ),
    (
        "large dense",
        weights.oversized_dense,
        replace(SOUND, summary=table(row("fc", "Dense", 2_000_000), rest=1_000_000)),
        ["info"],
    ),
    (
        "not most of it",
        weights.oversized_dense,
        replace(SOUND, summary=table(row("fc", "Dense", 2_000_000), rest=2_100_000)),
        [],
    ),
    ("most of little", weights.oversized_dense, replace(SOUND, summary=table(row("fc", "Dense", 900_000))), []),
    ("a convolution", weights.oversized_dense, replace(SOUND, summary=table(row("c", "Conv2D", 2_000_000))), []),
]


@pytest.mark.parametrize(**named(PLANTED))
def test_rules(rule, evidence, severities):
    check_rule(rule, evidence, severities)


def test_every_rule_has_a_planted_positive_and_a_near_miss():
    check_planted(weights, PLANTED)


def _convolution(model: keras.Model, name: str = "conv1") -> tuple[Any, np.ndarray]:
    layer = model.get_layer(name)
    return layer, np.asarray(layer.kernel).copy()


def test_planted_filters_are_found(pixels):
    model = two_convolutions(16)
    layer, kernel = _convolution(model)
    kernel[..., 1] = 0
    kernel[..., 2] = 0.25
    kernel[..., 4] = kernel[..., 3] * 1.0001
    layer.kernel.assign(kernel)
    bias = np.asarray(layer.bias).copy()
    bias[4] = bias[3]
    layer.bias.assign(bias)
    facts = evidence_of(model, pixels).filters[0]
    assert (facts.zero, facts.constant, facts.duplicates) == ((1,), (2,), ((3, 4),))


def test_filters_that_only_resemble_each_other_are_not_duplicates(pixels):
    model = two_convolutions(16)
    layer, kernel = _convolution(model)
    kernel[..., 4] = kernel[..., 3] * 1.01
    kernel[..., 5] = -kernel[..., 2]
    layer.kernel.assign(kernel)
    bias = np.asarray(layer.bias).copy()
    bias[4] = bias[3]
    layer.bias.assign(bias)
    assert evidence_of(model, pixels).filters[0].duplicates == ()


def test_equal_filters_with_other_biases_or_inputs_are_not_duplicates(pixels):
    grouped = seeded(keras.Sequential([keras.Input((16, 16, 4)), layers.Conv2D(4, 3, groups=2, name="grouped")]))
    kernel = np.asarray(grouped.layers[0].kernel).copy()
    kernel[..., 2] = kernel[..., 0]
    grouped.layers[0].kernel.assign(kernel)
    grouped.layers[0].bias.assign(np.zeros(4))
    four = np.concatenate([pixels, pixels[..., :1]], axis=3)
    assert evidence_of(grouped, four).filters[0].duplicates == ()
    depthwise = keras.Sequential([keras.Input((16, 16, 3)), layers.DepthwiseConv2D(3)])
    depthwise.layers[0].kernel.assign(np.arange(9).reshape(3, 3, 1, 1) * np.ones((1, 1, 3, 1)))
    assert evidence_of(depthwise, pixels).filters[0].duplicates == ()


def _untrained(*, initializer: str = "glorot_uniform") -> keras.Model:
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(16, 3, activation="relu", kernel_initializer=initializer, name="conv1"),
            layers.BatchNormalization(name="bn"),
            layers.DepthwiseConv2D(5, depthwise_initializer=initializer, name="depthwise"),
            layers.Conv2D(32, 3, activation="relu", kernel_initializer=initializer, name="conv2"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10, activation="softmax", kernel_initializer=initializer, name="classes"),
        ]
    )


@pytest.mark.parametrize(
    "initializer",
    ["glorot_uniform", "glorot_normal", "he_normal", "he_uniform", "lecun_normal", "random_normal", "truncated_normal"],
)
def test_untrained_networks_are_known_by_their_initializer(pixels, initializer):
    given = findings.find(evidence_of(_untrained(initializer=initializer), pixels))
    [finding] = [finding for finding in given if finding.rule == "untrained-weights"]
    assert "The network looks untrained" in finding.message
    assert "untouched-moments" not in rules_of(given)


def test_a_new_head_on_a_trained_network(pixels):
    model = _untrained()
    for name in ("conv1", "depthwise", "conv2"):
        layer = model.get_layer(name)
        layer.bias.assign_add(np.full(layer.bias.shape, 0.01))
    given = findings.find(evidence_of(model, pixels))
    [finding] = [finding for finding in given if finding.rule == "untrained-weights"]
    assert finding.layer == "classes"
    assert "unlike the other layers" in finding.message


def test_a_trained_network_is_not_taken_for_an_untrained_one(pixels):
    model = _untrained()
    model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=True)
    model.fit(pixels / 255.0, np.arange(12) % 10, epochs=5, verbose=0)
    assert not rules_of(findings.find(evidence_of(model, pixels))) & {"untrained-weights", "untouched-moments"}


def _without_biases() -> keras.Model:
    """As many write them: a BatchNormalization in place of each bias; 256 weights at the end, with nothing beside."""
    stages = [(filters, f"conv{filters}") for filters in (32, 64, 128)]
    convolutions = [
        layer
        for filters, name in stages
        for layer in (layers.Conv2D(filters, 3, use_bias=False, name=name), layers.BatchNormalization(), layers.ReLU())
    ]
    pooled = [layers.GlobalAveragePooling2D(), layers.Dense(2, activation="softmax", use_bias=False, name="classes")]
    return keras.Sequential([keras.Input((16, 16, 3)), layers.Rescaling(1 / 255), *convolutions, *pooled])


@pytest.mark.parametrize("rate", [1e-5, 1e-4, 1e-3])
def test_a_short_training_is_known_by_what_stands_beside_the_kernels(rate, pixels, tmp_path):
    model = _without_biases()
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    model.fit(pixels, np.arange(12) % 2, epochs=5, verbose=0)
    model.save(tmp_path / "network.keras")
    given = evidence_of(keras.saving.load_model(tmp_path / "network.keras"), pixels, preprocess="none")
    assert not rules_of(findings.find(given)) & {"untrained-weights", "untouched-moments"}
    assert not any(facts.initial for facts in given.variables)


def _small_head(*beside: type[keras.Layer], bias: bool) -> keras.Model:
    """A kernel of 4608 weights without a bias; the head has too few to be judged."""
    return keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(16, 3, use_bias=False),
            *(one() for one in beside),
            layers.Conv2D(32, 3, use_bias=False),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax", use_bias=bias),
        ]
    )


@pytest.mark.parametrize(
    ("beside", "bias"),
    [((), True), ((layers.LayerNormalization,), False), ((layers.PReLU,), False), ((layers.GroupNormalization,), True)],
)
@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_short_training_is_known_by_whatever_begins_as_one_value(beside, bias, ending, pixels, tmp_path):
    def reloaded(model):
        model.save(tmp_path / f"network.{ending}")
        return evidence_of(keras.saving.load_model(tmp_path / f"network.{ending}"), pixels, preprocess="none")

    beside = [partial(one, groups=4) if one is layers.GroupNormalization else one for one in beside]
    model = _small_head(*beside, bias=bias)
    assert "The network looks untrained" in str(findings.find(reloaded(model)))
    model.compile(keras.optimizers.Adam(1e-5), "sparse_categorical_crossentropy")
    model.fit(pixels, np.arange(12) % 2, epochs=5, verbose=0)
    assert "untrained-weights" not in rules_of(findings.find(reloaded(model)))


def test_values_that_an_initializer_gives_to_all_are_no_training(pixels):
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(32, 3, use_bias=False),
            layers.BatchNormalization(gamma_initializer="zeros"),
            layers.Conv2D(32, 3, use_bias=False, name="alone"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, bias_initializer=keras.initializers.Constant(-4.6)),
        ]
    )
    assert [facts.initial for facts in evidence_of(model, pixels).variables if "kernel" in facts.variable][:2] == [
        True,
        True,
    ]


def test_a_kernel_that_was_made_anew_is_told_from_a_long_training():
    model = _without_biases()
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.moving_mean.assign_add(np.full(layer.moving_mean.shape, 0.1))
        elif layer.weights:
            layer.kernel.assign(layer.kernel.numpy() * 1.2)
    images = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3)).astype(np.uint8)
    assert "untrained-weights" not in rules_of(findings.find(evidence_of(model, images, preprocess="none")))
    anew = model.get_layer("conv64")
    anew.kernel.assign(anew.kernel_initializer(anew.kernel.shape))
    given = findings.find(evidence_of(model, images, preprocess="none"))
    assert [finding.layer for finding in given if finding.rule == "untrained-weights"] == ["conv64"]


def test_fresh_kernels_with_nothing_beside_them(pixels):
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(32, 3, use_bias=False),
            layers.Conv2D(32, 3, use_bias=False),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax", use_bias=False),
        ]
    )
    assert "The network looks untrained" in str(findings.find(evidence_of(model, pixels)))


def test_other_modes_are_not_tried_on_a_network_that_was_never_trained(pixels):
    fresh = evidence_of(_without_biases(), pixels)
    assert "The network looks untrained" in str([finding.message for finding in findings.find(fresh)])
    assert fresh.preprocessing is None
    model = _untrained()
    assert evidence_of(model, pixels).preprocessing is None
    for layer in model.layers:
        if getattr(layer, "bias", None) is not None:
            layer.bias.assign_add(np.full(layer.bias.shape, 0.01))
    trained = evidence_of(model, pixels)
    assert trained.preprocessing is not None
    assert len(trained.preprocessing.others) == 4


def test_moments_that_were_never_updated(pixels):
    model = seeded(_untrained())
    model.get_layer("bn").gamma.assign(np.full(16, 1.3))
    assert "untouched-moments" in rules_of(findings.find(evidence_of(model, pixels)))
    model.get_layer("bn").gamma.assign(np.ones(16))
    assert "untouched-moments" not in rules_of(findings.find(evidence_of(model, pixels)))
