"""What rules see of images, in whole reports."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers

import reportgen


def test_of_a_network_whose_answer_depends_on_the_batch_all_modes_are_tried_in_the_same_batches(
    tmp_path: Path,
) -> None:
    image = keras.Input((8, 8, 3))
    mean = layers.GlobalAveragePooling2D()(layers.Conv2D(1, 1, kernel_initializer="ones")(image))
    apart = layers.Lambda(lambda v: v - tf.reduce_mean(v, axis=0, keepdims=True), output_shape=(1,))(mean)
    model = keras.Model(image, layers.Dense(2, activation="softmax", name="answer")(apart))
    model.get_layer("answer").set_weights([np.array([[-40.0, 40.0]], np.float32), np.zeros(2, np.float32)])
    pixels = np.random.default_rng(0).integers(60, 80, (24, 8, 8, 3)).astype(np.uint8)
    pixels[1::2] += 60  # whatever mode it is, the lighter half of a batch is the second class

    report = reportgen.build(
        model, pixels, tmp_path / "report", preprocess="unit", sections="overview", no_cache=True, truth=[0, 1] * 12
    )

    found = json.loads((report.path / "report.json").read_text(encoding="utf-8"))["findings"]
    accused = [one for one in found if "preprocessing" in one["rule"] and one["severity"] != "info"]
    assert accused == []
