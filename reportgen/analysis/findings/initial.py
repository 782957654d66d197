"""Whether weights look as their initializer left them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

# With fewer values, the spread of trained weights meets that of the initializer too often by chance.
LEAST_VALUES = 200

# How far the spread may be from the initializer's: four standard errors of it, and a little for rounding.
_STANDARD_ERRORS = 4.0
_ROUNDING = 1e-3

# A normal distribution cut off at two deviations has this share of its deviation left.
_TRUNCATED = 0.87962566103423978

_INITIALIZERS = keras.initializers


@dataclass(frozen=True)
class _Distribution:
    """Mean zero, of this standard deviation, within the limit, and of this kurtosis (3 is normal)."""

    deviation: float
    limit: float
    kurtosis: float


def looks_initial(layer: keras.Layer, variable: str, values: NDArray[np.float32]) -> bool | None:
    """Whether a kernel has the distribution its layer's initializer draws from, and the bias beside it is zero.

    Returns:
        None for what is no kernel, has few values, or comes from an initializer of another kind.
    """
    if "kernel" not in variable or values.size < LEAST_VALUES or not np.isfinite(values).all():
        return None
    initializer = getattr(layer, f"{variable}_initializer", None)
    expected = None if initializer is None else _distribution(initializer, values.shape)
    if expected is None:
        return None
    bias = getattr(layer, "bias", None)
    if bias is not None and np.asarray(keras.ops.convert_to_numpy(bias)).any():
        return False
    exact = values.astype(np.float64)
    deviation = float(exact.std())
    error = _STANDARD_ERRORS * math.sqrt((expected.kurtosis - 1) / (4 * exact.size)) + _ROUNDING
    return (
        abs(deviation / expected.deviation - 1) <= error
        and abs(float(exact.mean()))
        <= _STANDARD_ERRORS * expected.deviation / math.sqrt(exact.size) + _ROUNDING * deviation
        and float(np.abs(exact).max()) <= expected.limit * (1 + _ROUNDING)
    )


def _distribution(initializer: Any, shape: tuple[int, ...]) -> _Distribution | None:
    """What `initializer` draws from for a kernel of `shape`; None for kinds not known here."""
    if isinstance(initializer, _INITIALIZERS.VarianceScaling):
        return _by_kind(initializer.distribution, _scaled_deviation(initializer, shape))
    if isinstance(initializer, _INITIALIZERS.RandomNormal) and initializer.mean == 0:
        return _by_kind("untruncated_normal", initializer.stddev)
    if isinstance(initializer, _INITIALIZERS.TruncatedNormal) and initializer.mean == 0:
        return _by_kind("truncated_normal", initializer.stddev * _TRUNCATED)
    if isinstance(initializer, _INITIALIZERS.RandomUniform) and initializer.minval == -initializer.maxval:
        return _by_kind("uniform", initializer.maxval / math.sqrt(3))
    return None


def _scaled_deviation(initializer: Any, shape: tuple[int, ...]) -> float:
    """The standard deviation a `VarianceScaling` gives: the root of its scale over inputs, outputs or their mean."""
    positions = math.prod(shape[:-2])
    inputs, outputs = (shape[-2] if len(shape) > 1 else 1) * positions, shape[-1] * positions
    fan = {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2}[initializer.mode]
    return math.sqrt(initializer.scale / max(1.0, fan))


def _by_kind(kind: str, deviation: float) -> _Distribution | None:
    if deviation <= 0:
        return None
    if kind == "uniform":
        return _Distribution(deviation, deviation * math.sqrt(3), 1.8)
    if kind == "untruncated_normal":
        return _Distribution(deviation, math.inf, 3.0)
    return _Distribution(deviation, 2 * deviation / _TRUNCATED, 2.37)  # the kurtosis of a normal cut at 2 deviations
