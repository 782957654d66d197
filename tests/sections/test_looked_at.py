"""What rules see of images, in whole reports."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import reportgen
from reportgen.analysis.network.whole_run import WholeRun
from reportgen.sections import visiting
from reportgen.sections.kept_products import MOST_IMAGES


@keras.saving.register_keras_serializable(package="support")
class Apart(layers.Layer):
    """How far each row is from the mean of its batch."""

    def call(self, rows):
        return rows - tf.reduce_mean(rows, axis=0, keepdims=True)

    def compute_output_shape(self, shape):
        return shape


class Wrapped(keras.Model):
    """A subclassed network around another."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner
        self.build((None, 8, 8, 3))

    def call(self, images):
        return self.inner(images)


def batched(form: str, folder: Path) -> keras.Model:
    """A network that says whether an image is darker or lighter than its batch, whatever its values are scaled by."""
    image = keras.Input((8, 8, 3))
    light = layers.GlobalAveragePooling2D()(layers.Conv2D(1, 1, kernel_initializer="ones")(image))
    model = keras.Model(image, layers.Dense(2, activation="softmax", name="answer")(Apart()(light)))
    model.get_layer("answer").set_weights([np.array([[-40.0, 40.0]], np.float32), np.zeros(2, np.float32)])
    if form == "nested":
        outer = keras.Input((8, 8, 3))
        return keras.Model(outer, model(outer))
    if form == "subclassed":
        return Wrapped(model)
    if form in (".keras", ".h5"):
        model.save(folder / f"batched{form}")
        loaded: keras.Model = keras.models.load_model(folder / f"batched{form}")
        return loaded
    return model


def dark_and_light(count: int) -> np.ndarray:
    """Images of which every other one is lighter."""
    pixels = np.random.default_rng(0).integers(60, 80, (count, 8, 8, 3)).astype(np.uint8)
    pixels[1::2] += 60
    return pixels


@pytest.mark.parametrize("form", ["plain", "nested", "subclassed", ".keras", ".h5"])
def test_of_a_network_whose_answer_depends_on_the_batch_all_modes_are_tried_in_the_same_batches(
    form: str, tmp_path: Path
) -> None:
    report = reportgen.build(
        batched(form, tmp_path), dark_and_light(24), tmp_path / "report",
        preprocess="unit", sections="overview", no_cache=True, truth=[0, 1] * 12,
    )  # fmt: skip
    found = json.loads((report.path / "report.json").read_text(encoding="utf-8"))["findings"]
    accused = [one for one in found if "preprocessing" in one["rule"] and one["severity"] != "info"]
    assert accused == []


def test_images_on_which_modes_are_tried_do_not_go_through_the_network_for_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []
    call, again = WholeRun.__call__, visiting.runs_one_by_one

    def counted(self, pixels, *others):
        runs.append(len(pixels))
        return call(self, pixels, *others)

    def counted_again(network, names, files, *more):
        runs.append(len(files))
        return again(network, names, files, *more)

    monkeypatch.setattr(WholeRun, "__call__", counted)
    monkeypatch.setattr(visiting, "runs_one_by_one", counted_again)
    count = 3 * MOST_IMAGES
    reportgen.build(
        batched("plain", tmp_path), dark_and_light(count), tmp_path / "report", image_pages=1,
        preprocess="unit", sections="layers", no_cache=True, truth=[0, 1] * (count // 2),
    )  # fmt: skip
    # Products are kept of some; those captured go through alone and together; one has a page.
    assert MOST_IMAGES <= sum(runs) < 2 * MOST_IMAGES
