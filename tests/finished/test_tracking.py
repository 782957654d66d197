"""Reports in a tracker: what MLflow was given is read back from a store of its own, a folder."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reportgen import record as r
from reportgen.errors import ReportgenError, UsageError
from reportgen.files.manifest import read_manifest
from reportgen.finished.bundle import bundle_text
from reportgen.finished.finished_report import Report
from reportgen.finished.tracking import record_figures
from reportgen.record.review import ClassScore, Corruption, SeverityScore

pytestmark = pytest.mark.filterwarnings("default")  # MLflow's own, and those of what it loads


@pytest.fixture
def mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """MLflow with an empty store in a folder; nothing of it is left active."""
    module = pytest.importorskip("mlflow", reason="MLflow is not installed: pip install 'reportgen[mlflow]'")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # versions from 3.7 on ask whether it is meant
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    before = module.get_tracking_uri() if "MLFLOW_TRACKING_URI" in os.environ else None
    module.set_tracking_uri((tmp_path / "store").as_uri())
    yield module
    while module.active_run() is not None:
        module.end_run()
    module.set_tracking_uri(before)


def stored(mlflow: Any, run: str, place: Path) -> dict[str, bytes]:
    """Every artifact of a run by its path, downloaded through MLflow."""
    (place / "held").mkdir()
    folder = Path(mlflow.artifacts.download_artifacts(run_id=run, dst_path=str(place / "held")))
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_run_holds_the_file_the_folder_and_the_figures(mlflow: Any, small: Any, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(small.folder, folder)
    (folder / "notes.txt").write_text("of the user")
    run = Report(path=folder, data=small.record).log_to("mlflow")

    held = stored(mlflow, run, tmp_path)
    assert held.pop("report.html").decode() == bundle_text(folder)
    expected = {*(f"report/{name}" for name in read_manifest(folder)), "report/manifest.json"}
    assert set(held) == expected  # and not the notes
    assert all(content == (folder / name.removeprefix("report/")).read_bytes() for name, content in held.items())
    assert mlflow.get_run(run).data.metrics == record_figures(small.record)
    assert mlflow.get_run(run).info.status == "FINISHED"
    assert mlflow.active_run() is None


def test_the_active_run_is_used_and_goes_on(mlflow: Any, small: Any, tmp_path: Path) -> None:
    file = tmp_path / "one.html"
    file.write_text("<!doctype html><title>Übersicht</title>", encoding="utf-8")
    with mlflow.start_run() as run:
        mlflow.log_metric("loss", 0.5)
        assert Report(path=file, data=small.record).log_to("mlflow") == run.info.run_id
        assert mlflow.active_run().info.run_id == run.info.run_id
    held = stored(mlflow, run.info.run_id, tmp_path)
    assert held == {"report.html": file.read_bytes()}  # a report that is one file has no folder
    assert mlflow.get_run(run.info.run_id).data.metrics["loss"] == 0.5


def test_what_mlflow_refuses_is_one_line(mlflow: Any, small: Any) -> None:
    mlflow.set_tracking_uri("nowhere://store")
    with pytest.raises(ReportgenError, match="log_to: expected MLflow to take the report") as told:
        Report(path=small.folder, data=small.record).log_to("mlflow")
    assert "\n" not in str(told.value)


def test_the_figures_are_those_of_the_record(small: Any) -> None:
    record = small.record
    figures = record_figures(record)
    assert figures["parameters"] == record.model.parameter_count
    assert figures["errors"] == sum(finding.severity == "error" for finding in record.findings)
    assert figures["warnings"] == sum(finding.severity == "warning" for finding in record.findings)
    assert all(re.fullmatch(r"[a-z0-9_.]+", name) for name in figures)  # none that a class or an output names
    plain = record.model_copy(
        update={"evaluation": None, "findings": [], "model": record.model.model_copy(update={"mac_count": None})}
    )
    figures = record_figures(plain)
    assert not {"accuracy", "top5_accuracy", "multiply_accumulates"} & set(figures)
    assert figures["errors"] == figures["warnings"] == 0


def test_what_is_judged_is_among_the_figures_but_not_class_by_class(small: Any) -> None:
    cat = ClassScore(label="cat / kitten", count=4, precision=0.5, recall=1.0, f1=0.6)
    scores = {"accuracy": 0.75, "ece": 0.125, "nll": float("nan"), "per_class": [cat]}
    output = r.EvaluationOutput(output="scores", kind="classes", images=4, unmatched=0, **scores)
    severity = SeverityScore(severity=3, score=0.25, agreement=0.5, mean_confidence=None)
    blur = Corruption(name="blur", severities=[severity])
    record = small.record.model_copy(
        update={
            "evaluation": small.record.evaluation.model_copy(update={"outputs": (output,)}),
            "robustness": r.Robustness(images=4, seed=0, clean=0.75, corruptions=[blur], shifts=[]),
        }
    )
    figures = record_figures(record)
    assert {
        "accuracy": 0.75,
        "ece": 0.125,
        "robustness.clean": 0.75,
        "robustness.blur.3": 0.25,
    }.items() <= figures.items()
    assert "nll" not in figures  # MLflow's charts have no place for what is no number
    assert not [name for name in figures if "cat" in name or "scores" in name]


def test_a_tracker_that_is_not_known_or_not_there_is_told(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    report = Report(path=small.folder, data=small.record)
    with pytest.raises(UsageError, match="expected one of mlflow, got 'mlfow'"):
        report.log_to("mlfow")
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ReportgenError, match=r"pip install \"reportgen\[mlflow\]\""):
        report.log_to("mlflow")


def test_a_finished_report_prints_as_a_line(small: Any) -> None:
    shown = Report(path=small.folder, data=small.record)
    assert str(shown) == repr(shown)
    assert str(shown).startswith(f"report of {small.record.model.name}: 1 error, ")
    assert str(shown).endswith("index.html")
    assert "\n" not in str(shown)
    file = small.folder.parent / "report.html"
    assert str(Report(path=file, data=small.record.model_copy(update={"findings": []}))).endswith(
        f"no findings; open {file}"
    )
