"""What a network takes: which input is the image, how large it is, and what the other inputs get."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from reportgen.array_files import load_array
from reportgen.errors import ReportgenError, UsageError, one_line
from reportgen.facts import Shape
from reportgen.models.keras_private import layers_below

DEFAULT_SIZE = (224, 224)

# Tried in turn where a network of open input size cannot take the default: the sizes others were trained at.
_FURTHER_SIZES = ((256, 256), (299, 299), (331, 331), (384, 384))

# The numbers of channels pictures have: grey, colour, colour with transparency.
_PICTURE_CHANNELS = (1, 3, 4)


@dataclass(frozen=True)
class InputSlot:
    """One input of a network: `shape` with the batch first, None where open."""

    name: str
    shape: Shape
    dtype: str


def input_slots(model: keras.Model) -> Any:
    """The inputs of `model`, `InputSlot`s in the structure (single, list, dictionary) it takes them in.

    None where nothing is known: a network that was not built.
    """
    if isinstance(model, keras.Sequential):
        tensors = model.inputs if model.built else None
        return _slot(tensors[0]) if tensors else _built_slots(model)
    try:
        structure = model.input
    except (AttributeError, ValueError):  # not a graph of layers
        return _built_slots(model)
    return keras.tree.map_structure(_slot, structure)


def _slot(tensor: Any) -> InputSlot:
    return InputSlot(tensor.name, tuple(tensor.shape), keras.backend.standardize_dtype(tensor.dtype))


def _built_slots(model: keras.Model) -> Any:
    """The inputs a subclassed network was built with, its batch size left open."""
    config = model.get_build_config() if model.built else None
    if not config or config.get("input_shape") is None:
        return None
    shapes = config["input_shape"]
    if isinstance(shapes, dict):
        return {name: InputSlot(name, (None, *shape[1:]), "float32") for name, shape in shapes.items()}
    if shapes and isinstance(shapes[0], list | tuple):
        return [InputSlot(f"input_{i}", (None, *shape[1:]), "float32") for i, shape in enumerate(shapes)]
    return InputSlot("input", (None, *shapes[1:]), "float32")


def flat_slots(slots: Any) -> list[InputSlot]:
    """The inputs in Keras' flat order."""
    return list(keras.tree.flatten(slots))


def find_image_slot(slots: Any, given: Mapping[str, str]) -> InputSlot:
    """The input that takes the image: the one given as NAME=image, else the only or likeliest one of rank 4.

    Raises:
        ReportgenError: no input takes images.
    """
    flat = flat_slots(slots)
    named = [slot for slot in flat if given.get(slot.name) == "image"]
    if named and len(named[0].shape) == 4:
        return named[0]
    pictures = [slot for slot in flat if len(slot.shape) == 4]
    if named or not pictures:
        raise ReportgenError(_no_image_message(named or flat))

    def likelihood(slot: InputSlot) -> tuple[bool, bool]:
        says_so = any(word in slot.name.lower() for word in ("image", "img", "pixel", "photo", "picture"))
        return says_so, bool({slot.shape[1], slot.shape[3]} & set(_PICTURE_CHANNELS))

    return max(pictures, key=likelihood)  # the first of equals


def _no_image_message(slots: list[InputSlot]) -> str:
    """What inputs that take no images take instead, and what may be done, on one line."""
    taken = ", ".join(f"{slot.name}: {_described(slot)}" for slot in slots)
    expected = "expected an image input (batch, height, width, channels)"
    if any(len(slot.shape) > 4 for slot in slots):
        action = "give a network of single images, or the part of this one that takes a single image"
    elif any(len(slot.shape) == 2 for slot in slots):
        action = "where the numbers are pixels, put an Input of an image and keras.layers.Flatten before the network"
    else:
        action = "put keras.layers.Reshape before a network that takes images in another form"
    return f"the network takes {taken}; {expected}; {action}"


def _described(slot: InputSlot) -> str:
    sides = " x ".join(str(side) if side else "any" for side in slot.shape[1:])
    kinds = {1: "single numbers", 2: "vectors of length", 3: "sequences of", 5: "videos or volumes of"}
    return f"{kinds.get(len(slot.shape), 'arrays of')} {sides}".rstrip()


def takes_channels_first(model: keras.Model, shape: Shape) -> bool:
    """Whether images go in as `(batch, channels, height, width)`, by the shape or else by the first layer that says."""
    first_is_colour, last_is_colour = shape[1] in _PICTURE_CHANNELS, shape[3] in _PICTURE_CHANNELS
    if first_is_colour != last_is_colour:
        return first_is_colour
    for layer in _leaves(model):
        data_format = getattr(layer, "data_format", None)
        if data_format is not None:
            return bool(data_format == "channels_first")
    return False


def _leaves(model: keras.Model) -> list[keras.Layer]:
    return [layer for layer in layers_below(model) if not isinstance(layer, keras.Model)]


def resolve_size(height: int | None, width: int | None, wanted: tuple[int, int] | None) -> tuple[int, int]:
    """The input size: the network's, where it leaves it open the wanted one, else 224x224.

    Raises:
        ReportgenError: the wanted size is not the network's.
    """
    default = wanted or DEFAULT_SIZE
    size = height or default[0], width or default[1]
    if wanted is not None and size != tuple(wanted):
        raise ReportgenError(
            f"--size: the network takes {height or 'any'}x{width or 'any'} only, got {wanted[0]}x{wanted[1]}; "
            "leave --size out"
        )
    return size


def resolve_open_size(
    model: keras.Model, slots: Any, image: InputSlot, wanted: tuple[int, int] | None, channels_first: bool
) -> tuple[int, int]:
    """The input size of a network that leaves a side open: one that its shapes allow.

    Raises:
        ReportgenError: the wanted size, or every usual one, does not suit it.
    """
    height, width = image.shape[2:4] if channels_first else image.shape[1:3]
    refusal = ""
    for candidate in (wanted,) if wanted else (DEFAULT_SIZE, *_FURTHER_SIZES):
        size = resolve_size(height, width, wanted) if wanted else (height or candidate[0], width or candidate[1])
        reason = _refusal(model, slots, image, size, channels_first)
        if reason is None:
            return size
        refusal = refusal or f"the network cannot take images of {size[0]}x{size[1]} (height x width): {reason}"
    raise ReportgenError(f"{refusal}; choose --size HxW")


def _refusal(
    model: keras.Model, slots: Any, image: InputSlot, size: tuple[int, int], channels_first: bool
) -> str | None:
    """Why images of `size` do not go through `model`, by following shapes; None if they do."""

    def symbolic(slot: InputSlot) -> keras.KerasTensor:
        shape: list[int | None] = [1, *(side or 1 for side in slot.shape[1:])]
        if slot is image:
            start = 2 if channels_first else 1
            shape[start : start + 2] = size
        return keras.KerasTensor(shape, dtype=slot.dtype)

    try:
        model.compute_output_spec(keras.tree.map_structure(symbolic, slots))
    except (ValueError, TypeError) as error:
        return " ".join(str(error).split())[:200]
    return None


def other_values(slots: Any, image: InputSlot, given: Mapping[str, str]) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
    """One value for each input but the image, without the batch: as given by NAME=VALUE, else zeros.

    A value is a number (for the whole input), numbers separated by commas, or the path of a `.npy` file. Other
    files, pictures and tables of a value for each image, are read once it is settled how the network is fed and
    with which images; until then these are zeros.

    Raises:
        UsageError: a name the network does not have, or a value that does not fit.
    """
    others = {slot.name: slot for slot in flat_slots(slots) if slot is not image}
    for name in given:
        if name not in others and not (name == image.name and given[name] == "image"):
            known = ", ".join(others) or "none but the image"
            raise UsageError(f"--input {name}=...: the network has no such input; its other inputs are {known}")
    return {
        name: _value(slot, "0" if is_file(given.get(name, "0")) else given.get(name, "0"))
        for name, slot in others.items()
    }


def is_file(text: str) -> bool:
    """Whether a value is the path of a picture or a table: it has a suffix and is neither numbers nor an array."""
    return _numbers(text) is None and Path(text).suffix.lower() not in ("", ".npy")


def is_table(text: str) -> bool:
    """Whether a value is the path of a table that has a value for each image."""
    return Path(text).suffix.lower() == ".csv"


def held_words(slots: Any, image: InputSlot, given: Mapping[str, str]) -> dict[str, str]:
    """What each input but the image is held at: numbers as given, a file's name without its folder, else zeros."""
    names = [slot.name for slot in flat_slots(slots) if slot is not image]
    values = {name: given.get(name, "zeros") for name in names}
    return {name: text if _numbers(text) is not None else Path(text).name for name, text in values.items()}


def expected_value(slot: InputSlot, text: str) -> str:
    """The beginning of an error on `text`: what the input takes."""
    shape = value_shape(slot)
    return (
        f"--input {slot.name}={text}: expected a number, {math.prod(shape)} numbers, a .npy file of shape {shape}, "
        "a picture or a .csv file of file,value for each image"
    )


def value_shape(slot: InputSlot) -> tuple[int, ...]:
    """The shape of one value of an input, open sides as 1."""
    return tuple(side or 1 for side in slot.shape[1:])


def shaped_value(slot: InputSlot, text: str, value: Any) -> np.ndarray[Any, np.dtype[Any]]:
    """`value` in the shape and type of an input; a single number fills it.

    Raises:
        UsageError: it has another number of values, or the input takes text.
    """
    shape, array = value_shape(slot), np.asarray(value)
    if slot.dtype == "string":
        raise UsageError(f"--input {slot.name}: the network takes text here, which cannot be given")
    if array.dtype.kind not in "biuf":
        raise UsageError(f"{expected_value(slot, text)}, got {array.dtype}")
    if array.size == 1:
        array = np.full(shape, array.reshape(()))
    if array.size != math.prod(shape):
        raise UsageError(f"{expected_value(slot, text)}, got shape {array.shape}")
    with np.errstate(all="ignore"):
        typed = np.asarray(array.reshape(shape), dtype=slot.dtype)
    if not np.isfinite(typed).all():
        raise UsageError(
            f"--input {slot.name}={text}: expected numbers that {slot.dtype} has, got some that it has not"
        )
    return typed


def _numbers(text: str) -> list[float] | None:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        return None


def _value(slot: InputSlot, text: str) -> np.ndarray[Any, np.dtype[Any]]:
    numbers = _numbers(text)
    if numbers is not None:
        return shaped_value(slot, text, numbers)
    try:
        return shaped_value(slot, text, load_array(Path(text)))
    except (OSError, ValueError) as error:
        raise UsageError(f"{expected_value(slot, text)}: {one_line(error, 100)}") from error
