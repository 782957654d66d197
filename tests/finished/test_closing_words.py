from __future__ import annotations

from pathlib import Path

import pytest
from support.records import small_record

from reportgen.finished.closing_words import closing_words
from reportgen.finished.sizes import SIZE_RULE
from reportgen.record import EvaluationOutput, Record


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return small_record(tmp_path)


def said(record: Record) -> list[str]:
    return closing_words(record, Path("out/index.html"))


def starting(record: Record, start: str) -> list[str]:
    return [line.removeprefix(start) for line in said(record) if line.startswith(start)]


def test_the_order_is_findings_feeding_accuracy_and_the_page(record: Record) -> None:
    assert [line.partition(":")[0] for line in said(record)[:-1]] == ["findings", "fed", "accuracy"]
    assert said(record)[-1] == f"open {Path('out/index.html')}"
    assert not any("\n" in line for line in said(record))


def test_findings_are_counted_by_severity_and_the_worst_is_told(record: Record) -> None:
    kinds = {finding.severity: finding for finding in record.findings}
    error, warning, info = (kinds[name] for name in ("error", "warning", "info"))
    for findings, expected in (
        ([], "none"),
        ([info], f"1 note; it is: {info.message}"),
        ([info, warning, info], f"1 warning, 2 notes; the worst: {warning.message}"),
        ([info, warning, error, warning], f"1 error, 2 warnings, 1 note; the worst: {error.message}"),
    ):
        assert starting(record.model_copy(update={"findings": findings}), "findings: ") == [expected]


@pytest.mark.parametrize(("origin", "guessed"), [("fallback", True), ("flag", False), ("application", False)])
def test_a_guess_is_called_one(record: Record, origin: str, guessed: bool) -> None:
    preprocessing = record.model.preprocessing.model_copy(update={"origin": origin})
    model = record.model.model_copy(update={"preprocessing": preprocessing})
    (fed,) = starting(record.model_copy(update={"model": model}), "fed: ")
    assert preprocessing.mode in fed
    assert ("guess" in fed) == ("--preprocess" in fed) == guessed


def test_accuracy_is_told_where_there_was_truth(record: Record) -> None:
    assert starting(record, "accuracy: ") == ["50.0 % of 2 images, 100 % among the best five"]
    assert record.evaluation is not None
    one = record.evaluation.model_copy(update={"images": 1, "accuracy": 1.0, "top5_accuracy": None})
    assert starting(record.model_copy(update={"evaluation": one}), "accuracy: ") == ["100 % of 1 image"]
    assert starting(record.model_copy(update={"evaluation": None}), "accuracy: ") == []


def test_what_was_left_out_is_told_and_what_was_never_there_is_not(record: Record) -> None:
    notes = {"features": ("The arrays would add 9 MB.", True), "units": ("There are no channels.", False)}
    sections = [
        section.model_copy(update=dict(zip(("note", "left_out"), notes.get(section.slug, (None, False)), strict=True)))
        for section in record.sections
    ]
    small = record.findings[0].model_copy(update={"rule": SIZE_RULE, "message": "Pictures were stored coarsely."})
    shown = record.model_copy(update={"sections": sections, "findings": [small]})
    assert starting(shown, "left out: ") == ["Features: The arrays would add 9 MB.", "Pictures were stored coarsely."]


def test_every_answer_beside_the_classes_has_its_line(record: Record) -> None:
    assert record.evaluation is not None
    masks = EvaluationOutput(output="mask", kind="map", images=2, unmatched=0, mean_iou=0.5, pixel_accuracy=0.75)
    several = record.evaluation.model_copy(update={"outputs": (masks, *record.evaluation.outputs)})
    shown = record.model_copy(update={"evaluation": several})
    assert starting(shown, "accuracy: ") == ["50.0 % of 2 images, 100 % among the best five"]
    (line,) = starting(shown, "mask: ")
    assert line.startswith("75.0 % of the judged pixels of 2 images are right")
