"""The pictures a network makes, and what their values mean."""

from __future__ import annotations

import numpy as np

from reportgen.analysis.network.running import run_traced
from reportgen.analysis.network.watching import tensors_in
from reportgen.models import Network
from reportgen.results import FloatArray, PixelArray

# Ranges that networks are made to give pictures in, the narrowest first; tanh and sigmoid end in the first two.
_RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
_ROUNDING = 1e-3  # parts of the range that values may lie outside


def generate(network: Network, vectors: PixelArray) -> FloatArray:
    """The pictures `network` makes, `(samples, height, width, channels)`: its first output that is one.

    Args:
        vectors: `(samples, 1, 1, length)`, fitted as images are.

    Raises:
        ReportgenError: the network cannot run here.
    """
    leaves = tensors_in(run_traced(network, vectors))
    pictures = next(np.asarray(leaf, np.float32) for leaf in leaves if len(leaf.shape) == 4)
    return np.ascontiguousarray(pictures)


def range_of_pictures(pictures: FloatArray) -> tuple[float, float]:
    """What is black and white in pictures: the narrowest usual range that holds them, else lowest and highest value.

    >>> range_of_pictures(np.array([-0.9, 0.4])), range_of_pictures(np.array([0.0, 0.4]))
    ((-1.0, 1.0), (0.0, 1.0))
    """
    finite = pictures[np.isfinite(pictures)]
    if not finite.size:
        return 0.0, 0.0
    low, high = float(finite.min()), float(finite.max())
    for black, white in _RANGES:
        slack = _ROUNDING * (white - black)
        if low >= black - slack and high <= white + slack:
            return black, white
    return low, high
