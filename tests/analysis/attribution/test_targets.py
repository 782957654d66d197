"""Targets: what is read off an answer, and what is refused."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers
from support import zoo

from reportgen.analysis.attribution import (
    TracedCall,
    answer_images,
    class_logit,
    grad_cam,
    likeness,
    logit_difference,
    output_value,
    region_logit,
    score_images,
    values_sum,
)
from reportgen.config import Config
from reportgen.errors import ReportgenError
from reportgen.models import Network, load_network


def _opened(outputs: object, image: object) -> Network:
    return load_network(Config(preprocess="none"), keras.Model(image, outputs))


def _pooled() -> tuple[object, object]:
    keras.utils.set_random_seed(3)
    image = keras.Input((8, 8, 3), name="image")
    maps = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")(layers.Rescaling(1 / 255)(image))
    return image, layers.GlobalAveragePooling2D(name="pool")(maps)


def test_a_logit_is_what_goes_into_the_softmax_however_it_is_applied() -> None:
    for name in ("nested", "operations_outside_layers", "output_dictionary"):
        network = zoo.open_zoo(name)
        traced = TracedCall(network)
        pixels = zoo.pictures(network)
        output = next(i for i, leaf in enumerate(answer_images(traced, pixels)) if leaf.ndim == 2)
        scores = score_images(traced, pixels, [class_logit(zoo.CLASSES, i, output=output) for i in range(4)])
        exponents = np.exp(scores - scores.max(axis=0))
        probabilities = answer_images(traced, pixels)[output].T
        np.testing.assert_allclose(exponents / exponents.sum(axis=0), probabilities, rtol=1e-4)
        assert scores.min() < 0


def test_a_single_sigmoid_unit_is_two_classes() -> None:
    image, pooled = _pooled()
    network = _opened(layers.Dense(1, activation="sigmoid", name="yes")(pooled), image)
    traced, pixels = TracedCall(network), zoo.pictures(network)
    first, second = class_logit(1, 0), class_logit(1, 1)
    one, other = score_images(traced, pixels, [first, second])
    np.testing.assert_allclose(one, -other)
    (answer,) = answer_images(traced, pixels)
    chances = score_images(traced, pixels, [first.as_answered(), second.as_answered()])
    np.testing.assert_allclose(chances, [1 - answer[:, 0], answer[:, 0]], rtol=1e-5)


def test_each_image_may_have_its_own_class() -> None:
    network = zoo.open_zoo("sequential_built")
    traced, pixels = TracedCall(network), zoo.pictures(network, 3)
    (answer,) = answer_images(traced, pixels)
    np.testing.assert_allclose(
        score_images(traced, pixels, [class_logit(4, [2, 0, 3])])[0], answer[[0, 1, 2], [2, 0, 3]], rtol=1e-5
    )
    (difference,) = score_images(traced, pixels, [logit_difference(4, [2, 0, 3], 1)])
    np.testing.assert_allclose(difference, answer[[0, 1, 2], [2, 0, 3]] - answer[:, 1], rtol=1e-4, atol=1e-3)


def test_values_points_and_boxes_are_read_as_answered() -> None:
    image, pooled = _pooled()
    box = layers.Dense(4, activation="sigmoid", name="box")(pooled)
    network = _opened({"age": layers.Dense(1, name="age")(pooled), "box": box}, image)
    traced, pixels = TracedCall(network), zoo.pictures(network)
    age, corners = answer_images(traced, pixels)
    targets = [output_value(1, 0), values_sum((4,), output=1), values_sum((4,), [0, 3], output=1)]
    expected = [age[:, 0], corners.sum(axis=1), corners[:, 0] + corners[:, 3]]
    np.testing.assert_allclose(score_images(traced, pixels, targets), expected, rtol=1e-5)


def test_a_region_is_where_the_class_is_predicted() -> None:
    keras.utils.set_random_seed(2)
    image = keras.Input((8, 8, 3), name="image")
    network = _opened(layers.Conv2D(3, 3, padding="same", activation="softmax", name="conv")(image), image)
    traced, pixels = TracedCall(network), zoo.pictures(network, 3)
    (answer,) = answer_images(traced, pixels)
    (logits,) = answer_images(traced, pixels, logits=True)
    (scores,) = score_images(traced, pixels, [region_logit(answer, 1)])
    for index in range(3):
        inside = answer[index].argmax(axis=2) == 1
        expected = logits[index, ..., 1][inside].mean() if inside.any() else 0
        assert scores[index] == pytest.approx(expected, rel=1e-4)


def test_a_class_predicted_nowhere_has_no_region_and_no_evidence() -> None:
    image = keras.Input((8, 8, 3), name="image")
    network = _opened(layers.Conv2D(1, 1, activation="sigmoid", name="conv")(image), image)
    network.model.get_layer("conv").set_weights([-np.ones((1, 1, 3, 1)), np.zeros(1)])
    traced, pixels = TracedCall(network, ["conv"]), zoo.pictures(network)
    maps = grad_cam(traced, pixels, [region_logit(answer_images(traced, pixels)[0], 0)])["conv"]
    assert not maps.positive_evidence.any()
    assert not maps.maps.any()


def test_likeness_is_the_cosine() -> None:
    image, pooled = _pooled()
    network = _opened(pooled, image)
    traced, pixels = TracedCall(network), zoo.pictures(network, 3)
    (features,) = answer_images(traced, pixels)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    (scores,) = score_images(traced, pixels, [likeness(features[[1, 2, 0]])])
    np.testing.assert_allclose(scores, (unit * unit[[1, 2, 0]]).sum(axis=1), rtol=1e-5)


def test_an_embedding_of_zero_is_like_nothing() -> None:
    target = likeness(np.zeros((1, 4)))
    assert np.array_equal(target.directions, np.zeros((1, 4)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: class_logit(4, 4),
        lambda: class_logit(1, 2),
        lambda: logit_difference(4, 0, -1),
        lambda: output_value(3, [0, 3]),
        lambda: values_sum((2, 2), [4]),
        lambda: region_logit(np.zeros((1, 4, 4, 2)), 2),
        lambda: region_logit(np.zeros((1, 4)), 0),
    ],
)
def test_what_an_answer_does_not_have_is_no_target(make: object) -> None:
    with pytest.raises(ReportgenError, match="expected a"):
        make()


def test_a_target_must_fit_the_output() -> None:
    network = zoo.open_zoo("sequential_built")
    traced, pixels = TracedCall(network), zoo.pictures(network)
    with pytest.raises(ReportgenError, match="expected a target for an output of shape"):
        score_images(traced, pixels, [class_logit(7, 0)])
    with pytest.raises(ReportgenError, match="expected an output of 0 to 0, got 1"):
        score_images(traced, pixels, [class_logit(4, 0, output=1)])
