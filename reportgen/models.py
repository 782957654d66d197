"""Load a Keras model; own its preprocessing, labels and input size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import keras
import tensorflow as tf


@dataclass(frozen=True, eq=False)
class Preprocessing:
    """How displayable pixels become what the network takes.

    `apply` maps float32 `(batch, height, width, channels)` of 0..255 to the network's input range,
    differentiably; `value_range` is what 0 and 255 become (the extremes over channels), None if unknown.
    """

    mode: str
    origin: Literal["flag", "application", "inside", "fallback"]
    description: str
    apply: Callable[[tf.Tensor], tf.Tensor]
    value_range: tuple[float, float] | None
    reverses_channels: bool = False


@dataclass(frozen=True, eq=False)
class Network:
    """A loaded network with all it takes to feed it and to read its answer."""

    model: keras.Model
    name: str
    source: str
    sha256: str | None
    preprocessing: Preprocessing
    size: tuple[int, int]  # height, width
    channels: int
    labels: tuple[str, ...] | None
    labels_origin: Literal["file", "application", "none"]
    image_input: str | None = None  # which of several inputs takes the image
    other_inputs: Mapping[str, Any] = field(default_factory=dict)
    channels_first: bool = False

    def prepare(self, pixels: Any) -> tf.Tensor:
        """Displayable pixels `(batch, height, width, channels)`, 0..255, as the network's input, float32."""
        return self.preprocessing.apply(tf.cast(pixels, tf.float32))

    def feed(self, prepared: tf.Tensor) -> Any:
        """The structure the model takes: layout turned, other inputs added for each image."""
        raise NotImplementedError
