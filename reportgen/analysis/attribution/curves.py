"""Deletion and insertion: whether the answer follows a map as pixels go and come in its order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.attribution.integrated_gradients import MID_GREY
from reportgen.analysis.attribution.results import Curve, Faithfulness
from reportgen.analysis.attribution.targets import Target
from reportgen.analysis.attribution.tracing import TracedCall, score_images

STEPS = 10
RANDOM_ORDERS = 3

# Of the Gaussian blur that insertion begins with, in pixels of an image whose side is 224.
BLUR_SIGMA, BLUR_SIDE = 5.0, 224

# A Gaussian is cut off at so many standard deviations; what lies beyond is less than a level of 8 bits.
_BLUR_REACH = 4.0

# An image is empty of what is explained if no more than this share of it is left.
_LEFT = 0.1


def check_faithfulness(
    traced: TracedCall,
    image: NDArray[Any],
    target: Target,
    values: NDArray[np.float32],
    *,
    grain: int = 1,
    seed: int = 0,
    blurred: NDArray[np.float32] | None = None,
) -> Faithfulness:
    """Deletion to mid-grey and insertion into a blurred image (Petsiuk et al., 2018), against random orders.

    The random orders are the map's own cells put elsewhere, as large as they are: deleting pixels one by one all over
    an image harms it sooner than deleting as many side by side, so any map of large cells would lose against a random
    order of pixels.

    Args:
        image: `(height, width, channels)` of 0..255.
        target: of this image alone, or of all images. Logits are read as answered: probabilities.
        values: the map, `(rows, columns)`; it is enlarged to the image.
        grain: how many of its cells a side the map can tell apart only together (`AttributionMaps.grain`).
        blurred: what `blur` makes of the image, where it was made before.
    """
    pixels = image.astype(np.float32)
    random = np.random.default_rng(seed)
    cells = coarsened(values, grain)
    orders = [pixel_order(cells, pixels.shape[:2], random)]
    for _ in range(RANDOM_ORDERS):
        shuffled = random.permutation(cells.reshape(-1)).reshape(cells.shape)
        orders.append(pixel_order(shuffled, pixels.shape[:2], random))
    grey = np.full_like(pixels, MID_GREY)
    blurred = blur(pixels) if blurred is None else blurred
    mean = np.broadcast_to(pixels.mean(axis=(0, 1), dtype=np.float64).astype(np.float32), pixels.shape)
    ends = np.stack([pixels, grey, blurred, mean])
    score, of_grey, of_blurred, of_mean = (
        float(each) for each in score_images(traced, ends, [target.as_answered()])[0]
    )
    fall = _curves(traced, (pixels, grey), (score, of_grey), orders, target)
    rise = _curves(traced, (blurred, pixels), (of_blurred, score), orders, target)
    left = {of_grey: grey, of_blurred: blurred, of_mean: mean}
    emptiest = min(left)
    fair_fall = fair_rise = None
    if _is_fuller(of_grey, emptiest, score):
        fair_fall = _curves(traced, (pixels, left[emptiest]), (score, emptiest), orders, target)
    if _is_fuller(of_blurred, emptiest, score):
        fair_rise = _curves(traced, (left[emptiest], pixels), (emptiest, score), orders, target)
    judged = np.stack([fall if fair_fall is None else fair_fall, rise if fair_rise is None else fair_rise])
    return Faithfulness(
        deletion=_area(fall),
        insertion=_area(rise),
        score=score,
        deleted=of_grey,
        blurred=of_blurred,
        span=float(np.ptp(judged)),
        fair_deletion=None if fair_fall is None else _area(fair_fall),
        fair_insertion=None if fair_rise is None else _area(fair_rise),
    )


def _is_fuller(answer: float, emptiest: float, score: float) -> bool:
    """Whether clearly more of what is explained is left in an image than in the emptiest one.

    Mid-grey is bright in a dark image: where the answer is to brightness, deleting to it adds what it should remove.
    What is large and of one colour is still there when it is blurred. The image's own mean colour has neither.
    """
    return answer - emptiest > _LEFT * abs(score - emptiest)


def coarsened(values: NDArray[np.float32], grain: int) -> NDArray[np.float32]:
    """`values` averaged over squares of `grain` cells a side, those at the end smaller where it does not divide."""
    if grain == 1:
        return values
    rows, columns = (np.arange(0, side, grain) for side in values.shape)
    sums = np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1)
    counts = np.outer(np.diff([*rows, values.shape[0]]), np.diff([*columns, values.shape[1]]))
    means: NDArray[np.float32] = (sums / counts).astype(np.float32)
    return means


def enlarged(values: NDArray[Any], size: tuple[int, ...]) -> NDArray[np.float32]:
    """A map `(rows, columns)` brought to `size` (height, width), bilinearly between the centres of its cells."""
    resized = tf.image.resize(values.astype(np.float32)[..., None], size[:2], "bilinear")
    return resized.numpy()[..., 0]  # type: ignore[no-any-return]


def pixel_order(values: NDArray[np.float32], size: tuple[int, ...], random: np.random.Generator) -> NDArray[np.int64]:
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


def _curves(
    traced: TracedCall,
    ends: tuple[NDArray[np.float32], NDArray[np.float32]],
    scores: tuple[float, float],
    orders: list[NDArray[np.int64]],
    target: Target,
) -> NDArray[np.float32]:
    """The answer on the way between two images in each order, `(orders, STEPS + 1)`; `scores` are those of both."""
    curves = np.empty((len(orders), STEPS + 1), np.float32)
    curves[:, [0, -1]] = scores
    for curve, order in zip(curves, orders, strict=True):
        curve[1:-1] = score_images(traced, np.stack(list(_states(*ends, order))), [target.as_answered()])[0]
    return curves


def _states(
    start: NDArray[np.float32], end: NDArray[np.float32], order: NDArray[np.int64]
) -> Iterator[NDArray[np.float32]]:
    """The images between the two."""
    state, goal = start.copy(), end.reshape(-1, end.shape[-1])
    flat = state.reshape(-1, state.shape[-1])
    done = 0
    for step in range(1, STEPS):
        until = round(step * len(order) / STEPS)
        flat[order[done:until]] = goal[order[done:until]]
        done = until
        yield state.copy()


def _area(curves: NDArray[np.float32]) -> Curve:
    own, *random = (float(np.trapezoid(curve.astype(np.float64), dx=1 / STEPS)) for curve in curves)
    return Curve(own, sum(random) / len(random))
