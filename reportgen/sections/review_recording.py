"""How good answers are, for the record; and the small pictures of images that it speaks of."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from reportgen.analysis.figures_of_merit.binary import BinaryFigures
from reportgen.analysis.figures_of_merit.binary import Operation as MeasuredOperation
from reportgen.analysis.figures_of_merit.classes import ClassFigures
from reportgen.analysis.review import ClassReview
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


def record_evaluation(study: Study) -> Evaluation | None:
    """The answers against the right ones, where those were given."""
    if study.evaluation is None:
        return None
    outputs = () if study.judged is None else (_record_classes(study, study.judged),)
    return Evaluation(**dict(study.evaluation), outputs=outputs)


def images_spoken_of(study: Study) -> list[ImageFile]:
    """The images that the evaluation shows with a small picture: mistakes, and examples of cells and slices."""
    if study.judged is None:
        return []
    files = [image.file for image in study.statistics.images]
    mistakes = [] if study.evaluation is None else [mistake.image for mistake in study.evaluation.mistakes]
    slices = [[files[index] for index in one.examples] for one in study.judged.slices]
    cells = [cell.images[:SHOWN_OF_A_CELL] for cell in _cells(study.judged, files)]
    wanted = dict.fromkeys(chain(mistakes, *slices, *cells))
    shown = set(list(wanted)[:MOST_SHOWN])
    return [image for image in study.images if image.file in shown]


def _record_classes(study: Study, judged: ClassReview) -> EvaluationOutput:
    figures, names = judged.figures, judged.names
    files = [image.file for image in study.statistics.images]
    known = [] if figures.baseline_class is None else [names[figures.baseline_class]]
    return EvaluationOutput(
        output="answer" if study.head is None else study.head.name,
        kind="classes",
        images=figures.images,
        unmatched=figures.unmatched,
        not_finite=figures.not_finite,
        plain=judged.plain,
        accuracy=figures.accuracy,
        interval=figures.interval,
        balanced_accuracy=figures.balanced_accuracy,
        top5_accuracy=dict(figures.top).get(TOP),
        baseline=figures.baseline,
        baseline_class=known[0] if known else None,
        ece=figures.ece,
        nll=figures.nll,
        brier=figures.brier,
        roc_auc=None if judged.binary is None else judged.binary.roc_auc,
        per_class=_per_class(figures, names),
        confusion=[(names[cell.truth], names[cell.predicted], cell.count) for cell in figures.confusion],
        slices=[_slice(one, files) for one in judged.slices],
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
        binary=None if judged.binary is None else _binary(judged.binary, names[1]),
        cells=tuple(_cells(judged, files)),
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


def _cells(judged: ClassReview, files: Sequence[str]) -> list[ConfusionCell]:
    """The cells that are not empty with some of their images; what is confused first."""
    figures, names, inside = judged.figures, judged.names, judged.figures.answers.in_cell
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
