from __future__ import annotations

import pytest
from support.settled import settled_output

from reportgen.analysis.answers.truth import GivenTruth, MatchedTruth, match_truth
from reportgen.analysis.evaluation.classes import evaluate
from reportgen.facts import Confusion, Mistake, Prediction

LABELS = ["cat", "dog, hound", "fish", "bird", "horse", "cow"]


def confusion(truth: str, predicted: str, count: int) -> Confusion:
    return Confusion(truth=truth, predicted=predicted, count=count)


def answer(*scores: tuple[int, float]) -> list[Prediction]:
    return [Prediction(index=index, label=LABELS[index], score=score) for index, score in scores]


def matched(truth: dict[str, str]) -> MatchedTruth:
    given = GivenTruth("table", "truth.csv", ("label",), {file: (label,) for file, label in truth.items()})
    return match_truth(given, settled_output(size=(6,), labels=tuple(LABELS)))


def test_a_hand_computed_case() -> None:
    truth = {"a": "cat", "b": "hound", "c": "dog, hound", "d": "fish", "e": "unicorn"}
    answers = {
        "a": answer((0, 0.95), (1, 0.05)),
        "b": answer((0, 0.91), (1, 0.09)),
        "c": answer((0, 0.55), (3, 0.25), (2, 0.20)),
        "d": answer((2, 0.42), (0, 0.40)),
        "e": answer((3, 0.30), (4, 0.29)),
        "without truth": answer((1, 1.0)),
    }
    found = evaluate(matched(truth), answers, 6, probabilities=True)
    assert found is not None
    assert found.images == 4
    assert found.accuracy == pytest.approx(2 / 4)
    assert found.top5_accuracy == pytest.approx(3 / 4)
    assert found.unmatched == ("unicorn",)
    assert set(found.confusions) == {
        confusion("hound", "cat", 1), confusion("dog, hound", "cat", 1)
    }  # fmt: skip
    assert found.mistakes[0] == Mistake(image="b", truth="hound", predicted="cat", score=0.91)
    assert [mistake.image for mistake in found.mistakes] == ["b", "c"]
    last = found.calibration[9]
    assert (last.count, last.accuracy, last.confidence) == (2, 0.5, pytest.approx(0.93))
    assert sum(item.count for item in found.calibration) == 4
    assert found.calibration[0].accuracy is None


def test_few_classes_have_no_top_five_and_logits_no_calibration() -> None:
    found = evaluate(matched({"a": "cat"}), {"a": answer((0, 12.5))}, 3, probabilities=False)
    assert found is not None
    assert found.top5_accuracy is None
    assert found.calibration == ()


def test_truth_that_matches_no_class_gives_no_figure() -> None:
    truth = matched({"a": "unicorn", "b": "griffin"})
    assert evaluate(truth, {"a": answer((0, 0.9)), "b": answer((1, 0.8))}, 6, probabilities=True) is None
