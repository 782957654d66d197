"""What stands out in the preprocessing: each rule with a planted positive, and a near-miss."""

from __future__ import annotations

from dataclasses import replace

import keras
import pytest
from keras import layers
from support.findings import (
    NETWORK,
    SOUND,
    Planted,
    check_planted,
    check_rule,
    evidence_of,
    judged,
    named,
    trial,
    with_network,
    with_trials,
)
from support.networks import two_convolutions

from reportgen.analysis.findings import preprocessing_rules as rules
from reportgen.analysis.findings.evidence import Evidence


def renamed(evidence: Evidence, share: float) -> Evidence:
    """Evidence whose answers would be right on `share` of the images under the best names."""
    assert evidence.preprocessing is not None
    return replace(evidence, preprocessing=replace(evidence.preprocessing, renamed=share))


PLANTED: list[Planted] = [
    ("guess", rules.guessed_preprocessing, with_network(preprocessing_origin="fallback"), ["warning"]),
    ("no guess", rules.guessed_preprocessing, SOUND, []),
    ("twice", rules.scaled_twice, with_network(scaled_twice=True), ["error"]),
    ("rounded", rules.scaled_twice, with_network(rounded_away=True), ["error"]),
    ("once", rules.scaled_twice, SOUND, []),
    ("held", rules.held_input, with_network(held=(("age", (1,)), ("right", (8, 8, 3)))), ["warning", "warning"]),
    ("none held", rules.held_input, SOUND, []),
    ("truth", rules.unlikely_preprocessing, judged(("unit", 60), ("tf", 90, 32, 2)), ["error"]),
    (
        "truth against moments of the mode used",
        rules.unlikely_preprocessing,
        judged(("unit", 78, 0, 0, 0.1), ("caffe", 90, 14, 2, 900.0)),
        [],
    ),
    (
        "names in another order",
        rules.unlikely_preprocessing,
        renamed(judged(("unit", 0), ("tf", 40, 40, 0)), 0.9),
        [],
    ),
    (
        "wrong under any names",
        rules.unlikely_preprocessing,
        renamed(judged(("unit", 20), ("tf", 90, 72, 2)), 0.4),
        ["error"],
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
]


@pytest.mark.parametrize(**named(PLANTED))
def test_rules(rule, evidence, severities):
    check_rule(rule, evidence, severities)


def test_every_rule_has_a_planted_positive_and_a_near_miss():
    check_planted(rules, PLANTED)


def test_other_modes_are_not_tried_where_the_network_rescales_by_itself(pixels):
    model = keras.Sequential([keras.Input((16, 16, 3)), layers.Rescaling(1 / 255), two_convolutions(16)])
    assert evidence_of(model, pixels, preprocess="auto").preprocessing is None
    assert evidence_of(two_convolutions(16), pixels).preprocessing is not None
