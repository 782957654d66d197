"""Pictures against the right ones: figures over all images, and small pictures of the worst."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen import record
from reportgen.analysis.answers import MatchedTruth
from reportgen.analysis.answers.pictures import picture_levels
from reportgen.analysis.figures_of_merit.pictures import PictureAccumulator, measure_picture
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.analysis.right_pictures import read_picture
from reportgen.draw.answers import draw_difference, draw_picture, mean_difference, strongest
from reportgen.draw.compared import PANEL_SIDE, draw_panel, panel_size
from reportgen.formats import finite
from reportgen.record.review import EvaluationOutput, WorstImage
from reportgen.results import ByteArray, FloatArray
from reportgen.sections.judging import (
    ANSWER,
    DIFFERENCE,
    MOST_PANELS,
    PHOTOGRAPH,
    TRUTH,
    Judged,
    Judging,
    photograph_panel,
    store_panels,
)
from reportgen.sections.kept_worst import KeptWorst
from reportgen.sections.picture_store import PictureStore
from reportgen.sections.section import VisitedImage
from reportgen.sections.study import Study

Levels = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Worst:
    """An image whose picture is among the worst; `away` is how much lighter the answer is, `(height, width)`."""

    place: int
    mae: float
    psnr: float | None
    ssim: float | None
    panels: dict[str, ByteArray]
    away: Levels


def judge_picture(given: Judging) -> Judged:
    """Judge an output of pictures."""
    study, output, truth = given.study, given.output, given.truth
    found, worst = PictureAccumulator(), KeptWorst[_Worst](MOST_PANELS)

    def judge(place: int, visited: VisitedImage, answer: FloatArray) -> None:
        levels = picture_levels(answer, output)
        wanted = _right_picture(levels, truth, visited, study)
        met = None if wanted is None else found.add(place, wanted, levels)
        if wanted is None or met is None:
            return
        mae, psnr, ssim = met
        worst.add(
            (-mae, place),
            lambda: _Worst(
                place,
                mae,
                finite(psnr),
                finite(ssim),
                _panels(wanted, levels, given, visited),
                mean_difference(levels, wanted),
            ),
        )

    def result() -> EvaluationOutput:
        figures, kept = found.result(), worst.in_order()
        most = strongest([one.away for one in kept])
        rows = [_with_difference(one, most) for one in kept]
        panels = store_panels(f"worst-{output.name}", rows, given.workshop, flat=False)
        return EvaluationOutput(
            output=output.name,
            kind="picture",
            images=figures.images,
            unmatched=0,
            not_finite=figures.not_finite,
            mae=figures.mae,
            psnr=figures.psnr,
            ssim=figures.ssim,
            without_truth=0 if truth.given.form == "input" else given.without_truth(truth.files),
            difference_scale=most if kept else None,
            worst=tuple(
                WorstImage(image=given.files[one.place], score=one.mae, psnr=one.psnr, ssim=one.ssim, panels=drawn)
                for one, drawn in zip(kept, panels, strict=True)
            ),
        )

    return judge, result


def compare_shown(
    levels: Levels,
    output: SettledOutput,
    truth: MatchedTruth,
    visited: VisitedImage,
    study: Study,
    pictures: PictureStore,
    *,
    lossless: bool,
) -> record.PictureComparison | None:
    """The comparison of an image's picture with the right one, for the page of the image.

    None where no picture is the right one, or it is the input, which stands there already.
    """
    wanted = None if truth.given.form == "input" else _right_picture(levels, truth, visited, study)
    met = None if wanted is None else measure_picture(wanted, levels)
    if wanted is None or met is None:
        return None
    name = f"{output.name}-{visited.file}"
    most = strongest([mean_difference(levels, wanted)])
    drawn = draw_difference(levels, wanted, most)
    return record.PictureComparison(
        truth=pictures.save(f"right-{name}", draw_picture(wanted), lossless=lossless).path,
        difference=pictures.save(f"wrong-{name}", drawn, lossless=lossless).path,
        most=most,
        mae=met[0],
        psnr=finite(met[1]),
        ssim=finite(met[2]),
    )


def _right_picture(levels: Levels, truth: MatchedTruth, visited: VisitedImage, study: Study) -> Levels | None:
    """The right picture on 0..255 in the shape of the answer; None where there is none."""
    if truth.given.form == "input":
        given = np.asarray(study.network.to_pictures(np.asarray(visited.pixels, np.float32)), np.float64)
        return given if given.shape == levels.shape else None
    path = truth.files.get(visited.file)
    if path is None:
        return None
    height, width, channels = levels.shape
    return read_picture(path, study.fitting, (height, width), channels, study.config.value_range)


def _panels(wanted: Levels, levels: Levels, given: Judging, visited: VisitedImage) -> dict[str, ByteArray]:
    size = panel_size(levels.shape[:2], PANEL_SIDE)
    panels = {TRUTH: draw_panel(draw_picture(wanted), size), ANSWER: draw_panel(draw_picture(levels), size)}
    if given.truth.given.form != "input":
        panels[PHOTOGRAPH] = photograph_panel(visited, given.study)
    return panels


def _with_difference(one: _Worst, most: float) -> dict[str, ByteArray]:
    """The small pictures of an image, its difference on the scale that all share."""
    drawn = draw_difference(one.away[:, :, np.newaxis], np.zeros((*one.away.shape, 1)), most)
    return {**one.panels, DIFFERENCE: draw_panel(drawn, panel_size(one.away.shape, PANEL_SIDE))}
