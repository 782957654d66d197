"""A map of the images: their features along the two directions in which they differ most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.sampling import sample

# Directions are found from a matrix of this many rows at most: of the values, or of so many images by the lowest keys
# where both are more.
MOST_ROWS = 2_048
_BLOCK = 1_024

# The two are found by subspace iteration: all eigenvectors of such a matrix take a hundred times longer.
_SUBSPACE = 12
_MOST_STEPS = 300
_PRECISION = 1e-10

# Of the largest coordinate, and of shares.
_DIGITS = 6


@dataclass(frozen=True, eq=False)
class Projection:
    """Of each image its place `(images, 2)` along the first two principal components, and the variance they hold.

    `explained` are the shares of the whole variance; both are rounded to six digits. The sign of each component is
    such that its largest weight by size is positive.
    """

    points: NDArray[np.float64]
    explained: tuple[float, float]


def project(features: NDArray[np.float32], *, seed: int = 0) -> Projection | None:
    """The first two principal components; None of fewer than three images or of features that are all the same.

    Args:
        features: `(images, values)`.
        seed: of the images from which directions are found where both images and values are very many.
    """
    images, values = features.shape
    if images < 3 or not (features != features[0]).any():
        return None
    mean = features.mean(axis=0, dtype=np.float64)
    rows = sample(np.arange(images), MOST_ROWS, seed) if values > MOST_ROWS else np.arange(images)
    directions = _directions(features, mean, rows)
    points, total = np.zeros((images, 2)), 0.0
    for start in range(0, images, _BLOCK):
        centred = features[start : start + _BLOCK] - mean
        points[start : start + _BLOCK] = centred @ directions
        total += float(np.vdot(centred, centred))
    first, second = (np.square(points).sum(axis=0) / total).tolist()
    # The last bits of large products depend on how threads share the work: what is handed on has none of them.
    step = 10.0 ** (np.floor(np.log10(np.abs(points).max())) - _DIGITS)
    return Projection(np.rint(points / step) * step + 0.0, (round(first, _DIGITS), round(second, _DIGITS)))


def _directions(
    features: NDArray[np.float32], mean: NDArray[np.float64], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Two unit vectors `(values, 2)`: eigenvectors of the covariance, or by way of the rows' products if fewer."""
    values = features.shape[1]
    if values <= len(rows):
        covariance = np.zeros((values, values))
        for start in range(0, len(rows), _BLOCK):
            centred = features[rows[start : start + _BLOCK]] - mean
            covariance += centred.T @ centred
        vectors = _leading(covariance)
    else:
        centred = features[rows] - mean
        vectors = centred.T @ _leading(centred @ centred.T)
    lengths = np.sqrt(np.square(vectors).sum(axis=0))
    if vectors.shape[1] == 1:
        vectors, lengths = np.hstack([vectors, np.zeros_like(vectors)]), np.append(lengths, 0.0)
    # What rounding leaves of a second direction where all images lie on a line is none.
    vectors = np.where(lengths > 1e-6 * lengths[0], vectors / np.maximum(lengths, 1e-300), 0.0)
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(2)]
    return np.asarray(vectors * np.where(largest < 0, -1, 1))


def _leading(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The at most two eigenvectors, `(rows, 2)`, of the largest eigenvalues of a symmetric, positive matrix.

    A few vectors more are carried along, so that the two settle as fast as the thirteenth eigenvalue is below them.
    """
    size = min(_SUBSPACE, len(matrix))
    vectors = np.linalg.qr(np.random.default_rng(0).standard_normal((len(matrix), size)))[0]
    for _ in range(_MOST_STEPS):
        images = matrix @ vectors
        values, turn = np.linalg.eigh(vectors.T @ images)
        leading = (vectors @ turn)[:, :-3:-1]
        rest = images @ turn[:, :-3:-1] - leading * values[:-3:-1]
        if np.abs(rest).max() <= _PRECISION * max(values[-1], 0.0):
            break
        vectors = np.linalg.qr(images)[0]
    return np.asarray(leading)
