"""How channels answer to the classes of the images, where those are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reportgen.facts import Selectivity
from reportgen.results import FloatArray

MOST_CLASSES = 3


class ClassResponses:
    """The highest value of each channel in each image, summed by the image's class.

    Args:
        layers: whose channels are wanted.
    """

    def __init__(self, layers: Sequence[str]) -> None:
        self._sums: dict[str, dict[str, NDArray[np.float64]]] = {layer: {} for layer in layers}
        self._counts: dict[str, int] = {}

    def add(self, label: str, outputs: Mapping[str, FloatArray]) -> None:
        """Take in an image of class `label`: what each layer gave for it, without the batch, channels last."""
        self._counts[label] = self._counts.get(label, 0) + 1
        for layer, sums in self._sums.items():
            output = outputs[layer]
            row = output.reshape(-1, output.shape[-1]).max(axis=0).astype(np.float64)
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
