"""Networks whose answers are of different kinds are not said to agree, nor to differ."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.records import answers_record

from reportgen.finished.comparison import compare
from reportgen.finished.comparison_words import comparison_markdown, sentences

NOT_COMPARED = "answers are not of one kind, so they are not compared."


@pytest.mark.parametrize(("one", "other"), [("map", "values"), ("classes", "map"), ("values", "classes")])
def test_answers_of_different_kinds_are_not_compared(one: str, other: str, tmp_path: Path) -> None:
    records = [answers_record(tmp_path / kind, (kind,)) for kind in (one, other)]
    found = compare(*records)
    assert any(NOT_COMPARED in sentence for sentence in sentences(found))
    said = comparison_markdown(found)
    assert "the same" not in said.split("## ")[0]
    assert "Answers that changed" not in said


def test_answers_of_one_kind_are(tmp_path: Path) -> None:
    records = [answers_record(tmp_path / name, ("values",)) for name in ("a", "b")]
    assert not any(NOT_COMPARED in sentence for sentence in sentences(compare(*records)))
