"""Which methods run on which images, and what goes through the network together."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import pytest
from support import zoo
from support.networks import two_convolutions

from reportgen.analysis.attribution import TracedCall, class_logit, grad_cam, output_value, randomize
from reportgen.analysis.attribution.explaining import explain, trace_network
from reportgen.analysis.attribution.planning import Plan, few_of, make_plan
from reportgen.analysis.attribution.questions import Question
from reportgen.analysis.network.layers import summarize_network
from reportgen.attribution_settings import AttributionSettings, MethodWord
from reportgen.config import Config
from reportgen.models import load_network

SETTINGS = AttributionSettings(points=8, most_points=8, checked_images=1, costly_images=2)


@pytest.mark.parametrize(
    ("mistaken", "count", "places"),
    [
        ([False] * 4, 2, (0, 2)),
        ([False] * 3, 9, (0, 1, 2)),
        ([False, False, True, False], 1, (2,)),
        ([False, True, True, False, True], 2, (1, 2)),
        ([False, True, False, False], 3, (0, 1, 2)),
        ([True], 0, ()),
    ],
)
def test_few_images_are_mistakes_first(mistaken: Sequence[bool], count: int, places: tuple[int, ...]) -> None:
    assert few_of(mistaken, count) == places


def _plan(name: str, words: Sequence[MethodWord]) -> Plan:
    return make_plan(summarize_network(zoo.open_zoo(name)), words, SETTINGS, [False] * 4)


def test_methods_choose_themselves_by_what_the_network_has() -> None:
    assert dict(_plan("sequential_built", ["auto"]).methods) == {
        "grad-cam": (0, 1, 2, 3),
        "integrated-gradients": (0, 2),
    }
    assert _plan("vision_transformer", ["auto"]).methods["attention-rollout"] == (0, 1, 2, 3)


def test_methods_asked_for_run_on_all_images_where_they_can() -> None:
    assert dict(_plan("sequential_built", ["attention-rollout", "occlusion", "integrated-gradients"]).methods) == {
        "integrated-gradients": (0, 1, 2, 3),
        "occlusion": (0, 1, 2, 3),
    }


def _question(index: int, kind: str = "predicted") -> Question:
    return Question("out", kind, index, None, f"class {index}", None, lambda: class_logit(4, index))  # type: ignore[arg-type]


def test_every_question_gets_its_own_map_whatever_goes_together() -> None:
    """Images with one, two, three and no questions, against each question asked by itself."""
    network = load_network(Config(preprocess="unit"), two_convolutions(size=16))
    summary = summarize_network(network)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3)).astype(np.float32)
    asked = [
        [_question(1)],
        [_question(2), _question(0, "truth")],
        [_question(3), _question(1, "truth"), _question(0, "runner-up")],
        [],
    ]
    plan = make_plan(summary, ["grad-cam", "integrated-gradients"], SETTINGS, [False] * 4)
    found = explain(trace_network(network, summary, SETTINGS), list(pixels), asked, plan)
    cams = [one for one in found.maps if one.method == "grad-cam"]
    assert [(one.image, one.question.kind) for one in cams] == [
        (0, "predicted"),
        (1, "predicted"),
        (1, "truth"),
        (2, "predicted"),
        (2, "truth"),
        (2, "runner-up"),
    ]
    alone = TracedCall(network, ["conv2"])
    for one in cams:
        expected = grad_cam(alone, pixels[one.image : one.image + 1], [one.question.target])["conv2"].maps[0, 0]
        np.testing.assert_allclose(one.values, expected, atol=1e-6)
    paths = [one for one in found.maps if one.method == "integrated-gradients"]
    assert [(one.image, one.question.kind) for one in paths] == [
        (0, "predicted"),
        (1, "predicted"),
        (1, "truth"),
        (2, "predicted"),
        (2, "truth"),
    ]
    checked = [one for one in found.maps if one.faithfulness is not None]
    assert {one.image for one in checked} <= set(plan.checked)
    assert [(one.method, one.layer) for one in found.methods] == [("grad-cam", "conv2"), ("integrated-gradients", None)]
    assert all(one.agreement is not None for one in paths if one.positive_evidence)


def test_maps_without_evidence_do_not_tell_whether_weights_matter() -> None:
    """They are alike whatever the weights are: a network whose answers read nothing has none with evidence."""
    model = two_convolutions(size=16)
    model.layers[-1].set_weights([np.zeros_like(weight) for weight in model.layers[-1].get_weights()])
    network = load_network(Config(preprocess="unit"), model)
    summary = summarize_network(network)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype(np.float32)
    plan = make_plan(summary, ["grad-cam", "integrated-gradients"], SETTINGS, [False] * 2)
    found = explain(trace_network(network, summary, SETTINGS), list(pixels), [[_question(1)]] * 2, plan)
    assert not any(one.positive_evidence for one in found.maps)
    assert [(one.randomization, one.images) for one in found.methods] == [(None, 0)] * 2


def _often_dead() -> keras.Model:
    """Of three channels one lives, and it adds to the value; shuffled, mostly one of those that take away does."""
    image = keras.Input((16, 16, 3))
    maps = keras.layers.Conv2D(3, 3, padding="same", activation="relu", name="conv")(image)
    mean = keras.layers.GlobalAveragePooling2D(name="mean")(maps)
    model = keras.Model(image, keras.layers.Dense(1, name="value")(mean))
    random = np.random.default_rng(0)
    model.get_layer("conv").set_weights([random.normal(0.05, 0.1, (3, 3, 3, 3)), np.array([1.0, -99, -99])])
    model.get_layer("value").set_weights([np.array([[9.0], [-1], [-1]]), np.zeros(1)])
    return model


def test_weights_are_shuffled_anew_where_the_maps_say_nothing() -> None:
    """A dead network is no other one to be like: without a second try all correlations are zero."""
    network = load_network(Config(preprocess="unit"), _often_dead())
    summary = summarize_network(network)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype(np.float32)
    question = Question("value", "value", 0, None, "value", 0.0, lambda: output_value(1, 0))
    traced = trace_network(network, summary, SETTINGS)
    first = []
    told = []
    for seed in range(8):
        shuffled = randomize(traced, (16, 16, 3), 1.0, seed)
        first.append(grad_cam(shuffled, pixels, [question.target])["conv"].positive_evidence.any())
        plan = make_plan(summary, ["grad-cam"], SETTINGS, [False] * 2, seed=seed)
        (method,) = explain(traced, list(pixels), [[question]] * 2, plan).methods
        told.append(method.randomization != 0)
    assert not all(first)  # some die at the first time
    assert sum(told) > sum(first)
