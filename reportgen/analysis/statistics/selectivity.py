"""How channels answer to the classes of the images, where those are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.maximization.targets import as_maps
from reportgen.analysis.network.capture import Extractor
from reportgen.facts import Selectivity
from reportgen.models import Network
from reportgen.results import ByteArray

MOST_CLASSES = 3
BATCH_SIZE = 8


class ClassResponses:
    """The highest value of each channel in each image, summed by the image's class.

    Args:
        network: that runs.
        layers: whose channels are wanted.
    """

    def __init__(self, network: Network, layers: Sequence[str]) -> None:
        self._extractor = Extractor(
            network, layers, reduce=lambda _name, output: tf.reduce_max(as_maps(output), axis=(1, 2))
        )
        self._sums: dict[str, dict[str, NDArray[np.float64]]] = {layer: {} for layer in layers}
        self._counts: dict[str, int] = {}

    def add(self, images: Iterable[tuple[str, ByteArray]]) -> None:
        """Take in images: the class and the pixels `(height, width, channels)`, fitted, of each."""
        batch: list[tuple[str, ByteArray]] = []
        for image in images:
            batch.append(image)
            if len(batch) == BATCH_SIZE:
                self._add(batch)
                batch = []
        if batch:
            self._add(batch)

    def _add(self, batch: Sequence[tuple[str, ByteArray]]) -> None:
        responses = self._extractor(np.stack([pixels for _, pixels in batch]))
        for place, (label, _) in enumerate(batch):
            self._counts[label] = self._counts.get(label, 0) + 1
            for layer, sums in self._sums.items():
                row = responses[layer][place].astype(np.float64)
                sums[label] = sums[label] + row if label in sums else row

    def of(self, layer: str, channel: int) -> tuple[Selectivity, ...]:
        """The classes a channel answers to most, against all others; none where there is one class only."""
        sums = {label: float(values[channel]) for label, values in self._sums[layer].items()}
        total, images = sum(sums.values()), sum(self._counts.values())
        found = [
            Selectivity(label=label, mean=value / count, mean_others=(total - value) / (images - count), images=count)
            for label, value in sums.items()
            if (count := self._counts[label]) < images
        ]
        found = [one for one in found if one.mean > one.mean_others]
        return tuple(sorted(found, key=lambda one: (one.mean_others - one.mean, one.label))[:MOST_CLASSES])
