"""Pages on whether answers are right and where they fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from reportgen import formats
from reportgen.record import Evaluation, EvaluationOutput, Mistake
from reportgen.record.review import ClassScore, Slice
from reportgen.site import evaluation_words
from reportgen.site.catalogue import Catalogue
from reportgen.site.outline import Link
from reportgen.site.page import EVALUATION, HOME, Page, chained
from reportgen.site.parts import page_links, page_paths, split
from reportgen.site.review_charts import (
    HEIGHT,
    WIDTH,
    MatrixChart,
    ScatterChart,
    draw_matrix,
    draw_reliability,
    draw_scatter,
    draw_shares,
)
from reportgen.site.review_shots import difference_keys, view_shot, view_worst
from reportgen.site.review_views import (
    BinaryView,
    CellsView,
    CellView,
    ClassesView,
    ConfusedView,
    OutputView,
    SliceView,
)

# Classes of which every number of the confusion matrix can be read; of more, confusions are a table.
MOST_IN_MATRIX = 40

# What a reader goes through on the page itself; the rest has pages of its own.
MOST_CLASSES = 50
MOST_CONFUSED = 50
MOST_BESIDE = 12  # confusions in words beside a matrix that shows them all
MOST_SHOTS = 12
CLASSES_OF_A_PAGE = 200
CELLS_OF_A_PAGE = 40

# Thresholds in numbers beside the curves.
_THRESHOLDS = (10, 25, 50, 75, 90)


def evaluation_pages(catalogue: Catalogue) -> list[Page]:
    """For each output with right answers a page, and further ones with its classes and confusions."""
    evaluation = catalogue.record.evaluation
    if evaluation is None:
        return []
    outputs = evaluation.outputs or (_of_older(evaluation),)
    paths = page_paths(EVALUATION, "evaluation-output-{}.html", len(outputs))
    links = tuple(Link(output.output, path) for output, path in zip(outputs, paths, strict=False))
    pages: list[Page] = []
    for number, (output, path) in enumerate(zip(outputs, paths, strict=False), 1):
        stem = path.removesuffix(".html")
        crumbs = (HOME, Link("Evaluation", path))
        cells, anchors = _cell_pages(output, stem, crumbs, catalogue)
        classes = _class_pages(output, stem, crumbs)
        further = [Link("All confusions with their images", cells[0].path)] if cells else []
        further += [Link("All classes", classes[0].path)] if classes else []
        others = tuple(link for link in links if link.page != path)
        mistakes = evaluation.mistakes if number == 1 else ()
        view = _view_output(output, mistakes, anchors, tuple(further) + others, catalogue)
        title = "Evaluation" if number == 1 else f"Evaluation of {output.output}"
        pages.append(Page(path, title, "evaluation.html.jinja2", view, crumbs=(HOME,), listed=True))
        pages += [*classes, *cells]
    return pages


def _of_older(evaluation: Evaluation) -> EvaluationOutput:
    """What a record without outputs says of its answers."""
    return EvaluationOutput(
        output="answer",
        kind="classes",
        images=evaluation.images,
        unmatched=0,
        accuracy=evaluation.accuracy,
        top5_accuracy=evaluation.top5_accuracy,
        confusion=[(one.truth, one.predicted, one.count) for one in evaluation.confusions],
        reliability=evaluation.calibration,
    )


def _view_output(
    output: EvaluationOutput,
    mistakes: Sequence[Mistake],
    anchors: dict[tuple[str, str], str],
    others: tuple[Link, ...],
    catalogue: Catalogue,
) -> OutputView:
    classes, matrix = _worst_first(output), _matrix(output, anchors)
    confused = [cell for cell in output.confusion or () if cell[0] != cell[1]]
    return OutputView(
        output=output,
        lead=evaluation_words.lead(output),
        key_facts=evaluation_words.key_facts(output),
        doubt=evaluation_words.doubt(output),
        notes=tuple(evaluation_words.notes(output)),
        slices=None if output.slices is None else tuple(_view_slice(one, catalogue) for one in output.slices),
        without_slices=evaluation_words.without_slices(output),
        mistakes=tuple(
            view_shot(one.image, catalogue, f"{one.truth}, taken for {one.predicted} ({formats.percent(one.score)})")
            if 0 <= one.score <= 1
            else view_shot(one.image, catalogue, f"{one.truth}, taken for {one.predicted}")
            for one in mistakes[:MOST_SHOTS]
        ),
        matrix=matrix,
        confused=tuple(_view_confused(output, confused[: MOST_BESIDE if matrix else MOST_CONFUSED], anchors)),
        confused_total=len(confused),
        classes=classes[:MOST_CLASSES],
        classes_total=len(classes),
        reliability=draw_reliability(output),
        coverage=draw_shares([(point.share, point.accuracy) for point in output.coverage]),
        binary=_view_binary(output),
        scatters=tuple(_scatters(output)),
        worst=tuple(view_worst(one, output, catalogue) for one in output.worst),
        difference_keys=difference_keys(output),
        others=others,
        width=WIDTH,
        height=HEIGHT,
    )


def _worst_first(output: EvaluationOutput) -> list[ClassScore]:
    rows = [row for row in output.per_class or () if row.count]
    return sorted(rows, key=lambda row: (row.iou if row.iou is not None else row.f1 or 0.0, row.label))


def _view_slice(found: Slice, catalogue: Catalogue) -> SliceView:
    where = f"{found.property}: {found.entry}"
    if found.range is not None:
        where = f"{found.property} from {formats.number(found.range[0])} to {formats.number(found.range[1])}"
    return SliceView(found, where, tuple(view_shot(file, catalogue) for file in found.examples[:MOST_SHOTS]))


def _view_confused(
    output: EvaluationOutput, confused: Sequence[tuple[str, str, int]], anchors: dict[tuple[str, str], str]
) -> Iterable[ConfusedView]:
    of_class: Counter[str] = Counter()
    for truth, _, count in output.confusion or ():
        of_class[truth] += count
    for truth, predicted, count in confused:
        yield ConfusedView(truth, predicted, count, count / of_class[truth], anchors.get((truth, predicted)))


def _scatters(output: EvaluationOutput) -> Iterable[tuple[str, ScatterChart]]:
    """Answers against right values, value by value."""
    values = output.values or ()
    for value in values:
        chart = draw_scatter(output.scatter if len(values) == 1 else value.scatter)
        if chart is not None:
            yield value.name, chart


def _matrix(output: EvaluationOutput, anchors: dict[tuple[str, str], str]) -> MatrixChart | None:
    names = [row.label for row in output.per_class or ()]
    if not output.confusion or not names or len(names) > MOST_IN_MATRIX:
        return None
    return draw_matrix(names, output.confusion, anchors, shares=output.kind == "map")


def _view_binary(output: EvaluationOutput) -> BinaryView | None:
    found = output.binary
    if found is None:
        return None
    shown = [(f"{found.curve[step].threshold:.2f}", found.curve[step]) for step in _THRESHOLDS]
    if found.best is not None:
        shown.append((f"{found.best.threshold:.2f}, the best sum of both", found.best))
    return BinaryView(
        sensitivity=draw_shares([(one.threshold, one.sensitivity) for one in found.curve]),
        specificity=draw_shares([(one.threshold, one.specificity) for one in found.curve]),
        rows=tuple((name, one.sensitivity, one.specificity) for name, one in shown),
    )


def _class_pages(output: EvaluationOutput, stem: str, crumbs: tuple[Link, ...]) -> list[Page]:
    """All classes, where they are too many for the page of the output."""
    rows = _worst_first(output)
    if len(rows) <= MOST_CLASSES:
        return []
    runs = split(rows, CLASSES_OF_A_PAGE)
    paths = page_paths(f"{stem}-classes.html", f"{stem}-classes-{{}}.html", len(runs))
    views = [ClassesView(run, len(rows), page_links(paths)) for run in runs]
    return _run_of_pages("Classes", paths, "evaluation-classes.html.jinja2", views, crumbs)


def _cell_pages(
    output: EvaluationOutput, stem: str, crumbs: tuple[Link, ...], catalogue: Catalogue
) -> tuple[list[Page], dict[tuple[str, str], str]]:
    """The cells with their images, and where each of them stands."""
    if not output.cells:
        return [], {}
    runs = split(list(enumerate(output.cells, 1)), CELLS_OF_A_PAGE)
    paths = page_paths(f"{stem}-confusions.html", f"{stem}-confusions-{{}}.html", len(runs))
    views, anchors = [], {}
    for run, path in zip(runs, paths, strict=True):
        cells = []
        for number, cell in run:
            right = cell.truth == cell.predicted
            title = f"{cell.truth}, answered rightly" if right else f"{cell.truth}, taken for {cell.predicted}"
            shots = tuple(view_shot(file, catalogue) for file in cell.images)
            cells.append(CellView(f"cell-{number}", title, right, cell.count, shots))
            anchors[cell.truth, cell.predicted] = f"{path}#cell-{number}"
        views.append(CellsView(tuple(cells), len(output.cells), page_links(paths)))
    return _run_of_pages("Confusions", paths, "evaluation-confusions.html.jinja2", views, crumbs), anchors


def _run_of_pages(
    title: str, paths: Sequence[str], template: str, views: Sequence[object], crumbs: tuple[Link, ...]
) -> list[Page]:
    return chained(
        [
            Page(path, title if number == 1 else f"{title}, page {number}", template, view, crumbs, crumbs[-1].page)
            for number, (path, view) in enumerate(zip(paths, views, strict=True), 1)
        ]
    )
