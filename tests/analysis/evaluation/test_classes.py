from __future__ import annotations

from pathlib import Path

import pytest

from reportgen.analysis.evaluation.classes import evaluate, read_truth
from reportgen.class_names import match_label
from reportgen.errors import ReportgenError
from reportgen.facts import Confusion, Mistake, Prediction

LABELS = ["cat", "dog, hound", "fish", "bird", "horse", "cow"]


def confusion(truth: str, predicted: str, count: int) -> Confusion:
    return Confusion(truth=truth, predicted=predicted, count=count)


def answer(*scores: tuple[int, float]) -> list[Prediction]:
    return [Prediction(index=index, label=LABELS[index], score=score) for index, score in scores]


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
    found = evaluate(truth, answers, LABELS, 6, probabilities=True)
    assert found.images == 5
    assert found.accuracy == pytest.approx(2 / 5)
    assert found.top5_accuracy == pytest.approx(3 / 5)
    assert found.unmatched == ("unicorn",)
    assert set(found.confusions) == {
        confusion("hound", "cat", 1), confusion("dog, hound", "cat", 1), confusion("unicorn", "bird", 1)
    }  # fmt: skip
    assert found.mistakes[0] == Mistake(image="b", truth="hound", predicted="cat", score=0.91)
    assert [mistake.image for mistake in found.mistakes] == ["b", "c", "e"]
    last = found.calibration[9]
    assert (last.count, last.accuracy, last.confidence) == (2, 0.5, pytest.approx(0.93))
    assert sum(item.count for item in found.calibration) == 5
    assert found.calibration[0].accuracy is None


def test_few_classes_have_no_top_five_and_logits_no_calibration() -> None:
    found = evaluate({"a": "cat"}, {"a": answer((0, 12.5))}, LABELS[:3], 3, probabilities=False)
    assert found.top5_accuracy is None
    assert found.calibration == ()


@pytest.mark.parametrize(
    ("given", "index"), [("Dog", 1), ("HOUND", 1), ("2", 2), ("9", None), ("mouse", None), ("dog,  hound", 1)]
)
def test_labels_are_matched_by_any_of_their_names_or_their_number(given: str, index: int | None) -> None:
    assert match_label(given, LABELS, 6) == index


def test_the_right_classes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "truth.csv"
    file.write_text('\ufefffile,label\nsub/a.png,cat\n"b, c.png","dog, hound"\n\nz.png,fish\n', encoding="utf-8")
    files = ["sub/a.png", "b, c.png", "elsewhere/z.png", "unknown.png"]
    assert read_truth(str(file), files) == {
        "sub/a.png": "cat", "b, c.png": "dog, hound", "elsewhere/z.png": "fish"
    }  # fmt: skip


def test_the_right_classes_from_folders() -> None:
    assert read_truth("folders", ["cat/1.png", "set/dog/2.png", "loose.png"]) == {
        "cat/1.png": "cat", "set/dog/2.png": "dog"
    }  # fmt: skip


def test_truth_that_cannot_be_used_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ReportgenError, match="cannot read"):
        read_truth(str(tmp_path / "absent.csv"), ["a.png"])
    (tmp_path / "short.csv").write_text("a.png\n", encoding="utf-8")
    with pytest.raises(ReportgenError, match="line 1"):
        read_truth(str(tmp_path / "short.csv"), ["a.png"])
    (tmp_path / "other.csv").write_text("q.png,cat\n", encoding="utf-8")
    with pytest.raises(ReportgenError, match="none fits"):
        read_truth(str(tmp_path / "other.csv"), ["a.png"])
    with pytest.raises(ReportgenError, match="folders named after"):
        read_truth("folders", ["a.png"])
