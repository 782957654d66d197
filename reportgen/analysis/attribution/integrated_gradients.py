"""Integrated gradients: what each value of an image adds to a target on the way from a baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.attribution.results import AttributionMaps
from reportgen.analysis.attribution.targets import Form, Target
from reportgen.analysis.attribution.tracing import Run, TracedCall, offsets, runs, score_images

MID_GREY = 127.5
BLACK = 0.0

# Points on the way from the baseline to the image; and the most there may be where the error asks for more. The
# gradient of a network of rectifiers jumps all along the way: where, is found by dividing it, and between two jumps no
# rule of many points is better than that of one. So few are asked for at first, and more where they are missing: from
# 10 on 19 to 39 are enough on average, from 30 on 36 to 68 (seven maps of each of four trained ImageNet networks).
# Ranks of pixels correlate with those of 300 points by 0.973 and more from 10 on, by 0.991 and more from 30 on, of
# cells of 1/7 of the side by 0.967 and by 0.981. Of 56 maps 5 hold instead of 8, at the limit, and as many explain
# nothing.
POINTS, MOST_POINTS = 10, 400

# Stretches of the way that are cut in three at a time, those that miss most.
_DIVIDED = 2

# A stretch of this share of the way is not cut: at half precision the targets jump from one number to the next, and
# no point explains that.
_SHORTEST = 1e-4

# The completeness error that is good enough.
TOLERANCE = 0.01

# A target that differs by less than this share of its size between image and baseline does not differ.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class _PathGradients:
    """What the gradients at some points of the way add to the targets, and the targets there.

    `places` and `lengths`, the share of the way each stands for, are `(points,)`; what is added is
    `(targets, points, height, width)`, the targets `(targets, points)` without their offsets.
    """

    forms: tuple[Form, ...]

    def __call__(
        self,
        run: Callable[[tf.Tensor], Run],
        image: tf.Tensor,
        baseline: tf.Tensor,
        places: tf.Tensor,
        lengths: tf.Tensor,
        *directions: tf.Tensor,
    ) -> Any:
        whole = image - baseline
        seen = run(baseline + places[:, None, None, None] * whole)
        scores = [seen.scores(form, each) for form, each in zip(self.forms, directions, strict=True)]
        added = [tf.reduce_sum(seen.image_gradients(score) * whole, axis=3) for score in scores]
        return tf.stack(added) * lengths[:, None, None], tf.stack(scores)


@dataclass(frozen=True, eq=False)
class _Stretch:
    """A part of the way from `begin` to `end`, 0 to 1, with one point in its middle.

    `scores` are the targets there, `(targets,)`; `added` what the stretch adds to them by the gradients there,
    `(targets, height, width)`.
    """

    begin: float
    end: float
    scores: NDArray[np.float64]
    added: NDArray[np.float32]

    @property
    def middle(self) -> float:
        """Where its point lies."""
        return (self.begin + self.end) / 2


@dataclass(frozen=True, eq=False)
class _Way:
    """The way of one image `(1, height, width, channels)` from a baseline, for some targets."""

    traced: TracedCall
    image: NDArray[np.float32]
    baseline: NDArray[np.float32]
    targets: Sequence[Target]

    def ends(self) -> NDArray[np.float32]:
        """The targets on the baseline and on the image, `(2, targets)`."""
        return score_images(self.traced, np.concatenate([self.baseline, self.image]), self.targets).T

    @cached_property
    def rows(self) -> int:
        """How many points go through the network together."""
        return self.traced.rows(self.image.shape[1:], gradient=True)

    def stretches(self, cuts: Sequence[tuple[float, float]]) -> list[_Stretch]:
        """The parts of the way with these ends."""
        places = np.asarray([(begin + end) / 2 for begin, end in cuts], np.float32)
        lengths = np.asarray([end - begin for begin, end in cuts], np.float32)
        return [
            _Stretch(*ends, scores, added)
            for ends, (added, scores) in zip(cuts, self.added(places, lengths), strict=True)
        ]

    def added(
        self, places: NDArray[np.float32], lengths: NDArray[np.float32]
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float64]]]:
        """Of each of `places` what the gradients there add to the targets, and the targets there.

        Args:
            lengths: the share of the way that each stands for.

        Yields:
            `(targets, height, width)` and `(targets,)`.
        """
        body = _PathGradients(tuple(target.form for target in self.targets))
        directions = [target.directions for target in self.targets]
        for run in runs(len(places), self.rows):
            part = slice(run.start, run.stop)
            added, scores = self.traced.compute(
                body, self.image, self.baseline, places[part], lengths[part], *directions
            )
            yield from zip(
                added.swapaxes(0, 1), (scores + offsets(self.targets)[:, None]).astype(np.float64).T, strict=True
            )


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
    added up. Where more points are allowed than asked for, the way is cut into as many stretches as points, each with
    one in its middle (the rule of one point); as long as the sum is too far from what it should be, the stretches
    around which the gradients least explain how the targets change are cut in three, with a point in each.

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
        way = _Way(traced.at([index]), image, begin, own)
        if most_points > points:
            maps[:, index], ends[:, :, index], used[index] = _refined(way, points, most_points)
            continue
        places, weights = quadrature(points)
        maps[:, index] = sum(added for added, _ in way.added(places, weights))
        if most_points:
            ends[:, :, index] = way.ends()
    if not most_points:
        return AttributionMaps("integrated-gradients", None, maps, None)
    error = completeness_error(maps, ends[1], ends[0])
    return AttributionMaps("integrated-gradients", None, maps, ends[1], error, used)


def _refined(way: _Way, points: int, most_points: int) -> tuple[NDArray[np.float32], NDArray[np.float32], int]:
    """The maps of one image, the targets on the baseline and on the image, and how many points it took.

    Args:
        points: at the start.
    """
    ends = way.ends()
    cuts = [cut / points for cut in range(points + 1)]
    stretches = way.stretches(list(pairwise(cuts)))
    while True:
        maps = np.stack([one.added for one in stretches]).sum(axis=0, dtype=np.float64).astype(np.float32)
        error = completeness_error(maps[:, None], ends[1][:, None], ends[0][:, None]).max()
        missed = _missed(stretches, ends.astype(np.float64))
        longer = [place for place, one in enumerate(stretches) if one.end - one.begin > _SHORTEST]
        # Each takes two points more.
        count = min(_DIVIDED, (most_points - len(stretches)) // 2, len(longer))
        if not error > TOLERANCE or count < 1:
            return maps, ends, len(stretches)
        stretches = _divided(way, stretches, sorted(longer, key=lambda place: -missed[place])[:count])


def _divided(way: _Way, stretches: Sequence[_Stretch], places: Sequence[int]) -> list[_Stretch]:
    """The same with those at `places` in thirds, of which the one in the middle has its point already."""
    thirds = {place: np.linspace(stretches[place].begin, stretches[place].end, 4).tolist() for place in places}
    outer = iter(way.stretches([ends for cuts in thirds.values() for ends in (tuple(cuts[:2]), tuple(cuts[2:]))]))
    made = {
        place: [
            next(outer),
            replace(stretches[place], begin=cuts[1], end=cuts[2], added=stretches[place].added / np.float32(3)),
            next(outer),
        ]
        for place, cuts in thirds.items()
    }
    return [part for place, one in enumerate(stretches) for part in made.get(place, [one])]


def _missed(stretches: Sequence[_Stretch], ends: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far the gradients are from explaining how the targets change on both sides of each point, `(stretches,)`.

    As a share of the change over the whole way, of the target of which that is most: between two points the targets
    should change by the mean of both slopes.

    Args:
        ends: the targets at both ends of the way, `(2, targets)`.
    """
    places = np.array([0.0, *(one.middle for one in stretches), 1.0])
    scores = np.stack([ends[0], *(one.scores for one in stretches), ends[1]], axis=1)
    slopes = np.stack(
        [one.added.sum(axis=(1, 2), dtype=np.float64) / (one.end - one.begin) for one in stretches], axis=1
    )
    between = np.concatenate([slopes[:, :1], (slopes[:, :-1] + slopes[:, 1:]) / 2, slopes[:, -1:]], axis=1)
    missed = np.abs(np.diff(scores, axis=1) - between * np.diff(places))
    whole = np.abs(ends[1] - ends[0])[:, None]
    share = np.nan_to_num(np.divide(missed, whole, out=np.zeros_like(missed), where=whole != 0)).max(axis=0)
    found: NDArray[np.float64] = share[:-1] + share[1:]
    return found


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
