"""What the last layer is: of classes, scores or neither."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers
from support.images import random_images
from support.loading import load
from support.networks import Subclassed, two_convolutions

from reportgen.analysis.network.heads import describe_head


def _head(*last: object, shape: tuple[int, ...] = (8, 8, 3)) -> keras.Model:
    return keras.Sequential([keras.Input(shape), layers.Conv2D(4, 3, activation="relu"), *last])


def _operation_softmax() -> keras.Model:
    model = _head(layers.GlobalAveragePooling2D())
    return keras.Model(model.inputs, keras.ops.softmax(model.outputs[0]))


def _pointwise(activation: str) -> keras.Model:
    return _head(
        layers.GlobalAveragePooling2D(keepdims=True),
        layers.Conv2D(5, 1),
        layers.Flatten(),
        layers.Activation(activation),
    )


@pytest.mark.parametrize(
    ("make", "kind", "classes"),
    [
        (two_convolutions, "softmax", 4),
        (lambda: _head(layers.Flatten(), layers.Dense(5), layers.Softmax()), "softmax", 5),
        (lambda: _head(layers.Flatten(), layers.Dense(5), layers.Activation("softmax", dtype="float32")), "softmax", 5),
        (lambda: _head(layers.Flatten(), layers.Dense(5, activation="softmax"), layers.Dropout(0.1)), "softmax", 5),
        (_operation_softmax, "softmax", 4),
        (lambda: _head(layers.GlobalAveragePooling2D(), layers.Dense(1, activation="sigmoid")), "sigmoid", 1),
        (lambda: _head(layers.Flatten(), layers.Dense(5)), "logits", 5),
        (lambda: _head(layers.Flatten(), layers.Dense(5), layers.Activation("linear")), "logits", 5),
        (lambda: _pointwise("softmax"), "softmax", 5),
        (lambda: _pointwise("linear"), "logits", 5),
        (lambda: keras.Sequential([keras.Input((8, 8, 3)), two_convolutions()]), "softmax", 4),
        (lambda: _head(layers.Flatten(), layers.Dense(5, activation="relu")), "none", None),
        (lambda: _head(layers.GlobalAveragePooling2D()), "none", None),
        (lambda: _head(layers.Flatten(), layers.Dense(5), layers.UnitNormalization()), "none", None),
        (_head, "none", None),
    ],
)
def test_heads(make, kind, classes):
    network = load(make())
    given = network.model(network.feed(network.prepare(random_images(2, *network.size))))
    head = describe_head(network, given)
    assert (head.kind, head.classes) == (kind, classes)
    assert head.note.endswith(".")


def test_labels_make_scores_of_features(tmp_path):
    (tmp_path / "a.txt").write_text("a\nb\nc\nd\n")
    network = load(_head(layers.GlobalAveragePooling2D()), labels=tmp_path / "a.txt")
    assert describe_head(network, np.ones((2, 4))).kind == "logits"


def test_heads_without_a_graph_are_judged_by_answers():
    model = Subclassed()
    model(np.zeros((1, 8, 8, 3), np.float32))
    network = load(model)
    assert describe_head(network, np.array([[0.2, 0.7, 0.1], [0, 0, 1]])).kind == "softmax"
    assert describe_head(network, np.array([[0.2, 0.9, 0.1], [0, 0, 1]])).kind == "sigmoid"
    assert describe_head(network, np.array([[0.2, 1.9, 0.1], [0, 0, 1]])).kind == "logits"


def test_heads_of_several_outputs():
    image = keras.Input((8, 8, 3))
    features = layers.Conv2D(4, 3)(image)
    flat = layers.Flatten()(features)
    model = keras.Model(image, [features, layers.Dense(1)(flat), layers.Dense(3, activation="softmax")(flat)])
    head = describe_head(load(model), model(np.zeros((2, 8, 8, 3), np.float32)))
    assert (head.kind, head.classes, head.output) == ("softmax", 3, 2)
    assert "3 outputs" in head.note
