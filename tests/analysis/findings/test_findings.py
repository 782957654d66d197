"""Each rule with a planted positive, and a near-miss on which it stays silent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from support.images import random_images
from support.kinds import kind_named
from support.networks import seeded, two_convolutions

from reportgen.analysis import findings
from reportgen.analysis.findings import (
    Evidence,
    activation_rules,
    answer_rules,
    gather_evidence,
    input_rules,
    value_rules,
)
from reportgen.analysis.findings import preprocessing_rules as rules
from reportgen.analysis.findings import weight_rules as weights
from reportgen.analysis.findings.evidence import (
    ChannelFacts,
    FilterFacts,
    ImageColumns,
    NetworkFacts,
    NormalizationFacts,
    ValueColumns,
    VariableFacts,
)
from reportgen.analysis.network.fed_values import settle_fitting
from reportgen.analysis.network.feeding import open_network
from reportgen.analysis.network.heads import Head, describe_head
from reportgen.analysis.network.layers import summarize_network
from reportgen.analysis.network.preprocessing_check import ModeTrial, PreprocessingCheck
from reportgen.analysis.statistics.image_statistics import collect, default_layers
from reportgen.analysis.weights.filters import filter_banks, weight_statistics
from reportgen.class_names import match_label
from reportgen.config import Config
from reportgen.facts import Skipped
from reportgen.images import collect_images
from reportgen.progress import Silent
from reportgen.results import Finding, LayerSummary, NetworkSummary


def columns(count: int = 20, **changed: Any) -> ImageColumns:
    values = {
        "files": tuple(f"image-{index}.png" for index in range(count)),
        "heights": np.full(count, 224),
        "widths": np.full(count, 224),
        "scale_y": np.ones(count),
        "scale_x": np.ones(count),
        "predicted": np.arange(count) % 4,
        "truth": np.full(count, -1),
        "answer_sums": np.ones(count),
    }
    return ImageColumns(**(values | {name: np.asarray(value) for name, value in changed.items()}))


def values(count: int = 20, depth: str = "uint8", **changed: Any) -> ValueColumns:
    columns = {
        "files": tuple(f"image-{index}.png" for index in range(count)),
        "depths": (depth,) * count,
        "lows": np.zeros(count),
        "highs": np.full(count, 200.0),
        "finite": np.ones(count, bool),
        "blacks": np.zeros(count),
        "whites": np.full(count, 255.0),
        "range_given": False,
        "kept": False,
    }
    return ValueColumns(**(columns | changed))


def trial(mode: str, information: float | None = None, divergence: float | None = None) -> ModeTrial:
    return ModeTrial(mode, information, divergence)


def checked(
    used: ModeTrial, *others: ModeTrial, error: float = 0.02, classes: int = 4, judged: int = 0
) -> PreprocessingCheck:
    """A trial of modes, in which the gain of each other mode has the standard error `error`."""
    gained = [
        other
        if None in (used.information, other.information)
        else replace(other, log_gain=float(np.log(other.information / used.information)), log_gain_error=error)
        for other in others
    ]
    normalization = "bn" if used.moment_divergence is not None else None
    return PreprocessingCheck(used, tuple(gained), 14, normalization, judged, classes)


def row(name: str, kind: str, parameters: int) -> LayerSummary:
    return LayerSummary(
        index=1,
        name=name,
        type=kind,
        kind=kind_named(kind),
        block=None,
        output_shape=(None, 10),
        actual_shape=(1, 10),
        parameter_count=parameters,
        trainable_parameter_count=parameters,
        mac_count=parameters,
        memory_bytes=40,
        receptive_field=None,
        receptive_field_note="dense",
        inputs=(),
        is_map=False,
        token_grid=None,
        details={},
    )


def table(*rows: LayerSummary, rest: int = 0) -> NetworkSummary:
    total = sum(item.parameter_count for item in rows) + rest
    return NetworkSummary(rows, (), total, total, total, 40, (None, 8, 8, 3), (None, 10))


NETWORK = NetworkFacts(
    name="net",
    size=(224, 224),
    preprocessing_mode="unit",
    preprocessing_origin="flag",
    resize="squash",
    labels=("a", "b", "c", "d"),
    head=Head("softmax", 4, "The last layer, classes, ends in a softmax."),
    notes=(),
    half_precision=False,
)

SOUND = Evidence(
    network=NETWORK,
    summary=table(row("dense", "Dense", 1000), rest=4000),
    variables=(VariableFacts("conv", "kernel", 648, 0, initial=False), VariableFacts("conv", "bias", 8, 0)),
    filters=(FilterFacts("conv", 20, 0.0, (), (), ()),),
    channels=(ChannelFacts("conv", 20, 0, (), (), ()),),
    normalizations=(NormalizationFacts("bn", never_updated=False, changes_nothing=False),),
    images=columns(),
    values=values(),
    skipped={},
    preprocessing=checked(trial("unit", 2.0, 0.1), trial("none", 1.0, 9.0), trial("tf", 1.9, 2.0)),
    capture_difference=1e-7,
)


def with_network(**changed: Any) -> Evidence:
    return replace(SOUND, network=replace(NETWORK, **changed))


def with_values(**changed: Any) -> Evidence:
    return replace(SOUND, values=values(**changed))


def with_filters(**changed: Any) -> Evidence:
    return replace(SOUND, filters=(replace(SOUND.filters[0], **changed),))


def with_channels(*facts: ChannelFacts, images: int = 60) -> Evidence:
    return replace(SOUND, channels=facts, images=columns(images))


def with_trials(used: ModeTrial, *others: ModeTrial, error: float = 0.02, classes: int = 4) -> Evidence:
    return replace(SOUND, preprocessing=checked(used, *others, error=error, classes=classes))


def judged(*modes: tuple[Any, ...]) -> Evidence:
    """Trials on 100 images of known class: mode, right answers, gained, lost and the divergence of moments."""
    trials = [
        replace(trial(mode, None, *moments[2:]), accuracy=right / 100, gained=gained, lost=lost, changed=0.2)
        for mode, right, *moments in modes
        for gained, lost in [([*moments, 0, 0])[:2]]
    ]
    return replace(SOUND, preprocessing=checked(*trials, judged=100))


def found(rule: Any, evidence: Evidence) -> list[tuple[str, str]]:
    return [(finding.rule, finding.severity) for finding in rule(evidence)]


def variable(initial: bool | None = None, nonfinite: int = 0, name: str = "conv") -> VariableFacts:
    return VariableFacts(name, "kernel", 648, nonfinite, initial)


def normalization(never_updated: bool, changes_nothing: bool) -> NormalizationFacts:
    return NormalizationFacts("bn", never_updated=never_updated, changes_nothing=changes_nothing)


def channels(dead: int = 0, stuck: int = 0, of: int = 20, **changed: Any) -> ChannelFacts:
    values = {"layer": "relu", "channels": of, "nonfinite_count": 0, "rare": ()}
    return ChannelFacts(**(values | {"dead": tuple(range(dead)), "stuck": tuple(range(stuck))} | changed))


ORDERED = columns(12, truth=np.arange(12) % 3, predicted=np.arange(12) % 3)
LATER = columns(12, truth=np.arange(12) % 3, predicted=np.arange(12) % 3 + 1)

PLANTED: list[tuple[str, Any, Evidence, list[str]]] = [
    # capture
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
    # numbers
    ("one NaN", weights.nonfinite_weights, replace(SOUND, variables=(variable(nonfinite=1),)), ["error"]),
    ("no NaN", weights.nonfinite_weights, SOUND, []),
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
    # filters
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
    # training
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
    # channels
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
    # notes
    ("a warning", activation_rules.load_notes, with_network(notes=("weights are missing",)), ["warning"]),
    ("no warning", activation_rules.load_notes, SOUND, []),
    ("skipped", activation_rules.skipped_images, replace(SOUND, skipped={"a.png": "is empty"}), ["warning"]),
    ("none skipped", activation_rules.skipped_images, SOUND, []),
    # answers
    ("sums", answer_rules.improbable_sums, replace(SOUND, images=columns(3, answer_sums=[1, 1.01, 1])), ["error"]),
    (
        "sums to NaN",
        answer_rules.improbable_sums,
        replace(SOUND, images=columns(2, answer_sums=[1, np.nan])),
        ["error"],
    ),
    ("rounded sums", answer_rules.improbable_sums, replace(SOUND, images=columns(3, answer_sums=[1, 1.004, 1])), []),
    (
        "sums of a sigmoid",
        answer_rules.improbable_sums,
        replace(with_network(head=Head("sigmoid", 4, "")), images=columns(2, answer_sums=[2, 3])),
        [],
    ),
    (
        "no answers",
        answer_rules.improbable_sums,
        replace(SOUND, images=columns(2, predicted=[-1, -1], answer_sums=[np.nan, np.nan])),
        [],
    ),
    ("logits", answer_rules.plain_scores, with_network(head=Head("logits", 4, "no softmax.")), ["info"]),
    ("probabilities", answer_rules.plain_scores, SOUND, []),
    ("collapse", answer_rules.class_collapse, replace(SOUND, images=columns(10, predicted=[2] * 9 + [1])), ["warning"]),
    ("not quite", answer_rules.class_collapse, replace(SOUND, images=columns(10, predicted=[2] * 8 + [1, 0])), []),
    ("few to collapse", answer_rules.class_collapse, replace(SOUND, images=columns(7, predicted=[2] * 7)), []),
    (
        "collapse against the truth",
        answer_rules.class_collapse,
        replace(SOUND, images=columns(10, predicted=[2] * 10, truth=np.arange(10) % 4)),
        ["error"],
    ),
    (
        "all of one class",
        answer_rules.class_collapse,
        replace(SOUND, images=columns(10, predicted=[2] * 10, truth=[2] * 10)),
        [],
    ),
    ("too many names", answer_rules.label_count, with_network(labels=("a", "b", "c", "d", "e")), ["error"]),
    ("too few names", answer_rules.label_count, with_network(labels=("a", "b", "c")), ["error"]),
    ("right names", answer_rules.label_count, SOUND, []),
    ("no names", answer_rules.label_count, with_network(labels=None), []),
    (
        "two names, one score",
        answer_rules.label_count,
        with_network(labels=("a", "b"), head=Head("sigmoid", 1, "")),
        [],
    ),
    ("no classes", answer_rules.label_count, with_network(head=Head("none", None, "", None)), []),
    ("names one place off", answer_rules.label_order, replace(SOUND, images=LATER), ["error"]),
    ("names in place", answer_rules.label_order, replace(SOUND, images=ORDERED), []),
    (
        "names not sorted",
        answer_rules.label_order,
        replace(
            with_network(labels=("b", "d", "a", "c")),
            images=columns(12, truth=np.arange(12) % 4, predicted=[1, 3, 0, 2] * 3),
        ),
        ["error"],
    ),
    (
        "simply wrong",
        answer_rules.label_order,
        replace(SOUND, images=columns(12, truth=np.arange(12) % 3, predicted=[0] * 12)),
        [],
    ),
    (
        "one class off",
        answer_rules.label_order,
        replace(SOUND, images=columns(9, truth=[1] * 9, predicted=[2] * 9)),
        [],
    ),
    # inputs
    ("guess", rules.guessed_preprocessing, with_network(preprocessing_origin="fallback"), ["warning"]),
    ("no guess", rules.guessed_preprocessing, SOUND, []),
    ("twice", rules.scaled_twice, with_network(scaled_twice=True), ["error"]),
    ("rounded", rules.scaled_twice, with_network(rounded_away=True), ["error"]),
    ("once", rules.scaled_twice, SOUND, []),
    ("held", rules.held_input, with_network(held=(("age", (1,)), ("right", (8, 8, 3)))), ["warning", "warning"]),
    ("none held", rules.held_input, SOUND, []),
    # evidence for a mode
    ("truth", rules.unlikely_preprocessing, judged(("unit", 60), ("tf", 90, 32, 2)), ["error"]),
    (
        "truth against moments of the mode used",
        rules.unlikely_preprocessing,
        judged(("unit", 78, 0, 0, 0.1), ("caffe", 90, 14, 2, 900.0)),
        [],
    ),
    ("truth, by chance", rules.unlikely_preprocessing, judged(("unit", 60), ("tf", 66, 16, 10)), []),
    ("truth, by little", rules.unlikely_preprocessing, judged(("unit", 94), ("tf", 98, 40, 0)), []),
    (
        "truth against moments",
        rules.unlikely_preprocessing,
        judged(("unit", 90, 0, 0, 9.0), ("tf", 50, 0, 40, 0.1)),
        [],
    ),
    (
        "moments where truth is silent",
        rules.unlikely_preprocessing,
        judged(("unit", 90, 0, 0, 9.0), ("tf", 90, 2, 2, 0.1)),
        ["error"],
    ),
    (
        "moments",
        rules.unlikely_preprocessing,
        with_trials(trial("unit", None, 9.0), trial("none", None, 0.1)),
        ["error"],
    ),
    (
        "moments near enough",
        rules.unlikely_preprocessing,
        with_trials(trial("unit", None, 0.4), trial("none", None, 0.01)),
        [],
    ),
    (
        "moments far under all",
        rules.unlikely_preprocessing,
        with_trials(trial("unit", None, 9.0), trial("none", None, 3.0)),
        [],
    ),
    (
        "moments near under two",
        rules.unlikely_preprocessing,
        with_trials(trial("unit", None, 9.0), trial("none", None, 0.1), trial("caffe", None, 0.15)),
        [],
    ),
    (
        "answers of many classes",
        rules.unlikely_preprocessing,
        with_trials(trial("unit", 1.0), trial("tf", 2.0), classes=1000),
        ["warning"],
    ),
    ("answers of few classes", rules.unlikely_preprocessing, with_trials(trial("unit", 1.0), trial("tf", 2.0)), []),
    (
        "answers as good as",
        rules.unlikely_preprocessing,
        with_trials(trial("unit", 1.98), trial("tf", 2.0), classes=1000),
        [],
    ),
    (
        "no sense at all",
        rules.unlikely_preprocessing,
        with_trials(trial("unit", 0.1), trial("tf", 0.4), classes=1000),
        [],
    ),
    (
        "by the choice of images",
        rules.unlikely_preprocessing,
        with_trials(trial("unit", 1.0), trial("tf", 2.0), error=0.8, classes=1000),
        [],
    ),
    (
        "answers against moments",
        rules.unlikely_preprocessing,
        with_trials(trial("unit", 1.0, 0.1), trial("tf", 2.0, 0.3), classes=1000),
        [],
    ),
    ("nothing to try", rules.unlikely_preprocessing, replace(SOUND, preprocessing=None), []),
    (
        "said once",
        rules.unlikely_preprocessing,
        replace(judged(("unit", 60), ("tf", 90, 32, 2)), network=replace(NETWORK, scaled_twice=True)),
        [],
    ),
    ("unchecked", rules.unchecked_preprocessing, with_trials(trial("unit", 1.0), trial("tf", 2.0)), ["info"]),
    ("checked by truth", rules.unchecked_preprocessing, judged(("unit", 90), ("tf", 50, 1, 41)), []),
    ("truth tells nothing", rules.unchecked_preprocessing, judged(("unit", 90), ("tf", 90, 1, 1)), ["info"]),
    (
        "checked by moments",
        rules.unchecked_preprocessing,
        with_trials(trial("unit", 1.0, 0.1), trial("tf", 2.0, 4.0)),
        [],
    ),
    (
        "moments tell nothing",
        rules.unchecked_preprocessing,
        with_trials(trial("unit", 1.0, 0.1), trial("tf", 2.0, 0.12)),
        ["info"],
    ),
    (
        "checked by answers",
        rules.unchecked_preprocessing,
        with_trials(trial("unit", 6.0), trial("tf", 2.0), classes=1000),
        [],
    ),
    (
        "known",
        rules.unchecked_preprocessing,
        replace(
            with_trials(trial("unit", 1.0), trial("tf", 2.0)), network=replace(NETWORK, preprocessing_origin="inside")
        ),
        [],
    ),
    ("12 bits in 16", value_rules.shallow_depth, with_values(depth="uint16", highs=np.full(20, 4000.0)), ["warning"]),
    ("10 bits in 16", value_rules.shallow_depth, with_values(depth="uint16", highs=np.full(20, 1023.0)), ["warning"]),
    (
        "12 bits in 16, as they are",
        value_rules.shallow_depth,
        with_values(depth="uint16", highs=np.full(20, 4000.0), kept=True),
        ["info"],
    ),
    ("one of 16 bits", value_rules.shallow_depth, with_values(depth="uint16", highs=np.r_[[4000.0] * 19, 60000]), []),
    (
        "12 bits stated",
        value_rules.shallow_depth,
        with_values(depth="uint16", highs=np.full(20, 4000.0), range_given=True),
        [],
    ),
    ("flat", value_rules.constant_images, with_values(lows=np.r_[200.0, np.zeros(19)]), ["warning"]),
    ("nearly flat", value_rules.constant_images, with_values(lows=np.r_[199.0, np.zeros(19)]), []),
    ("not looked at", value_rules.constant_images, with_values(lows=np.full(20, np.nan)), []),
    ("above white", value_rules.values_outside_range, with_values(highs=np.r_[256.0, np.ones(19)]), ["warning"]),
    ("below black", value_rules.values_outside_range, with_values(lows=np.r_[-1.0, np.zeros(19)]), ["warning"]),
    ("white", value_rules.values_outside_range, with_values(highs=np.full(20, 255.0)), []),
    ("not a number", value_rules.values_not_finite, with_values(finite=np.r_[False, np.ones(19, bool)]), ["warning"]),
    ("all finite", value_rules.values_not_finite, with_values(), []),
    ("flattened", input_rules.distorted_images, replace(SOUND, images=columns(2, scale_x=[2, 2])), ["warning"]),
    ("one flattened", input_rules.distorted_images, replace(SOUND, images=columns(2, scale_y=[1, 2])), ["info"]),
    ("3:2", input_rules.distorted_images, replace(SOUND, images=columns(2, scale_x=[1.5, 1.5])), []),
    (
        "blown up",
        input_rules.enlarged_images,
        replace(SOUND, images=columns(2, scale_x=[7, 7], scale_y=[7, 7])),
        ["warning"],
    ),
    (
        "one blown up",
        input_rules.enlarged_images,
        replace(SOUND, images=columns(2, scale_x=[1, 7], scale_y=[1, 7])),
        ["info"],
    ),
    (
        "doubled",
        input_rules.enlarged_images,
        replace(SOUND, images=columns(2, scale_x=[2, 2], scale_y=[2, 2])),
        [],
    ),
]


@pytest.mark.parametrize(
    ("rule", "evidence", "severities"),
    [case[1:] for case in PLANTED],
    ids=[f"{case[1].__name__}-{case[0]}".replace(" ", "-") for case in PLANTED],
)
def test_rules(rule, evidence, severities):
    given = list(rule(evidence))
    assert [finding.severity for finding in given] == severities
    for finding in given:
        for text in (finding.message, finding.measured, finding.threshold, finding.why, finding.action):
            assert text
        for sentence in (finding.message, finding.why, finding.action):
            assert sentence.endswith((".", "?")) or "Keras warned" in sentence


def test_every_rule_has_a_planted_positive_and_a_near_miss():
    for rule in findings.RULES:
        cases = [severities for _, tested, _, severities in PLANTED if tested is rule]
        assert any(cases), f"{rule.__name__} is never raised"
        assert [] in cases, f"{rule.__name__} is never silent"


def test_sound_evidence_gives_no_finding():
    assert findings.find(SOUND) == ()


def test_the_worst_come_first_and_many_of_a_kind_are_counted():
    many = tuple(channels(dead=count, layer=f"relu{count}", of=100) for count in range(1, 11))
    evidence = replace(with_channels(*many), capture_difference=1.0)
    given = findings.find(evidence)
    assert given[0].rule == "capture-mismatch"
    dead = [finding for finding in given if finding.rule == "dead-channels"]
    assert len(dead) == findings.MOST_OF_A_RULE
    listed = [finding.layer for finding in dead if finding.layer]
    assert listed == ["relu10", "relu6", "relu7", "relu8", "relu9"]
    assert dead[-1].message == "The same is true of 5 more: relu1, relu2, relu3, relu4, relu5."


# --- from networks --------------------------------------------------------------------------------


def evidence_of(model: keras.Model, pixels: np.ndarray, **settings: Any) -> Evidence:
    truth = settings.pop("truth", None)
    config = Config(**({"preprocess": "unit"} | settings))
    network = open_network(config, model)
    images = collect_images(pixels, channels=network.channels)
    network, fitting = settle_fitting(config, network, images)
    summary = summarize_network(network)
    head = describe_head(network, network.model(network.feed(network.prepare(pixels[:2]))))
    banks = [(bank, weight_statistics(bank)) for bank in filter_banks(network, summary)]
    layers_measured = default_layers(config, summary)
    statistics = collect(network, summary, images, layers_measured, fitting, config, Silent())
    return gather_evidence(config, network, summary, head, banks, statistics, fitting, (), truth)


def rules_of(given: tuple[Finding, ...]) -> set[str]:
    return {finding.rule for finding in given}


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return random_images(12, 16, 16)


def _convolution(model: keras.Model, name: str = "conv1") -> tuple[Any, np.ndarray]:
    layer = model.get_layer(name)
    return layer, np.asarray(layer.kernel).copy()


def test_a_sound_network(pixels):
    evidence = evidence_of(two_convolutions(16), pixels)
    assert evidence.capture_difference < 1e-6
    assert evidence.images.predicted.min() >= 0
    np.testing.assert_allclose(evidence.images.answer_sums, 1, atol=1e-5)
    given = findings.find(evidence)
    assert not [finding for finding in given if finding.severity == "error"]
    assert not rules_of(given) & {"zero-filters", "duplicate-filters", "constant-filters", "untrained-weights"}


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


def test_moments_that_were_never_updated(pixels):
    model = seeded(_untrained())
    model.get_layer("bn").gamma.assign(np.full(16, 1.3))
    assert "untouched-moments" in rules_of(findings.find(evidence_of(model, pixels)))
    model.get_layer("bn").gamma.assign(np.ones(16))
    assert "untouched-moments" not in rules_of(findings.find(evidence_of(model, pixels)))


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


def test_images_predictions_and_truth(pixels):
    model = two_convolutions(16)
    evidence = evidence_of(model, pixels, truth={"image-00": "3", "image-01": "unheard of"})
    expected = np.asarray(model(pixels / 255.0)).argmax(axis=1)
    np.testing.assert_array_equal(evidence.images.predicted, expected)
    assert evidence.images.truth.tolist() == [3, *[-1] * 11]
    assert match_label("3", None, 4) == 3
    np.testing.assert_array_equal(evidence.images.scale_y, 1)


def test_images_of_other_sizes():
    evidence = evidence_of(two_convolutions(16), random_images(6, 6, 16), resize="pad")
    assert set(evidence.images.scale_y) == {1.0}
    evidence = evidence_of(two_convolutions(16), random_images(6, 4, 16))
    assert set(evidence.images.scale_y) == {4.0}
    assert "distorted-images" in rules_of(findings.find(evidence))


def test_other_modes_are_not_tried_where_the_network_rescales_by_itself(pixels):
    model = keras.Sequential([keras.Input((16, 16, 3)), layers.Rescaling(1 / 255), two_convolutions(16)])
    assert evidence_of(model, pixels, preprocess="auto").preprocessing is None
    assert evidence_of(two_convolutions(16), pixels).preprocessing is not None


def test_skipped_images_are_told():
    evidence = replace(SOUND, skipped={item.file: item.reason for item in [Skipped(file="a.png", reason="is empty")]})
    [finding] = findings.find(evidence)
    assert "a.png" in finding.message
    assert "is empty" in finding.measured
