"""Activations that were something else in Keras 2 under the name they have today."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="reportgen", name="keras2_hard_sigmoid")  # type: ignore[untyped-decorator]
def keras2_hard_sigmoid(x: Any) -> Any:
    """`clip(0.2 x + 0.5, 0, 1)`, as Keras 2 had it; that of Keras 3 is `clip(x / 6 + 0.5, 0, 1)`."""
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


# As it stands in the configuration of a layer.
HARD_SIGMOID = {
    "module": "builtins",
    "class_name": "function",
    "config": "keras2_hard_sigmoid",
    "registered_name": "reportgen>keras2_hard_sigmoid",
}
