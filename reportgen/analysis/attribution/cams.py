"""Class activation maps: where the maps of a layer speak for a target.

For layers that give a row of tokens, the same on the grid the tokens were cut from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.attribution.results import AttributionMaps
from reportgen.analysis.attribution.targets import Form, Target
from reportgen.analysis.attribution.tracing import Run, TracedCall, runs
from reportgen.analysis.network.unoptimized import unoptimized

CamMethod = Literal["grad-cam", "layer-cam"]


@dataclass(frozen=True)
class _Cams:
    """Maps of all targets and layers from one forward pass; each target costs the way back from its answer.

    Beside each map the evidence that it is made of, signed: by position, and by channel.
    """

    rule: CamMethod
    layers: tuple[str, ...]
    forms: tuple[Form, ...]

    def __call__(self, run: Callable[[tf.Tensor], Run], images: tf.Tensor, *directions: tf.Tensor) -> Any:
        seen = run(images)
        scores = [seen.scores(form, each) for form, each in zip(self.forms, directions, strict=True)]
        slopes = [seen.map_gradients(score, self.layers) for score in scores]
        weigh = weigh_channels if self.rule == "grad-cam" else weigh_positions
        made = {}
        for place, layer in enumerate(self.layers):
            maps = seen.maps(layer)
            evidence = [maps * each[place] for each in slopes]
            made[layer] = (
                tf.stack([weigh(maps, each[place]) for each in slopes]),
                tf.stack([tf.reduce_sum(each, axis=3) for each in evidence]),
                tf.stack([tf.reduce_sum(each, axis=(1, 2)) for each in evidence]),
            )
        return tf.stack(scores), made


def weigh_channels(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """Grad-CAM: each channel weighted by its mean gradient, what is left above zero of their sum.

    Args:
        maps: `(batch, height, width, channels)`.
        gradients: of the target with respect to `maps`.

    Returns:
        `(batch, height, width)`.
    """
    weights = tf.reduce_mean(gradients, axis=(1, 2))
    return tf.nn.relu(tf.einsum("bhwc,bc->bhw", maps, weights))


def weigh_positions(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """LayerCAM: each value weighted by its own gradient where that is above zero. As `weigh_channels`."""
    return tf.nn.relu(tf.reduce_sum(tf.nn.relu(gradients) * maps, axis=3))


def grad_cam(traced: TracedCall, pixels: NDArray[Any], targets: Sequence[Target]) -> dict[str, AttributionMaps]:
    """Grad-CAM (Selvaraju et al., 2017) of all layers that `traced` reads.

    Args:
        pixels: `(images, height, width, channels)` of 0..255.

    Returns:
        The maps under the layers' names.

    Raises:
        ReportgenError: a layer has no positions, or the network cannot run here.
    """
    return _cams("grad-cam", traced, pixels, targets)


def layer_cam(traced: TracedCall, pixels: NDArray[Any], targets: Sequence[Target]) -> dict[str, AttributionMaps]:
    """LayerCAM (Jiang et al., 2021) of all layers that `traced` reads, finer than Grad-CAM in early layers.

    As `grad_cam`.
    """
    return _cams("layer-cam", traced, pixels, targets)


def _cams(
    rule: CamMethod, traced: TracedCall, pixels: NDArray[Any], targets: Sequence[Target]
) -> dict[str, AttributionMaps]:
    body = _Cams(rule, traced.layers, tuple(target.form for target in targets))
    rows = traced.rows(pixels.shape[1:], gradient=True)
    with unoptimized():
        parts = [
            traced.at(run).compute(
                body,
                pixels[run.start : run.stop].astype(np.float32),
                *[target.of_images(run.start, run.stop) for target in targets],
            )
            for run in runs(len(pixels), rows)
        ]
    scores = np.concatenate([part[0] for part in parts], axis=1)
    return {
        layer: AttributionMaps(
            rule,
            layer,
            np.concatenate([part[1][layer][0] for part in parts], axis=1),
            scores,
            evidence=np.concatenate([part[1][layer][1] for part in parts], axis=1),
            channels=np.concatenate([part[1][layer][2] for part in parts], axis=1),
        )
        for layer in traced.layers
    }
