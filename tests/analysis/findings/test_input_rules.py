"""What stands out in the images as the network gets them: each rule with a planted positive, and a near-miss."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.findings import (
    SOUND,
    Planted,
    check_planted,
    check_rule,
    columns,
    evidence_of,
    named,
    rules_of,
)
from support.images import random_images
from support.networks import two_convolutions

from reportgen.analysis import findings
from reportgen.analysis.findings import (
    input_rules,
)

PLANTED: list[Planted] = [
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


@pytest.mark.parametrize(**named(PLANTED))
def test_rules(rule, evidence, severities):
    check_rule(rule, evidence, severities)


def test_every_rule_has_a_planted_positive_and_a_near_miss():
    check_planted(input_rules, PLANTED)


def test_images_of_other_sizes():
    evidence = evidence_of(two_convolutions(16), random_images(6, 6, 16), resize="pad")
    assert set(evidence.images.scale_y) == {1.0}
    evidence = evidence_of(two_convolutions(16), random_images(6, 4, 16))
    assert set(evidence.images.scale_y) == {4.0}
    assert "distorted-images" in rules_of(findings.find(evidence))
