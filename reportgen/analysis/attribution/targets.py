"""What an attribution explains: one number an image, made from the network's answer.

Every number is a weighted sum of an answer's values, before or after its softmax or sigmoid, or the cosine of an
answer to another one. So a target is a direction in the answer and a way of reading it. The directions travel into
the compiled function as arrays: other classes of other images do not have it compiled anew.

Directions are fixed before an image is disturbed. A region that followed the disturbed answer would be another
question at every step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.network.unit_rows import unit_rows
from reportgen.errors import ReportgenError

Reading = Literal["logits", "values", "cosine"]
Form = tuple[int, Reading]


@dataclass(frozen=True, eq=False)
class Target:
    """A number an image to be explained.

    `output` is which of the network's outputs is read, in Keras' flat order. `reading` says how: `logits` before the
    softmax or sigmoid (the answer itself where there is none), `values` as answered, `cosine` as answered and scaled
    to unit length. `directions` are `(images, *shape of the output)` float32, or one for all images. `offset` is
    added to what is read as answered: the probability of the first of two classes is one minus the answer.
    """

    output: int
    reading: Reading
    directions: NDArray[np.float32]
    offset: float = 0.0

    @property
    def form(self) -> Form:
        """What a function that reads this target is compiled for."""
        return self.output, self.reading

    def of_images(self, start: int, stop: int) -> NDArray[np.float32]:
        """The directions of images `start` to `stop`; one for all stays one."""
        return self.directions if len(self.directions) == 1 else self.directions[start:stop]

    def only(self, image: int) -> Target:
        """The same for one image alone."""
        return replace(self, directions=self.of_images(image, image + 1))

    def as_answered(self) -> Target:
        """The same direction in the answer as it is given: for the logit of a class, its probability."""
        return replace(self, reading="values") if self.reading == "logits" else self


def read_target(answer: tf.Tensor, form: Form, directions: tf.Tensor) -> tf.Tensor:
    """The numbers to be explained, `(batch,)`, without the offset; differentiable.

    Args:
        answer: of the target's output, before its softmax or sigmoid if that is how it is read.
        directions: `(batch or 1, *shape of the output)`.
    """
    flat = tf.reshape(tf.cast(answer, tf.float32), (tf.shape(answer)[0], -1))
    if form[1] == "cosine":
        flat = unit_rows(flat)
    return tf.reduce_sum(flat * tf.reshape(directions, (tf.shape(directions)[0], -1)), axis=1)


def read_answers(
    answers: tuple[Sequence[NDArray[np.float32]], Sequence[NDArray[np.float32]]],
    form: Form,
    directions: NDArray[np.float32],
) -> NDArray[np.float32]:
    """The same of answers that were computed, `(batch,)` float32.

    Args:
        answers: of each output, `(batch, ...)`, as answered, and the same before their softmax or sigmoid.
        directions: `(batch or 1, *shape of the output)`.
    """
    output, reading = form
    check_form(form, [answer.shape for answer in answers[0]], directions.shape)
    answer = answers[reading == "logits"][output]
    flat = answer.reshape(len(answer), -1)
    if reading == "cosine":
        lengths = np.sqrt(np.square(flat, dtype=np.float64).sum(axis=1, keepdims=True))
        flat = (flat / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    products = flat * directions.reshape(len(directions), -1)
    scores: NDArray[np.float32] = products.sum(axis=1, dtype=np.float64).astype(np.float32)
    return scores


def check_form(form: Form, shapes: Sequence[Any], directions: Any) -> None:
    """Refuse a target that the answers do not fit.

    Args:
        shapes: of each output, with the batch.
        directions: the shape of the target's directions.

    Raises:
        ReportgenError: there is no such output, or it has another size.
    """
    if not 0 <= form[0] < len(shapes):
        raise ReportgenError(f"expected an output of 0 to {len(shapes) - 1}, got {form[0]}; choose one the network has")
    sides, own = tuple(shapes[form[0]])[1:], tuple(directions)[1:]
    if None not in sides and math.prod(sides) != math.prod(own):
        raise ReportgenError(
            f"expected a target for an output of shape {sides}, got one of shape {own}; make the target from the "
            "network's own answer"
        )


def class_logit(classes: int, indices: Sequence[int] | int, *, output: int = 0) -> Target:
    """The logit of a class for each image (or of one for all).

    Args:
        classes: how many values the output has. A single value stands for two classes: a positive logit is the
            second, a negative one the first.

    Raises:
        ReportgenError: there is no such class.
    """
    wanted = np.atleast_1d(np.asarray(indices, np.int64))
    _check_indices(wanted, max(2, classes), "class")
    if classes == 1:
        target = Target(output, "logits", np.where(wanted == 1, 1, -1).astype(np.float32)[:, None])
        # The offset is one number for all images: it is only said where all ask for the first class.
        return replace(target, offset=1.0) if (wanted == 0).all() else target
    return Target(output, "logits", _one_hot(wanted, classes))


def logit_difference(
    classes: int, indices: Sequence[int] | int, others: Sequence[int] | int, *, output: int = 0
) -> Target:
    """What speaks for a class rather than for another one: the difference of their logits.

    Raises:
        ReportgenError: there is no such class.
    """
    one, other = class_logit(classes, indices, output=output), class_logit(classes, others, output=output)
    return Target(output, "logits", one.directions - other.directions)


def output_value(values: int, indices: Sequence[int] | int, *, output: int = 0) -> Target:
    """One of the values an output gives, as answered.

    Raises:
        ReportgenError: there is no such value.
    """
    wanted = np.atleast_1d(np.asarray(indices, np.int64))
    _check_indices(wanted, values, "value")
    return Target(output, "values", _one_hot(wanted, values))


def values_sum(shape: Sequence[int], which: Sequence[int] | None = None, *, output: int = 0) -> Target:
    """The sum of an output's values, as for points and boxes.

    Args:
        shape: of the output, without the batch.
        which: places in the flattened output; None is all.

    Raises:
        ReportgenError: there is no such place.
    """
    count = int(np.prod(shape))
    direction = np.zeros(count, np.float32)
    chosen = np.arange(count) if which is None else np.asarray(which, np.int64)
    _check_indices(chosen, count, "value")
    direction[chosen] = 1
    return Target(output, "values", direction.reshape(1, *shape))


def region_logit(answer: NDArray[Any], index: int, *, output: int = 0) -> Target:
    """The mean logit of a class over the region where it is predicted.

    An image where the class is nowhere predicted has no region: its number is zero whatever it shows, and its map is
    without evidence.

    Args:
        answer: the output for the undisturbed images, `(images, height, width, classes)`; of a single class
            the probability.
        index: the class.

    Raises:
        ReportgenError: the answer is no map, or has no such class.
    """
    if answer.ndim != 4:
        raise ReportgenError(
            f"expected a map (images, height, width, classes), got an answer of shape {answer.shape}; "
            "choose another target"
        )
    classes = answer.shape[3]
    _check_indices(np.asarray([index]), classes, "class")
    inside = answer[..., 0] > 0.5 if classes == 1 else answer.argmax(axis=3) == index
    count = inside.sum(axis=(1, 2), keepdims=True)
    directions = np.zeros(answer.shape, np.float32)
    directions[..., index] = inside / np.maximum(count, 1)
    return Target(output, "logits", directions)


def likeness(embeddings: NDArray[Any], *, output: int = 0) -> Target:
    """The cosine between an image's embedding and another image's.

    Args:
        embeddings: of the other images, `(images, *shape of the output)`, or one for all.
    """
    flat = np.asarray(embeddings, np.float32).reshape(len(embeddings), -1)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    unit = np.divide(flat, length, out=np.zeros_like(flat), where=length > 0)
    return Target(output, "cosine", unit.reshape(np.shape(embeddings)))


def _one_hot(indices: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    directions = np.zeros((len(indices), count), np.float32)
    directions[np.arange(len(indices)), indices] = 1
    return directions


def _check_indices(indices: NDArray[np.int64], count: int, what: str) -> None:
    wrong = indices[(indices < 0) | (indices >= count)]
    if wrong.size:
        raise ReportgenError(f"expected a {what} of 0 to {count - 1}, got {wrong[0]}; choose one the network has")
