"""Images of stripes that a network learns in seconds, and such a network."""

from __future__ import annotations

import functools
from pathlib import Path

import keras
import numpy as np
from keras import layers
from PIL import Image

NAMES = ("across", "down", "slanted")
SIDE = 16


def striped(label: int, random: np.random.Generator, *, contrast: float = 80.0, noise: float = 25.0) -> np.ndarray:
    """An image of class `label`, uint8 `(SIDE, SIDE, 3)`: stripes of random width and place, with noise."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    along = (rows, columns, rows + columns)[label]
    waves = np.sin(along * random.uniform(0.9, 1.5) + random.uniform(0, 6))
    values = 128 + contrast * waves[..., None] + random.normal(0, noise, (SIDE, SIDE, 3))
    return np.clip(values, 0, 255).astype(np.uint8)


def striped_set(count: int, seed: int, classes: int = 3, **how: float) -> tuple[np.ndarray, np.ndarray]:
    """`count` images and their classes, in turn."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    return np.stack([striped(int(label), random, **how) for label in labels]), labels


def write_folders(folder: Path, images: np.ndarray, labels: np.ndarray) -> list[str]:
    """Write images as `class/number.png`; their names in the order given."""
    names = []
    for place, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        name = f"{NAMES[label]}/{place:03d}.png"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / name)
        names.append(name)
    return names


@functools.cache
def trained(classes: int = 3, *, epochs: int = 4, single: bool = False, noise: float = 25.0) -> keras.Model:
    """A network that tells the stripes apart, trained for seconds; `single` gives one sigmoid for two classes."""
    keras.utils.set_random_seed(0)
    images, labels = striped_set(300, 1, classes, noise=noise)
    model = keras.Sequential(
        [
            layers.Input((SIDE, SIDE, 3)),
            layers.Conv2D(8, 3, padding="same", activation="relu", name="conv"),
            layers.MaxPooling2D(4, name="pool"),
            layers.Flatten(name="flat"),
            layers.Dense(1, activation="sigmoid", name="head")
            if single
            else layers.Dense(classes, activation="softmax", name="head"),
        ],
        name="striped",
    )
    loss = "binary_crossentropy" if single else "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.Adam(0.01), loss)
    model.fit(images.astype("float32") / 255, labels, epochs=epochs, batch_size=32, verbose=0)
    return model
