"""A class for each pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.answers.kind import Given, Kept, Kind, is_map, layer_words
from reportgen.analysis.answers.pictures import is_picture
from reportgen.analysis.answers.seen import SeenOutput
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.models.losses import is_of_classes
from reportgen.results import FloatArray


@dataclass(frozen=True, eq=False)
class ReadMap:
    """A map read as classes: `probabilities` `(height, width, classes)`.

    `indices` `(height, width)` is the class of each pixel, -1 where a map of sigmoids has none above 0.5; `shares`
    how many of the pixels each class has (of sigmoids: where it is above 0.5); `mean_confidence` that of the strongest
    class, of one class that of its yes or no.
    """

    probabilities: FloatArray
    indices: NDArray[np.int64]
    shares: tuple[float, ...]
    mean_confidence: float


def read_map(answer: FloatArray, output: SettledOutput) -> ReadMap:
    """Read the answer to one image, `(height, width, classes)`."""
    probabilities = output.as_probabilities(answer)
    confidence, pixels = probabilities.max(axis=-1), answer.shape[0] * answer.shape[1]
    indices = probabilities.argmax(axis=-1)
    if _is_exclusive(output):
        counts = np.bincount(indices.reshape(-1), minlength=output.classes)
    else:
        counts = np.count_nonzero(probabilities > 0.5, axis=(0, 1))
        indices = np.where(confidence > 0.5, indices, -1)
        if output.classes == 1:
            confidence = np.maximum(confidence, 1 - confidence)
    return ReadMap(
        probabilities,
        indices,
        tuple(float(count) / pixels for count in counts),
        float(confidence.mean(dtype=np.float64)),
    )


def _is_exclusive(output: SettledOutput) -> bool:
    """Whether a pixel is of one class: of a softmax or of plain scores of several classes."""
    return output.scores != "sigmoid" and output.classes > 1


def _find(seen: SeenOutput, given: Given) -> str | None:
    if not seen.is_map:
        return None
    count, layer = seen.size[2], layer_words(seen)
    if seen.activation in ("linear", None):
        return _find_linear(seen, given)
    if seen.activation == "softmax" and count > 1:
        return f"{layer} ends in a softmax over {count} classes at each pixel."
    if seen.activation in ("sigmoid", "hard_sigmoid") and not is_picture(seen, given):
        return f"{layer} ends in a sigmoid at each pixel, and is no picture like the input."
    return None


def _find_linear(seen: SeenOutput, given: Given) -> str | None:
    """Why plain numbers are scores of classes at each pixel."""
    count, layer = seen.size[2], layer_words(seen)
    if seen.activation is None and seen.sums_to_one:
        return f"Its {count} values at each pixel lie in 0..1 and sum to one on the images."
    if given.label_count == count:
        return f"{layer} has no softmax, and there are as many class names as values at each pixel."
    if count > 1 and is_of_classes(given.loss):
        return f"{layer} has no softmax, and the network was compiled with {given.loss}."
    return None


def _width(output: SettledOutput) -> int:
    return output.classes + 1


def _keep(answer: tf.Tensor, output: SettledOutput, _kept: Kept) -> tf.Tensor:
    """How many pixels each class has, and the mean confidence."""
    probabilities = answer
    if output.scores == "logits":
        probabilities = tf.nn.softmax(answer) if output.classes > 1 else tf.sigmoid(answer)
    confidence = tf.reduce_max(probabilities, -1)
    if _is_exclusive(output):
        chosen = tf.reshape(tf.argmax(probabilities, -1, tf.int32), (-1,))
        counts = tf.math.bincount(chosen, minlength=output.classes, maxlength=output.classes)
    else:
        counts = tf.math.count_nonzero(probabilities > 0.5, (0, 1))
        if output.classes == 1:
            confidence = tf.maximum(confidence, 1 - confidence)
    mean = tf.cast(tf.reduce_mean(tf.cast(confidence, tf.float64)), tf.float32)
    return tf.concat([tf.cast(counts, tf.float32), tf.reshape(mean, (1,))], 0)


MAP = Kind("map", _find, "(height, width, classes)", is_map, _width, _keep)
