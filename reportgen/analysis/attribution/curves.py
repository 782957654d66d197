"""Deletion and insertion: whether the answer follows a map as pixels go and come in its order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.attribution.checks import averaged
from reportgen.analysis.attribution.integrated_gradients import MID_GREY
from reportgen.analysis.attribution.results import Curve, Faithfulness
from reportgen.analysis.attribution.targets import Target
from reportgen.analysis.attribution.tracing import TracedCall, score_images

STEPS = 10

# Every map is judged on squares of this share of the image's sides, as large as a class activation map of a deep
# network tells apart; those of a coarser map are its own. Pixels that go one by one all over an image harm it sooner
# than as many side by side, whatever order they go in: judged pixel by pixel, no map of pixels would tell anything.
CELLS = 7

# The steps at which the reversed order is looked at. Half of them are enough: what a map gains by them and by all
# correlates by 0.99 (112 maps of four ImageNet networks).
_COARSE = 2

# The steps at which random orders are looked at as pixels go: close together where the answer falls most. As they come
# it is the other way round.
_RANDOM_STEPS = (1, 2, 3, 5, 7)

# Of the Gaussian blur that insertion begins with, in pixels of an image whose side is 224.
BLUR_SIGMA, BLUR_SIDE = 5.0, 224

# A Gaussian is cut off at so many standard deviations; what lies beyond is less than a level of 8 bits.
_BLUR_REACH = 4.0

# An image is empty of what is explained if no more than this share of it is left.
_LEFT = 0.1

Grid = tuple[int, int]
End = Literal["whole", "grey", "blurred", "mean"]
Way = tuple[End, End]

_FALL: Way = ("whole", "grey")
_RISE: Way = ("blurred", "whole")


@dataclass(eq=False)
class Disturbed:
    """An image as it is disturbed, and what is asked of it; what does not depend on a map is computed once.

    Args:
        pixels: `(height, width, channels)` of 0..255.
        targets: of this image. Logits are read as answered: probabilities.
    """

    traced: TracedCall
    pixels: NDArray[np.float32]
    targets: Sequence[Target]
    seed: int = 0
    _random: dict[tuple[Way, Grid], NDArray[np.float32]] = field(default_factory=dict)

    @cached_property
    def images(self) -> dict[End, NDArray[np.float32]]:
        """The image, and what it may be disturbed to: mid-grey, itself blurred, its own mean colour."""
        mean = self.pixels.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
        return {
            "whole": self.pixels,
            "grey": np.full_like(self.pixels, MID_GREY),
            "blurred": blur(self.pixels),
            "mean": np.broadcast_to(mean, self.pixels.shape),
        }

    @cached_property
    def _ends(self) -> dict[End, NDArray[np.float32]]:
        scores = self._scores(list(self.images.values()), self.targets)
        return dict(zip(self.images, scores.T, strict=True))

    def ends(self, target: Target) -> dict[End, float]:
        """The answers to these images."""
        place = self.targets.index(target)
        return {end: float(scores[place]) for end, scores in self._ends.items()}

    def curve(self, way: Way, order: NDArray[np.int64], target: Target, steps: int = STEPS) -> NDArray[np.float32]:
        """The answers on a way as pixels change in an order, `(steps + 1,)` with both ends."""
        ends = self.ends(target)
        start, goal = (self.images[end] for end in way)
        return self._with_ends(way, ends, self._scores(list(_states(start, goal, order, steps)), [target])[0])

    def random_area(self, way: Way, grid: Grid, target: Target) -> float:
        """The area under the answers on a way as cells of a grid change in random orders, on average.

        At each step it is another order: many steps of one would err more.
        """
        steps = _RANDOM_STEPS if way[0] == "whole" else tuple(STEPS - step for step in reversed(_RANDOM_STEPS))
        if (way, grid) not in self._random:
            start, goal = (self.images[end] for end in way)
            states = [_changed(start, goal, self._random_places(grid, step)) for step in steps]
            self._random[way, grid] = self._scores(states, self.targets)
        between = self._random[way, grid][self.targets.index(target)]
        curve = self._with_ends(way, self.ends(target), between).astype(np.float64)
        return float(np.trapezoid(curve, np.array([0, *steps, STEPS]) / STEPS))

    def _random_places(self, grid: Grid, step: int) -> NDArray[np.int64]:
        """The pixels that have changed at a step, in an order of its own."""
        cells = np.random.default_rng((self.seed, step, *grid)).permutation(grid[0] * grid[1]).reshape(grid)
        large = enlarged(cells, self.pixels.shape[:2]).reshape(-1)
        kept = large.size - round(step * large.size / STEPS)
        return np.argpartition(large, kept)[kept:]

    def _scores(self, images: Sequence[NDArray[np.float32]], targets: Sequence[Target]) -> NDArray[np.float32]:
        return score_images(self.traced, np.stack(images), [target.as_answered() for target in targets])

    @staticmethod
    def _with_ends(way: Way, ends: dict[End, float], between: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.concatenate([[ends[way[0]]], between, [ends[way[1]]]]).astype(np.float32)


def check_faithfulness(
    traced: TracedCall,
    image: NDArray[Any],
    target: Target,
    values: NDArray[np.float32],
    *,
    seed: int = 0,
    disturbed: Disturbed | None = None,
) -> Faithfulness:
    """Deletion to mid-grey and insertion into a blurred image (Petsiuk et al., 2018), against other orders.

    The map is averaged over at most CELLS squares a side, which are ranked; equal ones at random. What it gains is by
    how much the answer falls and rises earlier in its order than in the reverse of it (Samek et al., 2017: most and
    least relevant first): both harm an image as an image equally, since they change the same number of equally large
    cells that lie together equally. A map that knows nothing gains nothing on average, and its luck is half of what it
    is against random orders. Those are told beside it.

    Args:
        image: `(height, width, channels)` of 0..255.
        target: of this image alone, or of all images. Logits are read as answered: probabilities.
        values: the map, `(rows, columns)`; it is enlarged to the image.
        disturbed: the image, where it was disturbed for other maps before.
    """
    if disturbed is None:
        disturbed = Disturbed(traced, image.astype(np.float32), [target], seed)
    random = np.random.default_rng(seed)
    grid = min(CELLS, values.shape[0]), min(CELLS, values.shape[1])
    order = pixel_order(ranked(averaged(values, grid), random), image.shape[:2], random)
    ends = disturbed.ends(target)
    fair_fall, fair_rise = _fair_ways(ends)
    ways = {_FALL: fair_fall is None, _RISE: fair_rise is None}  # and whether it is judged
    ways |= {way: True for way in (fair_fall, fair_rise) if way is not None}
    found = {way: _follow(disturbed, way, order, grid, target, judged) for way, judged in ways.items()}
    met = np.concatenate([answers for curve, answers in found.values() if curve.lead is not None])
    return Faithfulness(
        deletion=found[_FALL][0],
        insertion=found[_RISE][0],
        score=ends["whole"],
        deleted=ends["grey"],
        blurred=ends["blurred"],
        span=float(np.ptp(met)),
        fair_deletion=None if fair_fall is None else found[fair_fall][0],
        fair_insertion=None if fair_rise is None else found[fair_rise][0],
    )


def _fair_ways(ends: dict[End, float]) -> tuple[Way | None, Way | None]:
    """What deletion and insertion are judged by where mid-grey, or the blurred image, leaves too much."""
    emptiest: End = "grey"
    for end in ("blurred", "mean"):
        emptiest = end if ends[end] < ends[emptiest] else emptiest
    return (
        ("whole", emptiest) if _is_fuller(ends["grey"], ends[emptiest], ends["whole"]) else None,
        (emptiest, "whole") if _is_fuller(ends["blurred"], ends[emptiest], ends["whole"]) else None,
    )


def _follow(
    disturbed: Disturbed, way: Way, order: NDArray[np.int64], grid: Grid, target: Target, judged: bool
) -> tuple[Curve, NDArray[np.float32]]:
    """The curve of a way, and the answers met on it; only where it is judged, the order is reversed as well."""
    own = disturbed.curve(way, order, target)
    random = disturbed.random_area(way, grid, target)
    if not judged:
        return Curve(_area(own), random), own
    reverse = disturbed.curve(way, order[::-1], target, STEPS // _COARSE)
    later = _area(reverse) - _area(own[::_COARSE])
    lead = 0.5 * (later if way[0] == "whole" else -later)
    return Curve(_area(own), random, lead), np.concatenate([own, reverse])


def _is_fuller(answer: float, emptiest: float, score: float) -> bool:
    """Whether clearly more of what is explained is left in an image than in the emptiest one.

    Mid-grey is bright in a dark image: where the answer is to brightness, deleting to it adds what it should remove.
    What is large and of one colour is still there when it is blurred. The image's own mean colour has neither.
    """
    return answer - emptiest > _LEFT * abs(score - emptiest)


def ranked(cells: NDArray[Any], random: np.random.Generator) -> NDArray[np.int64]:
    """The rank of each cell, from 0, equal ones in a random order."""
    ranks = np.empty(cells.size, np.int64)
    ranks[np.lexsort((random.random(cells.size), cells.reshape(-1)))] = np.arange(cells.size)
    return ranks.reshape(cells.shape)


def enlarged(values: NDArray[Any], size: tuple[int, ...]) -> NDArray[np.float32]:
    """A map `(rows, columns)` brought to `size` (height, width), bilinearly between the centres of its cells."""
    resized = tf.image.resize(values.astype(np.float32)[..., None], size[:2], "bilinear")
    return resized.numpy()[..., 0]  # type: ignore[no-any-return]


def pixel_order(values: NDArray[Any], size: tuple[int, ...], random: np.random.Generator) -> NDArray[np.int64]:
    """The pixels of an image of `size` from the highest value of the map to the lowest, equal ones at random."""
    large = enlarged(values, size).reshape(-1)
    return np.lexsort((random.random(large.size), -large))


def blur(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """`pixels` blurred by a Gaussian of sigma 5 at a side of 224 pixels, mirrored at the border."""
    blurred = pixels.astype(np.float64)
    for axis in (0, 1):
        side = pixels.shape[axis]
        sigma = BLUR_SIGMA * side / BLUR_SIDE
        reach = max(1, int(np.ceil(_BLUR_REACH * sigma)))
        taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
        taps /= taps.sum()
        around = [(reach, reach) if each == axis else (0, 0) for each in range(pixels.ndim)]
        padded = np.moveaxis(np.pad(blurred, around, mode="symmetric"), axis, 0)
        mixed = sum(tap * padded[shift : shift + side] for shift, tap in enumerate(taps))
        blurred = np.moveaxis(np.asarray(mixed), 0, axis)
    return blurred.astype(np.float32)


def _states(
    start: NDArray[np.float32], goal: NDArray[np.float32], order: NDArray[np.int64], steps: int
) -> Iterator[NDArray[np.float32]]:
    """The images between the two."""
    for step in range(1, steps):
        yield _changed(start, goal, order[: round(step * len(order) / steps)])


def _changed(start: NDArray[np.float32], goal: NDArray[np.float32], places: NDArray[np.int64]) -> NDArray[np.float32]:
    """`start` with the pixels at some places, counted row by row, of `goal`."""
    state = start.copy()
    state.reshape(-1, start.shape[-1])[places] = goal.reshape(-1, goal.shape[-1])[places]
    return state


def _area(curve: NDArray[np.float32]) -> float:
    return float(np.trapezoid(curve.astype(np.float64), dx=1 / (len(curve) - 1)))
