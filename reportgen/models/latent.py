"""Networks that take a vector and give a picture: generators."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from reportgen.array_files import load_array
from reportgen.errors import ReportgenError, UsageError, one_line
from reportgen.models.inputs import InputSlot, flat_slots
from reportgen.results import FloatArray

# Vectors drawn where none are given: enough to see how the pictures vary, few enough for a page.
SAMPLES = 16

# What Keras raises where a network cannot be followed by shapes.
_SHAPE_ERRORS = (ValueError, TypeError, NotImplementedError, AttributeError, RuntimeError)


def find_latent_slot(model: keras.Model, slots: Any) -> InputSlot | None:
    """The input of a generator that takes the vector, the widest of several; None for other networks.

    A generator takes no image, but numbers of shape `(batch, n)`, or `(batch, 1, 1, n)` as the first of them did,
    and gives a picture `(batch, height, width, channels)`.
    """
    flat = flat_slots(slots)
    vectors = [slot for slot in flat if _is_vector(slot)]
    if not vectors or any(len(slot.shape) == 4 and not _is_vector(slot) for slot in flat):
        return None
    return max(vectors, key=lambda slot: slot.shape[-1] or 0) if _gives_picture(model, slots) else None


def _is_vector(slot: InputSlot) -> bool:
    """Whether an input takes vectors of real numbers of a known length."""
    is_float = "float" in slot.dtype
    return is_float and slot.shape[-1] is not None and (len(slot.shape) == 2 or tuple(slot.shape[1:3]) == (1, 1))


def _gives_picture(model: keras.Model, slots: Any) -> bool:
    def symbolic(slot: InputSlot) -> keras.KerasTensor:
        return keras.KerasTensor([1, *(side or 1 for side in slot.shape[1:])], dtype=slot.dtype)

    try:
        answer = model.compute_output_spec(keras.tree.map_structure(symbolic, slots))
    except _SHAPE_ERRORS:
        return False
    return any(len(leaf.shape) == 4 and max(leaf.shape[1:3]) > 1 for leaf in keras.tree.flatten(answer))


def latent_vectors(length: int, name: str, given: Mapping[str, str], seed: int) -> FloatArray:
    """The vectors a generator is shown with, `(samples, 1, 1, length)`, as images of one position.

    Args:
        name: of the input.
        given: `--input`, NAME=VALUE; a file without a name is for the vector.
        seed: of the normal distribution they are drawn from where none are given.

    Raises:
        ReportgenError: the file cannot be read, or its vectors have another length.
    """
    file = given.get(name, given.get(""))
    if file is None:
        return np.random.default_rng(seed).standard_normal((SAMPLES, 1, 1, length), np.float32)
    expected = f"--input {file}: expected a .npy file of vectors (samples, {length}) or one ({length},)"
    if not file.endswith(".npy"):
        raise UsageError(expected)
    try:
        vectors = load_array(Path(file))
    except (OSError, ValueError) as error:
        raise ReportgenError(f"{expected}, cannot read it: {one_line(error, 100)}") from error
    if vectors.dtype.kind not in "fiu" or not vectors.size or vectors.shape[-1:] != (length,):
        raise ReportgenError(f"{expected}, got {vectors.dtype} {vectors.shape}")
    return np.asarray(vectors, np.float32).reshape(-1, 1, 1, length)
