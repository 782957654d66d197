"""What the pass keeps of each image beside statistics: to judge the answers, and to compare the images.

A few numbers for each image, and of a bounded sample also thumbnail and features. All of it merges, and gives the same
bits for any split of the images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.answers import answer_of
from reportgen.analysis.dataset_quality.image_set import ImageSetAccumulator
from reportgen.analysis.figures_of_merit.binary import BinaryAccumulator
from reportgen.analysis.figures_of_merit.classes import ClassAccumulator
from reportgen.analysis.figures_of_merit.rows import ImageRows
from reportgen.analysis.image_properties import as_bytes, measure_image
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.analysis.network.watching import tensors_in
from reportgen.analysis.statistics.kept_beside import Keeping, SeenImage

# What is measured on the pixels of every image; its size is known beforehand.
MEASURED = ("brightness", "contrast", "sharpness", "colourfulness")

# Values of a layer by which images are compared: comparing takes time in proportion, and 16,384 images fit the room
# there is for features. Of a map of 7 x 7 x 64 means over a grid of 4 x 4 are left, which still tell where things lie.
MOST_FEATURES = 1_024

_PREFIX = "review"

IntArray = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Reviewing:
    """What is kept; it travels to workers.

    Attributes:
        output: whose answers are judged, an output of classes; None where there is none.
        truth: the right class of each image of the set, `(images,)`, below 0 where it is not known; None where no
            answer is judged.
        layer: whose output the images are compared by; None where they are not compared.
        seed: of the sample of images that are compared.
        levels: black and white of pixels that are not 8 bits.
    """

    output: SettledOutput | None
    truth: IntArray | None
    layer: str | None
    seed: int
    levels: tuple[float, float] = (0.0, 255.0)

    @property
    def judged(self) -> SettledOutput | None:
        """The output whose answers are judged, where right ones are known."""
        return None if self.truth is None else self.output

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers whose outputs are read."""
        return () if self.layer is None else (self.layer,)

    @property
    def key(self) -> list[Any]:
        """What results depend on."""
        truth = None if self.truth is None else self.truth.tobytes().hex()
        return [truth, self.layer, self.seed, self.levels]

    def tensors(self, outputs: Mapping[str, Sequence[tf.Tensor]], answer: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """The scores of an image, `(classes,)`, and its features in a row; empty where they are not asked for."""
        scores = features = tf.zeros((0,))
        if self.judged is not None:
            scores = as_probabilities(answer_of(tensors_in(answer)[self.judged.index], self.judged), self.judged)[0]
        if self.layer is not None:
            features = tf.reshape(_coarse(outputs[self.layer][0]), (-1,))
        return scores, features

    def begin(self) -> Review:
        """What is kept, so far of no image."""
        return Review(self)

    def loaded(self, arrays: Mapping[str, NDArray[Any]]) -> Review:
        """What `Review.to_arrays` stored."""
        return Review.from_arrays(self, arrays)


class Review:
    """All that is kept of a set of images for the review.

    `answers` and `second` judge classes, the latter the second of two; None where nothing is judged.
    """

    def __init__(self, keeping: Reviewing) -> None:
        self.keeping: Keeping = keeping
        self.told = keeping
        judged = keeping.judged
        self.answers = None if judged is None else ClassAccumulator(judged.classes, probabilities=True)
        self.second = BinaryAccumulator() if judged is not None and judged.classes == 2 else None
        self.images = ImageSetAccumulator(seed=keeping.seed)
        self.properties = ImageRows(**dict.fromkeys(MEASURED, np.float64))

    def add(self, rows: Sequence[SeenImage]) -> None:
        """Take in images, at least one."""
        index = np.array([row.index for row in rows], np.int64)
        measured = [measure_image(as_bytes(row.pixels, self.told.levels)) for row in rows]
        self.properties.add(
            index,
            **{name: [_number(getattr(one, name)) for one in measured] for name in MEASURED},
        )
        if self.told.layer is not None:
            pixels, features = np.stack([row.pixels for row in rows]), np.stack([row.features for row in rows])
            self.images.add(index, pixels, features, self.told.levels)
        if self.answers is not None and self.told.truth is not None:
            truth = self.told.truth[index]
            scores = np.stack([row.scores for row in rows])
            self.answers.add(index, truth, scores)
            if self.second is not None:
                known = truth >= 0
                self.second.add(index[known], truth[known] == 1, scores[known, 1])

    def merge(self, other: Review) -> None:
        """Take in what was kept of other images."""
        self.properties.merge(other.properties)
        self.images.merge(other.images)
        if self.answers is not None and other.answers is not None:
            self.answers.merge(other.answers)
        if self.second is not None and other.second is not None:
            self.second.merge(other.second)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Everything but what is told beforehand, to be stored."""
        stored = self.properties.to_arrays(f"{_PREFIX}_properties") | self.images.to_arrays(f"{_PREFIX}_images")
        if self.answers is not None:
            stored |= self.answers.to_arrays(f"{_PREFIX}_answers")
        if self.second is not None:
            stored |= self.second.to_arrays(f"{_PREFIX}_second")
        return stored

    @classmethod
    def from_arrays(cls, keeping: Reviewing, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """What `to_arrays` stored."""
        loaded = cls(keeping)
        loaded.properties.take_arrays(f"{_PREFIX}_properties", arrays)
        loaded.images.take_arrays(f"{_PREFIX}_images", arrays)
        if loaded.answers is not None:
            loaded.answers.take_arrays(f"{_PREFIX}_answers", arrays)
        if loaded.second is not None:
            loaded.second.take_arrays(f"{_PREFIX}_second", arrays)
        return loaded


def _coarse(output: tf.Tensor) -> tf.Tensor:
    """The output of a layer for one image with at most MOST_FEATURES values, where its channels are not more.

    Means over the cells of the finest grid of which that is true, or over all tokens: what lies where is kept as far as
    there is room, since images are told apart by it.
    """
    shape = output.shape
    if shape.rank is None or shape.rank < 3 or shape.num_elements() is None or shape.num_elements() <= MOST_FEATURES:
        return output
    if shape.rank != 4:
        return tf.reduce_mean(output, axis=list(range(1, shape.rank - 1)))
    cells = max(1, int((MOST_FEATURES / shape[-1]) ** 0.5))
    sides = [max(1, -(-side // cells)) for side in shape[1:3]]
    return tf.nn.avg_pool2d(output, sides, sides, "SAME")


def as_probabilities(answers: tf.Tensor, output: SettledOutput) -> tf.Tensor:
    """Answers `(images, values)` of an output of classes as probabilities `(images, classes)`.

    Plain scores go through a softmax; a single number, of a sigmoid or plain, speaks for the second of two classes.
    """
    is_plain = output.scores == "logits"
    if output.is_single:
        second = tf.sigmoid(answers) if is_plain else answers
        return tf.concat([1 - second, second], -1)
    return tf.nn.softmax(answers) if is_plain else answers


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
