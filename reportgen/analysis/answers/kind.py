"""What a kind of answer declares of itself: how it is found, and what a pass over images keeps of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.answers.seen import SeenOutput
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.facts import AnswerKind


@dataclass(frozen=True, eq=False)
class Given:
    """What is known of an output besides the network: names, right answers, the loss, and the images it answered.

    `labels` are names given for it, or such as fit it; `truth_classes` how many classes the right answers name, None
    where they name none; `loss` is Keras' name for what it was trained on; `inputs` `(images, height, width,
    channels)` are what the network answered to, as 0..255; `truth_is_input` says that they are the right answers, too.
    """

    labels: tuple[str, ...] | None
    truth_classes: int | None
    loss: str | None
    inputs: NDArray[np.float32]
    is_application: bool = False
    truth_is_input: bool = False

    @property
    def label_count(self) -> int:
        """How many names there are."""
        return len(self.labels or ())


@dataclass(frozen=True)
class Kept:
    """What is at hand while the answer to one image is measured, inside a traced function.

    `pixels` `(height, width, channels)` are the fitted image, 0..255 float32; `truth` is the index of its right class,
    -1 where it is not known.
    """

    pixels: tf.Tensor
    truth: tf.Tensor


def nothing_kept(_answer: tf.Tensor, _output: SettledOutput, _kept: Kept) -> tf.Tensor:
    """Keep nothing of an answer."""
    return tf.zeros((0,), tf.float32)


def no_width(_output: SettledOutput) -> int:
    """The length of nothing."""
    return 0


@dataclass(frozen=True)
class Kind:
    """A kind of answer.

    Attributes:
        name: as `report.json` has it.
        find: the reason why an output is of this kind, None where it is not.
        expects: the shape an output must have that is said to be of this kind, in words.
        fits: whether it has that shape.
        width: how many numbers are kept of each answer.
        keep: from an answer, float32 in the output's `size`, to those numbers; called while a function is traced.
        keeps_vector: the whole answer is kept, of a sample where there are very many images.
    """

    name: AnswerKind
    find: Callable[[SeenOutput, Given], str | None]
    expects: str
    fits: Callable[[tuple[int, ...]], bool]
    width: Callable[[SettledOutput], int] = no_width
    keep: Callable[[tf.Tensor, SettledOutput, Kept], tf.Tensor] = nothing_kept
    keeps_vector: bool = False


def layer_words(seen: SeenOutput) -> str:
    """The layer an output comes out of, to begin a sentence with."""
    return f"The last layer, {seen.layer}," if seen.layer is not None else "The output"


def is_vector(size: tuple[int, ...]) -> bool:
    """Whether answers are rows of numbers."""
    return len(size) == 1


def is_map(size: tuple[int, ...]) -> bool:
    """Whether answers are `(height, width, channels)`."""
    return len(size) == 3


def never(_seen: SeenOutput, _given: Given) -> str | None:
    """No output is of this kind unless it is said to be."""
    return None


def all_of_them(output: SettledOutput) -> int:
    """As many numbers as there are."""
    return output.count


def keep_all(answer: tf.Tensor, _output: SettledOutput, _kept: Kept) -> tf.Tensor:
    """Keep every number of an answer."""
    return tf.reshape(answer, (-1,))
