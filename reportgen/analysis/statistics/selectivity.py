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
        output: the output whose right answers the classes are, to be named where there are several.
    """

    def __init__(self, layers: Sequence[str], output: str | None = None) -> None:
        self.output = output
        self._sums: dict[str, dict[str, NDArray[np.float64]]] = {layer: {} for layer in layers}
        self._totals: dict[str, NDArray[np.float64]] = {}
        self._counts: dict[str, int] = {}
        self._images = 0

    def add(self, labels: Sequence[str], outputs: Mapping[str, FloatArray]) -> None:
        """Take in an image of the classes `labels`: what each layer gave for it, without the batch, channels last."""
        self._images += 1
        for label in labels:
            self._counts[label] = self._counts.get(label, 0) + 1
        for layer, sums in self._sums.items():
            output = outputs[layer]
            row = output.reshape(-1, output.shape[-1]).max(axis=0).astype(np.float64)
            self._totals[layer] = self._totals[layer] + row if layer in self._totals else row
            for label in labels:
                sums[label] = sums[label] + row if label in sums else row

    def of(self, layer: str, channel: int) -> tuple[Selectivity, ...]:
        """The classes a channel answers to most, against all others; none where there is one class only."""
        sums = {label: float(values[channel]) for label, values in self._sums[layer].items()}
        images = self._images
        total = float(self._totals[layer][channel]) if images else 0.0
        found = [
            Selectivity(
                label=label,
                mean=value / count,
                mean_others=(total - value) / (images - count),
                images=count,
                output=self.output,
            )
            for label, value in sums.items()
            if (count := self._counts[label]) < images
        ]
        found = [one for one in found if one.mean > one.mean_others]
        return tuple(sorted(found, key=lambda one: (one.mean_others - one.mean, one.label))[:MOST_CLASSES])
