from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from support.images import random_images
from support.networks import Subclassed, two_convolutions
from support.settled import settle

from reportgen.analysis.answers import SettledAnswers, answer_of
from reportgen.analysis.attribution import TracedCall, answer_images
from reportgen.analysis.network.capture_check import check_capture
from reportgen.analysis.network.whole_run import WholeRun
from reportgen.config import Config
from reportgen.errors import ReportgenError, UsageError
from reportgen.models import load_network

FILES = ["blue/1.png", "red/2.png", "red/3.png"]


def settled(model: keras.Model | Path, files: list[str] | None = None, **options: Any) -> SettledAnswers:
    """The outputs of a model, or of one in a file."""
    config = Config.from_options({"preprocess": "unit", **options} | ({"model": str(model)} if is_file(model) else {}))
    network = load_network(config, None if is_file(model) else model)
    return settle(network, random_images(3, *network.size)[..., : network.channels], config, files)


def is_file(model: object) -> bool:
    return isinstance(model, Path)


def kinds(found: SettledAnswers) -> list[tuple[str, str]]:
    return [(output.name, output.kind) for output in found.outputs]


def trunk(*last: Any, channels: int = 3) -> keras.Model:
    first = layers.Conv2D(4, 3, activation="relu", padding="same")
    return keras.Sequential([keras.Input((8, 8, channels)), first, *last])


def flat(*last: Any) -> keras.Model:
    return trunk(layers.Flatten(), *last)


def operation_softmax() -> keras.Model:
    model = trunk(layers.GlobalAveragePooling2D())
    return keras.Model(model.inputs, keras.ops.softmax(model.outputs[0]))


def pointwise(activation: str) -> keras.Model:
    return trunk(
        layers.GlobalAveragePooling2D(keepdims=True),
        layers.Conv2D(5, 1),
        layers.Flatten(),
        layers.Activation(activation),
    )


@keras.saving.register_keras_serializable("reportgen-tests")
class WithFunctions(keras.Model):
    """A subclassed network whose last activation is a function."""

    def __init__(self, last: str = "softmax", units: int = 3, **more: Any) -> None:
        super().__init__(**more)
        self.last, self.flat, self.own = last, layers.Flatten(), layers.Dense(units, name="own")

    def call(self, images: Any) -> Any:
        return getattr(keras.ops, self.last)(self.own(self.flat(images)))


def subclassed(last: str, units: int = 3) -> keras.Model:
    model = WithFunctions(last, units)
    model(np.zeros((1, 8, 8, 3), np.float32))
    return model


@pytest.mark.filterwarnings("ignore:.*softmax over axis")
@pytest.mark.parametrize(
    ("make", "kind", "scores"),
    [
        (two_convolutions, "classes", "softmax"),
        (lambda: flat(layers.Dense(5), layers.Softmax()), "classes", "softmax"),
        (lambda: flat(layers.Dense(5), layers.Activation("softmax", dtype="float32")), "classes", "softmax"),
        (lambda: flat(layers.Dense(5, activation="softmax"), layers.Dropout(0.1)), "classes", "softmax"),
        (lambda: flat(layers.Dense(5, activation="log_softmax")), "classes", "logits"),
        (operation_softmax, "classes", "softmax"),
        (lambda: subclassed("softmax"), "classes", "softmax"),
        (lambda: pointwise("softmax"), "classes", "softmax"),
        (lambda: keras.Sequential([keras.Input((8, 8, 3)), two_convolutions()]), "classes", "softmax"),
        (lambda: flat(layers.Dense(1, activation="sigmoid")), "classes", "sigmoid"),
        (lambda: subclassed("sigmoid", 1), "classes", "sigmoid"),
        (lambda: flat(layers.Dense(5, activation="sigmoid")), "multilabel", "sigmoid"),
        (lambda: subclassed("sigmoid"), "multilabel", "sigmoid"),
        (lambda: flat(layers.Dense(3), layers.Activation("hard_sigmoid")), "multilabel", "sigmoid"),
        (lambda: flat(layers.Dense(5)), "values", None),
        (lambda: flat(layers.Dense(1)), "values", None),
        (lambda: flat(layers.Dense(5), layers.Activation("linear")), "values", None),
        (lambda: pointwise("linear"), "values", None),
        (lambda: flat(layers.Dense(5, activation="tanh")), "values", None),
        (lambda: flat(layers.Dense(5, activation="relu")), "values", None),
        (lambda: flat(layers.Dense(1, activation="softmax")), "values", None),
        (lambda: subclassed("tanh"), "values", None),
        (lambda: trunk(layers.GlobalAveragePooling2D()), "embedding", None),
        (lambda: flat(layers.Dense(5), layers.UnitNormalization()), "embedding", None),
        (lambda: trunk(layers.GlobalMaxPooling2D(), layers.LayerNormalization()), "embedding", None),
        (lambda: trunk(layers.Conv2D(4, 1, activation="softmax")), "map", "softmax"),
        (lambda: trunk(layers.Conv2D(1, 1, activation="sigmoid")), "map", "sigmoid"),
        (lambda: trunk(layers.Conv2D(2, 1, activation="sigmoid")), "map", "sigmoid"),
        (lambda: trunk(layers.Conv2D(3, 1, activation="sigmoid")), "picture", None),
        (lambda: trunk(layers.UpSampling2D(), layers.Conv2D(3, 1)), "picture", None),
        (lambda: trunk(layers.Conv2D(3, 1, activation="tanh")), "picture", None),
        (lambda: trunk(layers.Conv2D(1, 1), channels=1), "other", None),
        (lambda: trunk(layers.Conv2D(5, 1)), "other", None),
        (trunk, "other", None),
        (lambda: flat(layers.Dense(6), layers.Reshape((3, 2))), "other", None),
    ],
)  # fmt: skip
def test_the_kind_of_an_only_output(make: Any, kind: str, scores: str | None) -> None:
    (output,) = settled(make()).outputs
    assert output.kind == kind
    assert scores is None or output.scores == scores
    assert output.reason.endswith(".")


def test_a_grey_picture_follows_its_input() -> None:
    model = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(1, 3, padding="same", name="again")])
    kernel = np.zeros((3, 3, 1, 1), np.float32)
    kernel[1, 1] = 0.7
    model.layers[0].set_weights([kernel, np.full(1, 0.1, np.float32)])
    assert kinds(settled(model)) == [("again", "picture")]


@pytest.mark.parametrize(
    ("last", "options", "kind", "judged"),
    [
        (layers.Conv2D(1, 1, activation="sigmoid", name="last"), {}, "map", False),
        (layers.Conv2D(1, 1, activation="sigmoid", name="last"), {"truth": "input"}, "picture", True),
        (layers.Conv2D(1, 1, name="last"), {"truth": {"last": "input"}}, "picture", True),
        (layers.Conv2D(2, 1, activation="softmax", name="last"), {"truth": "input"}, "map", False),
        (layers.Conv2D(1, 1, activation="sigmoid", name="last"), {"truth": "input", "answer": "map"}, "map", False),
    ],
    ids=["nothing said", "said", "said by name", "classes", "said otherwise"],
)
def test_the_input_as_the_right_answer_makes_a_map_of_one_channel_a_picture(
    last: Any, options: Any, kind: str, judged: bool
) -> None:
    # Fresh weights do not give back what they get.
    found = settled(trunk(last, channels=1), **options)
    assert kinds(found) == [("last", kind)]
    assert any(truth.is_matched for truth in found.truths.values()) == judged


def test_the_input_is_not_taken_for_the_right_answer_of_a_mask_beside_a_picture() -> None:
    given = keras.Input((8, 8, 1))
    mask = layers.Conv2D(1, 3, padding="same", activation="sigmoid", name="mask")(given)
    again = layers.Conv2D(1, 1, kernel_initializer="ones", name="again")(given)
    found = settled(keras.Model(given, [mask, again]), truth="input")
    assert kinds(found) == [("mask", "map"), ("again", "picture")]
    assert [name for name, truth in found.truths.items() if truth.is_matched] == ["again"]


def test_a_network_without_layers_to_trace_is_judged_by_its_answers() -> None:
    model = Subclassed()
    model(np.zeros((1, 8, 8, 3), np.float32))
    (output,) = settled(model).outputs
    assert output.kind in ("classes", "values")


@pytest.mark.parametrize(
    ("units", "loss", "kind", "classes"),
    [
        (4, "sparse_categorical_crossentropy", "classes", 4),
        (4, keras.losses.CategoricalCrossentropy(from_logits=True), "classes", 4),
        (4, "mse", "values", 4),
        (1, keras.losses.BinaryCrossentropy(from_logits=True), "classes", 2),
        (1, "binary_crossentropy", "classes", 2),
        (1, "mae", "values", 1),
        (4, None, "values", 4),
    ],
)
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_loss_tells_scores_from_values(
    tmp_path: Path, units: int, loss: Any, kind: str, classes: int, suffix: str
) -> None:
    model = flat(layers.Dense(units, name="out"))
    if loss is not None:
        model.compile("adam", loss)
    assert [(one.kind, one.classes) for one in settled(model).outputs] == [(kind, classes)]
    model.save(tmp_path / f"net{suffix}")
    assert [(one.kind, one.classes) for one in settled(tmp_path / f"net{suffix}").outputs] == [(kind, classes)]


@pytest.mark.parametrize("losses", [{"a": "mse", "b": "binary_crossentropy"}, ["mse", "binary_crossentropy"]])
def test_losses_by_output(tmp_path: Path, losses: Any) -> None:
    image = keras.Input((8, 8, 3))
    features = layers.Flatten()(image)
    outputs = [layers.Dense(1, name="a")(features), layers.Dense(1, name="b")(features)]
    model = keras.Model(image, dict(zip("ab", outputs, strict=True)) if isinstance(losses, dict) else outputs)
    model.compile("adam", losses)
    model.save(tmp_path / "net.keras")
    assert kinds(settled(tmp_path / "net.keras")) == [("a", "values"), ("b", "classes")]


def test_names_of_outputs() -> None:
    image = keras.Input((8, 8, 3))
    features = layers.Flatten()(image)
    head = layers.Dense(3, name="head")
    named = keras.Model(image, {"zebra": head(features), "age": layers.Dense(1, name="x")(features)})
    assert [one.name for one in settled(named).outputs] == ["age", "zebra"]
    assert [one.name for one in settled(keras.Model(image, [head(features), head(features)])).outputs] == [
        "head", "head_1"
    ]  # fmt: skip
    assert [one.name for one in settled(subclassed("softmax")).outputs] == ["output"]


def test_unnamed_labels_go_to_the_output_that_is_of_classes_for_certain() -> None:
    image = keras.Input((8, 8, 3))
    features = layers.Flatten()(image)
    heads = {"box": layers.Dense(4)(features), "cls": layers.Dense(4, activation="softmax")(features)}
    found = settled(keras.Model(image, heads), labels=["a", "b", "c", "d"])
    assert kinds(found) == [("box", "values"), ("cls", "classes")]
    assert [one.labels for one in found.outputs] == [None, ("a", "b", "c", "d")]
    named = settled(keras.Model(image, heads), labels={"box": ["top", "left", "bottom", "right"]})
    assert [one.labels for one in named.outputs] == [("top", "left", "bottom", "right"), None]


@pytest.mark.parametrize(
    ("units", "options", "kind", "labels"),
    [
        (4, {"labels": ["a", "b", "c", "d"]}, "classes", ("a", "b", "c", "d")),
        (4, {"labels": ["a", "b", "c"]}, "values", None),
        (1, {"labels": ["a", "b"]}, "classes", ("a", "b")),
        (1, {"truth": "folders"}, "classes", ("blue", "red")),
        (2, {"truth": "folders"}, "classes", ("blue", "red")),
        (2, {"labels": "folders"}, "classes", ("blue", "red")),
        (3, {"truth": "folders"}, "values", None),
        (4, {"answer": "classes"}, "classes", None),
        (4, {"answer": "embedding"}, "embedding", None),
        (4, {"answer": "head=points:xxyy:unit"}, "points", None),
    ],
)
def test_what_is_given_settles_linear_outputs(units: int, options: Any, kind: str, labels: Any) -> None:
    (output,) = settled(flat(layers.Dense(units, name="head")), FILES, **options).outputs
    assert (output.kind, output.labels) == (kind, labels)


def test_names_by_folders_are_told_unless_they_were_asked_for() -> None:
    model = flat(layers.Dense(2, activation="softmax", name="head"))
    found = settled(model, FILES, truth="folders")
    assert (found.named_by_folders, found.truths["head"].classes["red/2.png"]) == (("head",), (1,))
    assert settled(model, FILES, truth="folders", labels="folders").named_by_folders == ()


@keras.saving.register_keras_serializable("reportgen-tests")
class OfAll(layers.Layer):
    """What a network gives for all images together: their mean over some axes, or their answers turned over."""

    def __init__(self, axes: list[int] | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self.axes = axes

    def call(self, maps: Any) -> Any:
        return keras.ops.mean(maps, axis=self.axes)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"axes": self.axes}


class WithLoss(keras.Model):
    """Classes, and what it costs to tell them: a dictionary, as networks of one's own give it."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = layers.Conv2D(4, 3, name="conv"), layers.Dense(3, activation="softmax", name="head")

    def call(self, images: Any) -> Any:
        maps = self.body(images)
        answers = self.head(keras.ops.mean(maps, axis=(1, 2)))
        return {"classes": answers, "cost": keras.ops.mean(keras.ops.square(maps))}


def with_something_of_all(kind: str) -> keras.Model:
    if kind == "subclassed":
        model = WithLoss()
        model(np.zeros((1, 8, 8, 3), np.float32))
        return model
    body = trunk()
    head = layers.Dense(3, activation="softmax", name="classes")(layers.Flatten()(body.outputs[0]))
    beside = {
        "number": OfAll(name="cost")(body.outputs[0]),
        "channels": OfAll([0, 1, 2], name="cost")(body.outputs[0]),
        "turned": layers.Identity(name="cost")(keras.ops.transpose(head)),
    }
    return keras.Model(body.inputs, [beside[kind], head])


@pytest.mark.parametrize("kind", ["number", "channels", "turned", "subclassed"])
def test_an_output_that_answers_to_no_image_is_left_out_and_told(kind: str) -> None:
    found = settled(with_something_of_all(kind))
    assert kinds(found) == [("classes", "classes")]
    assert found.left_out == {"cost": "one answer for all images together"}


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_it_is_left_out_of_a_network_from_a_file_too(tmp_path: Path, ending: str) -> None:
    with_something_of_all("number").save(tmp_path / f"model{ending}")
    found = settled(tmp_path / f"model{ending}")
    assert (kinds(found), list(found.left_out)) == ([("classes", "classes")], ["cost"])


@pytest.mark.parametrize("beside", [False, True])
def test_a_network_made_for_one_image_at_a_time_keeps_its_output(tmp_path: Path, beside: bool) -> None:
    image = keras.Input(batch_shape=(1, 8, 8, 3))
    maps = layers.Conv2D(4, 3, name="conv")(image)
    means = keras.ops.reshape(layers.GlobalAveragePooling2D()(maps), (1, 4))
    head = layers.Dense(3, activation="softmax", name="classes")(means)
    keras.Model(image, [head, OfAll(name="cost")(maps)] if beside else head).save(tmp_path / "model.keras")
    network = load_network(Config(model=str(tmp_path / "model.keras"), preprocess="unit"))
    found = settle(network, np.zeros((1, 8, 8, 3), np.uint8))
    assert (kinds(found), list(found.left_out)) == ([("classes", "classes")], ["cost"] if beside else [])


def ordered(*, beside: Any) -> keras.Model:
    """Classes behind something that is no tensor, and a value, in an order that is not that of their names."""

    class Ordered(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head, self.size = (
                layers.Conv2D(4, 3),
                layers.Dense(3, activation="softmax"),
                layers.Dense(1),
            )

        def call(self, images: Any) -> Any:
            means = keras.ops.mean(self.body(images), axis=(1, 2))
            return OrderedDict(beside=beside, told=self.head(means), size=self.size(means))

    model = Ordered()
    model(np.zeros((1, 8, 8, 3), np.float32))
    return model


@pytest.mark.parametrize("beside", [None, 0.5, True, "version 2", ()])
def test_what_is_no_tensor_is_no_output_and_moves_none(beside: Any) -> None:
    model = ordered(beside=beside)
    network = load_network(Config(preprocess="unit"), model)
    pixels = random_images(3, 8, 8)
    found = settle(network, pixels)
    assert (kinds(found), dict(found.left_out)) == ([("told", "classes"), ("size", "values")], {})
    expected = model(pixels.astype(np.float32) / 255)
    captured = WholeRun(network)(pixels)
    answered = answer_images(TracedCall(network, []), pixels)
    for output in found.outputs:
        for answer in (captured.answer[output.index], answered[output.index]):
            np.testing.assert_allclose(answer, expected[output.name], atol=1e-6)
    assert check_capture(network, pixels).difference < 1e-6


def test_a_network_without_a_tensor_is_refused_in_a_line() -> None:
    class Silent(keras.Model):
        def call(self, images: Any) -> Any:
            keras.ops.mean(images)
            return {"nothing": None}

    model = Silent()
    model(np.zeros((1, 8, 8, 3), np.float32))
    with pytest.raises(ReportgenError, match=r"an answer for each image.*it gives no tensor"):
        settled(model)


class Spectrum(layers.Layer):
    """Complex numbers."""

    def call(self, maps: Any) -> Any:
        return tf.signal.fft2d(tf.cast(maps[..., 0], tf.complex64))


@pytest.mark.parametrize("kind", ["words", "complex numbers"])
def test_an_output_without_real_numbers_is_left_out_and_told(kind: str) -> None:
    body = trunk()
    told = layers.Dense(3, activation="softmax", name="told")(layers.Flatten()(body.outputs[0]))
    lookup = layers.StringLookup(vocabulary=["cat", "dog", "emu"], num_oov_indices=0, invert=True, name="odd")
    odd = lookup(keras.ops.argmax(told, -1)) if kind == "words" else Spectrum(name="odd")(body.outputs[0])
    model = keras.Model(body.inputs, [odd, told])
    found = settled(model)
    assert (kinds(found), dict(found.left_out)) == ([("told", "classes")], {"odd": "no real numbers"})
    network, pixels = load_network(Config(preprocess="unit"), model), random_images(3, 8, 8)
    assert check_capture(network, pixels).difference < 1e-6
    answered = answer_images(TracedCall(network, []), pixels)[found.outputs[0].index]
    np.testing.assert_allclose(answered, model([pixels.astype(np.float32) / 255])[1], atol=1e-6)


@pytest.mark.parametrize("option", ["answer", "labels", "truth"])
def test_an_option_for_an_output_that_is_left_out_is_told_so(option: str) -> None:
    value = {"answer": "values", "labels": "folders", "truth": "folders"}[option]
    with pytest.raises(UsageError, match=rf"--{option} cost=.*is left out; there is classes"):
        settled(with_something_of_all("number"), FILES, **{option: f"cost={value}"})


def test_a_network_that_answers_to_no_image_is_refused_in_a_line() -> None:
    body = trunk()
    with pytest.raises(ReportgenError, match=r"an answer for each image.*cost \(\): one answer for all"):
        settled(keras.Model(body.inputs, OfAll(name="cost")(body.outputs[0])))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"answer": "mouth=classes"}, "it has head"),
        ({"answer": "map"}, "height, width, classes"),
        ({"answer": "head=points"}, "even number of values"),
        ({"truth": {"mouth": "folders"}}, "it has head"),
        ({"answer": "head=colours"}, "NAME=KIND"),
        ({"answer": "classes:unit"}, "NAME=KIND"),
        ({"answer": ["head=values", "head=classes"]}, "NAME=KIND"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(options: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        settled(flat(layers.Dense(5, name="head")), FILES, **options)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize(
    ("units", "activation", "kind"),
    [(5, "softmax", "classes"), (4, "sigmoid", "multilabel"), (1, "sigmoid", "classes"), (3, "relu", "values")],
)
def test_what_stands_at_one_position_for_good_is_a_row_of_numbers(
    tmp_path: Path, units: int, activation: str, kind: str, ending: str
) -> None:
    last = layers.Conv2D(units, 1, activation=activation, name="head")
    model = trunk(layers.GlobalAveragePooling2D(keepdims=True), last)
    model.save(tmp_path / f"model{ending}")
    found = settled(tmp_path / f"model{ending}")
    (output,) = found.outputs
    assert (output.kind, output.size, output.shape) == (kind, (units,), (None, 1, 1, units))
    network, pixels = load_network(Config(preprocess="unit"), model), random_images(3, 8, 8)
    (expected,) = [model(pixels.astype(np.float32) / 255)]
    given = WholeRun(network)(pixels).answer[output.index]
    np.testing.assert_allclose(answer_of(given, output), np.reshape(expected, (3, units)), atol=1e-6)


@pytest.mark.parametrize("sides", [(1,), (1, 1, 1)])
@pytest.mark.parametrize(
    ("units", "activation", "kind"), [(5, "softmax", "classes"), (4, "sigmoid", "multilabel"), (3, "relu", "values")]
)
def test_one_position_in_any_number_of_dimensions_is_a_row_of_numbers(
    sides: tuple[int, ...], units: int, activation: str, kind: str
) -> None:
    model = flat(layers.Dense(units, activation=activation), layers.Reshape((*sides, units), name="head"))
    (output,) = settled(model).outputs
    assert (output.kind, output.size, output.shape) == (kind, (units,), (None, *sides, units))
    network, pixels = load_network(Config(preprocess="unit"), model), random_images(3, 8, 8)
    given = WholeRun(network)(pixels).answer[output.index]
    expected = np.reshape(model(pixels.astype(np.float32) / 255), (3, units))
    np.testing.assert_allclose(answer_of(given, output), expected, atol=1e-6)


def test_values_keep_their_names_where_a_table_has_them_in_another_order(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text(f"file,head 1,head 0\n{FILES[0]},10,20\n", encoding="utf-8")
    found = settled(flat(layers.Dense(2, name="head")), FILES, truth=str(tmp_path / "truth.csv"))
    assert found.outputs[0].labels == ("head 0", "head 1")
    assert found.truths["head"].values == {FILES[0]: (20.0, 10.0)}


def test_several_positions_in_a_row_are_no_row_of_numbers() -> None:
    (output,) = settled(flat(layers.Dense(6, activation="softmax"), layers.Reshape((2, 3)))).outputs
    assert (output.kind, output.size) == ("other", (2, 3))


def test_one_position_of_open_sides_stays_a_map() -> None:
    image = keras.Input((None, None, 3))
    maps = layers.Conv2D(4, 8, activation="relu")(image)
    model = keras.Model(image, layers.Conv2D(5, 1, activation="softmax", name="head")(maps))
    (output,) = settled(model, size=(8, 8)).outputs
    assert (output.kind, output.size) == ("map", (1, 1, 5))
