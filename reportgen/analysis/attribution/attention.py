"""Attention rollout: how much of each patch reaches the answer through all layers of attention."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.attribution.results import AttributionMaps
from reportgen.analysis.attribution.tracing import Grid, Run, TracedCall, runs
from reportgen.errors import ReportgenError


class NoAttentionError(ReportgenError):
    """A network has no attention between the tokens it was asked for."""


@dataclass(frozen=True)
class _Attention:
    """The rolled out attention `(batch, tokens, tokens)`, from the softmax of every layer of attention.

    The scores are found in the graph, `(batch, heads, tokens, tokens)` or without heads: a layer of Keras only hands
    them out when asked to at its call, and attention that users wrote themselves has them as well.
    """

    tokens: int

    def __call__(self, run: Callable[[tf.Tensor], Run], images: tf.Tensor) -> Any:
        answers = run(images).answers
        scores = [
            operation.outputs[0]
            for operation in answers[0].graph.get_operations()
            if operation.type == "Softmax" and self._is_attention(operation.outputs[0].shape)
        ]
        if not scores:
            raise NoAttentionError(
                f"expected a network with attention between its {self.tokens} tokens, found none; "
                "choose another method of attribution"
            )
        heads = [each if each.shape.rank == 4 else each[:, None] for each in scores]
        return roll_out([tf.cast(each, tf.float32) for each in heads])

    def _is_attention(self, shape: tf.TensorShape) -> bool:
        return bool(shape.rank in (3, 4) and shape[-2] == shape[-1] == self.tokens)


def roll_out(scores: list[tf.Tensor]) -> tf.Tensor:
    """Multiply the attention of all layers, the first one first.

    The mean over heads; the identity added for the way around each layer, and rows made to add up to one.

    Args:
        scores: of each layer, `(batch, heads, tokens, tokens)`; rows look, columns are looked at.

    Returns:
        `(batch, tokens, tokens)`.
    """
    rolled = None
    for each in scores:
        mixing = tf.reduce_mean(each, axis=1)
        mixing += tf.eye(tf.shape(mixing)[-1])
        mixing /= tf.reduce_sum(mixing, axis=-1, keepdims=True)
        rolled = mixing if rolled is None else tf.matmul(mixing, rolled)
    return rolled


def attention_rollout(traced: TracedCall, pixels: NDArray[Any], grid: Grid) -> AttributionMaps:
    """Attention rollout (Abnar and Zuidema, 2020), which knows no target.

    Read for the class token, which is the first of the leading tokens; where there is none, for the mean of all.

    Args:
        pixels: `(images, height, width, channels)` of 0..255.
        grid: height and width of the grid of tokens, and how many tokens lead it.

    Raises:
        NoAttentionError: the network has no attention between these tokens, or none that is of one image each.
    """
    height, width, leading = grid
    body = _Attention(height * width + leading)
    rows = traced.rows(pixels.shape[1:], gradient=False)
    parts = [
        traced.at(run).compute(body, pixels[run.start : run.stop].astype(np.float32)) for run in runs(len(pixels), rows)
    ]
    rolled = np.concatenate(parts)
    if len(rolled) != len(pixels):
        # Heads beside images on the first axis: which row is whose, the shape does not say.
        raise NoAttentionError(
            f"expected the attention of each of {len(pixels)} images, found {len(rolled)} rows of it, as where heads "
            "share the images' axis; choose another method of attribution"
        )
    seen = rolled[:, 0] if leading else rolled.mean(axis=1)
    maps = seen[:, leading:].reshape(1, len(pixels), height, width)
    return AttributionMaps("attention-rollout", None, maps, None)
