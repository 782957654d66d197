from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reportgen.errors import ReportgenError
from reportgen.files.manifest import write_manifest
from reportgen.finished.comparison import compare
from reportgen.finished.comparison_pages import write_comparison
from reportgen.finished.verification import verify_report

if TYPE_CHECKING:
    from conftest import Written


def test_two_reports_side_by_side(small: Written, hostile: Written, tmp_path: Path) -> None:
    write_comparison(compare(small.record, hostile.record), (small.folder, hostile.folder), tmp_path)
    write_manifest(tmp_path, "comparison")
    assert verify_report(tmp_path) == []
    front = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "They share no image." in front
    assert "only in A" in front
    assert "<img src=x" not in front
    assert "report.json" not in front


def test_what_changed_is_marked(small: Written, tmp_path: Path) -> None:
    layers = [
        layer.model_copy(update={"parameter_count": layer.parameter_count + 1}) if layer.name == "conv1" else layer
        for layer in small.record.layers
    ]
    other = small.record.model_copy(update={"layers": layers})
    write_comparison(compare(small.record, other), (small.folder, small.folder), tmp_path)
    rows = (tmp_path / "layers.html").read_text(encoding="utf-8")
    assert "parameters: <span" in rows
    assert "1,793" in rows
    front = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "B is right as often as A on 2 images; no answer changed." in front
    assert "1 layer built differently." in front
    assert "1 of 7 layers differ" in front
    assert (tmp_path / "figures.html").exists()
    assert (tmp_path / "maximized.html").exists()


def test_a_missing_picture(small: Written, tmp_path: Path) -> None:
    with pytest.raises(ReportgenError, match="make the report again"):
        write_comparison(compare(small.record, small.record), (tmp_path, tmp_path), tmp_path / "out")
