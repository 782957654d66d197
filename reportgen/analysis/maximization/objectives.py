"""What to maximise: functions of a network's activations that give one score for each image.

An objective says which activations it reads and how it scores them; it knows nothing of networks. It reads
*before* the nonlinearity unless the preset says otherwise, so that a channel at rest still says which way is up.
Objectives are added, weighted and turned round to make others; none is ever changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from reportgen.analysis.network.unit_rows import unit_rows

# Rivals are held a little below the channel, since the measure is taken on the 8-bit picture without transforms.
RIVAL_MARGIN = 0.9


class Activations(Protocol):
    """What a network did with a batch of images."""

    def channel(self, layer: str, indices: tf.Tensor) -> tf.Tensor:
        """Map `indices[i]` of `layer` for image `i`: `(batch, height, width)`."""

    def layer(self, layer: str) -> tf.Tensor:
        """All maps of `layer`: `(batch, height, width, channels)`."""

    def answers(self) -> Sequence[tf.Tensor]:
        """The network's outputs as it gives them, in Keras' flat order."""


@dataclass(frozen=True, eq=False)
class Objective:
    """A score to raise.

    `score` maps activations to float32 `(batch,)`. `layers` are those it reads, `reads_answers` whether it
    needs the network run to its end.
    """

    layers: frozenset[str]
    score: Callable[[Activations], tf.Tensor]
    reads_answers: bool = False


def channel(layer: str, index: int | tf.Tensor, spread: float = 0.0, sign: float | tf.Tensor = 1.0) -> Objective:
    """The mean of one channel's map, plus `spread` times its mean absolute deviation.

    The mean alone says nothing of a channel that looks for edges: where one is, its map is as much above zero as
    below beside it. With a spread of 1 only what lies above the mean counts, whatever the map's zero may be.

    Args:
        index: one for all images or `(batch,)`, one for each.
        sign: the same; -1 for what the channel likes least: a map that is low everywhere.
    """

    def score(activations: Activations) -> tf.Tensor:
        maps = activations.channel(layer, tf.convert_to_tensor(index, tf.int32))
        return _mean_and_spread(maps, spread) * sign

    return Objective(frozenset({layer}), score)


def _mean_and_spread(maps: tf.Tensor, spread: float) -> tf.Tensor:
    """Of maps `(batch, height, width)`: `(batch,)`."""
    means = tf.reduce_mean(maps, axis=(1, 2))
    if not spread:
        return means
    return means + spread * tf.reduce_mean(tf.abs(maps - means[:, None, None]), axis=(1, 2))


def answer(
    read: Callable[[Sequence[tf.Tensor]], tf.Tensor], index: int | tf.Tensor, sign: float | tf.Tensor = 1.0
) -> Objective:
    """One number of the network's answer: a logit, a value, the mean of a class over a map.

    Args:
        read: from the outputs to the numbers there are, `(batch, numbers)`.
        index: which of them, one for all images or `(batch,)`, one for each.
        sign: the same; -1 for as little of it as can be.
    """

    def score(activations: Activations) -> tf.Tensor:
        numbers = read(activations.answers())
        wanted = tf.broadcast_to(tf.convert_to_tensor(index, tf.int32), tf.shape(numbers)[:1])
        return tf.gather(numbers, wanted, axis=1, batch_dims=1) * sign

    return Objective(frozenset(), score, reads_answers=True)


def diversity(layer: str, groups: tf.Tensor | None = None) -> Objective:
    """How little the images of the batch resemble each other in style; add a share of it to another objective.

    The score of an image is minus its mean cosine similarity, by Gram matrix of the maps of `layer`, to the
    other images of its group (Olah et al., "Feature Visualization", 2017). One image alone scores 0.

    Args:
        groups: the group of each image, `(batch,)`; None where all are one.
    """

    def score(activations: Activations) -> tf.Tensor:
        maps = activations.layer(layer)
        shape = tf.shape(maps)
        flat = tf.reshape(maps, (shape[0], shape[1] * shape[2], shape[3]))
        gram = tf.linalg.matmul(flat, flat, transpose_a=True)
        styles = unit_rows(tf.reshape(gram, (shape[0], shape[3] * shape[3])))
        own = tf.zeros(shape[:1], tf.int32) if groups is None else tf.unique(groups).idx
        summed = tf.math.unsorted_segment_sum(styles, own, shape[0])
        sizes = tf.math.unsorted_segment_sum(tf.ones(shape[:1]), own, shape[0])
        others = tf.gather(summed, own) - styles
        return -tf.reduce_sum(styles * others, axis=1) / tf.maximum(tf.gather(sizes, own) - 1, 1.0)

    return Objective(frozenset({layer}), score)


def apart_from_each_other(objective: Objective, layer: str, groups: tf.Tensor) -> Objective:
    """`objective`, less its own size times how much the images of a group are alike in the maps of `layer`."""
    apart = diversity(layer, groups)

    def score(activations: Activations) -> tf.Tensor:
        own = objective.score(activations)
        return own + tf.stop_gradient(tf.abs(own)) * apart.score(activations)

    return Objective(objective.layers | apart.layers, score, objective.reads_answers)


def layer_energy(layer: str) -> Objective:
    """The mean square of all maps of `layer`: whatever the network sees there, more of it (deep dream)."""

    def score(activations: Activations) -> tf.Tensor:
        return tf.reduce_mean(tf.square(activations.layer(layer)), axis=(1, 2, 3))

    return Objective(frozenset({layer}), score)


def apart_from_rivals(layer: str, index: tf.Tensor, scale: ArrayLike, *, spread: float, weight: float) -> Objective:
    """A channel as in `channel`, less `weight` times how far the peaks of other channels rise above its own.

    Every map is taken in units of its channel's `scale` `(channels,)`, the highest value it has on the images;
    channels whose scale is not above zero are no rivals. `index` is `(batch,)`, each with a scale above zero.
    """
    scales = np.asarray(scale, np.float32)
    known = scales > 0
    shares = tf.constant(np.divide(1, scales, out=np.zeros_like(scales), where=known))

    def score(activations: Activations) -> tf.Tensor:
        maps = activations.layer(layer) * shares
        own = tf.gather(maps, index, axis=3, batch_dims=1)
        peaks = tf.reduce_max(maps, axis=(1, 2))
        peak = tf.reduce_max(own, axis=(1, 2))
        above = tf.nn.relu(peaks - RIVAL_MARGIN * peak[:, None])
        return _mean_and_spread(own, spread) + peak - weight * tf.reduce_sum(above, axis=1)

    return Objective(frozenset({layer}), score)
