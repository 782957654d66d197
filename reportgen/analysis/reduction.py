"""Statistics of layers' outputs for one image, computed inside the TensorFlow graph.

What leaves the graph is a few numbers for each channel, so the maps of all layers need be neither copied
nor alive at the same time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import tensorflow as tf

from reportgen.analysis.capture import fold_tokens
from reportgen.analysis.measurements import LayerLayout
from reportgen.results import LayerSummary

# What is computed for each channel, in the order of the rows of `reduce_map`.
FIELDS = ("maxima", "minima", "sums", "squares", "zeros", "not_numbers", "infinities")


def layout_layer(layer: LayerSummary, start: int) -> LayerLayout | None:
    """How the output of `layer` is measured; None where it has no channels or its size is not known."""
    shape = layer.actual_shape
    if shape is None or len(shape) < 2 or None in shape[1:]:
        return None
    sides = [int(side or 0) for side in shape[1:]]
    is_map = layer.token_grid is not None or len(sides) == 3
    height, width = math.prod(sides[:-1]), 1
    if layer.token_grid is not None:
        height, width, _ = layer.token_grid
    elif is_map:
        height, width = sides[0], sides[1]
    if 0 in (height, width, sides[-1]):
        return None
    return LayerLayout(layer.name, start, height, width, sides[-1], is_map)


def as_map(values: tf.Tensor, layer: LayerLayout, token_grid: tuple[int, int, int] | None) -> tf.Tensor:
    """The output of a layer for one image, `(1, ...)`, as a map `(height, width, channels)`."""
    if token_grid is not None:
        values = fold_tokens(values, token_grid)
    return tf.reshape(values, (layer.height, layer.width, layer.channels))


def reduce_map(values: tf.Tensor, sampled: tf.Tensor, *, careful: bool) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Reduce a map to statistics of its channels.

    Without `careful` all values are taken to be finite, and where one is not, a sum is not either.

    Args:
        values: `(height, width, channels)`, float32.
        sampled: places (row by row through the map) of the values to keep for the histogram, `(samples,)`.

    Returns:
        float64 `(len(FIELDS), channels)`; the place of each channel's maximum, the first of equal ones,
        int32 `(channels,)`; and the sampled values, float32 `(samples, channels)`.
    """
    height, width, channels = values.shape
    flat = tf.reshape(values, (height * width, channels))
    samples = tf.gather(flat, sampled)
    if careful:
        return _reduce_carefully(values), _first_maximum(_finite_or(values, values.dtype.min)), samples
    zeros = tf.reduce_sum(tf.cast(tf.equal(flat, 0), tf.float32), axis=0)
    nothing = tf.zeros(channels, tf.float32)
    rows = [
        tf.reduce_max(flat, axis=0),
        tf.reduce_min(flat, axis=0),
        _sum_of_rows(values),
        _sum_of_rows(tf.square(values)),
        zeros,
        nothing,
        nothing,
    ]
    return tf.cast(tf.stack(rows), tf.float64), _first_maximum(values), samples


def _sum_of_rows(values: tf.Tensor) -> tf.Tensor:
    # Row by row first: long chains of additions in float32 would lose the last digits.
    return tf.reduce_sum(tf.reduce_sum(values, axis=1), axis=0)


def _first_maximum(values: tf.Tensor) -> tf.Tensor:
    """The place of the maximum of each channel, by rows first, since the plain argmax over positions is slow."""
    _, width, channels = values.shape
    row = tf.argmax(tf.reduce_max(values, axis=1), axis=0, output_type=tf.int32)
    flat = tf.reshape(values, (-1,))
    starts = (row * width * channels + tf.range(channels))[:, tf.newaxis]
    within_row = tf.gather(flat, starts + tf.range(width)[tf.newaxis] * channels)
    return row * width + tf.argmax(within_row, axis=1, output_type=tf.int32)


def _finite_or(values: tf.Tensor, replacement: float) -> tf.Tensor:
    return tf.where(tf.math.is_finite(values), values, tf.constant(replacement, values.dtype))


def _reduce_carefully(values: tf.Tensor) -> tf.Tensor:
    """The rows of `reduce_map` with what is not finite left out and counted, and no sum overflowing."""
    wide = tf.cast(_finite_or(values, 0.0), tf.float64)
    finite = tf.math.is_finite(values)
    some = tf.reduce_any(finite, axis=(0, 1))

    def count(condition: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.cast(condition, tf.float64), axis=(0, 1))

    infinity = tf.constant(float("inf"), tf.float64)
    return tf.stack(
        [
            tf.where(some, tf.cast(tf.reduce_max(_finite_or(values, values.dtype.min), (0, 1)), tf.float64), -infinity),
            tf.where(some, tf.cast(tf.reduce_min(_finite_or(values, values.dtype.max), (0, 1)), tf.float64), infinity),
            tf.reduce_sum(wide, axis=(0, 1)),
            tf.reduce_sum(tf.square(wide), axis=(0, 1)),
            count(tf.equal(values, 0)),
            count(tf.math.is_nan(values)),
            count(tf.math.is_inf(values)),
        ]
    )


def reduce_layers(
    outputs: Mapping[str, Sequence[tf.Tensor]],
    layers: Sequence[LayerLayout],
    grids: Mapping[str, tuple[int, int, int]],
    sampled: Sequence[tf.Tensor],
    *,
    careful: bool,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """`reduce_map` for all layers of one image, joined along the channels in the order of `layers`.

    Args:
        outputs: what `capture.run_layers` gave.
        grids: the token grids of layers that give tokens.
        sampled: for each layer, as in `reduce_map`.

    Returns:
        `(len(FIELDS), channels)`, `(channels,)` and all samples `(samples,)`, a layer's position by position.
    """
    reduced = [
        reduce_map(as_map(outputs[layer.name][0], layer, grids.get(layer.name)), places, careful=careful)
        for layer, places in zip(layers, sampled, strict=True)
    ]
    fields, places, samples = zip(*reduced, strict=True)
    return tf.concat(fields, axis=1), tf.concat(places, axis=0), tf.concat([tf.reshape(s, (-1,)) for s in samples], 0)
