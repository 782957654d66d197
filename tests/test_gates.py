from __future__ import annotations

import math

import pytest

from reportgen.errors import UsageError
from reportgen.gates import FailedGate, Gate, check_gates, parse_gates

FIGURES = {
    "accuracy": 0.93,
    "ece": 0.04,
    "iou.road": 0.7,
    "robustness.blur.3": 0.55,
    "duplicates": 0.0,
    "roc_auc": None,
    "nll": math.nan,
}


def test_tables_within_tables_are_names_with_dots() -> None:
    entries = {"iou": {"road": ">= 0.6"}, "robustness": {"blur": {"3": "> .7"}}, "duplicates": "==0"}
    assert parse_gates(entries) == (
        Gate("iou.road", ">=", 0.6),
        Gate("robustness.blur.3", ">", 0.7),
        Gate("duplicates", "==", 0.0),
    )


@pytest.mark.parametrize(
    ("comparison", "figure", "holds"),
    [
        (">=", 0.5, True),
        (">=", 0.49, False),
        ("<=", 0.5, True),
        ("<=", 0.51, False),
        (">", 0.5, False),
        ("<", 0.5, False),
        ("==", 0.5, True),
        ("!=", 0.5, False),
        (">=", math.nan, False),
        ("<=", None, False),
    ],
)
def test_a_figure_is_held_against_the_limit(comparison: str, figure: float | None, holds: bool) -> None:
    assert Gate("accuracy", comparison, 0.5).holds(figure) is holds


@pytest.mark.parametrize("entry", ["0.9", ">= ", ">= much", "=> 0.9", "= 0.9", "<= nan", "> inf", 0.9, True, [">= 1"]])
def test_an_entry_that_is_no_comparison_is_refused_by_name(entry: object) -> None:
    with pytest.raises(UsageError, match=r'^gates: iou\.road: expected a comparison .* such as ">= 0\.9", got '):
        parse_gates({"iou": {"road": entry}})


def test_only_gates_that_fail_are_told_each_in_a_line() -> None:
    gates = parse_gates({"accuracy": ">= 0.9", "robustness.blur.3": ">= 0.7", "duplicates": "== 0", "roc_auc": "> 0"})
    failed = check_gates(gates, FIGURES)
    assert failed == (FailedGate(gates[1], 0.55), FailedGate(gates[3], None))
    assert [str(one) for one in failed] == [
        "gate robustness.blur.3: expected >= 0.7, got 0.55",
        "gate roc_auc: expected > 0, got no such figure here",
    ]


def test_all_gates_that_hold_fail_none() -> None:
    assert check_gates(parse_gates({"accuracy": ">= 0.93", "ece": "<= 0.05"}), FIGURES) == ()


@pytest.mark.parametrize(
    ("name", "near"), [("acuracy", "accuracy"), ("robustness.blurr.3", "robustness.blur.3"), ("IOU.Roads", "iou.road")]
)
def test_an_unknown_figure_is_refused_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"no figure is called {name}; did you mean .*{near}"):
        check_gates((Gate(name, ">=", 0.5),), FIGURES)


def test_an_unknown_figure_like_none_is_refused_with_some_there_are() -> None:
    with pytest.raises(UsageError, match="this report has accuracy, duplicates, ece"):
        check_gates((Gate("zzzzzz", ">=", 0.5),), FIGURES)
    with pytest.raises(UsageError, match="this report has none"):
        check_gates((Gate("accuracy", ">=", 0.5),), {})
