"""A network's answers to an image as it is and to all its changed versions, in few forward passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf

from reportgen.analysis.answers import answer_of
from reportgen.analysis.corruptions import CORRUPTIONS, SEVERITIES, SHIFTS, corrupt, shift
from reportgen.analysis.image_properties import as_bytes
from reportgen.analysis.network.capture import read_layers
from reportgen.analysis.network.running import run_errors_explained
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.analysis.network.unfused import unfused
from reportgen.analysis.network.watching import tensors_in
from reportgen.analysis.reviewing import as_probabilities
from reportgen.analysis.robustness import CLEAN, NO_SEVERITY
from reportgen.images import ValueScale
from reportgen.models import NO_OTHERS, Network, Others
from reportgen.results import ByteArray, FloatArray, PixelArray

# Of what is computed on the way, a batch holds the largest output several times over.
_BATCH_MEMORY = 512 << 20


@dataclass(frozen=True)
class Change:
    """What is done to an image: a corruption at a severity, or a shift (severity 0); `clean` is nothing."""

    name: str
    severity: int


CHANGES: tuple[Change, ...] = (
    Change(CLEAN, NO_SEVERITY),
    *(Change(name, severity) for name in CORRUPTIONS for severity in SEVERITIES),
    *(Change(name, NO_SEVERITY) for name in SHIFTS),
)


def change_image(pixels: ByteArray, change: Change, *, seed: int, image: int) -> ByteArray:
    """An image `(height, width, channels)` after `change`; what is random follows from seed and index."""
    if change.name == CLEAN:
        return pixels
    if change.name in SHIFTS:
        return shift(pixels, change.name)
    return corrupt(pixels, change.name, change.severity, seed=seed, image=image)


class ChangedImages:
    """Runs a network of classes on images and all their changed versions.

    Args:
        network: to run.
        output: its output of classes.
        largest_output: bytes of the largest output of a layer for one image.
        seed: of what is random in corruptions.
        scale: of the values that go in; those that are not 8 bits are changed as 8 bits.
    """

    def __init__(
        self, network: Network, output: SettledOutput, largest_output: int, seed: int, scale: ValueScale
    ) -> None:
        self._network, self._output, self._seed, self._scale = network, output, seed, scale
        self._batch = max(1, min(len(CHANGES), _BATCH_MEMORY // (4 * max(1, largest_output))))

    def changed(self, pixels: PixelArray, image: int) -> ByteArray:
        """All versions of an image in 8 bits, `(len(CHANGES), height, width, channels)`, the first as it is."""
        levels = as_bytes(pixels, self._scale.levels)
        return np.stack([change_image(levels, change, seed=self._seed, image=image) for change in CHANGES])

    def answers(self, pixels: PixelArray, changed: ByteArray, others: Others = NO_OTHERS) -> FloatArray:
        """The probabilities of all versions of an image, `(len(CHANGES), classes)`.

        Args:
            pixels: the image as it goes in.
            changed: its versions in 8 bits.
            others: the image's row of what `Network.others_of` gives; all versions get it.
        """
        if pixels.dtype == np.uint8:
            return self.scores(changed, others)
        low, high = self._scale.levels
        values = np.float32(low) + changed.astype(np.float32) * np.float32((high - low) / 255)
        values[0] = pixels
        return self.scores(values, others)

    def scores(self, batch: PixelArray, others: Others = NO_OTHERS) -> FloatArray:
        """The probabilities of fitted images, `(images, classes)`, of at least two classes.

        Args:
            others: as `answers` takes them.

        Raises:
            ReportgenError: the network cannot run.
        """
        parts = [batch[start : start + self._batch] for start in range(0, len(batch), self._batch)]
        with run_errors_explained(self._network):
            return np.concatenate(
                [self._compiled(tf.constant(part), _for_each(part, others))[0].numpy() for part in parts]
            )

    @cached_property
    def _compiled(self) -> Callable[..., Any]:
        height, width, channels = *self._network.size, self._network.channels

        def run(pixels: tf.Tensor, others: Others) -> tuple[tf.Tensor, tf.Tensor]:
            inputs = self._network.feed(self._network.prepare(pixels), others)
            _, answer = read_layers(self._network, inputs, whole=True)
            scores = answer_of(tensors_in(answer)[self._output.index], self._output)
            return as_probabilities(scores, self._output), unfused()

        compiled = tf.function(run, autograph=False)
        return compiled.get_concrete_function(  # type: ignore[no-any-return]
            tf.TensorSpec((None, height, width, channels), tf.as_dtype(self._scale.dtype)),
            self._network.other_specs(),
        )


def _for_each(batch: PixelArray, others: Others) -> dict[str, tf.Tensor]:
    return {name: tf.repeat(tf.constant(row), len(batch), axis=0) for name, row in others.items()}
