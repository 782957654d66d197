"""What identifies a network."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers
from support.loading import load
from support.networks import two_convolutions


def test_the_digest_is_of_architecture_and_weights(tmp_path):
    model = two_convolutions()
    model.save(tmp_path / "a.keras")
    model.compile("sgd", "categorical_crossentropy")
    model.save(tmp_path / "b.keras")
    digest = load(model).digest
    assert load(model).sha256 == digest
    assert load(tmp_path / "a.keras").digest == digest
    assert load(tmp_path / "b.keras").digest == digest
    assert load(tmp_path / "a.keras").sha256 != digest
    model.get_layer("conv1").bias.assign_add(np.full(6, 1e-3))
    assert load(model).digest != digest


def test_the_digest_of_a_scalar_weight_and_of_half_precision():
    model = keras.Sequential([keras.Input((4, 4, 3)), layers.Normalization(mean=1.0, variance=2.0), layers.Flatten()])
    assert len(load(model).digest) == 64
    half = keras.Sequential([keras.Input((4, 4, 3)), layers.Conv2D(2, 3, dtype="bfloat16")])
    assert len(load(half).digest) == 64
