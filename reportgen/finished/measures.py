"""Figures of a report that one follows over reports: how right each answer is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from reportgen import formats
from reportgen.finished.gate_figures import gate_figures
from reportgen.record import EvaluationOutput, Record

# Values of one answer that are followed: a line for each of hundreds is looked at by nobody.
MOST_VALUES = 8


@dataclass(frozen=True)
class Measure:
    """A figure one follows over reports; `better` says which way is an improvement, None where neither is."""

    name: str
    title: str
    value: float
    words: str
    better: Literal["higher", "lower"] | None


@dataclass(frozen=True)
class _Quality:
    """A figure of an answer, by the name that gates have for it."""

    name: str
    title: str
    write: Callable[[float | None], str] = formats.number
    better: Literal["higher", "lower"] = "higher"


_BY_KIND: dict[str, tuple[_Quality, ...]] = {
    "classes": (_Quality("accuracy", "Accuracy", formats.percent),),
    "multilabel": (
        _Quality("accuracy", "All labels right", formats.percent),
        _Quality("mean_average_precision", "Mean average precision"),
        _Quality("macro_f1", "Mean F1 of the labels"),
    ),
    "map": (
        _Quality("mean_iou", "Mean IoU"),
        _Quality("pixel_accuracy", "Pixels that are right", formats.percent),
    ),
    "picture": (
        _Quality("mae", "Mean absolute error of pictures, of 255", better="lower"),
        _Quality("psnr", "PSNR of pictures, in dB"),
        _Quality("ssim", "SSIM of pictures"),
    ),
}
_OF_A_VALUE = (_Quality("mae", "Mean absolute error", better="lower"), _Quality("r2", "R²"))


def quality_measures(record: Record) -> Iterator[Measure]:
    """How right each answer is, but for the accuracy of the first one with classes.

    Names are those of gates: of the first output plain, such as `mean_iou`, of others, and beside classes, with the
    output's name before them. Of several values there are the first `MOST_VALUES`.
    """
    evaluation = record.evaluation
    if evaluation is None:
        return
    figures = gate_figures(record, ())
    accuracy_of = next((one.output for one in evaluation.outputs if one.kind == "classes"), None)
    for place, output in enumerate(evaluation.outputs):
        if not output.images or output.output == accuracy_of:
            continue
        alone = place == 0 and accuracy_of is None
        before, of = ("", "") if alone else (f"{output.output}.", f" of {output.output}")
        for quality in _qualities(output):
            name = f"{before}{quality.name}"
            value = figures.get(name)
            if value is not None and math.isfinite(value):
                yield Measure(name, f"{quality.title}{of}", value, quality.write(value), quality.better)


def _qualities(output: EvaluationOutput) -> Iterator[_Quality]:
    yield from _BY_KIND.get(output.kind, ())
    rows = output.values or ()
    if len(rows) == 1:
        yield from _OF_A_VALUE
        return
    for row in rows[:MOST_VALUES]:
        for quality in _OF_A_VALUE:
            yield _Quality(f"{quality.name}.{row.name}", f"{quality.title} of {row.name}", better=quality.better)
