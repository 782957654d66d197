"""Classes that exclude each other: a softmax, plain scores, or one number between two classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.answers.kind import Given, Kept, Kind, is_vector, layer_words
from reportgen.analysis.answers.seen import SeenOutput
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.models.losses import is_of_classes, is_of_two_classes

TOP_CLASSES = 5  # kept for each image: enough for top-5 accuracy

_TOTAL, _TRUE_SCORE, _TRUE_RANK, _SQUARES = range(2 * TOP_CLASSES, 2 * TOP_CLASSES + 4)
_WIDTH = 2 * TOP_CLASSES + 4


@dataclass(frozen=True, eq=False)
class ClassRows:
    """What is kept of class scores, a row an image.

    `classes` and `scores` `(images, TOP_CLASSES)` are the best classes, best first, -1 and not-a-number past the
    last; `totals` the sums of all scores. Of the right class, where it is known: `true_probability`, its `true_rank`
    (0: the best), and `squares`, the sum of all squared probabilities.
    """

    classes: NDArray[np.int64]
    scores: NDArray[np.float32]
    totals: NDArray[np.float32]
    true_probability: NDArray[np.float32]
    true_rank: NDArray[np.float32]
    squares: NDArray[np.float32]

    @classmethod
    def of(cls, rows: NDArray[np.float32]) -> ClassRows:
        """From rows as they were kept, `(images, width)`."""
        return cls(
            rows[:, :TOP_CLASSES].astype(np.int64),
            rows[:, TOP_CLASSES : 2 * TOP_CLASSES],
            rows[:, _TOTAL],
            rows[:, _TRUE_SCORE],
            rows[:, _TRUE_RANK],
            rows[:, _SQUARES],
        )


def _find(seen: SeenOutput, given: Given) -> str | None:
    if not seen.is_vector:
        return None
    layer = layer_words(seen)
    if seen.size[0] == 1:
        return _find_single(seen, given)
    if seen.activation == "softmax":
        return f"{layer} ends in a softmax."
    if seen.activation == "log_softmax":
        return f"{layer} ends in the logarithm of a softmax."
    return _find_linear(seen, given) if seen.activation in ("linear", None) else None


def _find_linear(seen: SeenOutput, given: Given) -> str | None:
    """Why plain numbers are scores of classes."""
    count, layer = seen.size[0], layer_words(seen)
    if seen.activation is None and seen.sums_to_one:
        return "Its values lie in 0..1 and sum to one on the images."
    if given.label_count == count:
        return f"{layer} has no softmax, and there are as many class names as values."
    if given.truth_classes == count:
        return f"{layer} has no softmax, and the right answers name as many classes as there are values."
    if is_of_classes(given.loss) or is_of_two_classes(given.loss):
        return f"{layer} has no softmax, and the network was compiled with {given.loss}."
    if given.is_application:
        return f"{layer} has no softmax, and the application tells classes apart."
    return None


def _find_single(seen: SeenOutput, given: Given) -> str | None:
    """Why one number tells two classes apart."""
    layer = layer_words(seen)
    if seen.activation in ("sigmoid", "hard_sigmoid"):
        return f"{layer} is a single sigmoid: it tells two classes apart."
    if seen.activation != "linear":
        return None
    if given.label_count == 2:
        return f"{layer} gives one number, and there are two class names: the second class is where it is positive."
    if given.truth_classes == 2:
        return f"{layer} gives one number, and the right answers name two classes: the second is where it is positive."
    if is_of_two_classes(given.loss):
        return f"{layer} gives one number and was compiled with {given.loss}: the second class is where it is positive."
    return None


def _width(_output: SettledOutput) -> int:
    return _WIDTH


def _keep(answer: tf.Tensor, output: SettledOutput, kept: Kept) -> tf.Tensor:
    """The best classes, their scores, the sum of all, and how the right class fared.

    Of equal scores the lower index goes first; scores that are not finite are left out.
    """
    values = tf.reshape(answer, (-1,))
    order, scores, probabilities = values, values, values
    if output.is_single:
        second = values if output.activation == "sigmoid" else tf.sigmoid(values)
        scores = probabilities = tf.concat([1 - second, second], 0)
        # A logit decides by its sign, however near to zero it is.
        order = scores if output.activation == "sigmoid" else tf.concat([-values, values], 0)
    elif output.scores == "logits":
        probabilities = tf.nn.softmax(values)
    lowest = tf.constant(float("-inf"))
    ordered = tf.where(tf.math.is_finite(order), order, lowest)
    best = tf.math.top_k(ordered, min(TOP_CLASSES, ordered.shape[0]))
    there = best.values > lowest
    missing = TOP_CLASSES - best.values.shape[0]
    indices = tf.where(there, tf.cast(best.indices, tf.float32), -1.0)
    found = tf.where(there, tf.gather(scores, best.indices), float("nan"))
    return tf.concat(
        [
            tf.pad(indices, [[0, missing]], constant_values=-1.0),
            tf.pad(found, [[0, missing]], constant_values=float("nan")),
            tf.reshape(tf.reduce_sum(scores), (1,)),
            _true_class(ordered, probabilities, kept.truth),
        ],
        0,
    )


def _true_class(ordered: tf.Tensor, probabilities: tf.Tensor, truth: tf.Tensor) -> tf.Tensor:
    """The right class' probability and rank and the sum of squared probabilities, `(3,)`; not-a-number without one."""
    place = tf.maximum(truth, 0)
    own = ordered[place]
    before = tf.range(tf.shape(ordered)[0]) < place
    rank = tf.math.count_nonzero((ordered > own) | ((ordered == own) & before), dtype=tf.int32)
    told = tf.stack([probabilities[place], tf.cast(rank, tf.float32), tf.reduce_sum(tf.square(probabilities))])
    return tf.where(truth >= 0, told, tf.fill((3,), float("nan")))


CLASSES = Kind("classes", _find, "a vector", is_vector, _width, _keep)
