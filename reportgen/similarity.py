"""How alike two layers are: linear CKA of what they give for the same images, and how far their weights lie apart.

Pure functions of arrays. A report keeps of each layer what these need and no more: products of the features of
every two images, and a sketch of the weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

# With fewer images the debiased estimate is not defined.
LEAST_IMAGES = 4

# Numbers of a sketch. Odd, so that its rows do not fall in step with the channels of a kernel, which are the last axis
# and mostly a power of two; norms that are read from it are right to about 6 %.
SKETCH_SIZE = 255
_SKETCH_SEED = 20_190_515

# Weights read at a time.
_CHUNK = SKETCH_SIZE * 8_192


def linear_cka(first: Floats, second: Floats) -> float | None:
    """Linear centred kernel alignment of two sets of features `(images, features)` of the same images.

    1 for features that are equal up to a rotation, a permutation and a common factor, near 0 for independent ones
    where there are many more images than features; None where one side does not vary. Kornblith and others,
    "Similarity of Neural Network Representations Revisited", ICML 2019.

    Raises:
        ValueError: the numbers of images differ.
    """
    if first.shape[0] != second.shape[0]:
        raise ValueError(f"expected features of the same images, got {first.shape[0]} and {second.shape[0]}")
    one, two = (np.asarray(side, np.float64) - np.mean(side, axis=0, dtype=np.float64) for side in (first, second))
    scale = np.linalg.norm(one.T @ one) * np.linalg.norm(two.T @ two)
    return float(np.linalg.norm(one.T @ two) ** 2 / scale) if scale > 0 else None


def centred_products(features: Floats) -> NDArray[np.float64]:
    """The products `(images, images)` of every two rows of `features` `(images, features)`, less the mean row."""
    centred = np.asarray(features, np.float64) - np.mean(features, axis=0, dtype=np.float64)
    return np.asarray(centred @ centred.T, np.float64)


def debiased_cka(first: Floats, second: Floats) -> float | None:
    """Linear CKA of two matrices of products `(images, images)`, also right where features outnumber the images.

    The plain measure then tends to 1 whatever the features are. This one takes the unbiased estimate of each part
    (Song and others, "Feature Selection via Dependence Maximization", JMLR 2012); 1 for a matrix with itself. What
    chance makes negative is 0; None where a side does not vary or there are fewer than 4 images.
    """
    if first.shape[0] < LEAST_IMAGES:
        return None
    one, two = _u_centred(first), _u_centred(second)
    scale = math.sqrt(float((one * one).sum()) * float((two * two).sum()))
    if not scale > 0 or not math.isfinite(scale):
        return None
    return min(1.0, max(0.0, float((one * two).sum()) / scale))


def _u_centred(products: Floats) -> NDArray[np.float64]:
    """The matrix without its diagonal, with rows and columns that add up to nothing."""
    matrix = np.array(products, np.float64)
    np.fill_diagonal(matrix, 0.0)
    count = matrix.shape[0]
    rows = matrix.sum(axis=0) / (count - 2)
    centred: NDArray[np.float64] = matrix - rows[:, None] - rows[None, :] + matrix.sum() / ((count - 1) * (count - 2))
    np.fill_diagonal(centred, 0.0)
    return centred


def sketch(arrays: Iterable[NDArray[np.generic]]) -> list[float]:
    """255 sums of the values of `arrays`, with random signs: distances between sketches are those of the weights.

    Fewer values than that are kept as they are. Values that are not finite count as 0. Charikar and others,
    "Finding Frequent Items in Data Streams", 2002.
    """
    flat = [np.ravel(array) for array in arrays]
    if sum(part.size for part in flat) <= SKETCH_SIZE:
        return [float(value) for part in flat for value in np.nan_to_num(part.astype(np.float64), posinf=0, neginf=0)]
    signs = np.random.Generator(np.random.PCG64(_SKETCH_SEED))
    sums = np.zeros(SKETCH_SIZE)
    for part in flat:
        for start in range(0, part.size, _CHUNK):
            chunk = part[start : start + _CHUNK]
            bits = np.unpackbits(np.frombuffer(signs.bytes(-(-chunk.size // 8)), np.uint8), count=chunk.size)
            padded = np.zeros(-(-chunk.size // SKETCH_SIZE) * SKETCH_SIZE)
            values = padded[: chunk.size]
            values[:] = chunk
            if not np.isfinite(values).all():
                np.nan_to_num(values, copy=False, posinf=0, neginf=0)
            values *= 2 * bits.view(np.int8) - 1
            sums += padded.reshape(-1, SKETCH_SIZE).sum(axis=0)
    return sums.tolist()


def relative_change(first: Sequence[float | None] | None, second: Sequence[float | None] | None) -> float | None:
    """The norm of the difference over that of `first`; None where there is nothing, or not as much, to compare."""
    if not first or not second or len(first) != len(second):
        return None
    pairs = [(one, two) for one, two in zip(first, second, strict=True) if one is not None and two is not None]
    size = math.sqrt(math.fsum(one * one for one, _ in pairs))
    apart = math.sqrt(math.fsum((two - one) ** 2 for one, two in pairs))
    if size == 0:
        return None if apart else 0.0
    return apart / size
