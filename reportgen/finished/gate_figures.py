"""The figures of a report that gates are on, by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reportgen.facts import Fact
from reportgen.gates import Gate
from reportgen.record import Dataset, EvaluationOutput, Record, Robustness

# Of every output as a whole; and by class, label or value, as in iou.road.
_WHOLE = (
    "accuracy",
    "balanced_accuracy",
    "top5_accuracy",
    "baseline",
    "ece",
    "nll",
    "brier",
    "roc_auc",
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "mean_average_precision",
    "mean_iou",
    "pixel_accuracy",
    "mae",
    "psnr",
    "ssim",
)
_BY_CLASS = ("precision", "recall", "f1", "iou", "average_precision")
_BY_VALUE = ("mae", "rmse", "r2", "bias")
_COUNTS = ("duplicates", "leaks", "outliers", "suspicious_labels")
_FAMILIES = (*_BY_CLASS, *_BY_VALUE, "dice", "robustness")

Figures = dict[str, float | None]


def gate_figures(record: Record, gates: Sequence[Gate]) -> Figures:
    """Every figure by its name, None where reports may have it and this one does not.

    Figures of the first output have plain names, such as `accuracy` and `iou.road`; those of every output also with the
    output's name before them. Of robustness there are `robustness.clean`, `robustness.one_pixel`, `robustness.SHIFT`,
    and `robustness.CORRUPTION.SEVERITY`: the share of right answers where the truth is known, else of unchanged ones.

    Args:
        record: the report.
        gates: of a family of figures that the report has none of, the names in these count as known.
    """
    outputs = () if record.evaluation is None else record.evaluation.outputs
    figures: Figures = dict.fromkeys((*_WHOLE, *_COUNTS, "robustness.clean", "robustness.one_pixel"))
    for output in outputs:
        figures |= {f"{output.output}.{name}": value for name, value in _of_output(output)}
    if outputs:
        figures |= dict(_of_output(outputs[0]))
    if record.robustness is not None:
        figures |= dict(_of_robustness(record.robustness))
    if record.dataset is not None:
        figures |= dict(_of_dataset(record.dataset))
    there = {name.partition(".")[0] for name, value in figures.items() if value is not None}
    absent = [gate.name for gate in gates if gate.name.partition(".")[0] in set(_FAMILIES) - there]
    return dict.fromkeys(absent) | figures


def _of_output(output: EvaluationOutput) -> Iterator[tuple[str, float | None]]:
    yield from ((name, getattr(output, name)) for name in _WHOLE)
    yield from _of_rows([(row.label, row) for row in output.per_class or ()], _BY_CLASS)
    if output.kind == "map":
        yield from ((f"dice.{row.label}", row.f1) for row in output.per_class or ())
    yield from _of_rows([(row.name, row) for row in output.values or ()], _BY_VALUE)
    if output.values is not None and len(output.values) == 1:
        yield from ((name, getattr(output.values[0], name)) for name in _BY_VALUE)


def _of_rows(rows: Sequence[tuple[str, Fact]], names: Sequence[str]) -> Iterator[tuple[str, float | None]]:
    for label, row in rows:
        yield from ((f"{name}.{label}", getattr(row, name)) for name in names)


def _of_robustness(found: Robustness) -> Iterator[tuple[str, float | None]]:
    yield "robustness.clean", found.clean
    yield "robustness.one_pixel", found.one_pixel
    for shift in found.shifts:
        yield f"robustness.{shift.name}", shift.agreement if shift.score is None else shift.score
    for corruption in found.corruptions:
        for one in corruption.severities:
            score = one.agreement if one.score is None else one.score
            yield f"robustness.{corruption.name}.{one.severity}", score


def _of_dataset(found: Dataset) -> Iterator[tuple[str, float | None]]:
    yield "duplicates", found.duplicate_total
    yield "leaks", found.leak_total
    yield "outliers", found.outlier_total
    yield "suspicious_labels", len(found.suspicious_labels)
