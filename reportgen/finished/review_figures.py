"""The figures of a review that two reports are compared by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reportgen.finished.comparison_common import Common
from reportgen.record import EvaluationOutput, Record, Robustness

_EVALUATED = {
    "Balanced accuracy": "balanced_accuracy",
    "Calibration error": "ece",
    "Log loss": "nll",
    "Area under ROC": "roc_auc",
    "Mean average precision": "mean_average_precision",
    "Mean IoU": "mean_iou",
    "Pixel accuracy": "pixel_accuracy",
    "Mean absolute error": "mae",
    "Peak signal to noise ratio": "psnr",
}


def compared_figures(first: Record, second: Record, common: Common) -> Iterator[tuple[str, float | None, float | None]]:
    """Name and both values of each figure that at least one of the reports has.

    Those of A's first output have plain names, those of others the output's before them.
    """
    evaluated = first.evaluation or second.evaluation
    plain = evaluated.outputs[0].output if evaluated is not None and evaluated.outputs else None
    if first.evaluation is None:
        plain = common.outputs.get(plain or "", plain)
    one, two = (
        _figures(record, names, plain) | ({} if common.told_alike else _accuracies(record, names))
        for record, names in ((first, {}), (second, common.outputs))
    )
    for name in dict.fromkeys((*one, *two)):
        if one.get(name) is not None or two.get(name) is not None:
            yield name, one.get(name), two.get(name)


def _figures(record: Record, outputs: Mapping[str, str], plain: str | None) -> dict[str, float | None]:
    """All figures by name; `outputs` are A's names of this report's, `plain` is the one that is not named."""
    figures: dict[str, float | None] = {}
    for output in record.evaluation.outputs if record.evaluation is not None else ():
        name = outputs.get(output.output, output.output)
        before = "" if name == plain else f"{name}: "
        figures |= {f"{before}{figure}": value for figure, value in _of_output(output).items()}
        if before:  # that of the first output with classes is told of the network
            figures[f"{before}Accuracy"] = output.accuracy
    if record.robustness is not None:
        figures |= _of_robustness(record.robustness)
    if record.dataset is not None:
        figures["Groups of copies"] = record.dataset.duplicate_total
        figures["Copies of reference images"] = record.dataset.leak_total
        figures["Images far out"] = record.dataset.outlier_total
    return figures


def _accuracies(record: Record, outputs: Mapping[str, str]) -> dict[str, float | None]:
    """That of each output, by its name."""
    found = record.evaluation.outputs if record.evaluation is not None else ()
    return {f"{outputs.get(one.output, one.output)}: Accuracy": one.accuracy for one in found}


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
