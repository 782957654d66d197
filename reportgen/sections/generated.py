"""What a generator makes of the vectors it is shown with."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from reportgen import record
from reportgen.analysis.network.generated import generate, range_of_pictures
from reportgen.draw.bands import to_rgb
from reportgen.draw.generated import draw_picture, draw_pictures, draw_vector
from reportgen.draw.pixels import to_levels
from reportgen.results import ByteArray, PixelArray
from reportgen.sections.picture_store import PictureStore
from reportgen.sections.study import FittedImage, Study, fitted_images

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


def draw_samples(study: Study, samples: Iterable[FittedImage], pictures: PictureStore) -> list[record.Figure]:
    """The pictures side by side, and each by itself with its vector."""
    made = Pictures(study)
    names = [image.file for image in study.shown[:MOST_PICTURES]]
    figures = [pictures.save_drawing(draw_pictures(names, made.first, made.values))]
    for sample in samples:
        file = sample.image.file
        picture = draw_picture(file, made.of(sample.pixels), made.values)
        vector = draw_vector(file, np.asarray(sample.pixels, np.float32).reshape(-1))
        figures += [pictures.save_drawing(drawing) for drawing in (picture, vector)]
    return figures
