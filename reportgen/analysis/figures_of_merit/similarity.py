"""Structural similarity of two pictures (Wang et al. 2004)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# As in the publication: a Gaussian window of 11 x 11 pixels, weights that stabilise the two quotients.
SIGMA = 1.5
RADIUS = 5
_K1, _K2 = 0.01, 0.03

FloatArray = NDArray[np.float64]


def structural_similarity(first: FloatArray, second: FloatArray, *, data_range: float) -> float | None:
    """The mean SSIM of two pictures, over all windows that lie inside and over the channels; 1 for equal pictures.

    It is scikit-image's `structural_similarity` with `gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    channel_axis=-1`, which these settings make the published one.

    Args:
        first: `(height, width, channels)`.
        second: as `first`.
        data_range: from black to white.

    Returns:
        None where no window fits in.
    """
    if min(first.shape[:2]) <= 2 * RADIUS:
        return None
    mean_1, mean_2 = _windowed(first), _windowed(second)
    variances = _windowed(first * first) - mean_1 * mean_1 + _windowed(second * second) - mean_2 * mean_2
    covariance = _windowed(first * second) - mean_1 * mean_2
    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
    numerator = (2 * mean_1 * mean_2 + c1) * (2 * covariance + c2)
    denominator = (mean_1 * mean_1 + mean_2 * mean_2 + c1) * (variances + c2)
    return float((numerator / denominator).mean())


def _windowed(picture: FloatArray) -> FloatArray:
    """The Gaussian mean around each pixel whose window lies inside."""
    weights = np.exp(-0.5 * (np.arange(-RADIUS, RADIUS + 1) / SIGMA) ** 2)
    weights /= weights.sum()
    height, width = picture.shape[0] - 2 * RADIUS, picture.shape[1] - 2 * RADIUS
    rows = sum(weight * picture[place : place + height] for place, weight in enumerate(weights))
    return np.asarray(sum(weight * rows[:, place : place + width] for place, weight in enumerate(weights)))
