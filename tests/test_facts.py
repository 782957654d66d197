from __future__ import annotations

import json
import math

import pytest
from pydantic import ValidationError

from reportgen import facts
from reportgen.facts import SEVERITIES, Evaluation, Mistake, Prediction, ReceptiveField, Scale


def test_facts_do_not_change_and_refuse_what_they_do_not_know() -> None:
    found = Prediction(index=3, label=None, score=0.5)
    with pytest.raises(ValidationError, match="frozen"):
        found.score = 1.0
    with pytest.raises(ValidationError, match="colour"):
        Prediction(index=3, label=None, score=0.5, colour="red")
    with pytest.raises(ValidationError, match="score"):
        Prediction(index=3, label=None)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_written_as_null(value: float) -> None:
    written = Scale(low=value, high=1.0, colormap="grey", basis="each map").model_dump_json()
    assert json.loads(written) == {"low": None, "high": 1.0, "colormap": "grey", "basis": "each map"}


def test_facts_with_parts_are_read_back_equal_and_can_be_counted() -> None:
    mistake = Mistake(image="a.png", truth="cat", predicted="dog", score=0.9)
    found = Evaluation(
        images=2,
        accuracy=0.5,
        top5_accuracy=None,
        unmatched=("cow",),
        confusions=(),
        mistakes=(mistake,),
        calibration=(),
    )
    again = Evaluation.model_validate_json(found.model_dump_json())
    assert again == found
    assert len({found, again}) == 1


def test_the_box_of_a_position() -> None:
    field = ReceptiveField(size=(5, 3), stride=(2.0, 1.0), padding=(2.0, 0.0))
    assert field.box(1, 4) == (0.0, 4.0, 5.0, 7.0)


def test_every_fact_says_what_it_is() -> None:
    found = [one for one in vars(facts).values() if isinstance(one, type) and issubclass(one, facts.Fact)]
    assert len(found) > 10
    assert all(one.__doc__ for one in found)


def test_the_worst_comes_first() -> None:
    assert sorted(["info", "error", "warning"], key=SEVERITIES.index) == ["error", "warning", "info"]
