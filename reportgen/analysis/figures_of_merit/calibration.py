"""Whether a network is as often right as it is confident, and how right it is when it may stay silent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

RELIABILITY_BINS = 15
COVERAGE_SHARES = 20

# Probabilities are kept so far from 0 and 1 before their logarithm is taken (scikit-learn's rule for float32).
_EPSILON = float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class ReliabilityBin:
    """The images whose confidence lies in `low <= confidence < high` (the last bin closed)."""

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class CoveragePoint:
    """The accuracy over the share of images that are answered with `confidence` or more."""

    share: float
    accuracy: float
    confidence: float


def reliability_bins(confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> tuple[ReliabilityBin, ...]:
    """Mean confidence and accuracy in bins of equal width."""
    exact = confidence.astype(np.float64)
    places = np.minimum(_places(confidence), RELIABILITY_BINS - 1)
    bins = []
    for place, (low, high) in enumerate(pairwise(np.linspace(0, 1, RELIABILITY_BINS + 1))):
        inside = places == place
        count = int(inside.sum())
        bins.append(
            ReliabilityBin(
                low=float(low),
                high=float(high),
                count=count,
                confidence=math.fsum(exact[inside]) / count if count else None,
                accuracy=int(right[inside].sum()) / count if count else None,
            )
        )
    return tuple(bins)


def _places(confidence: NDArray[np.float32]) -> NDArray[np.int64]:
    """The bin of each confidence; that of 1 is one behind the last."""
    edges = np.linspace(0, 1, RELIABILITY_BINS + 1, dtype=np.float32)
    return np.maximum(np.searchsorted(edges, confidence, side="right") - 1, 0).astype(np.int64)


def expected_calibration_error(confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> float | None:
    """The mean over the images of the gap between confidence and accuracy in their bin (Naeini et al. 2015).

    As in torchmetrics, edges are float32, and answers of confidence 1, which promise to be right, are by themselves.
    """
    if not len(confidence):
        return None
    places, exact = _places(confidence), confidence.astype(np.float64)
    gaps = [abs(math.fsum(exact[places == place]) - int(right[places == place].sum())) for place in np.unique(places)]
    return math.fsum(gaps) / len(confidence)


def negative_log_likelihood(probabilities: NDArray[np.float32]) -> float | None:
    """The mean of `-log(p)` over the probabilities of the right classes, each kept float32's epsilon off 0 and 1."""
    if not len(probabilities):
        return None
    kept = np.clip(probabilities.astype(np.float64), _EPSILON, 1 - _EPSILON)
    return -math.fsum(np.log(kept)) / len(probabilities)


def coverage_curve(confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> tuple[CoveragePoint, ...]:
    """Accuracy against the share answered, the most confident first, at every twentieth of the images.

    Images of equal confidence are answered together, so that a point may cover more than its twentieth.
    """
    descending = np.argsort(-confidence, kind="stable")
    ordered, hits = confidence[descending], np.cumsum(right[descending])
    points: dict[int, CoveragePoint] = {}
    for step in range(1, COVERAGE_SHARES + 1) if len(ordered) else ():
        lowest = ordered[-(-step * len(ordered) // COVERAGE_SHARES) - 1]
        answered = int(np.searchsorted(-ordered, -lowest, side="right"))
        points[answered] = CoveragePoint(answered / len(ordered), int(hits[answered - 1]) / answered, float(lowest))
    return tuple(points.values())
