"""Maps of the same network with randomised weights: one that stays alike does not show what was learnt."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.attribution.checks import spearman
from reportgen.analysis.attribution.results import AttributionMaps, Randomization
from reportgen.analysis.attribution.tracing import TracedCall

# How much of the layers with weights is randomised, from the top down: the last one alone, half, all.
SHARES = (0.0, 0.5, 1.0)


def randomize(traced: TracedCall, size: Sequence[int], share: float, seed: int = 0) -> TracedCall:
    """The same call with shuffled weights in the upper layers; the network itself is not touched.

    The values of each weight change places, so that their distribution and with it the size of activations stays
    what it was. Statistics that a `Normalization` took of the data are no learnt weights.

    Args:
        size: of an image, (height, width, channels).
        share: how much of the layers with weights, from the top down; at least the last one.
    """
    groups = weight_groups(traced, size)
    random = np.random.default_rng(seed)
    count = min(len(groups), max(1, math.ceil(share * len(groups))))
    variables: list[keras.Variable] = []
    values: list[NDArray[np.float32]] = []
    for place, group in enumerate(reversed(groups)):
        for variable in group:
            value = np.asarray(variable)
            variables.append(variable)
            values.append(random.permutation(value.reshape(-1)).reshape(value.shape) if place < count else value)
    return traced.with_values(variables, values)


def weight_groups(traced: TracedCall, size: Sequence[int]) -> list[list[keras.Variable]]:
    """The weights of each layer in the order the layers answer, shared ones with their first layer."""
    groups: list[list[keras.Variable]] = []
    taken: set[int] = set()
    for layer in traced.called_layers(size):
        if isinstance(layer, keras.layers.Normalization):
            continue
        own = [each for each in layer.weights if id(each) not in taken and _is_floating(each)]
        taken.update(id(each) for each in layer.weights)
        groups += [own] if own else []
    return groups


def _is_floating(variable: keras.Variable) -> bool:
    return "float" in keras.backend.standardize_dtype(variable.dtype)


def measure_randomization(
    traced: TracedCall,
    size: Sequence[int],
    method: Callable[[TracedCall], AttributionMaps],
    *,
    shares: Sequence[float] = SHARES,
    seed: int = 0,
) -> Randomization:
    """Rank correlation of absolute maps before and after weights are randomised (Adebayo et al., 2018).

    Args:
        size: of an image, (height, width, channels).
        method: makes the maps of a call: as `lambda call: grad_cam(call, pixels, targets)[layer]`.
        shares: how much of the layers is randomised, from the top down.
    """
    own = _rows(method(traced).maps)
    found = [correlation(own, _rows(method(randomize(traced, size, share, seed)).maps)) for share in shares]
    return Randomization(tuple(shares), tuple(found))


def correlation(maps: Sequence[NDArray[Any]], others: Sequence[NDArray[Any]]) -> float:
    """The median rank correlation of absolute maps with as many others, one by one."""
    each = [spearman(np.abs(one), np.abs(other)) for one, other in zip(maps, others, strict=True)]
    return float(np.median(each))


def _rows(maps: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return list(maps.reshape(-1, *maps.shape[2:]))
