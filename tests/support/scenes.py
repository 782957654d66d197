"""Small scenes whose pixels have named classes, and networks of maps, values and pictures trained in seconds."""

from __future__ import annotations

import functools
from pathlib import Path

import keras
import numpy as np
from keras import layers
from PIL import Image

CLASSES = ("sky", "road", "tree", "car")
HEIGHT, WIDTH = 48, 64
IGNORED = 255

_COLOURS = np.array([(120, 170, 230), (110, 110, 115), (60, 120, 60), (190, 60, 60)], np.float64)


def scene(random: np.random.Generator, *, noise: float = 30.0) -> tuple[np.ndarray, np.ndarray]:
    """A picture, uint8 `(HEIGHT, WIDTH, 3)`, and the class of each of its pixels; most have a tree and a car."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[rows > random.integers(20, 32)] = 1
    if random.random() < 0.85:
        y, x, radius = random.integers(10, 26), random.integers(8, WIDTH - 8), random.integers(6, 12)
        mask[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = 2
    if random.random() < 0.7:
        top, left = random.integers(26, 36), random.integers(2, WIDTH - 20)
        mask[top : top + random.integers(6, 10), left : left + random.integers(10, 18)] = 3
    light = random.uniform(0.55, 1.15)
    pixels = _COLOURS[mask] * light + random.normal(0, noise, (HEIGHT, WIDTH, 3))
    return np.clip(pixels, 0, 255).astype(np.uint8), mask


def scenes(count: int, seed: int, *, noise: float = 30.0) -> tuple[np.ndarray, np.ndarray]:
    """`count` pictures and their masks."""
    random = np.random.default_rng(seed)
    pairs = [scene(random, noise=noise) for _ in range(count)]
    return np.stack([pixels for pixels, _ in pairs]), np.stack([mask for _, mask in pairs])


def write_pictures(folder: Path, pictures: np.ndarray, *, palette: bool = False) -> list[str]:
    """Write pictures, or masks as palette PNG, as `number.png`; their names."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{place:03d}.png" for place in range(len(pictures))]
    for name, pixels in zip(names, pictures, strict=True):
        picture = Image.fromarray(pixels)
        if palette:
            # Indices as they are, whatever colours stand for them.
            picture = Image.fromarray(pixels, mode="P")
            picture.putpalette([value for index in range(256) for value in (index, 255 - index, index * 7 % 256)])
        picture.save(folder / name)
    return names


@functools.cache
def segmenting(*, epochs: int = 6, activation: str | None = "softmax") -> keras.Model:
    """A network that gives each pixel one of CLASSES, at half the picture's size."""
    keras.utils.set_random_seed(0)
    pixels, masks = scenes(160, 1)
    given = layers.Input((HEIGHT, WIDTH, 3), name="photo")
    at = layers.Rescaling(1 / 255, name="scale")(given)
    at = layers.Conv2D(12, 5, padding="same", activation="relu", name="wide")(at)
    at = layers.MaxPooling2D(2, name="pool")(at)
    at = layers.Conv2D(12, 3, padding="same", activation="relu", name="again")(at)
    model = keras.Model(given, layers.Conv2D(len(CLASSES), 1, activation=activation, name="segmentation")(at))
    model.compile(
        keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=activation is None)
    )
    model.fit(pixels.astype("float32"), masks[:, ::2, ::2], epochs=epochs, batch_size=16, verbose=0)
    return model


@functools.cache
def finding_cars(*, epochs: int = 6) -> keras.Model:
    """A network with the probability of a car at each pixel."""
    keras.utils.set_random_seed(0)
    pixels, masks = scenes(160, 1)
    model = keras.Sequential(
        [
            layers.Input((HEIGHT, WIDTH, 3)),
            layers.Rescaling(1 / 255, name="scale"),
            layers.Conv2D(12, 5, padding="same", activation="relu", name="wide"),
            layers.Conv2D(1, 3, padding="same", activation="sigmoid", name="car"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    model.fit(pixels.astype("float32"), (masks == 3)[..., None].astype("float32"), epochs=epochs, verbose=0)
    return model


def shares_of(masks: np.ndarray) -> np.ndarray:
    """What a network of values is asked: the shares of road and tree in each mask, in per cent."""
    return np.stack([(masks == 1).mean(axis=(1, 2)), (masks == 2).mean(axis=(1, 2))], axis=-1) * 100


@functools.cache
def estimating(*, values: int = 2, epochs: int = 25) -> keras.Model:
    """A network that gives the first `values` of `shares_of`."""
    keras.utils.set_random_seed(0)
    pixels, masks = scenes(300, 1)
    model = keras.Sequential(
        [
            layers.Input((HEIGHT, WIDTH, 3)),
            layers.Rescaling(1 / 127.5, offset=-1, name="scale"),
            layers.Conv2D(12, 5, strides=2, padding="same", activation="relu", name="wide"),
            layers.BatchNormalization(momentum=0.8, name="normal"),
            layers.Conv2D(12, 3, padding="same", activation="relu", name="again"),
            layers.GlobalAveragePooling2D(name="mean"),
            layers.Dense(values, name="shares"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.02), "mse")
    model.fit(pixels.astype("float32"), shares_of(masks)[:, :values], epochs=epochs, batch_size=20, verbose=0)
    return model


@functools.cache
def cleaning(*, epochs: int = 12) -> keras.Model:
    """A network that takes the noise off a picture."""
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(2)
    _, masks = scenes(120, 1)
    clean = _COLOURS[masks]
    noisy = np.clip(clean + random.normal(0, 30, clean.shape), 0, 255)
    model = keras.Sequential(
        [
            layers.Input((HEIGHT, WIDTH, 3)),
            layers.Rescaling(1 / 255, name="scale"),
            layers.Conv2D(8, 5, padding="same", activation="relu", name="wide"),
            layers.Conv2D(3, 3, padding="same", activation="sigmoid", name="picture"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "mse")
    model.fit(noisy.astype("float32"), clean.astype("float32") / 255, epochs=epochs, batch_size=16, verbose=0)
    return model


def clean_pictures(masks: np.ndarray) -> np.ndarray:
    """The scenes of masks without noise, uint8."""
    return _COLOURS[masks].astype(np.uint8)
