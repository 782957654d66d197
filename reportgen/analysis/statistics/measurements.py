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

from reportgen.analysis.statistics.compiled import compiled
from reportgen.analysis.statistics.dyadic_histogram import DyadicHistograms
from reportgen.analysis.statistics.exact_sum import ExactSum
from reportgen.analysis.statistics.kept_beside import Keeping, Kept, SeenImage

TOP_IMAGES = 9  # shown for each channel: three rows of three

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


@dataclass(frozen=True, eq=False)
class Reduced:
    """Statistics of channels on one image.

    `extremes` float32 `(2, channels)`: maxima and minima; `totals` float64 `(2, channels)`: sums of values and of
    their squares; `counts` int32 `(4, channels)`: where the maximum stands, row by row through the map, the first
    of equal ones (0 where nobody asked), and how many values are zero, not a number, and infinite. Sums and
    extremes are of finite values; a channel that has none has the extremes -inf and +inf.
    """

    extremes: NDArray[np.float32]
    totals: NDArray[np.float64]
    counts: NDArray[np.int32]

    @classmethod
    def empty(cls, channels: int) -> Self:
        """Room for what is to be found out."""
        return cls(np.zeros((2, channels), np.float32), np.zeros((2, channels)), np.zeros((4, channels), np.int32))

    def part(self, channels: slice) -> Self:
        """Some of the channels, in the same memory."""
        return type(self)(self.extremes[:, channels], self.totals[:, channels], self.counts[:, channels])


@dataclass(frozen=True, eq=False)
class Row:
    """What was measured on one image; `index` is its place in the set.

    `reduced` is of the channels of all layers. `samples` are values for the histogram, channel after channel, each
    channel's up to its place in `sample_ends` `(channels,)`. `answers` is what is kept of the answers, as an
    `AnswerPlan` lays it out; `vectors` whole answers, of length zero where the image is not of their sample. `seen` is
    what is kept of it beside statistics, where something is.
    """

    index: int
    reduced: Reduced
    samples: NDArray[np.float32]
    sample_ends: NDArray[np.int64]
    answers: NDArray[np.float32]
    vectors: NDArray[np.float32]
    seen: SeenImage | None = None

    @property
    def nbytes(self) -> int:
        """Memory of what grows with the channels and the pixels."""
        reduced = self.reduced.extremes.nbytes + self.reduced.totals.nbytes + self.reduced.counts.nbytes
        beside = 0 if self.seen is None else self.seen.pixels.nbytes + self.seen.features.nbytes
        return reduced + self.samples.nbytes + beside


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
        _insert_candidates(self.values, self.images, self.places, values, images, places)


@compiled
def _insert_candidates(
    values: NDArray[np.float32],
    images: NDArray[np.int64],
    places: NDArray[np.int32],
    new_values: NDArray[np.float32],
    new_images: NDArray[np.int64],
    new_places: NDArray[np.int32],
) -> None:
    """Insert candidates into rows of best ones, each behind those that are better."""
    last = len(values) - 1
    for candidate in range(len(new_values)):
        for channel in range(values.shape[1]):
            value, image = new_values[candidate, channel], new_images[candidate, channel]
            if value == -np.inf or value < values[last, channel]:
                continue
            rank = last + 1
            while rank and (
                value > values[rank - 1, channel]
                or (value == values[rank - 1, channel] and image < images[rank - 1, channel])
            ):
                rank -= 1
            for behind in range(last, rank, -1):
                values[behind, channel] = values[behind - 1, channel]
                images[behind, channel] = images[behind - 1, channel]
                places[behind, channel] = places[behind - 1, channel]
            if rank <= last:
                values[rank, channel], images[rank, channel] = value, image
                places[rank, channel] = new_places[candidate, channel]


@dataclass(eq=False)
class Answers:
    """What is kept of the answers to each image, in the order of the images.

    `rows` `(images, width)` are of the images `index`, `vectors` `(sampled images, size)` of `vector_index`.
    """

    index: NDArray[np.int64]
    rows: NDArray[np.float32]
    vector_index: NDArray[np.int64]
    vectors: NDArray[np.float32]

    @classmethod
    def empty(cls) -> Self:
        """Of no image."""
        none, nothing = np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
        return cls(none, nothing, none, nothing)

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Self:
        """Those of `rows`, which are in the order of their images."""
        return cls(
            np.array([row.index for row in rows], np.int64),
            np.stack([row.answers for row in rows]),
            np.array([row.index for row in rows if row.vectors.size], np.int64),
            np.array([row.vectors for row in rows if row.vectors.size], np.float32),
        )

    def add(self, other: Answers) -> None:
        """Take in the answers for other images."""
        self.index, self.rows = _joined(self.index, self.rows, other.index, other.rows)
        self.vector_index, self.vectors = _joined(self.vector_index, self.vectors, other.vector_index, other.vectors)


def _joined(
    index: NDArray[np.int64], rows: NDArray[np.float32], others: NDArray[np.int64], more: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows of images together with those of others, in the order of the images."""
    if not len(index) or not len(others):
        return (index, rows) if len(index) else (others, more)
    every = np.concatenate([index, others])
    order = np.argsort(every)
    return every[order], np.concatenate([rows, more])[order]


class Measurements:
    """All that is measured on a set of images; of size independent of their number, but for `answers`.

    `(channels,)` each: `minima`, `maxima`, `zeros`, `not_numbers`, `infinities`, and `fired`, the number of
    images in which the channel is above zero somewhere. Extremes, sums and histograms are of finite values.
    `skipped` maps an image's place in the set to the reason why it could not be measured; `beside` is what is kept
    to judge answers and to compare images, bounded but for a few numbers for each image.
    """

    def __init__(self, channels: int, keeping: Keeping | None = None) -> None:
        self.beside: Kept | None = None if keeping is None else keeping.begin()
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

    def add(self, rows: Sequence[Row]) -> None:
        """Take in what was measured on further images, at least one.

        The more at a time, the less time it takes for each.
        """
        rows = sorted(rows, key=lambda row: row.index)
        maxima, minima = np.stack([row.reduced.extremes for row in rows], axis=1)
        sums, squares = np.stack([row.reduced.totals for row in rows], axis=1)
        places, zeros, not_numbers, infinities = np.stack([row.reduced.counts for row in rows], axis=1)
        highest, lowest = maxima.max(axis=0), minima.min(axis=0)
        np.minimum(self.minima, lowest, out=self.minima)
        np.maximum(self.maxima, highest, out=self.maxima)
        self.sums.add(sums)
        self.squares.add(squares)
        self.zeros += zeros.sum(axis=0)
        self.not_numbers += not_numbers.sum(axis=0)
        self.infinities += infinities.sum(axis=0)
        self.fired += np.count_nonzero(maxima > 0, axis=0)
        self.histograms.make_room(np.maximum(highest, -lowest))
        self.histograms.add(np.stack([row.samples for row in rows]), rows[0].sample_ends)
        answers = Answers.of(rows)
        self.top.add(maxima, np.repeat(answers.index, maxima.shape[1]).reshape(maxima.shape), places)
        self.answers.add(answers)
        kept = [row.seen for row in rows if row.seen is not None]
        if self.beside is not None and kept:
            self.beside.add(kept)

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
        if self.beside is not None and other.beside is not None:
            self.beside.merge(other.beside)
        self.skipped = dict(sorted((self.skipped | other.skipped).items()))

    def __getstate__(self) -> dict[str, Any]:
        keeping = None if self.beside is None else self.beside.keeping
        return {"arrays": self.to_arrays(), "skipped": self.skipped, "keeping": keeping}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(self.from_arrays(state["arrays"], state["skipped"], state["keeping"]).__dict__)

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
            "answers": self.answers.rows,
            "vector_index": self.answers.vector_index,
            "vectors": self.answers.vectors,
            **({} if self.beside is None else self.beside.to_arrays()),
        }

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], skipped: Mapping[int, str], keeping: Keeping | None = None
    ) -> Self:
        """What `to_arrays` stored."""
        loaded = cls(0)
        loaded.beside = None if keeping is None else keeping.loaded(arrays)
        for name in ("minima", "maxima", "zeros", "not_numbers", "infinities", "fired"):
            setattr(loaded, name, arrays[name])
        loaded.sums = ExactSum.from_arrays("sums", arrays)
        loaded.squares = ExactSum.from_arrays("squares", arrays)
        loaded.histograms = DyadicHistograms(arrays["levels"], arrays["counts"])
        loaded.top = Top(arrays["top_values"], arrays["top_images"], arrays["top_places"])
        loaded.answers = Answers(arrays["index"], arrays["answers"], arrays["vector_index"], arrays["vectors"])
        loaded.skipped = dict(skipped)
        return loaded
