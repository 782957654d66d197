"""Findings of all rules together: their order, and a network with which all is well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from support.findings import (
    SOUND,
    channels,
    evidence_of,
    rules_of,
    with_channels,
)
from support.networks import two_convolutions

from reportgen.analysis import findings

HERE = Path(__file__).parent


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


def test_a_sound_network(pixels):
    evidence = evidence_of(two_convolutions(16), pixels)
    assert evidence.capture_difference < 1e-6
    assert evidence.images.predicted.min() >= 0
    np.testing.assert_allclose(evidence.images.answer_sums, 1, atol=1e-5)
    given = findings.find(evidence)
    assert not [finding for finding in given if finding.severity == "error"]
    assert not rules_of(given) & {"zero-filters", "duplicate-filters", "constant-filters", "untrained-weights"}


def test_every_module_of_rules_has_tests_of_its_own():
    modules = {rule.__module__.rpartition(".")[2] for rule in findings.RULES}
    assert modules == {path.stem.removeprefix("test_") for path in HERE.glob("test_*_rules.py")}
