"""The weights of convolutions: kernels as arrays of one orientation, their statistics, filters that are zero."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from reportgen.models import Network
from reportgen.models.keras_private import origin_of
from reportgen.models.variables import values_of
from reportgen.results import FilterBank, FloatArray, LayerSummary, NetworkSummary, WeightStatistics

# A filter all of whose weights are this small beside the layer's largest adds nothing to what the layer
# computes: it is less than the last digit of a float32 of the others' size.
ZERO_FRACTION = 1e-6

# Enough to see the shape of a distribution, few enough to write each bin into the report.
HISTOGRAM_BINS = 48

# Weights looked at together: a dense layer behind flattened maps has a hundred million.
BLOCK = 2**16

# A dense layer with more weights reads flattened maps, whose numbers are no channels.
MOST_DENSE_WEIGHTS = 8_000_000

# Kinds of layers between the image and a first convolution that keep the channels what they are.
_KEEPS_COLOUR = frozenset({"cropping", "normalization", "padding", "rescaling", "resizing", "resting"})


def filter_banks(network: Network, summary: NetworkSummary) -> tuple[FilterBank, ...]:
    """The kernels of all two-dimensional convolutions, in the order of the layers.

    A separable convolution has two, its depthwise and its pointwise one. Layers called more than once
    give their kernel once.
    """
    coloured = _layers_of_colour(network, summary)
    order = (2, 1, 0) if network.preprocessing.reverses_channels else (0, 1, 2)
    banks: list[FilterBank] = []
    seen: set[int] = set()
    for row in summary.layers:
        if row.actual_shape is None:  # never called
            continue
        layer = network.layer(row.name)
        if layer is None or id(layer) in seen:
            continue
        seen.add(id(layer))
        for part, variable, kernel in _kernels(layer):
            bias = getattr(layer, "bias", None) if part != "depthwise" else None
            banks.append(
                FilterBank(
                    layer=row.name,
                    kernel=kernel,
                    bias=None if bias is None else kernel_array(bias),
                    kernel_shape=tuple(variable.shape),
                    sees_colour=kernel.shape[2] == 3 and row.name in coloured and part is None,
                    colour_order=order,
                    part=part,
                )
            )
    return tuple(banks)


def dense_banks(network: Network, summary: NetworkSummary) -> tuple[FilterBank, ...]:
    """The kernels of dense layers as 1 x 1 filters, but for the huge ones that read flattened maps."""
    banks = []
    for row in summary.layers:
        layer = network.layer(row.name) if row.kind == "dense" and row.actual_shape else None
        if layer is not None and int(np.prod(layer.kernel.shape)) <= MOST_DENSE_WEIGHTS:
            kernel = kernel_array(layer.kernel)[None, None]
            banks.append(FilterBank(row.name, kernel, None, tuple(layer.kernel.shape), sees_colour=False))
    return tuple(banks)


def _kernels(layer: keras.Layer) -> Iterator[tuple[str | None, Any, FloatArray]]:
    """Part, variable and kernel `(height, width, in, filters)` of each kernel of a convolution."""
    if isinstance(layer, keras.layers.Conv2D):
        yield None, layer.kernel, kernel_array(layer.kernel)
    elif isinstance(layer, keras.layers.Conv2DTranspose):
        # Keras keeps (height, width, out, in) here.
        yield None, layer.kernel, kernel_array(layer.kernel).swapaxes(2, 3)
    elif isinstance(layer, keras.layers.DepthwiseConv2D):
        yield None, layer.kernel, _per_output(kernel_array(layer.kernel))
    elif isinstance(layer, keras.layers.SeparableConv2D):
        yield "depthwise", layer.depthwise_kernel, _per_output(kernel_array(layer.depthwise_kernel))
        yield "pointwise", layer.pointwise_kernel, kernel_array(layer.pointwise_kernel)


def _per_output(kernel: FloatArray) -> FloatArray:
    """A depthwise kernel `(height, width, in, multiplier)` as `(height, width, 1, in * multiplier)`."""
    height, width, inputs, multiplier = kernel.shape
    return kernel.reshape(height, width, 1, inputs * multiplier)


def kernel_array(variable: Any) -> FloatArray:
    """A variable of any precision as float32."""
    return values_of(variable).astype(np.float32, copy=False)


def _layers_of_colour(network: Network, summary: NetworkSummary) -> set[str]:
    """Layers whose input is the image itself, its three channels still red, green and blue."""
    if network.channels != 3:
        return set()
    rows = {row.name: row for row in summary.layers}
    image_inputs = _image_inputs(network)
    passing: dict[str, bool] = {}

    def passes(name: str) -> bool:
        """Whether what layer `name` gives is still the image."""
        if name not in passing:
            row = rows[name]
            if row.kind == "input":
                passing[name] = image_inputs is None or name in image_inputs
            else:
                passing[name] = row.kind in _KEEPS_COLOUR and reads_image(row)
        return passing[name]

    def reads_image(row: LayerSummary) -> bool:
        return all(passes(source) for source in row.inputs if source in rows)

    return {row.name for row in summary.layers if reads_image(row)}


def _image_inputs(network: Network) -> set[str] | None:
    """The input layers that take the image, of several; None where there is but one input."""
    tensors = getattr(network.model, "inputs", None) or []
    if len(tensors) < 2:
        return None
    # A layer and the tensor it stands for may have different names.
    return {origin_of(tensor)[0].name for tensor in tensors if tensor.name == network.image_input}


def weight_statistics(bank: FilterBank) -> WeightStatistics:
    """Statistics of a kernel and the filters in it that do nothing.

    A filter counts as zero when none of its weights is larger than `ZERO_FRACTION` of the layer's
    largest; one with weights that are not finite does not.
    """
    count, zeros, total, low, high = 0, 0, 0.0, np.inf, -np.inf
    for weights in _finite_blocks(bank.kernel):
        count += weights.size
        zeros += int(np.count_nonzero(weights == 0))
        total += float(weights.sum())
        low, high = min(low, float(weights.min())), max(high, float(weights.max()))
    none = count == 0
    mean = 0.0 if none else total / count
    squares = 0.0
    edges = np.histogram_bin_edges([], HISTOGRAM_BINS, None if none else (low, high))
    counts = np.zeros(HISTOGRAM_BINS, np.int64)
    for weights in _finite_blocks(bank.kernel):
        squares += float(np.square(weights - mean).sum())
        counts += np.histogram(weights, HISTOGRAM_BINS, (low, high))[0]
    return WeightStatistics(
        layer=bank.layer,
        kernel_shape=bank.kernel_shape,
        bias_shape=None if bank.bias is None else tuple(bank.bias.shape),
        min=None if none else low,
        max=None if none else high,
        mean=None if none else mean,
        std=None if none else float(np.sqrt(squares / count)),
        zero_fraction=None if none else zeros / count,
        nonfinite_count=int(bank.kernel.size - count),
        zero_filters=zero_filters(bank.kernel),
        edges=edges.astype(np.float32),
        counts=counts,
        part=bank.part,
    )


def _finite_blocks(kernel: FloatArray) -> Iterator[NDArray[np.float64]]:
    """The finite weights of a kernel, a block at a time that caches hold; a block without any is left out."""
    flat = kernel.reshape(-1)
    for start in range(0, flat.size, BLOCK):
        block = flat[start : start + BLOCK]
        finite = np.isfinite(block)
        weights = (block if finite.all() else block[finite]).astype(np.float64)
        if weights.size:
            yield weights


def zero_filters(kernel: FloatArray) -> tuple[int, ...]:
    """The filters of `(height, width, in, filters)` all of whose weights are zero or next to it."""
    weights = kernel.reshape(-1, kernel.shape[-1])
    peaks = np.maximum(weights.max(axis=0), -weights.min(axis=0))
    largest = peaks[np.isfinite(peaks)].max(initial=0.0)
    return tuple(int(index) for index in np.flatnonzero(peaks <= ZERO_FRACTION * largest))
