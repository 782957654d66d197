"""Integrated gradients: what each value of an image adds to a target on the way from a baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.attribution.results import AttributionMaps
from reportgen.analysis.attribution.targets import Form, Target
from reportgen.analysis.attribution.tracing import Run, TracedCall, score_images

MID_GREY = 127.5
BLACK = 0.0

# Points on the way from the baseline to the image; and the most there may be where the error asks for more. On trained
# networks of rectifiers, whose gradient jumps all along the way, 50 are not enough for one map in two. Of 42 maps of
# three ImageNet networks, 19 came below the tolerance with 50, 38 with 100, 40 with 200, and all with 400.
POINTS, MOST_POINTS = 50, 400

# The completeness error that is good enough.
TOLERANCE = 0.01

# A target that differs by less than this share of its size between image and baseline does not differ.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class _PathGradients:
    """The weighted sums of the gradients at some points of the way, for each target, `(targets, *image)`."""

    forms: tuple[Form, ...]

    def __call__(
        self,
        run: Callable[[tf.Tensor], Run],
        image: tf.Tensor,
        baseline: tf.Tensor,
        places: tf.Tensor,
        weights: tf.Tensor,
        *directions: tf.Tensor,
    ) -> Any:
        seen = run(baseline + places[:, None, None, None] * (image - baseline))
        sums = []
        for form, each in zip(self.forms, directions, strict=True):
            slopes = seen.image_gradients(seen.scores(form, each))
            sums.append(tf.einsum("k,khwc->hwc", weights, slopes))
        return tf.stack(sums)


def integrated_gradients(
    traced: TracedCall,
    pixels: NDArray[Any],
    targets: Sequence[Target],
    *,
    baseline: float = MID_GREY,
    points: int = POINTS,
    most_points: int = MOST_POINTS,
) -> AttributionMaps:
    """Integrated gradients (Sundararajan et al., 2017), by Gauss-Legendre quadrature.

    The points of an image go through the network in memory-bounded batches, for all targets at once. Its channels
    are added up. Where the sum is too far from what it should be, the points are doubled as long as they are no
    more than `most_points`.

    Args:
        pixels: `(images, height, width, channels)` of 0..255.
        baseline: the grey the way begins with, in the units of `pixels`.
        points: of the quadrature; `most_points` of the same number has all images made with just these.
    """
    # A network that takes whole numbers sees another grey than one between two levels.
    grey = np.round(baseline) if traced.takes_integers else baseline
    begin = np.full((1, *pixels.shape[1:]), grey, np.float32)
    scores = score_images(traced, pixels, targets)
    ends = score_images(traced, np.broadcast_to(begin, (len(pixels), *begin.shape[1:])), targets)
    maps = np.empty((len(targets), len(pixels), *pixels.shape[1:3]), np.float32)
    error = np.empty(scores.shape)
    used = np.full(len(pixels), points)
    for index in range(len(pixels)):
        own = slice(index, index + 1)
        image, few = pixels[own].astype(np.float32), [target.only(index) for target in targets]
        while True:
            maps[:, own] = _integrated(traced, image, begin, few, int(used[index]))
            error[:, own] = completeness_error(maps[:, own], scores[:, own], ends[:, own])
            if error[:, own].max() <= TOLERANCE or 2 * used[index] > most_points:
                break
            used[index] *= 2
    return AttributionMaps("integrated-gradients", None, maps, scores, error, used)


def _integrated(
    traced: TracedCall, image: NDArray[np.float32], baseline: NDArray[np.float32], targets: list[Target], points: int
) -> NDArray[np.float64]:
    """The maps of one image, `(targets, 1, height, width)`."""
    body = _PathGradients(tuple(target.form for target in targets))
    places, weights = quadrature(points)
    rows = traced.rows(image.shape[1:], gradient=True)
    total = np.zeros((len(targets), *image.shape[1:]), np.float64)
    for start in range(0, points, rows):
        part = slice(start, start + rows)
        total += traced.compute(
            body, image, baseline, places[part], weights[part], *[target.directions for target in targets]
        )
    added: NDArray[np.float64] = (total * (image[0] - baseline[0])).sum(axis=3)
    return added[:, None]


def quadrature(points: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The places on the way, 0 to 1, and the weights, of Gauss-Legendre quadrature."""
    places, weights = np.polynomial.legendre.leggauss(points)
    return ((places + 1) / 2).astype(np.float32), (weights / 2).astype(np.float32)


def completeness_error(
    maps: NDArray[np.float32], scores: NDArray[np.float32], baseline_scores: NDArray[np.float32]
) -> NDArray[np.float64]:
    """How far the sum of a map is from the difference it explains, as a share of it.

    Args:
        maps: `(targets, images, height, width)`.
        scores: of the images, `(targets, images)`.
        baseline_scores: of the baseline.

    Returns:
        `(targets, images)`; where there is no difference to explain, 0 if the map adds up to none, else infinite.
    """
    difference = scores.astype(np.float64) - baseline_scores
    missed = np.abs(maps.sum(axis=(2, 3), dtype=np.float64) - difference)
    rounding = _ROUNDING * np.maximum(1, np.maximum(np.abs(scores), np.abs(baseline_scores)))
    nothing = np.abs(difference) <= rounding
    share = np.divide(missed, np.abs(difference), out=np.zeros_like(missed), where=~nothing)
    return np.where(nothing, np.where(missed <= rounding, 0.0, np.inf), share)
