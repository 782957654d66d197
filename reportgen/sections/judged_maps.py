"""Maps against the right masks: figures over all images, and pictures of truth, answer and difference."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen import record
from reportgen.analysis.answers import MatchedTruth
from reportgen.analysis.figures_of_merit.intervals import share
from reportgen.analysis.figures_of_merit.maps import MapAccumulator, MapClassRow, MapFigures, MapOverlap, overlap
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.analysis.right_pictures import (
    ComparedMap,
    compare_map,
    judged_classes,
    judged_names,
    read_mask,
)
from reportgen.draw.compared import (
    DIFFERENCE_COLOURS,
    PANEL_SIDE,
    DrawnComparison,
    draw_comparison,
    judged_colour,
    panel_size,
)
from reportgen.draw.photo import LONG_SIDE, reduce_to
from reportgen.record.answers import DifferenceKind
from reportgen.record.review import ClassScore, EvaluationOutput, WorstImage
from reportgen.results import ByteArray, FloatArray
from reportgen.sections.judging import (
    MOST_PANELS,
    PHOTOGRAPH,
    Judged,
    Judging,
    photograph_of,
    photograph_panel,
    store_panels,
)
from reportgen.sections.kept_worst import KeptWorst
from reportgen.sections.picture_store import PictureStore
from reportgen.sections.section import VisitedImage
from reportgen.sections.study import Study

# Of an image, the classes told of on the page of the evaluation: the worst.
MOST_OVERLAPS = 5


@dataclass(frozen=True, eq=False)
class _Worst:
    """An image whose map is among the worst: `overlap` with its mask, and small pictures of both."""

    place: int
    overlap: MapOverlap
    panels: dict[str, ByteArray]


def judge_map(given: Judging) -> Judged:
    """Judge an output of maps, of one class or of several."""
    study, output, files = given.study, given.output, given.truth.files
    found, worst = MapAccumulator(judged_classes(output)), KeptWorst[_Worst](MOST_PANELS)
    unseen = 0

    def judge(place: int, visited: VisitedImage, answer: FloatArray) -> None:
        nonlocal unseen
        if visited.file not in files:
            return
        compared = _compared(answer, output, given.truth, visited, study)
        unseen += compared.unseen
        met = found.add(place, compared.truth, compared.answered)
        if met.mean_iou is not None:
            worst.add((met.mean_iou, place), lambda: _Worst(place, met, _panels(compared, output, visited, study)))

    def result() -> EvaluationOutput:
        kept = worst.in_order()
        panels = store_panels(f"worst-{output.name}", [one.panels for one in kept], given.workshop, flat=True)
        figures = _record_figures(found.result(), output)
        return figures.model_copy(
            update={
                "without_truth": given.without_truth(files),
                "unseen_pixels": unseen,
                "worst": tuple(
                    WorstImage(
                        image=given.files[one.place],
                        score=one.overlap.mean_iou or 0.0,
                        pixel_accuracy=share(one.overlap.right, one.overlap.pixels),
                        classes=_overlaps(one.overlap, output)[:MOST_OVERLAPS],
                        panels=drawn,
                    )
                    for one, drawn in zip(kept, panels, strict=True)
                ),
            }
        )

    return judge, result


def compare_shown(
    answer: FloatArray,
    output: SettledOutput,
    truth: MatchedTruth,
    visited: VisitedImage,
    study: Study,
    pictures: PictureStore,
) -> record.MapComparison | None:
    """The comparison of an image's map with its mask, for the page of the image; None where it has no mask."""
    if visited.file not in truth.files:
        return None
    compared = _compared(answer, output, truth, visited, study)
    met = overlap(compared.truth, compared.answered, judged_classes(output))
    drawn = _drawn(compared, output)
    name = f"{output.name}-{visited.file}"
    photograph = pictures.save(f"under-{name}", reduce_to(photograph_of(visited, study), LONG_SIDE))
    return record.MapComparison(
        photograph=photograph.path,
        truth=pictures.save_png(f"right-{name}", drawn.truth, palette=drawn.palette).path,
        answer=pictures.save_png(f"answer-{name}", drawn.answer, palette=drawn.palette).path,
        difference=pictures.save_png(f"wrong-{name}", drawn.difference, palette=drawn.difference_palette).path,
        width=photograph.width,
        height=photograph.height,
        mean_iou=met.mean_iou,
        pixel_accuracy=share(met.right, met.pixels),
        classes=_overlaps(met, output),
        colours={kind: DIFFERENCE_COLOURS[kind] for kind in drawn.kinds},
    )


def _compared(
    answer: FloatArray, output: SettledOutput, truth: MatchedTruth, visited: VisitedImage, study: Study
) -> ComparedMap:
    size = visited.image.height, visited.image.width
    mask = read_mask(truth.files[visited.file])
    return compare_map(answer, output, mask, visited.placement, size, study.fitting.size)


def _drawn(compared: ComparedMap, output: SettledOutput) -> DrawnComparison:
    classes = judged_classes(output)
    return draw_comparison(compared.truth, compared.answered, classes, single=output.classes == 1)


def _panels(compared: ComparedMap, output: SettledOutput, visited: VisitedImage, study: Study) -> dict[str, ByteArray]:
    size = panel_size((visited.image.height, visited.image.width), PANEL_SIDE)
    return {PHOTOGRAPH: photograph_panel(visited, study), **_drawn(compared, output).panels(size)}


def _record_figures(figures: MapFigures, output: SettledOutput) -> EvaluationOutput:
    names, single = judged_names(output), output.classes == 1
    common = max(figures.per_class, key=lambda row: row.count, default=None)
    return EvaluationOutput(
        output=output.name,
        kind="map",
        images=figures.images,
        unmatched=0,
        mean_iou=figures.mean_iou,
        pixel_accuracy=figures.pixel_accuracy,
        baseline=figures.baseline,
        baseline_class=None if common is None or not common.count else names[common.index],
        per_class=[
            ClassScore(
                label=names[row.index],
                count=row.images,
                precision=row.precision,
                recall=row.recall,
                f1=row.dice,
                iou=row.iou,
                colour=judged_colour(row.index, figures.classes, single=single),
            )
            for row in figures.per_class
        ],
        confusion=[(names[one.truth], names[one.predicted], one.count) for one in figures.confusion],
        without_images=tuple(names[index] for index in figures.without_images),
        ignored_pixels=figures.ignored,
        unmatched_pixels=figures.unmatched,
        colours={kind: DIFFERENCE_COLOURS[kind] for kind in _kinds_of(figures, single=single)},
    )


def _kinds_of(figures: MapFigures, *, single: bool) -> tuple[DifferenceKind, ...]:
    """What the differences of an output's maps may show."""
    judged: tuple[DifferenceKind, ...] = ("right", "found", "missed", "extra") if single else ("right", "wrong")
    return (*judged, "unjudged") if figures.ignored or figures.unmatched else judged


def _overlaps(met: MapOverlap, output: SettledOutput) -> tuple[record.ClassOverlap, ...]:
    """The classes that the mask or the answer shows, the worst first; those that the mask does not show come last."""
    single, classes = output.classes == 1, judged_classes(output)
    rows = [row for row in met.rows() if row.count or row.predicted]

    def badness(row: MapClassRow) -> tuple[float, int]:
        return (2.0 if row.iou is None else row.iou), row.index

    return tuple(
        record.ClassOverlap(
            index=row.index,
            label=_label(output, row.index),
            share=row.count / met.pixels if met.pixels else 0.0,
            iou=row.iou,
            dice=row.dice,
            colour=judged_colour(row.index, classes, single=single),
        )
        for row in sorted(rows, key=badness)
    )


def _label(output: SettledOutput, index: int) -> str | None:
    return judged_names(output)[index] if output.classes == 1 else output.label(index)
