"""What is of no kind that could be told: its statistics."""

from __future__ import annotations

import tensorflow as tf

from reportgen.analysis.answers.kind import Given, Kept, Kind
from reportgen.analysis.answers.seen import SeenOutput
from reportgen.analysis.network.settled_output import SettledOutput


def _find(seen: SeenOutput, _given: Given) -> str:
    return f"Arrays of the shape {seen.size} are of no kind that could be told; --answer says what they are."


def _fits(_size: tuple[int, ...]) -> bool:
    return True


def _width(_output: SettledOutput) -> int:
    return 4


def _keep(answer: tf.Tensor, _output: SettledOutput, _kept: Kept) -> tf.Tensor:
    """Lowest and highest value, mean and standard deviation, of the values that are finite."""
    values = tf.reshape(tf.cast(answer, tf.float64), (-1,))
    values = tf.boolean_mask(values, tf.math.is_finite(values))
    none = tf.fill((4,), tf.constant(float("nan"), tf.float64))

    def told() -> tf.Tensor:
        mean = tf.reduce_mean(values)
        std = tf.sqrt(tf.reduce_mean(tf.square(values - mean)))
        return tf.stack([tf.reduce_min(values), tf.reduce_max(values), mean, std])

    return tf.cast(tf.cond(tf.size(values) > 0, told, lambda: none), tf.float32)


OTHER = Kind("other", _find, "any shape", _fits, _width, _keep)
