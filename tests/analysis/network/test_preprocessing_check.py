"""The trial of preprocessing modes on networks whose right mode is known."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from support.networks import two_convolutions
from support.settled import head as settled_head

from reportgen.analysis.findings.preprocessing_rules import better_by_moments, is_settled, likelier, speaks_for_used
from reportgen.analysis.network.layers import summarize_network
from reportgen.analysis.network.preprocessing_check import (
    INFORMATION_FLOOR,
    LEAST_IMAGES,
    MOST_IMAGES,
    PreprocessingCheck,
    _information,
    check_preprocessing,
    images_to_try,
)
from reportgen.config import Config
from reportgen.models import MODES, load_network, make_preprocessing

CLASSES = 4


def coloured(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images of four classes: reddish or bluish, with stripes across or along, of any light."""
    random = np.random.default_rng(seed)
    classes = np.arange(count) % CLASSES
    light = random.uniform(100, 150, (count, 1, 1, 1))
    tint = np.where(classes >= 2, 1, -1)[:, None, None, None] * np.array([40.0, 0.0, -40.0])
    stripes = np.where(np.arange(8) % 4 < 2, 35.0, -35.0)
    across, along = np.broadcast_to(stripes[:, None], (8, 8)), np.broadcast_to(stripes[None, :], (8, 8))
    pattern = np.where((classes % 2 == 0)[:, None, None], across, along)[..., None]
    return np.clip(light + tint + pattern + random.normal(0, 5, (count, 8, 8, 3)), 0, 255).astype(np.uint8), classes


def opponents() -> np.ndarray:
    """Six filters `(3, 3, 3, 6)`: red against blue, light above against below and left against right, both ways.

    They see no difference in light, and little of its strength.
    """
    kernel = np.zeros((3, 3, 3, 6))
    kernel[:, :, 0, 0], kernel[:, :, 2, 0] = 1 / 9, -1 / 9
    kernel[0, :, :, 2], kernel[2, :, :, 2] = 1 / 9, -1 / 9
    kernel[:, 0, :, 4], kernel[:, 2, :, 4] = 1 / 9, -1 / 9
    kernel[..., 1::2] = -kernel[..., ::2]
    return kernel


def fitted_to(mode: str) -> keras.Model:
    """A network that tells the four classes apart when fed by `mode`: its last layer knows their means."""
    pixels, classes = coloured(64)
    image = keras.Input((8, 8, 3))
    convolution = layers.Conv2D(6, 3, use_bias=False, name="conv")
    normalization = layers.BatchNormalization(name="bn")
    features = layers.GlobalAveragePooling2D()(layers.ReLU()(normalization(convolution(image))))
    head = layers.Dense(CLASSES, activation="softmax", name="classes")
    model = keras.Model(image, head(features))
    convolution.kernel.assign(opponents())
    prepared = make_preprocessing(mode, 3, "flag").apply(pixels.astype(np.float32))
    maps = np.asarray(convolution(prepared))
    normalization.moving_mean.assign(maps.mean(axis=(0, 1, 2)))
    normalization.moving_variance.assign(maps.var(axis=(0, 1, 2)))
    seen = np.asarray(keras.Model(image, features)(prepared))
    means = np.stack([seen[classes == index].mean(axis=0) for index in range(CLASSES)])
    # Nearest mean, as a linear layer, and decided.
    sharpness = 20 / np.var(means, axis=0).sum()
    head.kernel.assign(sharpness * means.T)
    head.bias.assign(-sharpness * (means**2).sum(axis=1) / 2)
    return model


@pytest.fixture(scope="module")
def trained():
    """Networks made for images fed by each mode."""
    return {mode: fitted_to(mode) for mode in MODES}


def tried(model: keras.Model, mode: str, pixels: np.ndarray) -> PreprocessingCheck | None:
    network = load_network(Config(preprocess=mode), model)
    own = settled_head(network, pixels)
    return check_preprocessing(network, summarize_network(network), own, pixels)


@pytest.mark.parametrize("right", MODES)
@pytest.mark.parametrize("fed", ["unit", "caffe"])
def test_the_moments_tell_the_mode_of_training(trained, right, fed):
    check = tried(trained[right], fed, coloured(12, seed=5)[0])
    assert check.normalization == "bn"
    assert (check.used.mode, len(check.others)) == (fed, 4)
    divergences = {trial.mode: trial.moment_divergence for trial in (check.used, *check.others)}
    assert min(divergences, key=divergences.get) == right
    assert divergences[right] < 0.01


@pytest.mark.parametrize("right", MODES)
def test_answers_tell_much_when_fed_rightly(trained, right):
    check = tried(trained[right], right, coloured(12, seed=5)[0])
    assert check.used.information == pytest.approx(2, abs=0.2)  # four classes: two bits


@pytest.mark.parametrize(("right", "fed"), [("none", "unit"), ("none", "torch"), ("caffe", "tf"), ("caffe", "unit")])
def test_answers_tell_nothing_when_fed_a_far_too_small_range(trained, right, fed):
    check = tried(trained[right], fed, coloured(12, seed=5)[0])
    told = {trial.mode: trial.information for trial in check.others}
    assert check.used.information < 0.3
    assert told[right] == pytest.approx(2, abs=0.2)


def test_features_are_judged_by_moments_alone(trained):
    body = keras.Model(trained["tf"].inputs, trained["tf"].get_layer("conv").output)
    assert tried(body, "unit", coloured(6)[0]) is None
    body = keras.Model(trained["tf"].inputs, trained["tf"].get_layer("bn").output)
    check = tried(body, "unit", coloured(6)[0])
    assert check.used.information is None
    assert min(check.others, key=lambda trial: trial.moment_divergence).mode == "tf"


def test_a_normalization_of_the_input_itself():
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.BatchNormalization(name="bn"), layers.Conv2D(2, 3)])
    model.get_layer("bn").moving_mean.assign([120.0, 120.0, 120.0])
    model.get_layer("bn").moving_variance.assign([3000.0, 3000.0, 3000.0])
    check = tried(model, "unit", coloured(6)[0])
    assert min(check.others, key=lambda trial: trial.moment_divergence).mode == "none"


def test_grey_networks_are_tried_under_the_modes_that_exist_for_them():
    check = tried(two_convolutions(8, channels=1), "unit", coloured(6)[0][..., :1])
    assert [trial.mode for trial in check.others] == ["none", "tf"]


def test_a_single_sigmoid_is_a_choice_of_two():
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(1, activation="sigmoid")]
    )
    assert 0 <= tried(model, "unit", coloured(6)[0]).used.information <= 1


@pytest.mark.parametrize("classes", [10, 100, 150])
def test_little_told_of_any_number_of_classes_still_says_which_mode_is_likelier(classes):
    """Red images and blue ones, told apart a little under "none", and 255 times less under "unit"."""
    image = keras.Input((8, 8, 3))
    head = layers.Dense(classes, activation="softmax", name="classes")
    model = keras.Model(image, head(layers.GlobalAveragePooling2D()(image)))
    sides = np.where(np.arange(classes) % 2, 1.0, -1.0)
    head.kernel.assign(0.006 * np.array([1.0, 0.0, -1.0])[:, None] * sides)
    check = tried(model, "unit", coloured(12)[0])
    told = {trial.mode: trial.information for trial in (check.used, *check.others)}
    assert max(told, key=told.get) in ("none", "caffe")
    assert 0.05 < told["none"] < INFORMATION_FLOOR
    assert likelier(check).mode in ("none", "caffe")


def as_users_have_it(model: keras.Model, form: str, folder: Path) -> keras.Model:
    if form == "nested":
        image = keras.Input((8, 8, 3))
        return keras.Model(image, model(image))
    if form == "plain":
        return model
    model.save(folder / f"model{form}")
    return keras.models.load_model(folder / f"model{form}")


@pytest.mark.parametrize("form", ["plain", "nested", ".keras", ".h5"])
def test_answers_are_not_asked_for_where_the_moments_settle_it(trained, form, tmp_path):
    pixels, classes = coloured(12, seed=5)
    model = as_users_have_it(trained["tf"], form, tmp_path)

    def check(fed, truth=None):
        network = load_network(Config(preprocess=fed), model)
        head = settled_head(network, pixels)
        return check_preprocessing(
            network, summarize_network(network), head, pixels, truth, enough=speaks_for_used
        )  # fmt: skip

    settled = check("tf")
    assert speaks_for_used(settled)
    assert is_settled(settled)
    assert {trial.information for trial in (settled.used, *settled.others)} == {None}
    assert (settled.images, settled.judged, settled.classes) == (12, 0, CLASSES)
    # With right answers, and where the moments speak for another mode, answers count.
    assert check("tf", classes).used.accuracy == 1
    wrong = check("none")
    assert wrong.used.information is not None
    assert better_by_moments(wrong).mode == "tf"


def test_few_images_are_not_asked_for_answers(trained):
    check = tried(trained["tf"], "unit", coloured(4)[0])
    assert check.used.information is None
    assert check.used.moment_divergence is not None


def test_information():
    decided = np.eye(4)[None]
    assert _information(decided) == pytest.approx(2)
    assert _information(np.repeat(decided, 3, axis=0)) == pytest.approx(2)
    assert _information(np.full((2, 4, 4), 0.25)) == pytest.approx(0)
    assert _information(np.eye(4)[[[0, 0, 0, 0]]]) == pytest.approx(0)
    # Copies that never agree tell nothing, however sure they are.
    assert _information(np.stack([np.eye(4), np.eye(4)[::-1]])) == pytest.approx(0)


def test_large_networks_are_tried_on_fewer_images():
    summary = summarize_network(load_network(Config(), two_convolutions()))
    assert images_to_try(summary) == MOST_IMAGES
    heavy = type("Heavy", (), {"mac_count": 40 * 10**9})()
    assert images_to_try(heavy) == LEAST_IMAGES
