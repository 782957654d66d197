"""A finished report handed to an experiment tracker, through the tracker's own public functions."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reportgen.errors import ReportgenError, UsageError, one_line
from reportgen.files.inside import Inside
from reportgen.files.manifest import MANIFEST, read_manifest
from reportgen.finished.bundle import bundle_text, write_bundle
from reportgen.finished.gate_figures import gate_figures
from reportgen.finished.summary import measures
from reportgen.record import Record

TRACKERS = ("mlflow",)

# Under these names the report stands among a run's artifacts, whatever it was called on disk.
SINGLE, FOLDER = "report.html", "report"


def log_report(tracker: str, path: Path, record: Record) -> str:
    """Hand the report at `path`, a folder or one file, to `tracker`.

    Returns:
        The identifier of the run that has it: the active one, else one that was started for it and ended.

    Raises:
        UsageError: there is no such tracker.
        ReportgenError: the tracker is not installed, or does not take the report.
    """
    if tracker not in TRACKERS:
        raise UsageError(f"log_to: expected one of {', '.join(TRACKERS)}, got {tracker!r}")
    try:
        import mlflow
    except ImportError as error:
        raise ReportgenError(
            'log_to: expected MLflow to be installed, it is not; install it with pip install "reportgen[mlflow]"'
        ) from error
    with tempfile.TemporaryDirectory(prefix="reportgen-") as made:
        handed = _lay_out(path, Path(made))
        try:
            with _run(mlflow, record.site.title) as run:
                mlflow.log_metrics(record_figures(record))
                mlflow.log_artifacts(str(handed))
                return str(run.info.run_id)
        except mlflow.exceptions.MlflowException as error:
            raise ReportgenError(
                f"log_to: expected MLflow to take the report, it does not: {one_line(str(error))}; "
                "look at its tracking address"
            ) from error


@contextmanager
def _run(mlflow: Any, title: str) -> Iterator[Any]:
    """The active run, which goes on, or a new one, which ends here."""
    active = mlflow.active_run()
    if active is not None:
        yield active
        return
    with mlflow.start_run(run_name=title) as run:
        yield run


def _lay_out(path: Path, place: Path) -> Path:
    """Put the single file and, where there is one, the folder beside it in `place`, which is returned.

    Viewers of trackers show one file with its pictures, of a folder the pages alone. Of the folder only what its
    manifest lists is taken: what else lies there, such as `.git`, is the user's.
    """
    if not path.is_dir():
        write_bundle(path.read_text(encoding="utf-8"), place / SINGLE)
        return place
    write_bundle(bundle_text(path), place / SINGLE)
    inside = Inside(path)
    for name in (*read_manifest(path), MANIFEST):
        inside.copy(name, f"{MANIFEST}: files", place / FOLDER)
    return place


def record_figures(record: Record) -> dict[str, float]:
    """The figures of a report that one follows over runs, by name; those it does not have are left out.

    Those of its summary, and those that gates are on, under the same names, of the network's first output as a whole,
    of its robustness and of the set of images.
    """
    judged = {
        name: value
        for name, value in gate_figures(record, ()).items()
        if value is not None
        and math.isfinite(value)
        and ("." not in name or name.startswith("robustness."))  # not of every class, nor of every output again
    }
    followed = {one.name: float(one.value) for one in measures(record) if "." not in one.name}
    return followed | judged
