"""What a network was compiled to learn: the names of its losses, read without compiling anything.

A loss tells scores from values where a last layer is linear: a crossentropy is of classes.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import keras

from reportgen.models.saved_json import loaded_json, member_json

# Losses of classes that exclude each other, under the names Keras gives them.
_OF_CLASSES = frozenset(
    {
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        "categorical_focal_crossentropy",
        "categorical_hinge",
    }
)
_OF_TWO_CLASSES = frozenset({"binary_crossentropy", "binary_focal_crossentropy"})


@dataclass(frozen=True)
class Losses:
    """The losses a network was compiled with: `every` output's, those in order, or those by the outputs' names."""

    every: str | None = None
    in_order: tuple[str | None, ...] = ()
    by_name: Mapping[str, str | None] = field(default_factory=dict)

    def of(self, name: str, place: int) -> str | None:
        """The loss of the output called `name`, number `place` in Keras' flat order; None where it is not known."""
        if self.by_name:
            return self.by_name.get(name)
        if self.in_order:
            return self.in_order[place] if place < len(self.in_order) else None
        return self.every


def is_of_classes(loss: str | None) -> bool:
    """Whether a loss is of classes that exclude each other."""
    return loss in _OF_CLASSES


def is_of_two_classes(loss: str | None) -> bool:
    """Whether a loss is of yes or no."""
    return loss in _OF_TWO_CLASSES


def losses_in_file(path: Path) -> Losses:
    """The losses in a `.keras` or HDF5 file; none where it was saved without compiling."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                written = member_json(archive, "config.json").get("compile_config")
        else:
            with h5py.File(path, "r") as file:
                written = loaded_json(file.attrs.get("training_config", "null"), "training_config")
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RuntimeError):
        return Losses()  # the loader has already said what is wrong with a file
    return _read(written.get("loss")) if isinstance(written, dict) else Losses()


def losses_of_model(model: keras.Model) -> Losses:
    """The losses a model in memory was compiled with."""
    return _read(getattr(model, "loss", None)) if getattr(model, "compiled", False) else Losses()


def _read(written: Any) -> Losses:
    if isinstance(written, list | tuple):
        return Losses(in_order=tuple(_name(item) for item in written))
    if isinstance(written, dict) and "class_name" not in written:
        return Losses(by_name={str(name): _name(item) for name, item in written.items()})
    return Losses(every=_name(written))


def _name(written: Any) -> str | None:
    """The name of a loss, as text, object, function or as Keras writes these down."""
    if isinstance(written, list | tuple) and len(written) == 1:
        written = written[0]
    if isinstance(written, dict):
        of_function = written.get("class_name") == "function"
        written = written.get("config" if of_function else "class_name")
        if isinstance(written, dict):
            written = written.get("name")
    elif written is not None and not isinstance(written, str):
        written = getattr(written, "__name__", type(written).__name__)
    if not isinstance(written, str):
        return None
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", written).lower()
