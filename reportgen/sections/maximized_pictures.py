"""The maximised images of a report: which there are, and how they are stored and described."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reportgen import record
from reportgen.analysis.maximization import chosen_preset, colour_covariance, maximize, maximize_classes
from reportgen.analysis.maximization.judging import logit_function
from reportgen.draw.maximized import draw_maximized
from reportgen.draw.photo import to_rgb
from reportgen.images import ImageFile
from reportgen.progress import stage
from reportgen.results import ByteArray, Drawing, FloatArray, LeftOut, MaximizedChannel
from reportgen.sections.picture_store import PictureStore
from reportgen.sections.study import Study, Workshop, sample_evenly

# Enough for the colours of the set, which is all they are for.
COLOUR_IMAGES = 64
# The strongest of so many is close to the strongest of all.
LOGIT_IMAGES = 256
MOST_CLASSES = 8


class Maximizing:
    """Activation maximisation with the settings of a study."""

    def __init__(self, study: Study, workshop: Workshop) -> None:
        self.study = study
        self.workshop = workshop
        self.preset = chosen_preset(study.config)
        self._for_colours = {image.file for image in study.images.images[:COLOUR_IMAGES]}
        self._for_logits = sample_evenly(study.images.images, LOGIT_IMAGES) if self._makes_classes() else ()
        self._pixels: dict[str, ByteArray] = {}

    @property
    def images(self) -> tuple[ImageFile, ...]:
        """The images to learn from."""
        wanted = self._for_colours | {image.file for image in self._for_logits}
        return tuple(image for image in self.study.images if image.file in wanted)

    def learn(self, file: str, pixels: ByteArray) -> None:
        """Take in an image, fitted to the network's input."""
        self._pixels[file] = pixels

    @cached_property
    def colours(self) -> NDArray[np.float64] | None:
        """The covariance `(3, 3)` of red, green and blue over the first images; None without colour."""
        if self.study.network.channels != 3:
            return None
        return colour_covariance(pixels for file, pixels in self._pixels.items() if file in self._for_colours)

    def _makes_classes(self) -> bool:
        return self.study.head is not None and self.preset.name != "classic"

    def _highest_logits(self) -> FloatArray:
        """The highest logit of each class over the images, or over a sample of many, `(classes,)`."""
        logits = logit_function(self.study.network)
        wanted = {image.file for image in self._for_logits}
        rows = [logits(pixels[None])[0] for file, pixels in self._pixels.items() if file in wanted]
        highest: FloatArray = np.max(rows, axis=0)
        return highest

    def channels(self) -> tuple[list[MaximizedChannel], list[LeftOut]]:
        """An image for each chosen channel, and what the time limit left out."""
        study, progress = self.study, self.workshop.progress
        maxima = {layer: study.statistics.maxima(layer) for layer in study.chosen}
        with stage(progress, "Activation maximisation", 100) as told:
            shown = 0.0

            def listen(done: float, total: float, text: str) -> None:
                nonlocal shown
                share = 100 * done / total if total else 100.0
                told.advance(max(0, int(share) - int(shown)), text or None)
                shown = max(shown, share)

            return maximize(
                study.network,
                study.summary,
                study.chosen,
                self.preset,
                dataset_max=maxima,
                colour_covariance=self.colours,
                seed=study.config.seed,
                cache=self.workshop.cache,
                progress=listen,
                budget=study.config.budget,
                config=study.config,
            )

    def classes(self) -> list[MaximizedChannel]:
        """An image for each class the network found first in an image, the most frequent ones."""
        study = self.study
        if not self._makes_classes():
            return []
        found: dict[int, int] = {}
        for place in range(len(study.statistics.images)):
            for best in study.statistics.predictions(place, study.head)[:1]:
                found[best.index] = found.get(best.index, 0) + 1
        classes = sorted(sorted(found), key=lambda index: -found[index])[:MOST_CLASSES]
        with stage(self.workshop.progress, "Classes", len(classes)):
            return maximize_classes(
                study.network,
                study.summary,
                classes,
                self.preset,
                dataset_max=self._highest_logits(),
                colour_covariance=self.colours,
                seed=study.config.seed,
                cache=self.workshop.cache,
            )


def store_maximized(
    layer: str, made: Sequence[MaximizedChannel], pictures: PictureStore
) -> tuple[list[record.Figure], list[record.Maximization]]:
    """Store the images of one layer: those of the first seed as a figure, further seeds beside it."""
    first, again = [item for item in made if not item.again], [item for item in made if item.again]
    figure = pictures.save_drawing(_drawing(layer, first))
    records = [_record(item, place, figure) for place, item in enumerate(first)]
    if again:
        second = pictures.save_drawing(_drawing(layer, again))
        records += [_record(item, place, second) for place, item in enumerate(again)]
    return [figure], records


def _drawing(layer: str, made: Sequence[MaximizedChannel]) -> Drawing:
    one = made[0]
    noun = "class" if one.objective == "logit" else "channel"
    names = [item.label or f"{noun} {item.channel}" for item in made]
    what = f"{len(made)} {noun if len(made) == 1 else 'classes' if noun == 'class' else 'channels'}"
    return draw_maximized(
        layer,
        names,
        [None if item.pixels is None else to_rgb(item.pixels) for item in made],
        channels=[item.channel for item in made],
        values=[item.activation for item in made],
        what=what,
        made=f"Preset {one.preset}, objective {one.objective}, seed {one.seed}, "
        f"canvas {one.canvas[0]} x {one.canvas[1]}.",
    )


def _record(item: MaximizedChannel, place: int, figure: record.Figure) -> record.Maximization:
    grid = figure.tiles
    shown = item.pixels is not None and grid is not None
    return record.Maximization(
        layer=item.layer,
        channel=item.channel,
        objective=item.objective,
        label=item.label,
        preset=item.preset,
        seed=item.seed,
        steps=item.steps,
        canvas=item.canvas,
        picture=figure.picture if shown else None,
        tile=tile_of(grid, place) if shown and grid is not None else None,
        width=figure.width if shown else None,
        height=figure.height if shown else None,
        activation=item.activation,
        dataset_max=item.dataset_max,
        rank=item.rank,
        status=item.status,
        curve=record.Curve(steps=[step for step, _ in item.curve], values=[value for _, value in item.curve]),
        note=item.note,
    )


def tile_of(grid: record.TileGrid, place: int) -> tuple[int, int, int, int]:
    """`(left, top, width, height)` of tile number `place`."""
    row, column = divmod(place, grid.columns)
    return column * (grid.width + grid.gap), row * (grid.height + grid.gap), grid.width, grid.height
