"""Whether weights look as their initializer left them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.findings.evidence import VariableFacts
from reportgen.models.variables import values_of

# Where this share of the layers that can be judged look as initialised, the whole network was not trained;
# a few may differ by chance.
UNTRAINED_SHARE = 0.9

# With fewer values, the spread of trained weights meets that of the initializer too often by chance; with nothing
# beside the kernel that tells, sooner.
LEAST_VALUES = 200
LEAST_VALUES_ALONE = 2000

# A short training changes the spread of kernels by less than can be told. So where more than this share of those with
# nothing beside them have their initializer's spread, it tells nothing of any.
ALONE_SHARE = 0.25

# How far the spread may be from the initializer's: four standard errors of it, and a little for rounding.
_STANDARD_ERRORS = 4.0
_ROUNDING = 1e-3

# A normal distribution cut off at two deviations has this share of its deviation left.
_TRUNCATED = 0.87962566103423978

_INITIALIZERS = keras.initializers

# What stands beside kernels: biases, the scale and shift of normalizations, slopes of PReLU.
_BESIDE = ("bias", "gamma", "beta", "alpha")
_OF_ONE_VALUE = (_INITIALIZERS.Zeros, _INITIALIZERS.Ones, _INITIALIZERS.Constant)


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
    if bias is not None and values_of(bias).any():
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


def stands_alone(layer: keras.Layer, normalization: keras.layers.BatchNormalization | None) -> bool:
    """Whether nothing beside a kernel tells that it was not trained, as a bias of zero or fresh moments do.

    Args:
        normalization: what normalizes the layer's output, and makes a bias idle.
    """
    if normalization is None:
        return getattr(layer, "bias", None) is None
    return not is_fresh(normalization)


def settled(variables: Sequence[VariableFacts], alone: Collection[int], *, trained: bool) -> list[VariableFacts]:
    """The facts with those of kernels that stand alone, by their places, left open where they tell nothing.

    Args:
        trained: whether anything else shows that the network was trained.
    """
    judged = [variables[place].initial for place in alone if variables[place].initial is not None]
    trained = trained or any(facts.initial is False for facts in variables)
    telling = not trained or judged.count(True) <= ALONE_SHARE * len(judged)
    return [
        replace(facts, initial=None)
        if place in alone and facts.initial and not (telling and facts.size >= LEAST_VALUES_ALONE)
        else facts
        for place, facts in enumerate(variables)
    ]


def looks_untrained(variables: Iterable[VariableFacts]) -> bool:
    """Whether the network as a whole looks as its initializers left it."""
    judged = [facts.initial for facts in variables if facts.initial is not None]
    return bool(judged) and sum(judged) >= UNTRAINED_SHARE * len(judged)


def never_updated(normalization: keras.layers.BatchNormalization) -> bool:
    """Whether the moving moments are those before any training, mean 0 and variance 1."""
    mean, variance = values_of(normalization.moving_mean), values_of(normalization.moving_variance)
    return bool((mean == 0).all() and (variance == 1).all())


def changes_nothing(normalization: keras.layers.BatchNormalization) -> bool:
    """Whether scale and shift, where it has them, are those before any training, 1 and 0."""
    scaled = normalization.scale and bool((values_of(normalization.gamma) != 1).any())
    return not scaled and not (normalization.center and bool(values_of(normalization.beta).any()))


def is_fresh(layer: keras.Layer) -> bool:
    """Whether nothing beside its kernels shows any training: neither moments nor what begins as one value for all."""
    if isinstance(layer, keras.layers.BatchNormalization) and not never_updated(layer):
        return False
    return not any(_has_moved(layer, name) for name in _BESIDE)


def _has_moved(layer: keras.Layer, name: str) -> bool:
    """Whether a variable that its initializer gives one value holds another; a single step of a training does that."""
    variable, initializer = getattr(layer, name, None), getattr(layer, f"{name}_initializer", None)
    if not isinstance(variable, keras.Variable) or not isinstance(initializer, _OF_ONE_VALUE):
        return False
    return bool((values_of(variable) != values_of(initializer(variable.shape, variable.dtype))).any())


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
