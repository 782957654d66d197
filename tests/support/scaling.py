"""Ways in which people scale pixels inside a network, and what each documented mode does to a pixel.

`WAYS` maps a name to a function from a mode to a network that scales so inside; "none" gives the same network
without scaling. `MAPS` holds matrix and offset of each mode, worked out by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops

SIDE = 16

TORCH_MEAN, TORCH_DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
CAFFE_MEAN = np.array([103.939, 116.779, 123.68])
_REVERSED = np.eye(3)[::-1]

MAPS: dict[str, tuple[np.ndarray, np.ndarray]] = {
    "none": (np.eye(3), np.zeros(3)),
    "unit": (np.eye(3) / 255, np.zeros(3)),
    "tf": (np.eye(3) / 127.5, -np.ones(3)),
    "torch": (np.diag(1 / 255 / TORCH_DEVIATION), -TORCH_MEAN / TORCH_DEVIATION),
    "caffe": (_REVERSED, -CAFFE_MEAN),
}


def apply_map(mode: str, pixels: np.ndarray) -> np.ndarray:
    """What `mode` makes of pixels, by its matrix and offset."""
    matrix, offset = MAPS[mode]
    return (pixels @ matrix.T + offset).astype(np.float32)


@keras.saving.register_keras_serializable(package="scaling")
class Affine(layers.Layer):
    """Somebody's own scaling layer: order of channels, factors, summands."""

    def __init__(self, factors: Any = 1.0, summands: Any = 0.0, reverse: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factors, self.summands, self.reverse = factors, summands, reverse

    def call(self, pixels: Any) -> Any:
        turned = ops.flip(pixels, axis=-1) if self.reverse else pixels
        return turned * ops.convert_to_tensor(self.factors, "float32") + ops.convert_to_tensor(self.summands, "float32")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factors": self.factors, "summands": self.summands, "reverse": self.reverse}


@keras.saving.register_keras_serializable(package="scaling")
class InItsCall(keras.Model):
    """A subclassed network that scales in its `call`."""

    def __init__(self, mode: str = "none", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mode = mode
        self.convolution = layers.Conv2D(4, 3, activation="relu")
        self.average, self.classes = layers.GlobalAveragePooling2D(), layers.Dense(3, activation="softmax")

    def call(self, pixels: Any) -> Any:
        return self.classes(self.average(self.convolution(_arithmetic(self.mode, pixels))))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mode": self.mode}


def _arithmetic(mode: str, pixels: Any) -> Any:
    if mode == "unit":
        return pixels / 255.0
    if mode == "tf":
        return pixels / 127.5 - 1.0
    if mode == "torch":
        return (pixels / 255.0 - TORCH_MEAN.astype("float32")) / TORCH_DEVIATION.astype("float32")
    return pixels[..., ::-1] - CAFFE_MEAN.astype("float32") if mode == "caffe" else pixels


def _operations(mode: str, pixels: Any) -> Any:
    """The same by functions of `keras.ops`."""
    matrix, offset = MAPS[mode]
    if mode == "none":
        return pixels
    turned = ops.take(pixels, [2, 1, 0], axis=-1) if mode == "caffe" else pixels
    scales = np.abs(matrix).sum(axis=1).astype("float32")
    return ops.add(ops.multiply(turned, scales), offset.astype("float32"))


def _swapped(mode: str, pixels: Any) -> Any:
    """Colours taken apart and put together in the other order, then scaled."""
    red, green, blue = pixels[..., 0:1], pixels[..., 1:2], pixels[..., 2:3]
    return _arithmetic(mode, ops.concatenate([blue, green, red], axis=-1))


def _own_preprocessing(mode: str, pixels: Any) -> Any:
    """What the applications offer in the graph."""
    if mode in ("tf", "torch", "caffe"):
        return keras.applications.imagenet_utils.preprocess_input(pixels, mode=mode)
    return _arithmetic(mode, pixels)


def scaling_layers(mode: str) -> list[layers.Layer]:
    """The layers Keras has for it."""
    if mode == "unit":
        return [layers.Rescaling(1 / 255)]
    if mode == "tf":
        return [layers.Rescaling(1 / 127.5, offset=-1)]
    if mode == "torch":
        return [layers.Rescaling(1 / 255), layers.Normalization(mean=TORCH_MEAN, variance=TORCH_DEVIATION**2)]
    if mode == "caffe":
        return [Affine(reverse=True), layers.Normalization(mean=CAFFE_MEAN, variance=[1.0] * 3)]
    return []


def _body() -> list[layers.Layer]:
    return [
        layers.Conv2D(4, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3, activation="softmax"),
    ]


def _augmentation() -> keras.Sequential:
    return keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1), layers.RandomContrast(0.2)])


def _image() -> Any:
    return keras.Input((SIDE, SIDE, 3))


def _functional(scale: Callable[[str, Any], Any]) -> Callable[[str], keras.Model]:
    def make(mode: str) -> keras.Model:
        image = _image()
        tensor = scale(mode, image)
        for layer in _body():
            tensor = layer(tensor)
        return keras.Model(image, tensor)

    return make


def _sequential(before: bool = False, behind: bool = False) -> Callable[[str], keras.Model]:
    def make(mode: str) -> keras.Model:
        first, last = [_augmentation()] * before, [_augmentation()] * behind
        return keras.Sequential([_image(), *first, *scaling_layers(mode), *last, *_body()])

    return make


def _layered(mode: str, pixels: Any) -> Any:
    for layer in scaling_layers(mode):
        pixels = layer(pixels)
    return pixels


def _custom(mode: str, pixels: Any) -> Any:
    matrix, offset = MAPS[mode]
    scales = np.abs(matrix).sum(axis=1).tolist()
    return Affine(scales, offset.tolist(), reverse=mode == "caffe")(pixels)


def _adapted(mode: str, pixels: Any) -> Any:
    """Normalization adapted to data whose mean and deviation make it do what `mode` does."""
    if mode == "none":
        return pixels
    matrix, offset = MAPS[mode]
    deviation = 1 / np.abs(matrix).sum(axis=1)
    mean = -offset * deviation
    normalization = layers.Normalization()
    normalization.adapt(np.stack([mean - deviation, mean + deviation]).astype("float32").reshape(2, 1, 1, 3))
    return normalization(Affine(reverse=True)(pixels) if mode == "caffe" else pixels)


def _nested(mode: str) -> keras.Model:
    """The scaling in a network in a network in a network."""
    inner = _functional(_layered)(mode)
    middle = keras.Sequential([_image(), _augmentation(), inner], name="middle")
    image = _image()
    outer = keras.Model(image, middle(image), name="outer")
    again = _image()
    return keras.Model(again, outer(again))


def _subclassed(mode: str) -> keras.Model:
    model = InItsCall(mode)
    model(np.zeros((1, SIDE, SIDE, 3), np.float32))
    return model


WAYS: dict[str, Callable[[str], keras.Model]] = {
    "sequential": _sequential(),
    "augmented before": _sequential(before=True),
    "augmented behind": _sequential(behind=True),
    "functional": _functional(_layered),
    "arithmetic": _functional(_arithmetic),
    "operations": _functional(_operations),
    "the application's own": _functional(_own_preprocessing),
    "custom layer": _functional(_custom),
    "adapted": _functional(_adapted),
    "nested": _nested,
    "subclassed": _subclassed,
    "swapped": _functional(_swapped),
}
