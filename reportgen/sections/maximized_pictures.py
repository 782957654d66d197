"""The maximised images of a report: which there are, and how they are stored and described."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reportgen import record
from reportgen.analysis.maximization import AnswerGoals, answer_goals, chosen_preset, colour_covariance, maximize
from reportgen.analysis.maximization.answer_goals import with_extremes
from reportgen.draw.bands import shown_bands, to_rgb
from reportgen.draw.maximized import draw_maximized
from reportgen.formats import counted, number
from reportgen.images import ImageFile
from reportgen.models import Network
from reportgen.progress import stage
from reportgen.record.objectives import maximized_name, objective_words
from reportgen.results import ByteArray, Drawing, LeftOut, MaximizedChannel, PixelArray
from reportgen.sampling import sample_evenly
from reportgen.sections.picture_store import PictureStore
from reportgen.sections.study import Study, Workshop

# Enough for the colours of the set, which is all they are for.
COLOUR_IMAGES = 64
# The strongest of so many is close to the strongest of all.
ANSWER_IMAGES = 256


class Maximizing:
    """Activation maximisation with the settings of a study."""

    def __init__(self, study: Study, workshop: Workshop) -> None:
        self.study = study
        self.workshop = workshop
        self.preset = chosen_preset(study.config)
        self._for_colours = {image.file for image in study.images.images[:COLOUR_IMAGES]}
        self._goals = self._answer_goals()
        self._for_answers = sample_evenly(study.images.images, ANSWER_IMAGES) if self._goals else ()
        self._pixels: dict[str, PixelArray] = {}

    @property
    def images(self) -> tuple[ImageFile, ...]:
        """The images to learn from."""
        wanted = self._for_colours | {image.file for image in self._for_answers}
        return tuple(image for image in self.study.images if image.file in wanted)

    def learn(self, file: str, pixels: PixelArray) -> None:
        """Take in an image, fitted to the network's input."""
        self._pixels[file] = pixels

    @cached_property
    def colours(self) -> NDArray[np.float64] | None:
        """The covariance `(3, 3)` of red, green and blue over the first images; None without colour."""
        if self.study.network.channels != 3:
            return None
        chosen = (pixels for file, pixels in self._pixels.items() if file in self._for_colours)
        return colour_covariance(as_pictures(self.study.network, pixels) for pixels in chosen)

    def _answer_goals(self) -> list[AnswerGoals]:
        """What of the answers pictures are made for; the tutorials' recipe knows channels alone."""
        study = self.study
        if self.preset.name == "classic":
            return []
        return answer_goals(study.answers.outputs, study.statistics, study.summary, _classes(study))

    def _answers(self) -> list[AnswerGoals]:
        """The same with the extremes over the images, or over a sample of many."""
        if not self._goals:
            return []
        wanted = [image.file for image in self._for_answers]
        images = (self._pixels[file] for file in wanted if file in self._pixels)
        return with_extremes(self._goals, self.study.passes, images, self.workshop.cache)

    def make(self) -> tuple[list[MaximizedChannel], list[LeftOut]]:
        """An image for each chosen channel and for what is wanted of the answers, and what the time limit left out."""
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
                study.passes,
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
                answers=self._answers(),
            )


def _classes(study: Study) -> dict[str, str]:
    """The class of images that have one, by the first output whose right classes were given."""
    given = next(iter(study.truth.values()), {})
    return {file: names[0] for file, names in given.items() if len(names) == 1}


def store_maximized(
    made: Sequence[MaximizedChannel], study: Study, pictures: PictureStore
) -> tuple[list[record.Figure], list[record.Maximization]]:
    """Store the images of one layer or output: those of the first seed as a figure, further seeds beside it.

    Where they are no pictures, but of other channels or values, each is kept as an array too.
    """
    figures, records = [], []
    for again in (False, True):
        items = [item for item in made if item.again == again]
        if not items:
            continue
        figure = pictures.save_drawing(_drawing(items, study))
        figures.append(figure)
        for place, item in enumerate(items):
            array = None
            if item.pixels is not None and keeps_values(study):
                array = keep_values(study, f"maximized-{_stem(item)}", item.pixels, pictures)
            records.append(_record(item, place, figure, array))
    return figures[:1], records


def _stem(item: MaximizedChannel) -> str:
    """What tells a picture from others in the names of files."""
    parts = [item.layer, str(item.channel)]
    return "-".join(parts if item.objective == "channel" else [*parts, item.output or "", item.objective])


def as_pictures(network: Network, values: PixelArray) -> PixelArray:
    """Fitted images as pictures of 0..255; values that are no numbers are black."""
    return values if values.dtype == np.uint8 else np.clip(np.nan_to_num(network.to_pictures(values)), 0, 255)


def keeps_values(study: Study) -> bool:
    """Whether the network takes other channels, or other values, than pictures have."""
    return study.network.channels not in (1, 3) or study.fitting.scale.dtype != "uint8"


def keep_values(study: Study, name: str, pixels: ByteArray, pictures: PictureStore) -> str:
    """Store pixels of 0..255 in the range of values of the images, float32; returns the path in the report.

    Fed as such, they are what the network was given when they were measured.
    """
    low, high = study.fitting.scale.stated_range
    return pictures.save_array(name, np.asarray(low + pixels.astype(np.float64) * ((high - low) / 255), np.float32))


def _values_words(study: Study) -> str:
    """What of images that are no pictures is shown, and where the rest is."""
    if not keeps_values(study):
        return ""
    bands, channels = shown_bands(study.network.channels, study.config.bands), study.network.channels
    low, high = study.fitting.scale.stated_range
    which = f" Channels {', '.join(map(str, bands))} of {channels} are shown." if channels > len(bands) else ""
    return f"{which} Black is {number(low)}, white {number(high)}; beside each picture its values as an array."


def _drawing(made: Sequence[MaximizedChannel], study: Study) -> Drawing:
    one = made[0]
    name, noun = one.output or one.layer, objective_words(one.objective).noun
    return draw_maximized(
        one.layer,
        [maximized_name(item.objective, item.channel, item.label) for item in made],
        [None if item.pixels is None else to_rgb(item.pixels, study.config.bands) for item in made],
        channels=[item.channel for item in made],
        values=[item.activation for item in made],
        of=name,
        what=f"{counted(len({item.channel for item in made}), noun)} of {name}",
        made=f"Preset {one.preset}, objective {one.objective}, seed {one.seed}, "
        f"canvas {one.canvas[0]} x {one.canvas[1]}.{_values_words(study)}",
    )


def _record(item: MaximizedChannel, place: int, figure: record.Figure, array: str | None) -> record.Maximization:
    grid = figure.tiles
    shown = item.pixels is not None and grid is not None
    return record.Maximization(
        layer=item.layer,
        output=item.output,
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
        array=array,
    )


def tile_of(grid: record.TileGrid, place: int) -> tuple[int, int, int, int]:
    """`(left, top, width, height)` of tile number `place`."""
    row, column = divmod(place, grid.columns)
    return column * (grid.width + grid.gap), row * (grid.height + grid.gap), grid.width, grid.height
