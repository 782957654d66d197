"""The numbers in a network's variables."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray


def values_of(variable: Any) -> NDArray[Any]:
    """The values of a variable in its own precision, as an array of its own; copied once, where Keras copies twice."""
    return np.asarray(keras.ops.convert_to_tensor(variable))
