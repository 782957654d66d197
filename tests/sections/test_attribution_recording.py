"""What is said of a map and its checks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from reportgen.analysis.attribution import Curve, Faithfulness, verdict
from reportgen.analysis.attribution.explained import Explained
from reportgen.analysis.attribution.planning import Plan
from reportgen.analysis.attribution.questions import class_question
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.attribution_settings import AttributionSettings
from reportgen.sections.attribution_recording import how_made, what_checks_say

OUTPUT = SettledOutput(0, "classes", "classes", (None, 3), (3,), "", labels=("ant", "bee", "cat"), activation="softmax")
PEAK = np.array([[0, 1], [2, 9]], np.float32)


@pytest.mark.parametrize(
    ("values", "gain", "randomization", "error", "said"),
    [
        (PEAK, 0.4, 0.1, 0.001, "Holds: as pixels go and come in its order, the answer follows."),
        (PEAK, 0.2, 0.1, None, "Weak: the answer follows it only somewhat better than chance."),
        (PEAK, 0.4, 0.1, 0.2, "Weak: it does not add up to what it explains."),
        (PEAK, 0.4, 0.6, None, "Weak: maps of shuffled weights are somewhat like those of this method."),
        (PEAK, 0.05, 0.1, None, "Explains nothing: the answer follows it no better than chance."),
        (
            PEAK,
            0.4,
            0.9,
            None,
            "Explains nothing: maps of shuffled weights are like those of this method, whatever was",
        ),
        (np.ones((2, 2), np.float32), 0.4, 0.1, None, "Explains nothing: it says the same of every place."),
    ],
)
def test_a_verdict_says_what_decided_it(
    values: np.ndarray, gain: float, randomization: float, error: float | None, said: str
) -> None:
    curve = Curve(0.5, 0.5, gain)
    curves = Faithfulness(curve, curve, score=1, deleted=0, blurred=0, span=1)
    one = Explained(
        image=0,
        question=class_question(OUTPUT, 0, "predicted", 0.9),
        method="integrated-gradients",
        layer=None,
        values=values,
        positive_evidence=True,
        completeness_error=error,
        faithfulness=curves,
        verdict=verdict(values, curves, randomization, error),
    )
    assert what_checks_say(one).startswith(said)


def test_a_map_that_was_not_checked_says_so() -> None:
    one = Explained(0, class_question(OUTPUT, 0, "predicted", None), "occlusion", None, PEAK, True)
    assert what_checks_say(one) == "Not checked."


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("predicted", "the logit (the score, where it has none)"),
        ("region", "the region's mean logit"),
        ("value", "the value"),
        ("nearest", "the likeness"),
        ("boxes", "the sum of the boxes' coordinates"),
    ],
)
@pytest.mark.parametrize("method", ["grad-cam", "layer-cam", "integrated-gradients", "occlusion"])
def test_what_is_explained_is_said_in_how_it_was_made(method: Any, kind: Any, said: str) -> None:
    question = replace(class_question(OUTPUT, 0, "predicted", None), kind=kind)
    one = Explained(0, question, method, None, PEAK, True, completeness_error=0.004, points=10)
    made = how_made(one, Plan({}, (), AttributionSettings()))
    assert said in made
    assert ("misses its change from grey to the image by 0.4 %" in made) == (method == "integrated-gradients")
