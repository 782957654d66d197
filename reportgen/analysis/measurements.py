"""What a pass over images measures: a plain value that merges with that of other images.

Everything is an integer, an extreme or a choice by a total order, so merging is associative and
commutative, and any split of the images gives the same bits. Channels of all layers lie in one row, layer
after layer; `Layout` says where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.dyadic_histogram import DyadicHistograms
from reportgen.analysis.exact_sum import ExactSum

TOP_IMAGES = 9  # shown for each channel: three rows of three

TOP_CLASSES = 5  # kept for each image: enough for top-5 accuracy

NO_IMAGE = -1


@dataclass(frozen=True)
class LayerLayout:
    """A measured layer: its map is `(height, width, channels)`, its channels start at `start`.

    Where the layer gives no map (`is_map`), `width` is 1 and `height` the number of tokens, or 1.
    """

    name: str
    start: int
    height: int
    width: int
    channels: int
    is_map: bool

    @property
    def positions(self) -> int:
        """How many values of a channel there are for one image."""
        return self.height * self.width

    @property
    def stop(self) -> int:
        """Where the channels of the next layer start."""
        return self.start + self.channels


@dataclass(frozen=True)
class Layout:
    """The measured layers, in order, and how many images there are in all."""

    layers: tuple[LayerLayout, ...]
    image_count: int

    @property
    def channels(self) -> int:
        """The channels of all layers."""
        return self.layers[-1].stop if self.layers else 0

    @cached_property
    def positions(self) -> NDArray[np.int64]:
        """How many values each channel has for one image, `(channels,)`."""
        return np.repeat(
            np.array([layer.positions for layer in self.layers], np.int64),
            [layer.channels for layer in self.layers],
        )


@dataclass(frozen=True)
class SampleRun:
    """Channels from `first` on that give equally many samples of an image, channel after channel."""

    first: int
    channels: int
    samples: int


@dataclass(frozen=True, eq=False)
class Rows:
    """What was measured on a few images, one row for each; `index` is the image's place in the set.

    `(images, channels)` each: `maxima` and where they stand (`places`, row by row through the map; 0 for what is
    not among the best anyway),
    `minima`, `sums` and `squares` (of values and their squares), `zeros`, `not_numbers`, `infinities`.
    `samples` `(images, samples)` are values for the histogram, `sample_runs` say whose they are. `classes`
    and `scores` `(images, TOP_CLASSES)` are the best classes, best first (-1 and not-a-number past the
    last), `score_sums` `(images,)` the sum over all classes.
    """

    index: NDArray[np.int64]
    maxima: NDArray[np.float64]
    places: NDArray[np.int32]
    minima: NDArray[np.float64]
    sums: NDArray[np.float64]
    squares: NDArray[np.float64]
    zeros: NDArray[np.float64]
    not_numbers: NDArray[np.float64]
    infinities: NDArray[np.float64]
    samples: NDArray[np.float32]
    sample_runs: Sequence[SampleRun]
    classes: NDArray[np.int32]
    scores: NDArray[np.float32]
    score_sums: NDArray[np.float64]


@dataclass(eq=False)
class Top:
    """The images with a channel's highest values: `(TOP_IMAGES, channels)` each, best first.

    Of equal values the earlier image goes first; `images` is `NO_IMAGE` past the last.
    """

    values: NDArray[np.float32]
    images: NDArray[np.int64]
    places: NDArray[np.int32]

    @classmethod
    def empty(cls, channels: int) -> Self:
        """No images."""
        shape = (TOP_IMAGES, channels)
        return cls(np.full(shape, -np.inf, np.float32), np.full(shape, NO_IMAGE, np.int64), np.zeros(shape, np.int32))

    def add(self, values: NDArray[np.float32], images: NDArray[np.int64], places: NDArray[np.int32]) -> None:
        """Take in candidates, `(candidates, channels)` each, -inf where there is none."""
        # A candidate that ties with the last still goes before it if its image is the earlier one.
        columns = np.flatnonzero((values >= self.values[-1]).any(axis=0) & (values > -np.inf).any(axis=0))
        if not columns.size:
            return
        values = np.concatenate([self.values[:, columns], values[:, columns]])
        images = np.concatenate([self.images[:, columns], images[:, columns]])
        places = np.concatenate([self.places[:, columns], places[:, columns]])
        images[values == -np.inf] = NO_IMAGE
        order = np.lexsort((images, -values), axis=0)[:TOP_IMAGES]
        self.values[:, columns] = np.take_along_axis(values, order, axis=0)
        self.images[:, columns] = np.take_along_axis(images, order, axis=0)
        self.places[:, columns] = np.take_along_axis(places, order, axis=0)


@dataclass(eq=False)
class Answers:
    """The best classes of each image, in the order of the images; fields as in `Rows`."""

    index: NDArray[np.int64]
    classes: NDArray[np.int32]
    scores: NDArray[np.float32]
    score_sums: NDArray[np.float64]

    @classmethod
    def empty(cls) -> Self:
        """Of no image."""
        shape = (0, TOP_CLASSES)
        return cls(np.zeros(0, np.int64), np.zeros(shape, np.int32), np.zeros(shape, np.float32), np.zeros(0))

    def add(self, other: Rows | Answers) -> None:
        """Take in the answers for other images."""
        index = np.concatenate([self.index, other.index])
        order = np.argsort(index)
        self.index = index[order]
        self.classes = np.concatenate([self.classes, other.classes])[order]
        self.scores = np.concatenate([self.scores, other.scores])[order]
        self.score_sums = np.concatenate([self.score_sums, other.score_sums])[order]


class Measurements:
    """All that is measured on a set of images; of size independent of their number, but for `answers`.

    `(channels,)` each: `minima`, `maxima`, `zeros`, `not_numbers`, `infinities`, and `fired`, the number of
    images in which the channel is above zero somewhere. Extremes, sums and histograms are of finite values.
    `skipped` maps an image's place in the set to the reason why it could not be measured.
    """

    def __init__(self, channels: int) -> None:
        self.minima = np.full(channels, np.inf, np.float32)
        self.maxima = np.full(channels, -np.inf, np.float32)
        self.sums = ExactSum.zeros(channels)
        self.squares = ExactSum.zeros(channels)
        self.zeros = np.zeros(channels, np.int64)
        self.not_numbers = np.zeros(channels, np.int64)
        self.infinities = np.zeros(channels, np.int64)
        self.fired = np.zeros(channels, np.int64)
        self.histograms = DyadicHistograms.empty(channels)
        self.top = Top.empty(channels)
        self.answers = Answers.empty()
        self.skipped: dict[int, str] = {}

    @property
    def image_count(self) -> int:
        """How many images were measured."""
        return len(self.answers.index)

    def add(self, rows: Rows) -> None:
        """Take in what was measured on further images."""
        maxima, minima = rows.maxima.astype(np.float32), rows.minima.astype(np.float32)
        np.minimum(self.minima, minima.min(axis=0), out=self.minima)
        np.maximum(self.maxima, maxima.max(axis=0), out=self.maxima)
        self.sums.add(rows.sums)
        self.squares.add(rows.squares)
        self.zeros += rows.zeros.sum(axis=0).astype(np.int64)
        self.not_numbers += rows.not_numbers.sum(axis=0).astype(np.int64)
        self.infinities += rows.infinities.sum(axis=0).astype(np.int64)
        self.fired += (maxima > 0).sum(axis=0)
        self._add_samples(rows)
        self.top.add(maxima, np.broadcast_to(rows.index[:, np.newaxis], maxima.shape), rows.places)
        self.answers.add(rows)

    def _add_samples(self, rows: Rows) -> None:
        bounds = np.maximum(np.abs(rows.minima), np.abs(rows.maxima))
        self.histograms.make_room(np.where(np.isfinite(bounds), bounds, 0).max(axis=0).astype(np.float32))
        images, start = len(rows.samples), 0
        for run in rows.sample_runs:
            stop = start + run.channels * run.samples
            values = rows.samples[:, start:stop].reshape(images, run.channels, run.samples).transpose(1, 0, 2)
            self.histograms.add(run.first, values.reshape(run.channels, -1))
            start = stop

    def merge(self, other: Measurements) -> None:
        """Take in what was measured on other images."""
        np.minimum(self.minima, other.minima, out=self.minima)
        np.maximum(self.maxima, other.maxima, out=self.maxima)
        self.sums.merge(other.sums)
        self.squares.merge(other.squares)
        self.zeros += other.zeros
        self.not_numbers += other.not_numbers
        self.infinities += other.infinities
        self.fired += other.fired
        self.histograms.merge(other.histograms)
        self.top.add(other.top.values, other.top.images, other.top.places)
        self.answers.add(other.answers)
        self.skipped = dict(sorted((self.skipped | other.skipped).items()))

    def __getstate__(self) -> dict[str, Any]:
        return {"arrays": self.to_arrays(), "skipped": self.skipped}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(self.from_arrays(state["arrays"], state["skipped"]).__dict__)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Everything but `skipped`, to be stored."""
        return {
            "minima": self.minima,
            "maxima": self.maxima,
            **self.sums.to_arrays("sums"),
            **self.squares.to_arrays("squares"),
            "zeros": self.zeros,
            "not_numbers": self.not_numbers,
            "infinities": self.infinities,
            "fired": self.fired,
            "levels": self.histograms.levels,
            "counts": self.histograms.counts,
            "top_values": self.top.values,
            "top_images": self.top.images,
            "top_places": self.top.places,
            "index": self.answers.index,
            "classes": self.answers.classes,
            "scores": self.answers.scores,
            "score_sums": self.answers.score_sums,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], skipped: Mapping[int, str]) -> Self:
        """What `to_arrays` stored."""
        loaded = cls(0)
        for name in ("minima", "maxima", "zeros", "not_numbers", "infinities", "fired"):
            setattr(loaded, name, arrays[name])
        loaded.sums = ExactSum.from_arrays("sums", arrays)
        loaded.squares = ExactSum.from_arrays("squares", arrays)
        loaded.histograms = DyadicHistograms(arrays["levels"], arrays["counts"])
        loaded.top = Top(arrays["top_values"], arrays["top_images"], arrays["top_places"])
        loaded.answers = Answers(arrays["index"], arrays["classes"], arrays["scores"], arrays["score_sums"])
        loaded.skipped = dict(skipped)
        return loaded
