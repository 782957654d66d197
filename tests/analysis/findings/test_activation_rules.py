"""What stands out in activations and in the run: each rule with a planted positive, and a near-miss."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from support.findings import (
    SOUND,
    Planted,
    channels,
    check_planted,
    check_rule,
    evidence_of,
    named,
    rules_of,
    with_channels,
    with_filters,
    with_network,
)
from support.networks import seeded, two_convolutions

from reportgen.analysis import findings
from reportgen.analysis.findings import (
    activation_rules,
)
from reportgen.facts import Skipped

PLANTED: list[Planted] = [
    ("differs", activation_rules.capture_mismatch, replace(SOUND, capture_difference=1e-3), ["error"]),
    ("rounded", activation_rules.capture_mismatch, replace(SOUND, capture_difference=9e-5), []),
    ("infinite", activation_rules.capture_mismatch, replace(SOUND, capture_difference=np.inf), ["error"]),
    ("no number", activation_rules.capture_mismatch, replace(SOUND, capture_difference=np.nan), ["error"]),
    (
        "16 bits",
        activation_rules.capture_mismatch,
        replace(with_network(half_precision=True), capture_difference=1e-3),
        [],
    ),
    (
        "NaN spreads",
        activation_rules.nonfinite_activations,
        with_channels(channels(), channels(nonfinite_count=3), channels(nonfinite_count=9, layer="next")),
        ["error"],
    ),
    ("finite", activation_rules.nonfinite_activations, SOUND, []),
    (
        "hidden by the activation",
        activation_rules.nonfinite_activations,
        replace(SOUND, nonfinite_inside={"dense": 4}),
        ["error"],
    ),
    ("dead", activation_rules.dead_channels, with_channels(channels(dead=2)), ["warning"]),
    ("one dead", activation_rules.dead_channels, with_channels(channels(dead=1)), ["info"]),
    ("few images", activation_rules.dead_channels, with_channels(channels(dead=2), images=14), ["info"]),
    ("none dead", activation_rules.dead_channels, SOUND, []),
    (
        "said once, through what keeps channels apart",
        activation_rules.dead_channels,
        with_channels(
            channels(dead=2),
            channels(stuck=2, layer="depthwise", source="relu", by_channel=True),
            channels(dead=2, layer="relu2", source="depthwise", by_channel=True),
        ),
        ["warning"],
    ),
    (
        "dead again behind a convolution",
        activation_rules.dead_channels,
        with_channels(channels(dead=2), channels(dead=2, layer="conv2", source="relu")),
        ["warning", "warning"],
    ),
    ("stuck", activation_rules.stuck_channels, with_channels(channels(stuck=1)), ["info"]),
    ("none stuck", activation_rules.stuck_channels, SOUND, []),
    (
        "stuck for want of weights",
        activation_rules.stuck_channels,
        replace(with_filters(zero=(0,)), channels=(channels(stuck=1, layer="conv"),)),
        [],
    ),
    (
        "stuck since the layer before",
        activation_rules.stuck_channels,
        with_channels(channels(stuck=1), channels(stuck=1, layer="next", source="relu", by_channel=True)),
        ["info"],
    ),
    ("rare", activation_rules.rare_channels, with_channels(channels(rare=(4,)), images=200), ["info"]),
    ("none rare", activation_rules.rare_channels, SOUND, []),
    (
        "saturated",
        activation_rules.saturated_activations,
        with_channels(channels(activation="sigmoid", saturated=0.95)),
        ["warning"],
    ),
    (
        "not quite saturated",
        activation_rules.saturated_activations,
        with_channels(channels(activation="sigmoid", saturated=0.9)),
        [],
    ),
    ("no sigmoid", activation_rules.saturated_activations, SOUND, []),
    ("a warning", activation_rules.load_notes, with_network(notes=("weights are missing",)), ["warning"]),
    ("no warning", activation_rules.load_notes, SOUND, []),
    ("skipped", activation_rules.skipped_images, replace(SOUND, skipped={"a.png": "is empty"}), ["warning"]),
    ("none skipped", activation_rules.skipped_images, SOUND, []),
]


@pytest.mark.parametrize(**named(PLANTED))
def test_rules(rule, evidence, severities):
    check_rule(rule, evidence, severities)


def test_every_rule_has_a_planted_positive_and_a_near_miss():
    check_planted(activation_rules, PLANTED)


def _convolution(model: keras.Model, name: str = "conv1") -> tuple[Any, np.ndarray]:
    layer = model.get_layer(name)
    return layer, np.asarray(layer.kernel).copy()


def test_dead_and_stuck_channels_are_found(pixels):
    model = two_convolutions(16)
    layer, kernel = _convolution(model, "conv2")
    kernel[..., 0] = 0
    kernel[..., 1] = 0
    layer.kernel.assign(kernel)
    layer.bias.assign([-1.0, 2.0, *np.asarray(layer.bias).copy()[2:]])
    facts = {item.layer: item for item in evidence_of(model, pixels).channels}
    assert 0 in facts["conv2"].dead
    assert facts["conv2"].stuck == (1,)
    outputs = np.asarray(keras.Model(model.inputs[0], model.get_layer("conv2").output)(pixels / 255.0))
    assert facts["conv2"].dead == tuple(np.flatnonzero((outputs == 0).all(axis=(0, 1, 2))))


def test_numbers_that_are_none(pixels):
    model = two_convolutions(16)
    layer, kernel = _convolution(model)
    kernel[0, 0, 0, 2] = np.nan
    layer.kernel.assign(kernel)
    given = findings.find(evidence_of(model, pixels))
    assert {"nonfinite-weights", "nonfinite-activations"} <= rules_of(given)
    assert [finding.layer for finding in given if finding.rule == "nonfinite-activations"] == ["conv1"]
    assert "capture-mismatch" not in rules_of(given)


def _broken(model: keras.Model, name: str, variable: str, value: float) -> keras.Model:
    [weight] = [weight for weight in model.get_layer(name).weights if weight.name == variable]
    values = np.asarray(weight).copy()
    values.reshape(-1)[1] = value
    weight.assign(values)
    return model


def _clipped() -> keras.Model:
    """Activations that make numbers of what is infinite."""
    return seeded(
        keras.Sequential(
            [
                keras.Input((16, 16, 3)),
                layers.Conv2DTranspose(6, 3, strides=2, activation="relu6", name="first"),
                layers.Conv2D(6, 3, activation="tanh", name="second"),
                layers.GlobalAveragePooling2D(),
                layers.Dense(3, activation="softmax", name="classes"),
            ]
        )
    )


def _normalized() -> keras.Model:
    """A convolution, its normalisation and its rectifier as layers of their own."""
    return seeded(
        keras.Sequential(
            [
                keras.Input((16, 16, 3)),
                layers.DepthwiseConv2D(3, name="before"),
                layers.BatchNormalization(name="first"),
                layers.ReLU(6.0, name="rectifier"),
                layers.SeparableConv2D(6, 3, activation="relu", name="second"),
                layers.GlobalMaxPooling2D(),
                layers.Dense(3, activation="softmax", name="classes"),
            ]
        )
    )


@pytest.mark.parametrize(
    ("build", "variable", "value", "first", "ending"),
    [
        (_clipped, "kernel", np.inf, "first", ".keras"),
        (_clipped, "bias", -np.inf, "first", ".h5"),
        (_clipped, "bias", np.nan, "first", ".h5"),
        (_normalized, "moving_variance", np.nan, "rectifier", ".keras"),
        (_normalized, "moving_mean", np.inf, "rectifier", ".h5"),
    ],
)
def test_what_is_not_finite_is_found_where_it_arises(pixels, tmp_path, build, variable, value, first, ending):
    path = tmp_path / f"broken{ending}"
    _broken(build(), "first", variable, value).save(path)
    given = findings.find(evidence_of(keras.saving.load_model(path), pixels))
    assert [finding.layer for finding in given if finding.rule == "nonfinite-weights"] == ["first"]
    assert [finding.layer for finding in given if finding.rule == "nonfinite-activations"] == [first]
    assert "capture-mismatch" not in rules_of(given)


def test_an_overflow_of_16_bits_is_found_behind_a_clipping_activation(pixels):
    policy = keras.DTypePolicy("mixed_float16")
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(4, 3, activation="relu6", dtype=policy, name="overflows"),
            layers.GlobalAveragePooling2D(dtype=policy),
            layers.Dense(3, activation="softmax", dtype="float32", name="classes"),
        ]
    )
    model.get_layer("overflows").kernel.assign(np.full((3, 3, 3, 4), 60_000.0))
    evidence = evidence_of(model, pixels)
    assert [facts.nonfinite_count for facts in evidence.channels if facts.layer == "overflows"] == [0]
    given = findings.find(evidence)
    assert [finding.layer for finding in given if finding.rule == "nonfinite-activations"] == ["overflows"]
    assert not {"nonfinite-weights", "capture-mismatch"} & rules_of(given)


def test_a_mask_of_a_softmax_is_not_taken_for_an_overflow(pixels):
    image = keras.Input((16, 16, 3))
    scores = layers.Dense(3, name="scores")(layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(image)))
    masked = layers.Lambda(lambda x: tf.where([True, False, True], x, -np.inf), name="mask")(scores)
    model = seeded(keras.Model(image, layers.Softmax(name="classes")(masked)))
    assert "nonfinite-activations" not in rules_of(findings.find(evidence_of(model, pixels)))


def test_saturation_is_measured_within_the_network_only(pixels):
    def network(scale: float) -> keras.Model:
        model = seeded(
            keras.Sequential(
                [
                    keras.Input((16, 16, 3)),
                    layers.Conv2D(8, 3, activation="tanh", name="inner"),
                    layers.Conv2D(1, 3, activation="sigmoid", name="answer"),
                ]
            )
        )
        for layer in model.layers:
            layer.kernel.assign(layer.kernel * scale)
        return model

    strong = {facts.layer: facts.saturated for facts in evidence_of(network(200.0), pixels).channels}
    weak = {facts.layer: facts.saturated for facts in evidence_of(network(0.1), pixels).channels}
    assert strong["inner"] > 0.9
    assert weak["inner"] == 0
    assert strong["answer"] is None


def test_skipped_images_are_told():
    evidence = replace(SOUND, skipped={item.file: item.reason for item in [Skipped(file="a.png", reason="is empty")]})
    [finding] = findings.find(evidence)
    assert "a.png" in finding.message
    assert "is empty" in finding.measured
