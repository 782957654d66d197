"""How far a maximised image can be trusted: measured on the saved 8-bit picture, by the ordinary forward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import tensorflow as tf

from reportgen.analysis.maximization.targets import as_maps, class_logits
from reportgen.analysis.network import capture
from reportgen.models import Network
from reportgen.results import ByteArray, FloatArray, PixelArray

Status = Literal["ok", "weak", "failed"]

# A picture speaks for its channel if at most this many other channels answer to it more, each by its own measure.
RANKS_OK = 5


def response_function(network: Network, layer: str) -> Callable[[ByteArray], FloatArray]:
    """The measure of `layer`: from pictures to the highest value over positions of each channel of its output.

    The function takes uint8 `(batch, height, width, channels)` of any size the layers below take and gives
    float32 `(batch, channels of the layer)`.
    """
    highest = capture.Extractor(
        network, [layer], reduce=lambda _name, output: tf.reduce_max(as_maps(output), axis=(1, 2))
    )
    return lambda pixels: np.asarray(highest(pixels)[layer], np.float32)


def logit_function(network: Network) -> Callable[[PixelArray], FloatArray]:
    """The same for the network's answer: from fitted images of any type to logits `(batch, classes)`."""

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def run(pixels: tf.Tensor) -> tf.Tensor:
        _, answer = capture.run_layers(network.model, network.feed(network.prepare(pixels)), whole=True)
        return class_logits(network, answer)

    logits_of = run.get_concrete_function(tf.TensorSpec((None, *network.size, network.channels), tf.float32))
    return lambda pixels: np.asarray(logits_of(tf.constant(pixels, tf.float32)), np.float32)


def rank_of(channel: int, responses: FloatArray, dataset_max: FloatArray) -> int | None:
    """The place of `channel` among its layer's channels on one picture, by response over `dataset_max`, 0 is first.

    A channel whose `dataset_max` is not above zero has no scale of its own: it is left out of the others' ranking,
    and has no rank itself (None). Ties count in favour of `channel`.

    Args:
        responses: `(channels,)` on the picture.
        dataset_max: `(channels,)`, the same measure over the images.
    """
    known = dataset_max > 0
    if not known[channel]:
        return None
    ratios = np.divide(responses, dataset_max, out=np.full(responses.shape, -np.inf), where=known)
    return int(np.count_nonzero(ratios > ratios[channel]))


def judge(
    activation: float, dataset_max: float | None, rank: int | None, flat: bool, ranks_ok: int = RANKS_OK
) -> Status:
    """Whether a picture shows what excites its channel.

    `failed`: nothing could be done, or the layer's output stayed at zero. `ok`: the picture excites the channel at
    least as much as any image did, and fewer than `ranks_ok` channels answer to it more. `weak`: anything else,
    also where there is nothing to compare with.
    """
    if flat or not np.isfinite(activation) or activation == 0:
        return "failed"
    if dataset_max is None:
        return "weak"
    enough = activation >= dataset_max
    return "ok" if enough and (rank is None or rank < ranks_ok) else "weak"
