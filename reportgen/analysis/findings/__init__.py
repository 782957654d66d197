"""What stands out in a network and its answers, found by rules from what was measured.

A rule is a function from `Evidence` to findings. It lies in a module named after what it looks at, with its
thresholds and the reasons for them, and takes part by its place in `RULES`.
"""

from collections.abc import Callable, Iterator

from reportgen.analysis.findings import (
    activation_rules,
    answer_rules,
    attribution_rules,
    input_rules,
    kind_rules,
    preprocessing_rules,
    review_rules,
    truth_rules,
    value_rules,
    weight_rules,
)
from reportgen.analysis.findings.evidence import Evidence, MaskFacts, ReviewEvidence
from reportgen.analysis.findings.gathering import gather_evidence
from reportgen.analysis.findings.shown_images import images_to_look_at
from reportgen.facts import SEVERITIES
from reportgen.results import Finding

Rule = Callable[[Evidence], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    activation_rules.capture_mismatch,
    weight_rules.nonfinite_weights,
    activation_rules.nonfinite_activations,
    preprocessing_rules.scaled_twice,
    preprocessing_rules.unlikely_preprocessing,
    preprocessing_rules.guessed_preprocessing,
    preprocessing_rules.unchecked_preprocessing,
    preprocessing_rules.held_input,
    kind_rules.nonfinite_answers,
    kind_rules.softmax_of_one,
    truth_rules.unmatched_truth,
    truth_rules.unmatched_masks,
    answer_rules.improbable_sums,
    answer_rules.label_count,
    answer_rules.label_order,
    answer_rules.class_collapse,
    review_rules.leakage,
    review_rules.worse_than_baseline,
    review_rules.weak_slices,
    review_rules.overconfident,
    review_rules.collapsing,
    review_rules.duplicates,
    kind_rules.one_class_masks,
    kind_rules.constant_answers,
    kind_rules.poor_pictures,
    kind_rules.equal_outputs,
    weight_rules.untrained_weights,
    weight_rules.untouched_moments,
    activation_rules.load_notes,
    activation_rules.skipped_images,
    activation_rules.saturated_activations,
    weight_rules.zero_filters,
    weight_rules.constant_filters,
    weight_rules.duplicate_filters,
    activation_rules.dead_channels,
    activation_rules.stuck_channels,
    activation_rules.rare_channels,
    value_rules.values_not_finite,
    value_rules.values_outside_range,
    value_rules.shallow_depth,
    value_rules.constant_images,
    input_rules.distorted_images,
    input_rules.enlarged_images,
    weight_rules.pruned_weights,
    weight_rules.oversized_dense,
    attribution_rules.surviving_maps,
    attribution_rules.same_place,
    attribution_rules.evidence_on_border,
    attribution_rules.evidence_on_padding,
    attribution_rules.evidence_off_object,
    attribution_rules.mistaken_places,
    answer_rules.plain_scores,
    answer_rules.output_of_no_image,
    review_rules.suspicious,
    review_rules.outliers,
    review_rules.unbalanced_truth,
    review_rules.few_images,
    kind_rules.values_or_scores,
    truth_rules.names_from_folders,
    truth_rules.odd_names,
    truth_rules.odd_truth,
)


# Findings of one rule shown one by one; a network may have hundreds of layers of which the same is true.
MOST_OF_A_RULE = 6


def find(evidence: Evidence) -> tuple[Finding, ...]:
    """What stands out in `evidence`, the worst first, else in the order of the rules and of the layers."""
    found = [finding for rule in RULES for finding in _limited(list(rule(evidence)))]
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))


def _limited(found: list[Finding]) -> list[Finding]:
    """At most `MOST_OF_A_RULE` findings of a rule: the worst, and one that counts the others."""
    if len(found) <= MOST_OF_A_RULE:
        return found
    worst = sorted(found, key=lambda finding: (SEVERITIES.index(finding.severity), -len(finding.channels)))
    shown = {id(finding) for finding in worst[: MOST_OF_A_RULE - 1]}
    rest = [finding for finding in found if id(finding) not in shown]
    places = [finding.layer or finding.image or "" for finding in rest]
    listed = ", ".join(places[:MOST_OF_A_RULE])
    summary = Finding(
        rule=rest[0].rule,
        severity=min((finding.severity for finding in rest), key=SEVERITIES.index),
        message=f"The same is true of {len(rest)} more: {listed}{', ...' if len(rest) > MOST_OF_A_RULE else ''}.",
        measured=f"{len(found)} in all, the strongest shown one by one",
        threshold=rest[0].threshold,
        why=rest[0].why,
        action=rest[0].action,
    )
    return [*(finding for finding in found if id(finding) in shown), summary]


__all__ = ["Evidence", "MaskFacts", "RULES", "ReviewEvidence", "Rule", "find", "gather_evidence", "images_to_look_at"]
