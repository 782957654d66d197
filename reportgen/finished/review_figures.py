"""The figures of a review that two reports are compared by."""

from __future__ import annotations

from collections.abc import Iterator

from reportgen.record import EvaluationOutput, Record, Robustness

_EVALUATED = {
    "Balanced accuracy": "balanced_accuracy",
    "Calibration error": "ece",
    "Log loss": "nll",
    "Area under ROC": "roc_auc",
    "Mean IoU": "mean_iou",
}


def compared_figures(first: Record, second: Record) -> Iterator[tuple[str, float | None, float | None]]:
    """Name and both values of each figure that at least one of the reports has."""
    one, two = _figures(first), _figures(second)
    for name in dict.fromkeys((*one, *two)):
        if one.get(name) is not None or two.get(name) is not None:
            yield name, one.get(name), two.get(name)


def _figures(record: Record) -> dict[str, float | None]:
    figures: dict[str, float | None] = {}
    output = record.evaluation.outputs[0] if record.evaluation is not None and record.evaluation.outputs else None
    if output is not None:
        figures |= _of_output(output)
    if record.robustness is not None:
        figures |= _of_robustness(record.robustness)
    if record.dataset is not None:
        figures["Groups of copies"] = record.dataset.duplicate_total
        figures["Copies of reference images"] = record.dataset.leak_total
        figures["Images far out"] = record.dataset.outlier_total
    return figures


def _of_output(output: EvaluationOutput) -> dict[str, float | None]:
    return {name: getattr(output, key) for name, key in _EVALUATED.items()} | {
        f"Mean absolute error of {row.name}": row.mae for row in output.values or ()
    }


def _of_robustness(found: Robustness) -> dict[str, float | None]:
    by_truth = found.clean is not None
    scores = [
        one.score if by_truth else one.agreement for corruption in found.corruptions for one in corruption.severities
    ]
    known = [score for score in scores if score is not None]
    what = "Right" if by_truth else "Unchanged"
    mean = sum(known) / len(known) if known else None
    return {f"{what} answers over all corruptions": mean, "Unchanged by one pixel": found.one_pixel}
