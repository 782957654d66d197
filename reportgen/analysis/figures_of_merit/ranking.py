"""How well scores put the positive before the negative, equal scores counted as equal."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

BoolArray = NDArray[np.bool_]
ScoreArray = NDArray[np.floating[Any]]


def roc_auc(positive: BoolArray, scores: ScoreArray) -> float | None:
    """The share of pairs of a positive and a negative whose positive scores higher, equal scores half.

    Counted in whole numbers, so the figure is rounded once. None where one of the two is missing.

    >>> roc_auc(np.array([True, True, False]), np.array([0.9, 0.5, 0.5]))
    0.75
    """
    positives, negatives = _counts_by_score(positive, scores)
    pairs = int(positives.sum()) * int(negatives.sum())
    if not pairs:
        return None
    below = np.cumsum(negatives) - negatives
    twice_won = int((positives * (2 * below + negatives)).sum())
    return twice_won / (2 * pairs)


def average_precision(positive: BoolArray, scores: ScoreArray) -> float | None:
    """The mean precision over the positives, each at the highest threshold that finds it; None without positives.

    >>> average_precision(np.array([True, False, True]), np.array([0.9, 0.8, 0.7]))
    0.8333333333333333
    """
    positives, negatives = (counts[::-1] for counts in _counts_by_score(positive, scores))
    total = int(positives.sum())
    if not total:
        return None
    found = np.cumsum(positives)
    return math.fsum(positives * (found / (found + np.cumsum(negatives)))) / total


def _counts_by_score(positive: BoolArray, scores: ScoreArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many positives and negatives have each score, in ascending order of the scores."""
    different, places = np.unique(scores, return_inverse=True)
    positives = np.bincount(places[positive], minlength=len(different))
    return positives, np.bincount(places, minlength=len(different)) - positives
