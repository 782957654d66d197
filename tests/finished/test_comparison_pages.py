from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reportgen.errors import ReportgenError
from reportgen.files.manifest import write_manifest
from reportgen.finished import comparison_pages
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


def test_pictures_of_the_front_page_are_there_however_few_figures_are_shown(
    small: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison_pages, "MOST_PAIRS", 1)
    source = tmp_path / "source"
    shutil.copytree(small.folder, source)
    shutil.copy(source / "assets" / "filters-17x35.webp", source / "assets" / "own.webp")
    figures = [
        figure.model_copy(update={"picture": "assets/own.webp"}) if figure.layer == "conv2" else figure
        for figure in small.record.figures
    ]
    record = small.record.model_copy(update={"figures": figures})
    found = compare(record, record)
    moved = replace(found, figures=tuple(replace(pair, apart=1.0) for pair in found.figures))
    out = tmp_path / "out"
    write_comparison(moved, (source, source), out)
    write_manifest(out, "comparison")
    assert "assets/own.webp" in (out / "index.html").read_text(encoding="utf-8")
    assert verify_report(out) == []
