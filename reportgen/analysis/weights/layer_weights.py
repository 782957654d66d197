"""The weights of every layer that has a kernel, as values without arrays: for the record and the layer table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import keras

from reportgen.analysis.weights.filters import kernel_array, weight_statistics
from reportgen.facts import Histogram, Weights
from reportgen.formats import finite
from reportgen.models import Network
from reportgen.results import FilterBank, NetworkSummary, WeightStatistics

# What Keras calls the kernel of a layer. Of the two of a separable convolution, the one that makes channels.
_KERNELS = ("pointwise_kernel", "kernel", "embeddings")


def weights_by_layer(
    network: Network, summary: NetworkSummary, convolutions: Iterable[WeightStatistics]
) -> dict[str, Weights]:
    """Statistics of each layer's kernel, under the layer's name.

    Args:
        network: what `summary` is of.
        summary: its layers; one that is called more than once has its weights at the first call.
        convolutions: statistics of the two-dimensional convolutions; those of other layers are taken here.

    Returns:
        An entry for every layer with a kernel: convolutions, dense layers, embeddings. A normalization has none,
        nor has a layer whose kernels belong to layers inside it.
    """
    found = {statistics.layer: statistics for statistics in convolutions}
    for bank in _other_banks(network, summary, set(found)):
        found[bank.layer] = weight_statistics(bank)
    return {row.name: _describe(found[row.name]) for row in summary.layers if row.name in found}


def _other_banks(network: Network, summary: NetworkSummary, known: set[str]) -> Iterator[FilterBank]:
    """The kernels of layers that are not `known`, one at a time: those behind flattened maps are large."""
    seen = {id(network.layer(name)) for name in known}
    for row in summary.layers:
        layer = network.layer(row.name)
        kernel = None if layer is None else _kernel(layer)
        if kernel is None or id(layer) in seen:
            continue
        seen.add(id(layer))
        bias = getattr(layer, "bias", None)
        yield FilterBank(
            layer=row.name,
            kernel=kernel_array(kernel).reshape(1, 1, -1, kernel.shape[-1]),
            bias=None if bias is None else kernel_array(bias),
            kernel_shape=tuple(kernel.shape),
            sees_colour=False,
        )


def _kernel(layer: keras.Layer) -> Any | None:
    """The variable that is the kernel of `layer`, None where it has none of its own."""
    if not layer.built:
        return None
    return next((kernel for name in _KERNELS if (kernel := _variable(layer, name)) is not None), None)


def _variable(layer: keras.Layer, name: str) -> Any | None:
    """The attribute `name` of `layer`, where it is an array of two or more axes."""
    value = getattr(layer, name, None)
    return value if len(getattr(value, "shape", ())) > 1 else None


def _describe(statistics: WeightStatistics) -> Weights:
    return Weights(
        kernel_shape=list(statistics.kernel_shape),
        bias_shape=None if statistics.bias_shape is None else list(statistics.bias_shape),
        min=finite(statistics.min),
        max=finite(statistics.max),
        mean=finite(statistics.mean),
        std=finite(statistics.std),
        zero_fraction=finite(statistics.zero_fraction),
        dead_filters=list(statistics.zero_filters),
        histogram=Histogram(edges=statistics.edges.tolist(), counts=statistics.counts.tolist()),
    )
