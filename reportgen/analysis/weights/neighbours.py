"""Which channels feed a channel, and which it feeds: read off the weights between them.

A kernel's input channels are followed up through the layers that keep channels apart (activations,
normalisation, pooling, concatenation) to the layer whose channels they are. The tie of two channels is
the Euclidean norm of the weights between them, with the sign of their sum.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reportgen.facts import Neighbour
from reportgen.results import FilterBank, LayerSummary, NetworkSummary

MOST_NEIGHBOURS = 5

# Kinds of layers that hand each channel on by itself.
_KEEPING = frozenset(
    {
        "activation",
        "cropping",
        "global pooling",
        "normalization",
        "padding",
        "pooling",
        "rescaling",
        "resizing",
        "resting",
        "softmax",
    }
)

Channel = tuple[str, int]


@dataclass(frozen=True, eq=False)
class _Reader:
    """A kernel, the channels it reads, and how many filters each of its groups has.

    A filter of group `g` reads the `in` channels from `g * in` on; a depthwise kernel is all groups of one.
    """

    kernel: NDArray[np.float32]
    sources: Sequence[Channel]
    filters_in_group: int

    @cached_property
    def ties(self) -> NDArray[np.float32]:
        """`(in, filters)`; asked for of a few layers of many."""
        return tie_strengths(self.kernel)


class Wiring:
    """The ties between the channels of a network's layers.

    Args:
        summary: of the network.
        banks: its kernels, `(height, width, in, filters)`; those of dense layers as 1 x 1.
    """

    def __init__(self, summary: NetworkSummary, banks: Sequence[FilterBank]) -> None:
        self._rows = {row.name: row for row in summary.layers}
        # The depthwise half of a separable convolution keeps channels apart; the other half ties them.
        readers = {bank.layer: self._reader(bank) for bank in banks if bank.part != "depthwise"}
        self._readers = {name: reader for name, reader in readers.items() if reader.sources}
        self._readers_of: Mapping[str, list[str]] = defaultdict(list)
        for name, reader in self._readers.items():
            for source in dict.fromkeys(layer for layer, _ in reader.sources):
                self._readers_of[source].append(name)

    def _reader(self, bank: FilterBank) -> _Reader:
        inputs, filters = bank.kernel.shape[2:]
        sources = self._channels_read(self._rows[bank.layer])
        groups, rest = divmod(len(sources), inputs)
        known = groups > 0 and rest == 0 and filters % groups == 0
        return _Reader(bank.kernel, sources if known else (), filters // groups if known else filters)

    def _channels_read(self, row: LayerSummary) -> list[Channel]:
        """The channels that `row` reads, in order, each by the layer that made it."""
        return [channel for name in row.inputs for channel in self._channels_given(name)]

    def _channels_given(self, name: str) -> list[Channel]:
        row = self._rows.get(name)
        if row is None or row.actual_shape is None or len(row.actual_shape) not in (2, 4):
            return []
        if (row.kind in _KEEPING and len(row.inputs) == 1) or row.kind == "concatenation":
            given = self._channels_read(row)
            return given if len(given) == row.actual_shape[-1] else []
        return [(name, channel) for channel in range(row.actual_shape[-1] or 0)]

    def before(self, layer: str, channel: int, most: int = MOST_NEIGHBOURS) -> tuple[Neighbour, ...]:
        """The channels that bear most on a channel of `layer`, strongest first."""
        reader = self._readers.get(layer)
        if reader is None:
            return ()
        ties = reader.ties[:, channel]
        first = channel // reader.filters_in_group * len(ties)
        return _strongest([(reader.sources[first + i], weight) for i, weight in enumerate(ties)], most)

    def after(self, layer: str, channel: int, most: int = MOST_NEIGHBOURS) -> tuple[Neighbour, ...]:
        """The channels of later layers on which a channel of `layer` bears most, strongest first."""
        named: list[tuple[Channel, float]] = []
        for name in self._readers_of.get(layer, ()):
            reader = self._readers[name]
            for place, source in enumerate(reader.sources):
                if source == (layer, channel):
                    group, row = divmod(place, len(reader.ties))
                    first = group * reader.filters_in_group
                    ties = reader.ties[row, first : first + reader.filters_in_group]
                    named += [((name, first + i), weight) for i, weight in enumerate(ties)]
        return _strongest(named, most)


def tie_strengths(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """The signed strength `(in, filters)` of a kernel `(height, width, in, filters)`.

    >>> kernel = np.zeros((1, 2, 1, 2), np.float32)
    >>> kernel[0, :, 0, 0] = 3, 4
    >>> kernel[0, :, 0, 1] = -3, -4
    >>> tie_strengths(kernel).tolist()
    [[5.0, -5.0]]
    """
    strength = np.sqrt(np.square(kernel, dtype=np.float64).sum(axis=(0, 1)))
    signed: NDArray[np.float32] = np.copysign(strength, kernel.sum(axis=(0, 1))).astype(np.float32)
    return signed


def _strongest(named: Sequence[tuple[Channel, float]], most: int) -> tuple[Neighbour, ...]:
    finite = [(channel, float(weight)) for channel, weight in named if np.isfinite(weight) and weight != 0]
    ordered = sorted(finite, key=lambda item: (-abs(item[1]), item[0]))
    return tuple(Neighbour(layer=layer, channel=channel, weight=weight) for (layer, channel), weight in ordered[:most])
