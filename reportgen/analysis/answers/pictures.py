"""A picture like the input: a reconstruction, a cleaned or an enlarged image."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from reportgen.analysis.answers.kind import Given, Kept, Kind, is_map, layer_words
from reportgen.analysis.answers.seen import SeenOutput
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.results import FloatArray

# How closely a map of one channel must follow the input to be taken for a picture of it.
_LEAST_LIKENESS = 0.9

# Grey, and colour.
_PICTURE_CHANNELS = (1, 3)

# What a picture's values may reach beyond the range they are meant to lie in.
_BEYOND = 0.5


def is_picture(seen: SeenOutput, given: Given) -> bool:
    """Whether a map has the input's channels and no names of classes.

    One channel must follow the input, too, unless that is said to be the right answer.

    What a generator makes of a vector is a picture where it has the channels of one.
    """
    channels = given.inputs.shape[3]
    if not seen.is_map or given.label_count or seen.activation == "softmax":
        return False
    if given.inputs.shape[1:3] == (1, 1) and seen.size[:2] != (1, 1):
        return seen.size[2] in _PICTURE_CHANNELS  # made of a vector
    if seen.size[2] != channels:
        return False
    return channels > 1 or given.truth_is_input or _follows(seen.answers[..., 0], given.inputs[..., 0])


def _follows(answers: NDArray[np.float32], inputs: NDArray[np.float32]) -> bool:
    """Whether maps of one channel look like their inputs: by the mean correlation over those that vary."""
    height, width = answers.shape[1:]
    found = []
    for answer, shown in zip(answers, inputs, strict=True):
        resized = np.asarray(Image.fromarray(shown).resize((width, height), Image.Resampling.BOX))
        if np.isfinite(answer).all() and answer.std() > 0 and resized.std() > 0:
            found.append(np.corrcoef(answer.reshape(-1), resized.reshape(-1))[0, 1])
    return bool(found) and float(np.mean(found)) >= _LEAST_LIKENESS


def picture_range(seen: SeenOutput) -> tuple[float, float]:
    """What black and white are in a picture: by its activation, else by the values it has on the images."""
    if seen.activation in ("sigmoid", "hard_sigmoid"):
        return 0.0, 1.0
    if seen.activation == "tanh":
        return -1.0, 1.0
    finite = seen.answers[np.isfinite(seen.answers)]
    low, high = (float(np.quantile(finite, q)) for q in (0.01, 0.99)) if finite.size else (0.0, 1.0)
    if high > 1 + _BEYOND or low < -1 - _BEYOND:
        return 0.0, 255.0
    return (-1.0, 1.0) if low < -_BEYOND / 2 else (0.0, 1.0)


def picture_levels(answer: FloatArray, output: SettledOutput) -> NDArray[np.float64]:
    """A picture `(height, width, channels)` on 0..255, neither rounded nor cut off."""
    low, high = output.value_range
    levels: NDArray[np.float64] = (answer.astype(np.float64) - low) * (255 / (high - low))
    return levels


def picture_error(levels: NDArray[np.float64], pixels: NDArray[np.generic]) -> tuple[float, float | None] | None:
    """The mean absolute error of a picture on 0..255 against the input, and the peak signal to noise ratio in dB.

    None where the sizes differ or a value is not finite; the ratio is None where nothing differs.
    """
    if levels.shape != pixels.shape:
        return None
    away = levels - pixels.astype(np.float64)
    square = float(np.square(away).mean())
    if not math.isfinite(square):
        return None
    return float(np.abs(away).mean()), 10 * math.log10(255**2 / square) if square else None


def _find(seen: SeenOutput, given: Given) -> str | None:
    if not is_picture(seen, given):
        return None
    channels = seen.size[2]
    if given.inputs.shape[1:3] == (1, 1):
        return f"{layer_words(seen)} makes a map of {channels} channels of a vector."
    if channels == 1 and given.truth_is_input:
        return f"{layer_words(seen)} gives a map of one channel, and the input is its right answer."
    if channels == 1:
        return f"{layer_words(seen)} gives a map of one channel that follows the input on the images."
    return f"{layer_words(seen)} gives a map of {channels} channels, as many as the input has."


def _width(_output: SettledOutput) -> int:
    return 3


def _keep(answer: tf.Tensor, output: SettledOutput, kept: Kept) -> tf.Tensor:
    """The mean absolute and the mean squared error on 0..255, and the squared error of the image's mean colour."""
    pixels = tf.cast(kept.pixels, tf.float64)
    if tuple(output.size) != tuple(pixels.shape):
        return tf.fill((3,), float("nan"))
    low, high = output.value_range
    away = (tf.cast(answer, tf.float64) - low) * (255 / (high - low)) - pixels
    plain = pixels - tf.reduce_mean(pixels, (0, 1), keepdims=True)
    told = [tf.reduce_mean(tf.abs(away)), tf.reduce_mean(tf.square(away)), tf.reduce_mean(tf.square(plain))]
    return tf.cast(tf.stack(told), tf.float32)


PICTURE = Kind("picture", _find, "(height, width, channels)", is_map, _width, _keep)
