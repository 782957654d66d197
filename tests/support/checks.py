"""What must hold for the layer facts and the capture of every network."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from reportgen.analysis.network.capture import Extractor
from reportgen.analysis.network.capture_check import check_capture
from reportgen.analysis.network.layers import summarize_network
from reportgen.models import Network
from reportgen.results import NetworkSummary

# Rounding of float32 in another order of operations; half precision keeps ten bits or seven.
TOLERANCE = 1e-5


def check_network(network: Network, pixels: Any) -> NetworkSummary:
    """The summary of `network`, once its totals, shapes and captured outputs were found right."""
    before = [_values(weight) for weight in network.model.weights]
    summary = summarize_network(network)
    check_totals(network.model, summary)
    check_shapes(network, summary, pixels)
    assert check_capture(network, pixels).difference < TOLERANCE
    for weight, values in zip(network.model.weights, before, strict=True):
        np.testing.assert_array_equal(_values(weight), values)
    return summary


def _values(weight: Any) -> Any:
    return keras.ops.convert_to_numpy(weight).copy()


def check_totals(model: keras.Model, summary: NetworkSummary) -> None:
    """Parameters are Keras' own and the columns add up to the totals."""
    assert summary.parameter_count == model.count_params()
    assert summary.parameter_count == sum(layer.parameter_count for layer in summary.layers)
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    assert summary.trainable_parameter_count == trainable
    assert sum(layer.trainable_parameter_count for layer in summary.layers) == trainable


def check_shapes(network: Network, summary: NetworkSummary, pixels: Any) -> None:
    """Every layer really gives what the table says, at the actual size and, open sides aside, in general."""
    called = [layer for layer in summary.layers if layer.actual_shape is not None and layer.type != "InputLayer"]
    extract = Extractor(network, [layer.name for layer in called], reduce=lambda _, tensor: tf.shape(tensor))
    given = extract(pixels)
    for layer in called:
        assert tuple(given[layer.name]) == (len(pixels), *layer.actual_shape[1:]), layer.name
        first = layer.output_shape[0] if isinstance(layer.output_shape[0], tuple) else layer.output_shape
        assert len(first) == len(layer.actual_shape), layer.name
        assert all(side is None or side in layer.actual_shape[1:] for side in first[1:]), layer.name


def check_keras_shapes(model: keras.Model, summary: NetworkSummary) -> None:
    """The shapes of a flat functional network are those Keras itself worked out."""
    assert [layer.name for layer in summary.layers] == [layer.name for layer in model.layers]
    assert [layer.index for layer in summary.layers] == list(range(len(model.layers)))
    for layer, row in zip(model.layers, summary.layers, strict=True):
        assert row.output_shape == tuple(layer.output.shape), row.name
