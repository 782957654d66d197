"""What the network answers: maps and pictures are drawn here, all other answers stand with the images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reportgen import record
from reportgen.analysis.answers.maps import read_map
from reportgen.analysis.answers.pictures import picture_error, picture_levels
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.draw.answers import (
    class_colour,
    draw_difference,
    draw_map,
    draw_picture,
    mask_palette,
    photograph_under,
)
from reportgen.draw.bands import show_image
from reportgen.draw.compared import draw_panel, panel_size
from reportgen.draw.photo import LONG_SIDE
from reportgen.formats import finite
from reportgen.results import FloatArray
from reportgen.sections import judged_maps, judged_pictures
from reportgen.sections.section import Contribution, Section, VisitedImage, Work
from reportgen.sections.study import Study, Workshop

# Pictures of fewer pixels are kept as they are: they cost little and are looked at enlarged.
_LOSSLESS_PIXELS = 128 * 128


def plan_predictions(study: Study, workshop: Workshop) -> Work | Contribution:
    """Draw the answers that are maps or pictures, of every image that has a page."""
    drawing = AnswerDrawing(study, workshop)
    if not drawing.outputs:
        return Contribution()
    return Work(images=study.shown, reads_answers=True, visit=drawing.visit)


@dataclass(frozen=True, eq=False)
class AnswerDrawing:
    """Draws the answers to images, one image at a time."""

    study: Study
    workshop: Workshop

    @property
    def outputs(self) -> tuple[SettledOutput, ...]:
        """The outputs whose answers are drawn."""
        return tuple(output for output in self.study.answers.outputs if output.kind in ("map", "picture"))

    def visit(self, visited: VisitedImage) -> Contribution:
        """The maps and pictures that the network makes of an image."""
        answers: list[record.Answer] = []
        for output in self.outputs:
            draw = self._map if output.kind == "map" else self._picture
            answers.append(draw(output, visited, visited.answers[output.name]))
        return Contribution(answers={visited.file: tuple(answers)})

    def _fed(self, visited: VisitedImage) -> FloatArray:
        """What the network was given, on 0..255."""
        fed: FloatArray = self.study.network.to_pictures(np.asarray(visited.pixels, np.float32))
        return fed

    def _map(self, output: SettledOutput, visited: VisitedImage, answer: FloatArray) -> record.Answer:
        read, pictures = read_map(answer, output), self.workshop.pictures
        size, name = self.study.network.size, f"{output.name}-{visited.file}"
        shown = show_image(visited.original, self.study.config.bands).pixels
        under = photograph_under(shown, self._fed(visited), visited.placement, size)
        # Outlines are so many pixels wide: over a small photograph nothing else would be seen.
        if max(under.shape) < LONG_SIDE // 2:
            under = draw_panel(under, panel_size(under.shape[:2], LONG_SIDE // 2))
        drawn = draw_map(read.indices, read.probabilities, under)
        in_colours = 1 < output.classes <= mask_palette(output.classes).shape[0] - 1
        mask = pictures.save_png(
            f"mask-{name}", drawn.mask, palette=mask_palette(output.classes) if in_colours else None
        )
        overlay = pictures.save(f"overlay-{name}", drawn.overlay)
        outlines = None if drawn.outlines is None else pictures.save_png(f"outlines-{name}", drawn.outlines)
        return record.MapAnswer(
            output=output.name,
            kind="map",
            picture=overlay.path,
            photograph=pictures.save(f"under-{name}", drawn.photograph).path,
            mask=mask.path,
            outlines=None if outlines is None else outlines.path,
            width=overlay.width,
            height=overlay.height,
            classes=[
                record.ClassShare(
                    index=index,
                    label=output.label(index),
                    share=share,
                    colour=class_colour(index, output.classes),
                    place=drawn.places.get(index),
                )
                for index, share in enumerate(read.shares)
            ],
            mean_confidence=finite(read.mean_confidence),
            right=self._right_map(output, visited, answer),
        )

    def _right_map(
        self, output: SettledOutput, visited: VisitedImage, answer: FloatArray
    ) -> record.MapComparison | None:
        truth = self.study.answers.truths.get(output.name)
        if truth is None:
            return None
        return judged_maps.compare_shown(answer, output, truth, visited, self.study, self.workshop.pictures)

    def _picture(self, output: SettledOutput, visited: VisitedImage, answer: FloatArray) -> record.Answer:
        levels, pictures = picture_levels(answer, output), self.workshop.pictures
        name = f"{output.name}-{visited.file}"
        is_small = levels.shape[0] * levels.shape[1] <= _LOSSLESS_PIXELS
        picture = pictures.save(f"picture-{name}", draw_picture(levels), lossless=is_small)
        error = picture_error(levels, self._fed(visited))
        difference, truth = None, self.study.answers.truths.get(output.name)
        if levels.shape == visited.pixels.shape:
            drawn = draw_difference(levels, self._fed(visited))
            difference = pictures.save(f"difference-{name}", drawn, lossless=is_small).path
        return record.PictureAnswer(
            output=output.name,
            kind="picture",
            picture=picture.path,
            width=picture.width,
            height=picture.height,
            difference=difference,
            error=None if error is None else record.PictureError(mae=error[0], psnr=error[1]),
            right=None
            if truth is None
            else judged_pictures.compare_shown(levels, output, truth, visited, self.study, pictures, lossless=is_small),
        )


PREDICTIONS = Section(
    "predictions",
    "Predictions",
    plan_predictions,
    record.Traits(words=("answers", "classes", "accuracy", "confusion", "calibration", "evaluation")),
)
