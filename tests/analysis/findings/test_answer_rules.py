"""What stands out in answers: each rule with a planted positive, and a near-miss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.findings import (
    LATER,
    ORDERED,
    SOUND,
    Planted,
    check_planted,
    check_rule,
    columns,
    evidence_of,
    named,
    with_network,
)
from support.networks import two_convolutions
from support.settled import settled_output

from reportgen.analysis.findings import (
    answer_rules,
)
from reportgen.class_names import match_label

PLANTED: list[Planted] = [
    (
        "a loss",
        answer_rules.output_of_no_image,
        replace(SOUND, left_out={"loss": "one answer for all images together"}),
        ["info"],
    ),
    ("answers of each image", answer_rules.output_of_no_image, SOUND, []),
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
        replace(
            with_network(head=settled_output("multilabel", activation="sigmoid")), images=columns(2, answer_sums=[2, 3])
        ),
        [],
    ),
    (
        "no answers",
        answer_rules.improbable_sums,
        replace(SOUND, images=columns(2, predicted=[-1, -1], answer_sums=[np.nan, np.nan])),
        [],
    ),
    ("logits", answer_rules.plain_scores, with_network(head=settled_output(activation="linear")), ["info"]),
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
    (
        "too many names",
        answer_rules.label_count,
        with_network(head=settled_output(labels=("a", "b", "c", "d", "e"))),
        ["error"],
    ),
    ("too few names", answer_rules.label_count, with_network(head=settled_output(labels=("a", "b", "c"))), ["error"]),
    ("right names", answer_rules.label_count, SOUND, []),
    ("no names", answer_rules.label_count, with_network(head=settled_output()), []),
    (
        "two names, one score",
        answer_rules.label_count,
        with_network(head=settled_output(size=(1,), labels=("a", "b"), activation="sigmoid")),
        [],
    ),
    ("no classes", answer_rules.label_count, with_network(head=None), []),
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
]


@pytest.mark.parametrize(**named(PLANTED))
def test_rules(rule, evidence, severities):
    check_rule(rule, evidence, severities)


@pytest.mark.parametrize(("labels", "said"), [(("a",), "There is 1 name for 4 classes."), (("a", "b"), "There are 2 ")])
def test_names_are_counted(labels, said):
    (finding,) = answer_rules.label_count(with_network(head=settled_output(labels=labels)))
    assert finding.message.startswith(said)


def test_two_names_are_said_to_be_swapped():
    evidence = replace(
        with_network(labels=("cat", "dog")),
        images=columns(12, truth=np.arange(12) % 2, predicted=(np.arange(12) + 1) % 2),
    )
    (finding,) = answer_rules.label_order(evidence)
    assert finding.message.endswith("100% of the answers would be right with the two names swapped, 0% are as it is.")


def test_every_rule_has_a_planted_positive_and_a_near_miss():
    check_planted(answer_rules, PLANTED)


def test_images_predictions_and_truth(pixels):
    model = two_convolutions(16)
    evidence = evidence_of(model, pixels, truth=["3", "unheard of", *[""] * 10])
    expected = np.asarray(model(pixels / 255.0)).argmax(axis=1)
    np.testing.assert_array_equal(evidence.images.predicted, expected)
    assert evidence.images.truth.tolist() == [3, *[-1] * 11]
    assert match_label("3", None, 4) == 3
    np.testing.assert_array_equal(evidence.images.scale_y, 1)
