"""What stands out in what answers are judged by: each rule with a planted positive, and a near-miss."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.findings import SOUND, Planted, check_planted, check_rule, given, named, with_answers

from reportgen.analysis.answers.truth import GivenTruth
from reportgen.analysis.findings import Evidence, MaskFacts, ReviewEvidence, truth_rules


def masks(shown: tuple[str, ...], *, unjudged: int = 0, unmatched: int = 0) -> Evidence:
    facts = MaskFacts("out", ("background", "road"), shown, unjudged, unmatched)
    return replace(SOUND, review=ReviewEvidence(masks=(facts,)))


PLANTED: list[Planted] = [
    ("no class matches", truth_rules.unmatched_truth, with_answers(truth=given("unicorn", "griffin")), ["warning"]),
    ("one class unmatched", truth_rules.unmatched_truth, with_answers(truth=given("a", "griffin")), ["warning"]),
    ("no line matches", truth_rules.unmatched_truth, with_answers(truth=given(missing=("q.png",))), ["warning"]),
    ("no folders", truth_rules.unmatched_truth, with_answers(truth=GivenTruth("folders", "folders")), ["warning"]),
    (
        "no mask matches",
        truth_rules.unmatched_truth,
        with_answers("map", (2, 2, 2), truth=GivenTruth("pictures", "masks", missing=("q.png",))),
        ["warning"],
    ),
    (
        "no picture",
        truth_rules.unmatched_truth,
        with_answers("map", (2, 2, 1), truth=GivenTruth("input", "input")),
        ["warning"],
    ),
    (
        "a picture",
        truth_rules.unmatched_truth,
        with_answers("picture", (2, 2, 1), truth=GivenTruth("input", "input")),
        [],
    ),
    ("all matches", truth_rules.unmatched_truth, with_answers(truth=given("a", "b")), []),
    ("white is not judged", truth_rules.unmatched_masks, masks(("background",), unjudged=900), ["warning"]),
    ("nothing is judged", truth_rules.unmatched_masks, masks((), unjudged=900), ["warning"]),
    ("numbers of no class", truth_rules.unmatched_masks, masks(("background", "road"), unmatched=7), ["warning"]),
    ("edges not judged", truth_rules.unmatched_masks, masks(("background", "road"), unjudged=900), []),
    ("one class, all judged", truth_rules.unmatched_masks, masks(("background",)), []),
    ("no truth", truth_rules.unmatched_truth, with_answers(), []),
    ("lost lines", truth_rules.odd_truth, with_answers(truth=given("a", missing=("q.png",))), ["info"]),
    ("twice", truth_rules.odd_truth, with_answers(truth=given("a", duplicates=("q.png",))), ["info"]),
    ("for two", truth_rules.odd_truth, with_answers(truth=replace(given("a"), shared=("q.png",))), ["info"]),
    ("none lost", truth_rules.odd_truth, with_answers(truth=given("a")), []),
    ("folders' names", truth_rules.names_from_folders, replace(with_answers(), named_by_folders=("out",)), ["info"]),
    ("own names", truth_rules.names_from_folders, with_answers(), []),
    ("blank lines", truth_rules.odd_names, replace(SOUND, label_notes=("blank lines: line 2",)), ["info"]),
    ("no blank lines", truth_rules.odd_names, SOUND, []),
]


@pytest.mark.parametrize(**named(PLANTED))
def test_rules(rule, evidence, severities):
    check_rule(rule, evidence, severities)


def test_every_rule_has_a_planted_positive_and_a_near_miss():
    check_planted(truth_rules, PLANTED)


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (with_answers("embedding", (8,), truth=given("a")), "--answer out=KIND"),
        (with_answers("other", (4, 4, 1), truth=GivenTruth("pictures", "depths")), "--answer out=KIND"),
        (with_answers("multilabel", (3,), truth=given("0.25", "0.5")), "values, points or boxes"),
        (with_answers("classes", (3,), truth=given("griffin")), "as the network's labels have them"),
        (with_answers(truth=GivenTruth("folders", "folders")), "the folder that holds a folder for each class"),
        (with_answers(truth=given(missing=("q.png",))), "Write files as the report names images"),
        (
            with_answers("map", (2, 2, 2), truth=GivenTruth("pictures", "masks", missing=("q.png",))),
            "pictures of the same name",
        ),
        (with_answers("map", (2, 2, 1), truth=GivenTruth("input", "input")), "say --answer out=picture"),
    ],
)
def test_what_can_be_done_about_truth_that_matches_nothing_follows_from_the_answer(evidence, said):
    (finding,) = truth_rules.unmatched_truth(evidence)
    assert said in finding.action
