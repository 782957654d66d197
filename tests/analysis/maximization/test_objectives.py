from __future__ import annotations

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from support.ascents import STEADY, as_network, scores_of, small_network
from support.networks import seeded
from support.settled import settled_output

from reportgen.analysis.maximization import objectives
from reportgen.analysis.maximization.subjects import OutputNumbers

OBJECTIVES = {
    "channel": lambda channels, _: objectives.channel("conv2", channels),
    "channel with spread": lambda channels, _: objectives.channel("conv2", channels, spread=1.0),
    "answer": lambda channels, signs: objectives.answer(lambda answers: answers[0], channels, signs),
    "negative": lambda channels, _: objectives.channel("conv2", channels, spread=1.0, sign=-1.0),
    "apart from each other": lambda channels, signs: objectives.apart_from_each_other(
        objectives.answer(lambda answers: answers[0], channels, signs), "conv1", channels
    ),
    "diversity": lambda _, __: objectives.diversity("conv1"),
    "layer energy": lambda _, __: objectives.layer_energy("conv2"),
    "apart from rivals": lambda channels, _: objectives.apart_from_rivals(
        "conv2", channels, np.full(8, 0.5), spread=1.0, weight=0.1
    ),
}


@pytest.fixture(scope="module")
def network():
    return small_network()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_few_steps_raise_every_objective(network, name):
    scores = scores_of(network, OBJECTIVES[name], [0, 1, 2], ["conv1", "conv2"])
    assert np.all(scores[-1] > scores[0]), scores


class Given:
    """Activations from arrays."""

    def __init__(self, maps: np.ndarray, answers: np.ndarray | None = None) -> None:
        self.maps = tf.constant(maps, tf.float32)
        self.given = None if answers is None else tf.constant(answers, tf.float32)

    def channel(self, layer, indices):
        assert layer == "here"
        return tf.gather(self.maps, tf.broadcast_to(indices, self.maps.shape[:1]), axis=3, batch_dims=1)

    def layer(self, layer):
        assert layer == "here"
        return self.maps

    def answers(self):
        return [self.given]


FIRST = partial(objectives.answer, lambda answers: answers[0])

MAPS = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)


def score(objective, maps=MAPS, answers=None):
    return objective.score(Given(maps, answers)).numpy()


def test_channel_is_the_mean_of_each_images_own_map():
    np.testing.assert_allclose(score(objectives.channel("here", tf.constant([1, 4]))), [
        MAPS[0, :, :, 1].mean(),
        MAPS[1, :, :, 4].mean(),
    ], rtol=1e-5)  # fmt: skip
    np.testing.assert_allclose(score(objectives.channel("here", 2)), MAPS[..., 2].mean((1, 2)), rtol=1e-5)


def test_spread_is_the_mean_absolute_deviation():
    own = MAPS[..., 2]
    expected = own.mean((1, 2)) + 0.5 * np.abs(own - own.mean((1, 2), keepdims=True)).mean((1, 2))
    np.testing.assert_allclose(score(objectives.channel("here", 2, spread=0.5)), expected, rtol=1e-5)


def test_an_answer_picks_each_images_number():
    answers = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    np.testing.assert_array_equal(score(FIRST(tf.constant([2, 0])), answers=answers), [3, 4])
    np.testing.assert_array_equal(score(FIRST(1), answers=answers), [2, 5])


def test_what_a_channel_likes_least_is_its_opposite():
    one = objectives.channel("here", 1, spread=0.5)
    np.testing.assert_allclose(score(objectives.channel("here", 1, spread=0.5, sign=-1.0)), -score(one), rtol=1e-6)


def test_images_of_a_group_are_held_apart_by_their_own_size():
    one, groups = objectives.channel("here", 0), tf.zeros(len(MAPS), tf.int32)
    apart = objectives.apart_from_each_other(one, "here", groups)
    own = score(one)
    np.testing.assert_allclose(score(apart), own + np.abs(own) * score(objectives.diversity("here")), rtol=1e-5)
    alone = objectives.apart_from_each_other(one, "here", tf.range(len(MAPS)))
    np.testing.assert_allclose(score(alone), own, rtol=1e-6)


def test_what_holds_images_apart_reads_what_its_parts_read():
    apart = objectives.apart_from_each_other(FIRST(0), "a", tf.constant([0]))
    assert apart.layers == {"a"}
    assert apart.reads_answers


def test_images_alike_are_less_diverse_than_images_unlike():
    alike = np.stack([MAPS[0], MAPS[0]])
    np.testing.assert_allclose(score(objectives.diversity("here"), alike), [-1, -1], rtol=1e-5)
    assert np.all(score(objectives.diversity("here")) > -1)
    np.testing.assert_array_equal(score(objectives.diversity("here"), MAPS[:1]), [0])


def test_diversity_is_by_group_and_does_not_depend_on_what_else_is_in_the_batch():
    maps = np.random.default_rng(2).normal(size=(12, 9, 7, 64)).astype(np.float32)
    groups = np.array([700, 5, 700, 700, 5, 5, 9, 9, 9, 0, 0, 0], np.int32)
    styles = np.einsum("nhwc,nhwd->ncd", maps, maps).reshape(12, -1)
    styles /= np.linalg.norm(styles, axis=1, keepdims=True)
    others = (groups[:, None] == groups) & ~np.eye(12, dtype=bool)
    expected = -(styles @ styles.T * others).sum(axis=1) / others.sum(axis=1)

    def scored(chosen: slice) -> tuple[np.ndarray, np.ndarray]:
        given = tf.constant(maps[chosen])
        with tf.GradientTape() as tape:
            tape.watch(given)
            found = objectives.diversity("here", tf.constant(groups[chosen])).score(Given(given))
        return found.numpy(), tape.gradient(found, given).numpy()

    whole = scored(slice(None))
    np.testing.assert_allclose(whole[0], expected, rtol=1e-5)
    for chosen in (slice(0, 6), slice(6, 9), slice(9, 12)):
        for found, among in zip(scored(chosen), whole, strict=True):
            np.testing.assert_array_equal(found, among[chosen])


def test_rivals_count_only_above_the_channel_and_only_with_a_scale():
    maps = np.zeros((1, 2, 2, 3), np.float32)
    maps[0, 0, 0] = [2.0, 6.0, 9.0]
    scale = np.array([1.0, 2.0, 0.0])
    # In units of its scale the channel peaks at 2 with a mean of 0.5; the second at 3, the third has no scale.
    excess = 3 - objectives.RIVAL_MARGIN * 2 + (2 - objectives.RIVAL_MARGIN * 2)
    got = score(objectives.apart_from_rivals("here", tf.constant([0]), scale, spread=0.0, weight=0.25), maps)
    np.testing.assert_allclose(got, [0.5 + 2 - 0.25 * excess], rtol=1e-5)


# --- the logit, whatever the form of the softmax ---------------------------------------------------


@keras.saving.register_keras_serializable(package="support")
class SoftmaxInCall(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.average = keras.layers.GlobalAveragePooling2D(name="average")
        self.classes = keras.layers.Dense(3, name="classes")

    def call(self, inputs):
        return tf.nn.softmax(self.classes(self.average(inputs)))


def head(kind: str) -> keras.Model:
    layers = keras.layers
    if kind == "in a call":
        model = SoftmaxInCall()
        model(np.zeros((1, 8, 8, 3), np.float32))
        return seeded(model)
    image = keras.Input((8, 8, 3))
    average = layers.GlobalAveragePooling2D()(image)
    dense = layers.Dense(3, activation="softmax" if kind == "fused" else None, name="classes")
    answer = dense(average)
    if kind == "layer":
        answer = layers.Softmax()(answer)
    elif kind == "activation layer":
        answer = layers.Activation("softmax")(answer)
    elif kind == "function":
        answer = keras.ops.softmax(answer)
    elif kind == "logarithm":
        answer = keras.ops.log_softmax(answer)
    elif kind == "sigmoid":
        answer = layers.Activation("sigmoid")(answer)
    elif kind == "before reshaping":
        answer = layers.Reshape((3,))(layers.Softmax()(layers.Reshape((1, 1, 3))(answer)))
    return seeded(keras.Model(image, answer))


FORMS = "fused, layer, activation layer, function, in a call, before reshaping, logarithm, sigmoid, none"


@pytest.mark.parametrize("kind", FORMS.split(", "))
def test_the_logit_is_found_whatever_form_the_softmax_takes(kind):
    network = as_network(head(kind), "unit")
    kernel, bias = network.model.get_layer("classes").get_weights()
    size = (8, 8, 3)

    def objective(channels, signs):
        return OutputNumbers(settled_output(size=(3,)), "classes").objective(channels, signs, STEADY)

    first = scores_of(network, objective, [0, 1, 2], [], steps=1)[0]
    starts = [np.random.default_rng([0, i]).normal(127, 20, size).astype(np.float32) / 255 for i in range(3)]
    expected = [(image.mean((0, 1)) @ kernel + bias)[i] for i, image in enumerate(starts)]
    np.testing.assert_allclose(first, expected, rtol=1e-4, atol=1e-5)
