"""Values against the right ones: figures over all images, scatters, and the worst images."""

from __future__ import annotations

import numpy as np

from reportgen.analysis.figures_of_merit.values import ValueAccumulator, ValueFigures, ValueRow
from reportgen.analysis.image_properties import as_bytes
from reportgen.draw.thumbnails import draw_thumbnail
from reportgen.record.review import EvaluationOutput, ValueScore, WorstImage
from reportgen.results import ByteArray, FloatArray
from reportgen.sections.judging import MOST_WORST, Judged, Judging
from reportgen.sections.kept_worst import KeptWorst
from reportgen.sections.section import VisitedImage
from reportgen.sections.thumbnails import store_tiles

# Outputs of more values have no scatter: a report is read by people. All scatters together have as many dots as one.
MOST_SCATTERS = 6
MOST_DOTS = 1_000

Pairs = tuple[tuple[float, float], ...]


def judge_values(given: Judging) -> Judged:
    """Judge an output of one value or several, those of points and boxes as the network gives them."""
    output, values = given.output, given.truth.values
    names = _value_names(given)
    found = ValueAccumulator(output.count, seed=given.study.config.seed)
    each = max(1, MOST_WORST // output.count)
    worst = [KeptWorst[tuple[int, ByteArray]](each) for _ in range(min(output.count, MOST_WORST))]
    levels = given.study.fitting.scale.levels

    def judge(place: int, visited: VisitedImage, answer: FloatArray) -> None:
        right = values.get(visited.file)
        if right is None:
            return
        given_values = answer.reshape(1, -1)
        found.add(np.array([place]), np.array([right]), given_values)
        errors = np.abs(given_values[0].astype(np.float64) - np.array(right))
        for kept, error in zip(worst, errors.tolist(), strict=False):
            if np.isfinite(errors).all():
                kept.add((-error, place), lambda: (place, draw_thumbnail(as_bytes(visited.pixels, levels))))

    def result() -> EvaluationOutput:
        figures = found.result()
        pictures = {str(place): pixels for kept in worst for place, pixels in kept.in_order()}
        tiles = store_tiles(f"worst-{output.name}", pictures, given.workshop.pictures)
        listed = [(row, one) for row in figures.per_value[: len(worst)] for one in row.worst[:each]]
        listed.sort(key=lambda pair: -abs(pair[1].answer - pair[1].truth) / (pair[0].rmse or 1.0))
        return EvaluationOutput(
            output=output.name,
            kind=output.kind,
            images=figures.images,
            unmatched=0,
            not_finite=figures.not_finite,
            without_truth=given.without_truth(values),
            values=[
                _value_score(row, names[row.index], _pairs(figures, row.index) if output.count > 1 else ())
                for row in figures.per_value
            ],
            scatter=_pairs(figures, 0) if output.count == 1 else (),
            worst=tuple(
                WorstImage(
                    image=given.files[one.image],
                    score=abs(one.answer - one.truth),
                    name=names[row.index],
                    truth=one.truth,
                    answer=one.answer,
                    thumbnail=tiles.get(str(one.image)),
                )
                for row, one in listed
            ),
        )

    return judge, result


def _value_names(given: Judging) -> list[str]:
    """What the values are called: by their labels, else as a table calls the right ones."""
    output, truth = given.output, given.truth.given
    if output.labels is None and truth.form == "table" and len(truth.columns) == output.count:
        return [truth.columns[place] for place in given.truth.places]
    return [output.value_name(index) for index in range(output.count)]


def _value_score(row: ValueRow, name: str, scatter: Pairs) -> ValueScore:
    return ValueScore(
        name=name,
        mae=row.mae,
        rmse=row.rmse,
        r2=row.r2,
        bias=row.bias,
        baseline_rmse=row.baseline_rmse,
        scatter=scatter,
    )


def _pairs(figures: ValueFigures, index: int) -> Pairs:
    """Right value and answer of each image of the sample; nothing of the last of many values."""
    count = len(figures.per_value)
    if index >= MOST_SCATTERS:
        return ()
    sample = figures.scatter
    most = MOST_DOTS // min(count, MOST_SCATTERS)
    pairs = zip(sample.truth[:, index].tolist(), sample.answer[:, index].tolist(), strict=True)
    return tuple(pair for pair in pairs if np.isfinite(pair).all())[:most]
