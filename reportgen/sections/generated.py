"""What a generator makes of the vectors it is shown with."""

from __future__ import annotations

import numpy as np

from reportgen.analysis.network.generated import generate, range_of_pictures
from reportgen.draw.bands import to_rgb
from reportgen.draw.generated import draw_picture, draw_pictures, draw_vector
from reportgen.draw.pixels import to_levels
from reportgen.results import ByteArray, PixelArray
from reportgen.sections.section import Contribution, VisitedImage, Work
from reportgen.sections.study import Study, Workshop, fitted_images

# Of so many pictures black and white are taken, and so many stand side by side.
MOST_PICTURES = 64


class Pictures:
    """The pictures the generator of a study makes, all shown with the same black and white."""

    def __init__(self, study: Study) -> None:
        self.study = study
        first = fitted_images(study.fitting, study.network, study.shown[:MOST_PICTURES])
        pictures = generate(study.network, np.stack([fitted.pixels for fitted in first]))
        self.values = range_of_pictures(pictures)
        self.first = self._shown(pictures)

    def of(self, vector: PixelArray) -> ByteArray:
        """The picture of one vector `(1, 1, length)`, uint8 `(height, width, 3)`."""
        shown: ByteArray = self._shown(generate(self.study.network, vector[None]))[0]
        return shown

    def _shown(self, pictures: PixelArray) -> ByteArray:
        return np.stack([to_rgb(to_levels(picture, *self.values)) for picture in pictures])


def plan_pictures(study: Study, workshop: Workshop) -> Work:
    """The pictures side by side, and each by itself with its vector."""
    made = Pictures(study)

    def visit(visited: VisitedImage) -> Contribution:
        picture = draw_picture(visited.file, made.of(visited.pixels), made.values)
        vector = draw_vector(visited.file, np.asarray(visited.pixels, np.float32).reshape(-1))
        return Contribution(figures=workshop.pictures.save_drawings((picture, vector)))

    def finish() -> Contribution:
        names = [image.file for image in study.shown[:MOST_PICTURES]]
        together = draw_pictures(names, made.first, made.values)
        return Contribution(figures=(workshop.pictures.save_drawing(together),))

    return Work(images=study.shown, visit=visit, finish=finish)
