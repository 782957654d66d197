"""Whether the check of preprocessing accuses trained networks rightly: 40 of them, fed by every mode."""

from __future__ import annotations

from collections import Counter
from functools import cache

import keras
import numpy as np
import pytest
from keras import layers
from support.settled import head as settled_head

from reportgen.analysis.findings import preprocessing_rules as rules
from reportgen.analysis.network.feeding import open_network, scaled_twice
from reportgen.analysis.network.layers import summarize_network
from reportgen.analysis.network.preprocessing_check import check_preprocessing, images_to_try
from reportgen.config import Config
from reportgen.images import Fitting, collect_images, load_image
from reportgen.models import MODES, make_preprocessing

SIDE = 28
STEPS = 500
TRAINED = 1600
TESTED = 200
TRAINING_MODES = ("none", "unit", "tf", "caffe")


def shapes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Discs, crosses, squares and diamonds of one colour on another, anywhere, with noise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE]
    classes = np.arange(count) % 4
    images = np.empty((count, SIDE, SIDE, 3))
    for index, kind in enumerate(classes):
        radius = random.integers(5, 9)
        dy, dx = np.abs(y - random.integers(radius, SIDE - radius)), np.abs(x - random.integers(radius, SIDE - radius))
        inside = [
            dy**2 + dx**2 < radius**2,
            ((dy < radius / 3) & (dx < radius)) | ((dx < radius / 3) & (dy < radius)),
            (dy < radius * 0.85) & (dx < radius * 0.85),
            dy + dx < radius * 1.2,
        ][kind]
        images[index] = np.where(inside[..., None], random.integers(110, 256, 3), random.integers(0, 150, 3))
    return np.clip(images + random.normal(0, 12, images.shape), 0, 255).astype(np.uint8), classes


@cache
def trained(mode: str, normalized: bool, seed: int) -> keras.Model:
    """A network of three convolutions, with or without BatchNormalization, trained for `STEPS` steps on `mode`."""
    keras.utils.set_random_seed(seed)
    pixels, classes = shapes(TRAINED, seed)
    image = keras.Input((SIDE, SIDE, 3))
    maps = image
    for filters in (12, 24, 24):
        maps = layers.Conv2D(filters, 3, use_bias=not normalized)(maps)
        maps = layers.BatchNormalization()(maps) if normalized else maps
        maps = layers.MaxPooling2D()(layers.ReLU()(maps))
    model = keras.Model(image, layers.Dense(4, activation="softmax")(layers.Dropout(0.2)(layers.Flatten()(maps))))
    model.compile("adam", "sparse_categorical_crossentropy")
    prepared = make_preprocessing(mode, 3, "flag").apply(pixels.astype(np.float32))
    model.fit(prepared, classes, batch_size=32, epochs=STEPS * 32 // TRAINED, verbose=0)
    return model


def accused(model: keras.Model, fed: str, pixels: np.ndarray, truth: np.ndarray | None) -> str | None:
    """The mode that is named instead of `fed`; None where nothing is said against it."""
    network = open_network(Config(preprocess=fed), model)
    assert not scaled_twice(network)
    head = settled_head(network, pixels[:4])
    check = check_preprocessing(network, summarize_network(network), head, pixels, truth)
    assert check is not None
    found = rules.better_by_truth(check) or rules.better_by_moments(check) or rules.better_by_answers(check)
    return found.mode if found else None


def accuracy(model: keras.Model, fed: str, pixels: np.ndarray, classes: np.ndarray) -> float:
    prepared = make_preprocessing(fed, 3, "flag").apply(pixels.astype(np.float32))
    return float((np.asarray(model(prepared)).argmax(axis=1) == classes).mean())


@pytest.mark.slow
def test_trained_networks_are_accused_rightly():
    counts: Counter[str] = Counter()
    pixels, classes = shapes(TESTED, 99)
    for mode in TRAINING_MODES:
        for normalized in (False, True):
            for seed in range(5):
                model = trained(mode, normalized, seed)
                right = accuracy(model, mode, pixels, classes)
                for fed in MODES:
                    with_truth = accused(model, fed, pixels, classes)
                    without = accused(model, fed, pixels[:16], None)
                    if fed == mode:
                        counts["accused, fed rightly"] += (with_truth is not None) + (without is not None)
                        continue
                    counts["wrong feeds"] += 1
                    counts["named without truth"] += without is not None
                    counts["misnamed without truth"] += without not in (None, mode)
                    if right - accuracy(model, fed, pixels, classes) >= 0.15:
                        counts["costly"] += 1
                        counts["told"] += with_truth is not None
                        counts["rightly named"] += with_truth == mode
                keras.backend.clear_session()
    print(dict(counts))
    assert counts["accused, fed rightly"] == 0
    assert counts["costly"] > 40
    assert counts["told"] >= 0.95 * counts["costly"]
    assert counts["rightly named"] >= 0.9 * counts["costly"]


@pytest.mark.parametrize("normalized", [False, True])
def test_one_trained_network(normalized):
    model, (pixels, classes) = trained("tf", normalized, 0), shapes(TESTED, 99)
    assert accused(model, "tf", pixels, classes) is None
    assert accused(model, "tf", pixels[:16], None) is None
    assert accused(model, "none", pixels, classes) == "tf"


IMAGENET = {
    "tiny_darknet": "unit",
    "squeezenet_v10_dc": "caffe",
    "mobilenet_v2_100_224": "tf",
    "mobilenet_v1_075_192": "none",
}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "right"), IMAGENET.items())
@pytest.mark.parametrize("fed", MODES)
def test_networks_of_imagenet(name, right, fed, shared_models, shared_photos):
    network = open_network(Config(model=str(shared_models / f"{name}.keras"), preprocess=fed))
    images = collect_images([str(shared_photos)], channels=3)
    pixels = np.stack([Fitting(network.size).apply(load_image(image, 3))[0] for image in images])
    summary = summarize_network(network)
    head = settled_head(network, pixels[:2])
    check = check_preprocessing(network, summary, head, pixels[: images_to_try(summary)])
    assert check is not None
    found = rules.better_by_truth(check) or rules.better_by_moments(check) or rules.better_by_answers(check)
    if fed == right:
        assert found is None
        assert not scaled_twice(network)
    else:
        assert scaled_twice(network) or (found is not None and found.mode == right)
