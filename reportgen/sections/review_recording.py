"""How good answers are, for the record; and the small pictures of images that it speaks of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

from reportgen.analysis.figures_of_merit.binary import BinaryFigures
from reportgen.analysis.figures_of_merit.binary import Operation as MeasuredOperation
from reportgen.analysis.figures_of_merit.classes import ClassFigures
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.analysis.review import ClassReview, class_names
from reportgen.analysis.slices import Slice as FoundSlice
from reportgen.facts import CalibrationBin
from reportgen.formats import rounded
from reportgen.images import ImageFile
from reportgen.record.review import (
    BinaryScore,
    ClassScore,
    ConfusionCell,
    CoveragePoint,
    Evaluation,
    EvaluationOutput,
    Operation,
    Slice,
)
from reportgen.sections.study import Study

# The cells whose images are listed: what is confused first, and of right answers as many as fit a picture.
MOST_CELLS = 400
MOST_RIGHT_CELLS = 40
IMAGES_OF_A_CELL = 12

# Images shown with a small picture: of each cell and slice the first, of all together so many.
SHOWN_OF_A_CELL = 6
MOST_SHOWN = 240

TOP = 5


def record_evaluation(study: Study, others: Mapping[str, EvaluationOutput]) -> Evaluation | None:
    """The answers against the right ones, where those were given.

    Args:
        study: with the output that the pass judged.
        others: what was judged beside, by the outputs' names.
    """
    found = dict(others)
    if study.judged is not None and study.head is not None:
        found[study.head.name] = _record_classes(study.head, study.judged, study)
    outputs = tuple(found[output.name] for output in study.answers.outputs if output.name in found)
    if study.evaluation is not None:
        return Evaluation(**dict(study.evaluation), outputs=outputs)
    if not outputs:
        return None
    return Evaluation(
        images=outputs[0].images,
        accuracy=None,
        top5_accuracy=None,
        unmatched=(),
        confusions=(),
        mistakes=(),
        calibration=(),
        outputs=outputs,
    )


def images_spoken_of(study: Study) -> list[ImageFile]:
    """The images that the evaluation shows with a small picture: mistakes, and examples of cells and slices."""
    if study.judged is None:
        return []
    files = [image.file for image in study.statistics.images]
    mistakes = [] if study.evaluation is None else [mistake.image for mistake in study.evaluation.mistakes]
    slices = [[files[index] for index in one.examples] for one in study.judged.slices]
    cells = [cell.images[:SHOWN_OF_A_CELL] for cell in _cells(study.judged.figures, study.judged.names, files)]
    wanted = dict.fromkeys(chain(mistakes, *slices, *cells))
    shown = set(list(wanted)[:MOST_SHOWN])
    return [image for image in study.images if image.file in shown]


def _record_classes(output: SettledOutput, judged: ClassReview, study: Study) -> EvaluationOutput:
    files = [image.file for image in study.statistics.images]
    figures = class_figures(output, judged.figures, files)
    binary, without_truth = judged.binary, _without_truth(study, output, files)
    return figures.model_copy(
        update={
            "without_truth": without_truth,
            "unmatched": figures.unmatched - without_truth,
            "slices": [_slice(one, files) for one in judged.slices],
            "searched": judged.searched,
            "roc_auc": None if binary is None else binary.roc_auc,
            "binary": None if binary is None else _binary(binary, judged.names[1]),
        }
    )


def _without_truth(study: Study, output: SettledOutput, files: Sequence[str]) -> int:
    """How many images no class was given for, known to the network or not."""
    truth = study.answers.truths.get(output.name)
    return 0 if truth is None else sum(file not in truth.labels for file in files)


def class_figures(output: SettledOutput, figures: ClassFigures, files: Sequence[str]) -> EvaluationOutput:
    """The figures of an output of classes, for the record; images are called by `files`."""
    names = class_names(output)
    common = figures.baseline_class
    return EvaluationOutput(
        output=output.name,
        kind="classes",
        images=figures.images,
        unmatched=figures.unmatched,
        not_finite=figures.not_finite,
        plain=output.scores == "logits",
        accuracy=figures.accuracy,
        interval=figures.interval,
        balanced_accuracy=figures.balanced_accuracy,
        top5_accuracy=dict(figures.top).get(TOP),
        baseline=figures.baseline,
        baseline_class=None if common is None else names[common],
        ece=figures.ece,
        nll=figures.nll,
        brier=figures.brier,
        per_class=_per_class(figures, names),
        confusion=[(names[cell.truth], names[cell.predicted], cell.count) for cell in figures.confusion],
        top=figures.top,
        macro_precision=figures.macro_precision,
        macro_recall=figures.macro_recall,
        macro_f1=figures.macro_f1,
        without_images=tuple(names[index] for index in figures.without_images),
        reliability=tuple(
            CalibrationBin(
                low=one.low, high=one.high, count=one.count, confidence=one.confidence, accuracy=one.accuracy
            )
            for one in figures.reliability
        ),
        coverage=tuple(
            CoveragePoint(share=one.share, accuracy=one.accuracy, confidence=one.confidence) for one in figures.coverage
        ),
        cells=tuple(_cells(figures, names, files)),
    )


def _per_class(figures: ClassFigures, names: Sequence[str]) -> list[ClassScore]:
    return [
        ClassScore(
            label=names[row.index],
            count=row.count,
            precision=row.precision,
            recall=row.recall,
            recall_interval=row.recall_interval,
            f1=row.f1,
        )
        for row in figures.per_class
    ]


def _cells(figures: ClassFigures, names: Sequence[str], files: Sequence[str]) -> list[ConfusionCell]:
    """The cells that are not empty with some of their images; what is confused first."""
    inside = figures.answers.in_cell
    confused = [cell for cell in figures.confusion if cell.truth != cell.predicted][:MOST_CELLS]
    right = [cell for cell in figures.confusion if cell.truth == cell.predicted]
    shown = confused + (right if figures.classes <= MOST_RIGHT_CELLS else [])
    return [
        ConfusionCell(
            truth=names[cell.truth],
            predicted=names[cell.predicted],
            count=cell.count,
            images=[files[index] for index in inside(cell.truth, cell.predicted)[:IMAGES_OF_A_CELL].tolist()],
        )
        for cell in shown
    ]


def _slice(found: FoundSlice, files: Sequence[str]) -> Slice:
    low, high = rounded(found.low, 5), rounded(found.high, 5)
    return Slice(
        property=found.property,
        range=None if low is None or high is None else (low, high),
        entry=found.entry,
        images=found.images,
        score=found.score,
        rest=found.rest,
        p_value=found.p_value,
        examples=tuple(files[index] for index in found.examples),
    )


def _binary(figures: BinaryFigures, positive: str) -> BinaryScore:
    return BinaryScore(
        positive=positive,
        positives=figures.positives,
        average_precision=figures.average_precision,
        at_threshold=_operation(figures.at_threshold),
        sensitivity_interval=figures.at_threshold.sensitivity_interval,
        specificity_interval=figures.at_threshold.specificity_interval,
        best=None if figures.best is None else _operation(figures.best),
        curve=[_operation(one) for one in figures.curve],
    )


def _operation(one: MeasuredOperation) -> Operation:
    return Operation(threshold=one.threshold, sensitivity=one.sensitivity, specificity=one.specificity)
