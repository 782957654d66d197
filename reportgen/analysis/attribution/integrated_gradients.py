"""Integrated gradients: what each value of an image adds to a target on the way from a baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.attribution.results import AttributionMaps
from reportgen.analysis.attribution.targets import Form, Target
from reportgen.analysis.attribution.tracing import Run, TracedCall, runs, score_images

MID_GREY = 127.5
BLACK = 0.0

# Points on the way from the baseline to the image; and the most there may be where the error asks for more.
POINTS, MOST_POINTS = 30, 400

# Points of a stretch of the way. The gradient of a network of rectifiers jumps all along the way: where, is found by
# halving, a few points at a time, and those of the stretch that is halved are lost. On a trained ImageNet network
# (seven maps) 50 points in stretches of 10 became 93 until the error was small enough, 30 in stretches of 2 became 41.
# Ranks of pixels correlate with those of 400 points by 0.993 to 0.999 and by 0.991 to 0.995, of cells of 1/7 of the
# side by 0.983 to 0.998 and by 0.976 to 0.993: no check can tell these apart.
STRETCH_POINTS = 2

# The completeness error that is good enough.
TOLERANCE = 0.01

# A target that differs by less than this share of its size between image and baseline does not differ.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class _PathGradients:
    """Weighted sums of the gradients at some points of the way, `(targets, sums, *entrance)`.

    `places` are `(points,)`, `weights` `(points, sums)`.
    """

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
            slopes = seen.entrance_gradients(seen.scores(form, each))
            sums.append(tf.tensordot(weights, slopes, [[0], [0]]))
        return tf.stack(sums)


@dataclass(frozen=True)
class _BackToImage:
    """The gradients of images by those of the entrance."""

    def __call__(self, run: Callable[[tf.Tensor], Run], images: tf.Tensor, slopes: tf.Tensor) -> Any:
        seen = run(images)
        return slopes if seen.entrance is seen.images else seen.image_gradients(seen.entrance, slopes)


@dataclass(frozen=True, eq=False)
class _Stretch:
    """A part of the way from `begin` to `end`, 0 to 1, and the targets at both, `(targets,)`.

    `slopes` `(targets, height, width, channels)` is its integral of the gradients; `missed` how far it is from the
    difference of the targets, as a share of that of the whole way, of the target of which that is most.
    """

    begin: float
    end: float
    scores: tuple[NDArray[np.float32], NDArray[np.float32]]
    slopes: NDArray[np.float64]
    missed: float


@dataclass(frozen=True, eq=False)
class _Way:
    """The way of one image `(1, height, width, channels)` from a baseline, for some targets."""

    traced: TracedCall
    image: NDArray[np.float32]
    baseline: NDArray[np.float32]
    targets: Sequence[Target]
    points: int = STRETCH_POINTS  # of a stretch

    def scores(self, places: Sequence[float]) -> NDArray[np.float32]:
        """The targets at places of the way, `(targets, places)`."""
        where = np.asarray(places, np.float32)[:, None, None, None]
        return score_images(self.traced, self.baseline + where * (self.image - self.baseline), self.targets)

    def integrals(self, cuts: Sequence[tuple[float, float]], points: int) -> NDArray[np.float64]:
        """The integrals of the gradients over parts of the way, `(parts, targets, height, width, channels)`.

        As many parts go through the network together as memory allows.
        """
        together = min(self._sums, max(1, self._rows // points))
        return np.concatenate(
            [self._integrals(cuts[run.start : run.stop], points) for run in runs(len(cuts), together)]
        )

    @cached_property
    def _rows(self) -> int:
        return self.traced.rows(self.image.shape[1:], gradient=True)

    @cached_property
    def _sums(self) -> int:
        """How many parts a call adds up, however many are asked for: one function is compiled for all."""
        return max(1, self._rows // self.points)

    def _integrals(self, cuts: Sequence[tuple[float, float]], points: int) -> NDArray[np.float64]:
        rules = [quadrature(points, begin, end) for begin, end in cuts]
        places = np.concatenate([places for places, _ in rules])
        weights = np.zeros((len(places), self._sums), np.float32)
        for part, (_, own) in enumerate(rules):
            weights[part * points : (part + 1) * points, part] = own
        body = _PathGradients(tuple(target.form for target in self.targets))
        directions = [target.directions for target in self.targets]
        parts = [slice(run.start, run.stop) for run in runs(len(places), self._rows)]
        total = np.sum(
            [
                self.traced.compute(body, self.image, self.baseline, places[part], weights[part], *directions)
                for part in parts
            ],
            axis=0,
        )
        sums = total[:, : len(cuts)].reshape(-1, *total.shape[2:])
        slopes = self.traced.compute(_BackToImage(), np.repeat(self.image, len(sums), axis=0), sums)
        found: NDArray[np.float64] = slopes.astype(np.float64).reshape(-1, len(cuts), *slopes.shape[1:])
        return found.swapaxes(0, 1)

    def added(self, slopes: NDArray[np.float64]) -> NDArray[np.float64]:
        """What integrals of the gradients add to the targets, `(targets, height, width)`."""
        added: NDArray[np.float64] = (slopes * (self.image[0] - self.baseline[0])).sum(axis=3)
        return added

    def stretches(
        self, cuts: Sequence[float], scores: NDArray[np.float32], whole: NDArray[np.float64]
    ) -> list[_Stretch]:
        """The parts of the way between `cuts`; `scores` `(targets, cuts)`, `whole` their differences over all of it."""
        ends = list(pairwise(cuts))
        found = []
        for part, (end, slopes) in enumerate(zip(ends, self.integrals(ends, self.points), strict=True)):
            begun, done = scores[:, part], scores[:, part + 1]
            missed = np.abs(self.added(slopes).sum(axis=(1, 2)) - (done - begun.astype(np.float64)))
            share = np.divide(missed, np.abs(whole), out=np.zeros_like(missed), where=whole != 0)
            found.append(_Stretch(*end, (begun, done), slopes, float(np.nan_to_num(share.max()))))
        return found


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

    The points of an image go through the network in memory-bounded batches, for all targets at once. Its channels are
    added up. Where more points are allowed than asked for, the way is cut into stretches of STRETCH_POINTS each; as
    long as the sum is too far from what it should be, the stretch that misses most of its own difference is halved,
    and each half gets as many points.

    Args:
        pixels: `(images, height, width, channels)` of 0..255.
        baseline: the grey the way begins with, in the units of `pixels`.
        points: of the quadrature at the start.
        most_points: how many there may be in the end; as many as `points` has all images made with just these, by one
            rule over the whole way, and 0 leaves out the measuring of what they miss as well.
    """
    # A network that takes whole numbers sees another grey than one between two levels.
    grey = np.round(baseline) if traced.takes_integers else baseline
    begin = np.full((1, *pixels.shape[1:]), grey, np.float32)
    maps = np.empty((len(targets), len(pixels), *pixels.shape[1:3]), np.float32)
    ends = np.zeros((2, len(targets), len(pixels)), np.float32)
    used = np.full(len(pixels), points)
    for index in range(len(pixels)):
        image = pixels[index : index + 1].astype(np.float32)
        own = [target.only(index) for target in targets]
        way = _Way(traced.at([index]), image, begin, own, min(points, STRETCH_POINTS))
        if most_points > points:
            maps[:, index], ends[:, :, index], used[index] = _refined(way, -(-points // way.points), most_points)
            continue
        maps[:, index] = way.added(way.integrals([(0, 1)], points)[0])
        if most_points:
            ends[:, :, index] = way.scores([0, 1]).T
    if not most_points:
        return AttributionMaps("integrated-gradients", None, maps, None)
    error = completeness_error(maps, ends[1], ends[0])
    return AttributionMaps("integrated-gradients", None, maps, ends[1], error, used)


def _refined(way: _Way, count: int, most_points: int) -> tuple[NDArray[np.float64], NDArray[np.float32], int]:
    """The maps of one image, the targets on the baseline and on the image, and how many points it took.

    Args:
        count: stretches at the start.
    """
    cuts = [cut / count for cut in range(count + 1)]
    scores = way.scores(cuts)
    ends = scores[:, [0, -1]]
    whole = ends[:, 1].astype(np.float64) - ends[:, 0]
    stretches = way.stretches(cuts, scores, whole)
    while True:
        maps = way.added(np.sum([one.slopes for one in stretches], axis=0))
        error = completeness_error(maps[:, None].astype(np.float32), ends[:, 1:], ends[:, :1]).max()
        if not error > TOLERANCE or (len(stretches) + 1) * way.points > most_points:
            return maps, ends.T, len(stretches) * way.points
        worst = max(range(len(stretches)), key=lambda place: stretches[place].missed)
        stretches[worst : worst + 1] = _halved(way, stretches[worst], whole)


def _halved(way: _Way, one: _Stretch, whole: NDArray[np.float64]) -> list[_Stretch]:
    middle = (one.begin + one.end) / 2
    scores = np.stack([one.scores[0], way.scores([middle])[:, 0], one.scores[1]], axis=1)
    return way.stretches([one.begin, middle, one.end], scores, whole)


def quadrature(points: int, begin: float = 0, end: float = 1) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The places from `begin` to `end` and the weights of Gauss-Legendre quadrature."""
    places, weights = np.polynomial.legendre.leggauss(points)
    half = (end - begin) / 2
    return (begin + (places + 1) * half).astype(np.float32), (weights * half).astype(np.float32)


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
