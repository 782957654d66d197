"""A loaded network with all it takes to feed it and to read its answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.models.inputs import InputSlot, flat_slots
from reportgen.models.keras_private import layers_below
from reportgen.models.losses import Losses
from reportgen.models.preprocessing import Preprocessing

LabelsOrigin = Literal["file", "list", "folders", "application", "none"]

# Values of inputs besides the image, a row for each image of a batch; no entry where all images have the same.
Others = Mapping[str, Any]
NO_OTHERS: Others = {}


@dataclass(frozen=True, eq=False)
class Network:
    """A loaded network with all it takes to feed it and to read its answer.

    `source` says where it came from without naming a folder; `sha256` is of the file, for networks that
    come from no file of their architecture and weights. `channels` is what the network takes of an image:
    1 is grey, 3 is red, green, blue. `notes` are what Keras warned of when it was loaded.
    """

    model: keras.Model
    name: str
    source: str
    sha256: str | None
    preprocessing: Preprocessing
    size: tuple[int, int]  # height, width
    channels: int
    labels: tuple[str, ...] | None
    labels_origin: LabelsOrigin
    image_input: str | None = None  # which of several inputs takes the image
    other_inputs: Mapping[str, Any] = field(default_factory=dict)  # without the batch
    held: Mapping[str, str] = field(default_factory=dict)  # what each of them is held at, in words
    # By input and image, where an input has a value for each image; `other_inputs` then holds a typical one.
    of_images: Mapping[str, Mapping[str, NDArray[Any]]] = field(default_factory=dict)
    channels_first: bool = False
    input_slots: Any = None  # `InputSlot`s in the structure the model takes
    notes: tuple[str, ...] = ()
    output_labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of outputs named with theirs
    label_notes: tuple[str, ...] = ()  # what is odd about the names given
    losses: Losses = field(default_factory=Losses)  # it was compiled with
    is_application: bool = False  # of keras.applications, with its head
    levels: tuple[float, float] = (0.0, 255.0)  # black and white of what `prepare` takes
    latent: bool = False  # a generator: its image is a vector, one position of as many channels
    takes_pictures: bool = False  # what `prepare` takes is of 0..255 whatever `levels` are
    traces: dict[Any, Any] = field(default_factory=dict, repr=False)  # of `model`, shared by all that `replace` makes

    @property
    def label_count(self) -> int | None:
        """How many class names there are, whether or not the network has as many classes."""
        return None if self.labels is None else len(self.labels)

    def label(self, index: int) -> str | None:
        """The name of class `index`, None where it has none."""
        if self.labels is None or not 0 <= index < len(self.labels):
            return None
        return self.labels[index] or None

    def layer(self, call: str) -> keras.Layer | None:
        """The layer whose call is named `call` (`outer/inner`, `:2` for a second call), None where there is none."""
        layer: keras.Layer = self.model
        for step in call.split("/"):
            if id(layer) not in self._below:
                self._below[id(layer)] = {inner.name: inner for inner in layers_below(layer, recursive=False)}
            below, own = self._below[id(layer)], step.partition(":")[0]
            if own not in below:
                return None
            layer = below[own]
        return layer

    @cached_property
    def _below(self) -> dict[int, dict[str, keras.Layer]]:
        """The layers below each that was asked for, by name: Keras looks through all of them each time."""
        return {}

    @property
    def image_slot(self) -> InputSlot | None:
        """The input that takes the image; None where nothing is known of the inputs."""
        slots = [] if self.input_slots is None else flat_slots(self.input_slots)
        return next((slot for slot in slots if self._is_image(slot)), None)

    @property
    def other_slots(self) -> tuple[InputSlot, ...]:
        """The inputs besides the image."""
        slots = () if self.input_slots is None else flat_slots(self.input_slots)
        return tuple(slot for slot in slots if not self._is_image(slot))

    @cached_property
    def digest(self) -> str:
        """A digest of architecture and weights, the same for the same network wherever it came from."""
        return model_digest(self.model)

    @cached_property
    def content(self) -> list[Any]:
        """Everything this network's answers depend on besides the images, for keys of kept results."""
        # What a preprocessing does says more than its name, which may stand for a function of the user's.
        probe = np.linspace(0, 255, 5 * 7 * self.channels, dtype=np.float32).reshape(1, 5, 7, self.channels)
        return [
            [version(name) for name in ("tensorflow", "keras", "numpy")],
            self.digest,
            np.asarray(self.prepare(probe)),
            self.size,
            self.other_content(),
            self.levels,
        ]

    def other_content(self) -> dict[str, Any]:
        """The values of all inputs besides the image, for keys of kept results."""
        held = {name: np.asarray(value) for name, value in self.other_inputs.items()}
        return {**held, **{f"{name} of images": dict(values) for name, values in self.of_images.items()}}

    def others_of(self, files: Sequence[str]) -> dict[str, NDArray[Any]]:
        """The values of the inputs that have one for each image, for `feed`; nothing where none has.

        Args:
            files: names of the images of a batch, in its order.
        """
        return {name: np.stack([values[file] for file in files]) for name, values in self.of_images.items()}

    def prepare(self, pixels: Any) -> tf.Tensor:
        """Fitted images `(batch, height, width, channels)` as the network's input, float32.

        Args:
            pixels: values as `Fitting.apply` gives them, `levels` their black and white: of 0..255, not rounded
                where the images are not of 8 bits, or, under the mode `none`, as they are.
        """
        values = tf.cast(pixels, tf.float32)
        if self.takes_pictures:
            values = self.from_pictures(values)
        return self.preprocessing.apply(values)

    def for_pictures(self) -> Network:
        """The same network with a `prepare` that takes pictures of 0..255, whatever values it is fed otherwise."""
        return self if self.levels == (0.0, 255.0) else replace(self, takes_pictures=True)

    def from_pictures(self, pixels: Any) -> Any:
        """Pictures of 0..255 as the values that `prepare` takes, black and white put on `levels`."""
        low, high = self.levels
        return pixels if self.levels == (0.0, 255.0) else pixels * ((high - low) / 255) + low

    def to_pictures(self, values: Any) -> Any:
        """The values that `prepare` takes as pictures of 0..255, neither rounded nor clipped."""
        low, high = self.levels
        return values if self.levels == (0.0, 255.0) else (values - low) * (255 / (high - low))

    def feed(self, prepared: tf.Tensor, others: Others = NO_OTHERS) -> Any:
        """The structure the model takes, from `prepare`d images: layout turned, other inputs added for each.

        Args:
            others: as `others_of` gives them, arrays or tensors; an input that is not among them is held.
        """
        if self.input_slots is None:
            return self._image(prepared, None)
        batch = prepared.shape[0] if prepared.shape[0] is not None else tf.shape(prepared)[0]

        def fed(slot: InputSlot) -> tf.Tensor:
            if self._is_image(slot):
                return self._image(prepared, slot)
            if slot.name in others:
                return tf.convert_to_tensor(others[slot.name])
            return _repeated(self.other_inputs[slot.name], batch)

        return keras.tree.map_structure(fed, self.input_slots)

    def other_specs(self, batch: int | None = None) -> dict[str, tf.TensorSpec]:
        """`tf.TensorSpec`s of what `others_of` gives."""
        held = {name: self.other_inputs[name] for name in self.of_images}
        return {name: tf.TensorSpec((batch, *value.shape), value.dtype) for name, value in held.items()}

    def input_specs(self, size: tuple[int | None, int | None] | None = None, batch: int | None = None) -> Any:
        """`tf.TensorSpec`s in the structure the model takes, for images of `size` (None: the network's size)."""
        height, width = self.size if size is None else size

        def spec(slot: InputSlot) -> tf.TensorSpec:
            if not self._is_image(slot):
                value = self.other_inputs[slot.name]
                return tf.TensorSpec((batch, *value.shape), value.dtype)
            sides = (self.channels, height, width) if self.channels_first else (height, width, self.channels)
            if len(slot.shape) == 2:
                return tf.TensorSpec((batch, self.channels), slot.dtype)
            return tf.TensorSpec((batch, *sides), slot.dtype)

        if self.input_slots is None:
            return spec(InputSlot("image", (None, None, None, None), "float32"))
        return keras.tree.map_structure(spec, self.input_slots)

    def _is_image(self, slot: InputSlot) -> bool:
        return self.image_input is None or slot.name == self.image_input or len(flat_slots(self.input_slots)) == 1

    def _image(self, prepared: tf.Tensor, slot: InputSlot | None) -> tf.Tensor:
        image = tf.transpose(prepared, (0, 3, 1, 2)) if self.channels_first else prepared
        if slot is not None and len(slot.shape) == 2:
            image = tf.reshape(image, (-1, self.channels))
        dtype = tf.as_dtype(slot.dtype if slot is not None else "float32")
        if dtype.is_integer:
            # Casting cuts off what is behind the point, which would darken the image by half a level.
            return tf.saturate_cast(tf.round(image), dtype)
        return tf.cast(image, dtype)


def _repeated(value: np.ndarray[Any, np.dtype[Any]], batch: Any) -> tf.Tensor:
    return tf.repeat(tf.constant(value)[tf.newaxis], batch, axis=0)


def model_digest(model: keras.Model) -> str:
    """SHA-256 of the architecture, as Keras writes it down, and of all weights in order."""
    digest = hashlib.sha256()
    try:
        architecture = json.loads(model.to_json())
        architecture.pop("compile_config", None)
        digest.update(json.dumps(architecture, sort_keys=True).encode())
    except (NotImplementedError, TypeError, ValueError):  # a subclassed network without a description
        digest.update(type(model).__qualname__.encode())
    digest.update(weights_digest(model).encode())
    return digest.hexdigest()


def weights_digest(model: keras.Model) -> str:
    """SHA-256 of all weights in order, whatever they are called: names that Keras counts up differ between loads."""
    digest = hashlib.sha256()
    for weight in model.weights:
        values = np.ascontiguousarray(weight)
        digest.update(f"{values.dtype} {values.shape}".encode())
        digest.update(values.view(np.uint8).data if values.ndim else values.tobytes())
    return digest.hexdigest()
