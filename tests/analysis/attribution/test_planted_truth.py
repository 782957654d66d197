"""A network that learnt a bright corner square instead of its classes has its evidence there."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest
from keras import layers

from reportgen.analysis.attribution import (
    TracedCall,
    check_faithfulness,
    class_logit,
    grad_cam,
    integrated_gradients,
    layer_cam,
    occlusion,
    output_value,
    verdict,
)
from reportgen.config import Config
from reportgen.models import Network, load_network

SIDE, SQUARE = 32, 8


def _images(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise; half of the images have a bright square in the upper left corner, and that is their class."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 140, (count, SIDE, SIDE, 3))
    marked = np.arange(count) % 2
    images[marked == 1, :SQUARE, :SQUARE] = 250
    return images.astype(np.uint8), marked


@functools.cache
def _network() -> Network:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, padding="same", activation="leaky_relu", name="conv"),
            layers.AveragePooling2D(4, name="pool"),
            layers.Conv2D(8, 1, activation="leaky_relu", name="last"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax", name="classes"),
        ]
    )
    images, marked = _images(128, 0)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(images, marked, epochs=30, batch_size=16, verbose=0)
    answers = model.predict(images, verbose=0).argmax(axis=1)
    assert (answers == marked).mean() > 0.95
    return load_network(Config(preprocess="none"), model)


@pytest.mark.parametrize("method", ["grad-cam", "layer-cam", "integrated-gradients", "occlusion"])
def test_the_peak_lies_in_the_square(method: str) -> None:
    images, marked = _images(8, 1)
    images = images[marked == 1]
    traced, target = TracedCall(_network(), ["last"]), [class_logit(2, 1)]
    made = {
        "grad-cam": lambda: grad_cam(traced, images, target)["last"],
        "layer-cam": lambda: layer_cam(traced, images, target)["last"],
        "integrated-gradients": lambda: integrated_gradients(traced, images, target),
        "occlusion": lambda: occlusion(traced, images, target),
    }[method]()
    height, width = made.maps.shape[2:]
    for values in made.maps[0]:
        row, column = np.unravel_index(values.argmax(), values.shape)
        assert row < SQUARE * height / SIDE
        assert column < SQUARE * width / SIDE


def _only_marked() -> np.ndarray:
    images, marked = _images(8, 1)
    return images[marked == 1]


def _square(scale: float = 1.0) -> np.ndarray:
    """A map that lies in the square alone."""
    values = np.zeros((8, 8), np.float32)
    values[:2, :2] = scale * np.array([[4, 3], [3, 2]])
    return values


def test_a_map_of_what_is_bright_in_a_dark_image_holds() -> None:
    """Mid-grey is brighter than the noise, and the square is still there when the image is blurred."""
    traced = TracedCall(_network())
    for image in _only_marked()[:2]:
        curves = check_faithfulness(traced, image, class_logit(2, 1), _square())
        assert curves.deleted > curves.score
        assert curves.fair_deletion is not None
        assert curves.fair_insertion is not None
        assert curves.fair_deletion.area < curves.fair_deletion.random
        assert verdict(_square(), curves) == "holds"


def test_a_map_of_the_wrong_corner_explains_nothing_there() -> None:
    traced, image = TracedCall(_network()), _only_marked()[0]
    curves = check_faithfulness(traced, image, class_logit(2, 1), _square()[::-1, ::-1].copy())
    assert verdict(_square(), curves) == "explains nothing"


def test_where_mid_grey_empties_an_image_it_is_all_that_is_deleted_to() -> None:
    """The sum of an image brighter than grey: deletion to grey takes away as much as to its mean."""
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(1, name="sum")])
    model.get_layer("sum").set_weights([np.full((192, 1), 1 / 192), np.zeros(1)])
    image = np.full((8, 8, 3), 200, np.uint8)
    image[:4] = 220
    curves = check_faithfulness(
        TracedCall(load_network(Config(preprocess="none"), model)),
        image,
        output_value(1, 0),
        np.eye(8, dtype=np.float32),
    )
    assert curves.fair_deletion is None
