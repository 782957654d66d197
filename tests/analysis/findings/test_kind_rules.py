"""What stands out in answers of each kind: each rule with a planted positive, and a near-miss."""

from __future__ import annotations

import numpy as np
import pytest
from support.findings import Planted, check_planted, check_rule, named, with_answers

from reportgen.analysis.answers.truth import GivenTruth
from reportgen.analysis.findings import kind_rules

PLANTED: list[Planted] = [
    ("NaN", kind_rules.nonfinite_answers, with_answers(lost=[0, 3, 0]), ["error"]),
    ("numbers", kind_rules.nonfinite_answers, with_answers(lost=[0, 0, 0]), []),
    ("one unit", kind_rules.softmax_of_one, with_answers("values", (1,)), ["error"]),
    ("two units", kind_rules.softmax_of_one, with_answers("values", (2,)), []),
    ("one class", kind_rules.one_class_masks, with_answers("map", (2, 2, 2), [[0, 4, 1]] * 4), ["warning"]),
    ("another pixel", kind_rules.one_class_masks, with_answers("map", (2, 2, 2), [[0, 4, 1]] * 3 + [[1, 3, 1]]), []),
    (
        "no pixel of the one class",
        kind_rules.one_class_masks,
        with_answers("map", (2, 2, 1), [[0, 1]] * 4, activation="sigmoid"),
        ["warning"],
    ),
    ("few masks", kind_rules.one_class_masks, with_answers("map", (2, 2, 2), [[0, 4, 1]] * 3), []),
    (
        "all stuck",
        kind_rules.constant_answers,
        with_answers("values", (2,), [[1, 2]] * 4, activation="linear"),
        ["warning"],
    ),
    (
        "one stuck",
        kind_rules.constant_answers,
        with_answers("values", (2,), [[1, 2], [1, 3], [1, 4], [1, 5]], activation="linear"),
        ["info"],
    ),
    (
        "none stuck",
        kind_rules.constant_answers,
        with_answers("values", (1,), [[1], [1], [1], [1.001]], activation="linear"),
        [],
    ),
    ("poor picture", kind_rules.poor_pictures, with_answers("picture", (2, 2, 3), [[9, 120, 100]] * 4), ["info"]),
    (
        "poor picture against the input",
        kind_rules.poor_pictures,
        with_answers("picture", (2, 2, 3), [[9, 120, 100]] * 4, truth=GivenTruth("input", "input")),
        ["warning"],
    ),
    ("near picture", kind_rules.poor_pictures, with_answers("picture", (2, 2, 3), [[9, 99, 100]] * 4), []),
    ("other size", kind_rules.poor_pictures, with_answers("picture", (2, 2, 3), [[np.nan] * 3] * 4), []),
    ("twins", kind_rules.equal_outputs, with_answers(same_as="first"), ["warning"]),
    ("no twins", kind_rules.equal_outputs, with_answers(), []),
    ("values or scores", kind_rules.values_or_scores, with_answers("values", (3,), note="classes?"), ["info"]),
    ("values for certain", kind_rules.values_or_scores, with_answers("values", (3,)), []),
]


@pytest.mark.parametrize(**named(PLANTED))
def test_rules(rule, evidence, severities):
    check_rule(rule, evidence, severities)


def test_every_rule_has_a_planted_positive_and_a_near_miss():
    check_planted(kind_rules, PLANTED)
