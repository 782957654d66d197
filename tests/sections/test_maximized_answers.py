"""Images made for every kind of answer, in whole reports on trained networks: numbers as plain Keras has them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from PIL import Image

import reportgen
from reportgen import record

pytestmark = pytest.mark.usefixtures("sound_files")

SIDE, COUNT = 16, 10
RANDOM = np.random.default_rng(0)
NAMES = ("background", "roof", "road", "water")


def blobs() -> tuple[np.ndarray, np.ndarray]:
    """Pictures with a square of one of three colours, and the class of each pixel."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 40, (COUNT, SIDE, SIDE, 3))
    classes = np.zeros((COUNT, SIDE, SIDE), int)
    for index in range(COUNT):
        top, left = random.integers(1, 7, 2)
        pixels[index, top : top + 8, left : left + 8, index % 3] += 180
        classes[index, top : top + 8, left : left + 8] = 1 + index % 3
    return pixels.astype(np.uint8), classes


PIXELS, CLASSES = blobs()
COLOURS = CLASSES.max((1, 2)) - 1


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for index, pixels in enumerate(PIXELS):
        (folder / ["red", "green", "blue"][COLOURS[index]]).mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder / ["red", "green", "blue"][COLOURS[index]] / f"{index:02d}.png")
    return folder


def body(image: Any) -> Any:
    maps = layers.Rescaling(1 / 255)(image)
    return layers.Conv2D(8, 3, padding="same", activation="relu", name="maps")(maps)


def trained(outputs: Callable[[Any], Any], target: Any, loss: Any) -> keras.Model:
    keras.utils.set_random_seed(0)
    image = keras.Input((SIDE, SIDE, 3))
    model = keras.Model(image, outputs(body(image)))
    model.compile(keras.optimizers.Adam(0.03), loss)
    model.fit(PIXELS, target, epochs=12, batch_size=5, verbose=0)
    return model


def pooled(maps: Any) -> Any:
    return layers.Flatten()(layers.MaxPooling2D(4)(maps))


def segmentation() -> keras.Model:
    last = layers.Conv2D(4, 1, activation="softmax", name="mask")
    return trained(last, CLASSES, "sparse_categorical_crossentropy")


def age() -> keras.Model:
    years = PIXELS[..., 0].mean((1, 2)) / 4
    return trained(lambda maps: layers.Dense(1, name="age")(pooled(maps)), years, "mae")


def labels() -> keras.Model:
    held = np.stack([COLOURS == 0, COLOURS != 1, COLOURS == 2], axis=1).astype(float)
    last = layers.Dense(3, activation="sigmoid", name="colours")
    return trained(lambda maps: last(pooled(maps)), held, "binary_crossentropy")


def single() -> keras.Model:
    last = layers.Dense(1, activation="sigmoid", name="is_red")
    return trained(lambda maps: last(pooled(maps)), (COLOURS == 0).astype(float), "binary_crossentropy")


@functools.cache
def encoder() -> keras.Model:
    def last(maps: Any) -> Any:
        return layers.UnitNormalization(name="code")(layers.Dense(4)(pooled(maps)))

    return trained(last, np.eye(4)[COLOURS], "mse")


@functools.cache
def heads() -> keras.Model:
    def last(maps: Any) -> Any:
        return {
            "colour": layers.Dense(3, activation="softmax", name="colour_head")(pooled(maps)),
            "size": layers.Dense(2, name="size_head")(pooled(maps)),
            "where": layers.Conv2D(4, 1, name="where_head")(maps),
        }

    target = {"colour": COLOURS, "size": np.full((COUNT, 2), 0.5), "where": CLASSES}
    loss = {
        "colour": "sparse_categorical_crossentropy",
        "size": "mse",
        "where": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    }
    return trained(last, target, loss)


def report_of(model: keras.Model, photos: Path, folder: Path, suffix: str = "keras", **options: Any) -> record.Record:
    model.save(folder / f"net.{suffix}")
    report = reportgen.build(
        str(folder / f"net.{suffix}"), [str(photos)], str(folder / "report"), activation_max="crisp", steps=128,
        sections="activation-maximization", layers=["maps"], channels="first:1", use_cache=False, **options,
    )  # fmt: skip
    return report.data


def made_for_answers(data: record.Record) -> list[record.Maximization]:
    return [one for one in data.maximizations if one.output is not None]


def picture_of(one: record.Maximization, folder: Path) -> np.ndarray:
    left, top, width, height = one.tile
    with Image.open(folder / "report" / one.picture) as whole:
        return np.asarray(whole.convert("RGB"))[top : top + height, left : left + width]


def number_of(
    one: record.Maximization, kind: str, answer: tf.Tensor, references: np.ndarray | None = None
) -> tf.Tensor:
    """What a picture was to raise, computed the plain way from the network's own answer to it, `(batch,)`."""
    if kind == "map":
        return tf.reduce_mean(answer[..., one.channel], axis=(1, 2))
    if kind == "embedding":
        return tf.linalg.matmul(answer, references[one.channel][:, None])[:, 0]
    return answer[:, one.channel]


def logits_of(model: keras.Model) -> keras.Model:
    """The same network without its last nonlinearities."""
    plain = keras.models.clone_model(model)
    plain.set_weights(model.get_weights())
    for layer in plain.layers:
        if getattr(layer, "activation", None) in (keras.activations.softmax, keras.activations.sigmoid):
            layer.activation = keras.activations.linear
    return plain


def assert_rises(one: record.Maximization, folder: Path, number: Callable[[tf.Tensor], tf.Tensor]) -> None:
    """The recorded number is that of the picture, further than noise and photographs, and a gradient led there."""
    shown = tf.constant(picture_of(one, folder)[None], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(shown)
        own = number(shown)
    assert float(own[0]) == pytest.approx(one.activation, rel=1e-4, abs=1e-4)
    assert float(tf.reduce_max(tf.abs(tape.gradient(own, shown)))) > 0
    sign = -1 if one.objective == "value down" else 1
    noise = np.random.default_rng(1).normal(127, 10, (8, SIDE, SIDE, 3)).clip(0, 255)
    assert sign * one.activation > (sign * number(tf.constant(noise, tf.float32)).numpy()).max()
    photographs = sign * number(tf.constant(PIXELS, tf.float32)).numpy()
    if one.objective != "nearest":
        assert sign * one.dataset_max == pytest.approx(photographs.max(), rel=1e-4, abs=1e-4)
    if one.status == "ok":
        assert sign * one.activation >= photographs.max() - 1e-4 * abs(photographs.max())


def test_classes_of_a_map(photos: Path, tmp_path: Path) -> None:
    model = segmentation()
    names = tmp_path / "names.txt"
    names.write_text("\n".join(NAMES))
    made = made_for_answers(report_of(model, photos, tmp_path, labels=str(names)))
    assert {(one.objective, one.output, one.layer) for one in made} == {("region", "mask", "mask")}
    # Those that cover something, the widest first.
    assert {one.label for one in made} <= set(NAMES)
    assert len(made) >= 3
    assert made[0].label == "background"
    plain = logits_of(model)
    for one in made:
        assert_rises(one, tmp_path, lambda images, one=one: number_of(one, "map", plain(images)))
    assert sum(one.status == "ok" for one in made) >= 2
    assert made[1].label in (tmp_path / "report" / "activation-maximization.html").read_text()


def test_a_value_up_and_down(photos: Path, tmp_path: Path) -> None:
    model = age()
    made = made_for_answers(report_of(model, photos, tmp_path, suffix="h5"))
    assert [(one.objective, one.label, one.rank) for one in made] == [
        ("value", "age", None),
        ("value down", "age", None),
    ]
    for one in made:
        assert_rises(one, tmp_path, lambda images, one=one: number_of(one, "values", model(images)))
    assert made[0].status == "ok"
    page = (tmp_path / "report" / "activation-maximization.html").read_text()
    assert "raised" in page
    assert "images at least" in page


def test_labels_of_which_several_hold(photos: Path, tmp_path: Path) -> None:
    model = labels()
    made = made_for_answers(report_of(model, photos, tmp_path, labels=["red", "not green", "blue"]))
    assert {one.label for one in made} == {"red", "not green", "blue"}
    plain = logits_of(model)
    for one in made:
        assert_rises(one, tmp_path, lambda images, one=one: number_of(one, "multilabel", plain(images)))
        assert (one.status == "ok") <= (one.activation > 0)


def test_two_classes_on_one_number(photos: Path, tmp_path: Path) -> None:
    model = single()
    data = report_of(model, photos, tmp_path, labels=["other", "red"])
    made = {one.label: one for one in made_for_answers(data)}
    assert set(made) == {"other", "red"}
    plain = logits_of(model)
    for sign, name in ((1, "red"), (-1, "other")):
        assert_rises(made[name], tmp_path, lambda images, sign=sign: sign * plain(images)[:, 0])
        assert made[name].rank == 0


def test_an_embedding_comes_near_the_classes_of_the_images(photos: Path, tmp_path: Path) -> None:
    model = encoder()
    codes = model.predict(PIXELS.astype("float32"), verbose=0)
    made = made_for_answers(report_of(model, photos, tmp_path, truth="folders"))
    assert {one.label for one in made} == {"red", "green", "blue"}
    for one in made:
        own = codes[["red", "green", "blue"].index(one.label) == COLOURS].mean(0)
        reference = own / np.linalg.norm(own)
        assert_rises(one, tmp_path, lambda images, reference=reference: (model(images) @ reference[:, None])[:, 0])
        assert one.dataset_max == pytest.approx((codes @ reference).max(), rel=1e-4)


def test_an_embedding_without_classes_comes_near_images(photos: Path, tmp_path: Path) -> None:
    made = made_for_answers(report_of(encoder(), photos, tmp_path))
    assert {one.objective for one in made} == {"nearest"}
    assert {one.label.rpartition("/")[2] for one in made} <= {f"{index:02d}.png" for index in range(COUNT)}


def test_three_heads_by_name(photos: Path, tmp_path: Path) -> None:
    model = heads()
    names = tmp_path / "colours.txt"
    names.write_text("red\ngreen\nblue")
    data = report_of(
        model, photos, tmp_path, labels={"colour": str(names), "where": ["none", "roof", "road", "water"]},
        truth={"colour": "folders"},
    )  # fmt: skip
    made = made_for_answers(data)
    assert {(one.output, one.layer, one.objective) for one in made} == {
        ("colour", "colour_head", "logit"), ("size", "size_head", "value"), ("size", "size_head", "value down"),
        ("where", "where_head", "region"),
    }  # fmt: skip
    plain = logits_of(model)
    kinds = {"colour": "classes", "size": "values", "where": "map"}
    for one in made:
        kind, network = kinds[one.output], model if one.output == "size" else plain
        assert_rises(
            one,
            tmp_path,
            lambda images, one=one, kind=kind, network=network: number_of(one, kind, network(images)[one.output]),
        )
    page = (tmp_path / "report" / "activation-maximization.html").read_text()
    assert "colour: red" in page
    assert all(f"where: {one.label}" in page for one in made if one.output == "where")


def test_channels_speak_of_outputs_and_classes_by_name(photos: Path, tmp_path: Path) -> None:
    model = heads()
    model.save(tmp_path / "net.keras")
    report = reportgen.build(
        str(tmp_path / "net.keras"), [str(photos)], str(tmp_path / "report"), activation_max="off", layers=["maps"],
        channels="all", sections="units,filters", use_cache=False, truth={"colour": "folders"},
        labels={"colour": ["blue", "green", "red"], "where": list(NAMES)},
    )  # fmt: skip
    unit = next(unit for unit in report.data.units if unit.selectivity)
    assert {one.output for one in unit.selectivity} == {"colour"}
    page = (tmp_path / "report" / unit.page).read_text()
    assert any(f"where: {name}" in page for name in NAMES)
    assert [one.layer for one in report.data.model.outputs] == ["colour_head", "size_head", "where_head"]
