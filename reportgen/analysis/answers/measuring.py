"""What a pass over images keeps of every answer: a row of numbers for each image, output after output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.answers.kind import Kept
from reportgen.analysis.answers.registry import kind_of_answer
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.analysis.network.watching import tensors_in

# Images of which whole answers are kept to compare them by: more take more memory than they tell.
MOST_VECTORS = 20_000

NO_TRUTH = -1


@dataclass(frozen=True, eq=False)
class AnswerPlan:
    """What is kept of the answers to `image_count` images.

    `truths` has, for outputs by name, the index of the right class of each image `(images,)`, `NO_TRUTH` where it is
    not known. A row begins, for each output, with the number of its values that are not finite.
    """

    outputs: tuple[SettledOutput, ...] = ()
    image_count: int = 0
    truths: Mapping[str, NDArray[np.int32]] = field(default_factory=dict)

    @cached_property
    def columns(self) -> dict[str, slice]:
        """Where in a row what a kind keeps stands, by output."""
        columns, start = {}, 0
        for output in self.outputs:
            width = kind_of_answer(output.kind).width(output)
            columns[output.name] = slice(start + 1, start + 1 + width)
            start += 1 + width
        return columns

    @cached_property
    def width(self) -> int:
        """The length of a row."""
        return max((part.stop for part in self.columns.values()), default=0)

    @cached_property
    def vectors(self) -> dict[str, slice]:
        """Where whole answers stand in what is kept of a sample of the images, by output."""
        parts, start = {}, 0
        for output in self.outputs:
            if kind_of_answer(output.kind).keeps_vector:
                parts[output.name] = slice(start, start + output.count)
                start += output.count
        return parts

    @property
    def stride(self) -> int:
        """One image in so many is of the sample whose whole answers are kept."""
        return max(1, -(-self.image_count // MOST_VECTORS))

    def is_sampled(self, index: int) -> bool:
        """Whether the whole answers to the image `index` are kept."""
        return bool(self.vectors) and index % self.stride == 0

    def measure(self, answer: Any, pixels: tf.Tensor, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The row of an image and its whole answers; called while a function is traced.

        Args:
            answer: the model's own, to one image.
            pixels: the fitted image, `(height, width, channels)` of 0..255.
            index: its place in the set.
        """
        leaves = tensors_in(answer)
        row, vectors = [tf.zeros((0,), tf.float32)], [tf.zeros((0,), tf.float32)]
        for output in self.outputs:
            values = answer_of(leaves[output.index], output)[0]
            truth = self.truths.get(output.name)
            own = tf.constant(NO_TRUTH, tf.int32) if truth is None else tf.constant(truth, tf.int32)[index]
            kind = kind_of_answer(output.kind)
            lost = tf.math.count_nonzero(~tf.math.is_finite(values), dtype=tf.int32)
            row += [tf.reshape(tf.cast(lost, tf.float32), (1,)), kind.keep(values, output, Kept(pixels, own))]
            if kind.keeps_vector:
                vectors.append(tf.reshape(values, (-1,)))
        return tf.concat(row, 0), tf.concat(vectors, 0)

    def facts(self) -> list[Any]:
        """What measurements depend on, for the key of kept ones."""
        told = [
            [one.index, one.kind, list(one.size), one.activation, list(one.value_range), one.channels_first]
            for one in self.outputs
        ]
        return [told, self.image_count if self.vectors else 0, dict(self.truths)]


def answer_of(leaf: tf.Tensor, output: SettledOutput) -> tf.Tensor:
    """What an output gave, `(batch, *size)` float32, a map with its channels last."""
    values = tf.cast(leaf, tf.float32)
    if output.channels_first:
        values = tf.transpose(values, (0, 2, 3, 1))
    return tf.reshape(values, (-1, *output.size))


def truth_indices(classes: Mapping[str, Sequence[int]], files: Sequence[str]) -> NDArray[np.int32]:
    """The right class of each image `(images,)`, `NO_TRUTH` where it is not known."""
    return np.array([classes[file][0] if classes.get(file) else NO_TRUTH for file in files], np.int32)
