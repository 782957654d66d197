"""What stands out in the values of images: each rule with a planted positive, and a near-miss."""

from __future__ import annotations

import numpy as np
import pytest
from support.findings import (
    Planted,
    check_planted,
    check_rule,
    named,
    with_values,
)

from reportgen.analysis.findings import (
    value_rules,
)

PLANTED: list[Planted] = [
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
]


@pytest.mark.parametrize(**named(PLANTED))
def test_rules(rule, evidence, severities):
    check_rule(rule, evidence, severities)


def test_every_rule_has_a_planted_positive_and_a_near_miss():
    check_planted(value_rules, PLANTED)
