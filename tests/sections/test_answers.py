"""Whole reports on networks of every kind of answer, trained for seconds and saved: numbers as plain Keras has them."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

import reportgen
from reportgen.images import Fitting, collect_images, load_image

pytestmark = pytest.mark.usefixtures("sound_files")

SIDE, COUNT = 16, 10
NAMES = ("background", "roof", "road", "water")


def blobs(count: int = COUNT) -> tuple[np.ndarray, np.ndarray]:
    """Pictures `(count, SIDE, SIDE, 3)` with a square of one of three colours, and the class of each pixel."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 40, (count, SIDE, SIDE, 3))
    classes = np.zeros((count, SIDE, SIDE), int)
    for index in range(count):
        top, left = random.integers(1, 7, 2)
        pixels[index, top : top + 8, left : left + 8, index % 3] += 180
        classes[index, top : top + 8, left : left + 8] = 1 + index % 3
    return pixels.astype(np.uint8), classes


PIXELS, CLASSES = blobs()
FILES = [f"{('blue', 'red')[index % 2]}/{index:02d}.png" for index in range(COUNT)]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for name, pixels in zip(FILES, PIXELS, strict=True):
        (folder / name).parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder / name)
    return folder


def body(*last: Any) -> list[Any]:
    return [
        keras.Input((SIDE, SIDE, 3)), layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, padding="same", activation="relu"), *last,
    ]  # fmt: skip


def trained(model: keras.Model, target: Any, loss: Any, epochs: int = 3) -> keras.Model:
    model.compile(keras.optimizers.Adam(0.02), loss)
    model.fit(PIXELS, target, epochs=epochs, batch_size=5, verbose=0)
    return model


@functools.cache
def unet() -> keras.Model:
    image = keras.Input((SIDE, SIDE, 3))
    fine = layers.Conv2D(8, 3, padding="same", activation="relu")(layers.Rescaling(1 / 255)(image))
    coarse = layers.Conv2D(8, 3, padding="same", activation="relu")(layers.MaxPooling2D()(fine))
    joined = layers.concatenate([layers.UpSampling2D()(coarse), fine])
    model = keras.Model(image, layers.Conv2D(4, 1, activation="softmax", name="mask")(joined))
    return trained(model, CLASSES, "sparse_categorical_crossentropy")


def autoencoder() -> keras.Model:
    last = layers.Conv2D(3, 3, padding="same", activation="sigmoid", name="again")
    return trained(keras.Sequential(body(last)), PIXELS / 255, "mse")


def flat(*last: Any) -> keras.Model:
    return keras.Sequential(body(layers.GlobalAveragePooling2D(), *last))


@functools.cache
def age() -> keras.Model:
    return trained(flat(layers.Dense(1, name="age")), PIXELS[:, :, :, 0].mean((1, 2)), "mae")


@functools.cache
def keypoints() -> keras.Model:
    return trained(flat(layers.Dense(6, name="joints")), np.tile([4.0, 5, 6, 7, 8, 9], (COUNT, 1)), "mse")


def labels() -> keras.Model:
    target = np.stack([CLASSES.max((1, 2)) == index for index in (1, 2, 3)], axis=1)
    return trained(flat(layers.Dense(3, activation="sigmoid", name="seen")), target, "binary_crossentropy")


def encoder() -> keras.Model:
    return flat(layers.Dense(5), layers.UnitNormalization(name="place"))


def three_heads() -> keras.Model:
    image = keras.Input((SIDE, SIDE, 3))
    shared = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3, activation="relu")(layers.Rescaling(1 / 255)(image)))
    heads = {
        "kind": layers.Dense(3, activation="softmax")(shared),
        "box": layers.Dense(4)(shared),
        "age": layers.Dense(1)(shared),
    }
    return keras.Model(image, heads)


def build(model: keras.Model, photos: Path, folder: Path, suffix: str = ".keras", **options: Any) -> dict[str, Any]:
    """The record of a report on a model that was saved and loaded."""
    model.save(folder / f"net{suffix}")
    quick = {"sections": "overview,predictions", "activation_max": "off", "no_cache": True, "preprocess": "none"}
    reportgen.build(folder / f"net{suffix}", photos, folder / "out", **(quick | options))
    return json.loads((folder / "out" / "report.json").read_text(encoding="utf-8"))


def answers(record: dict[str, Any], output: str) -> list[dict[str, Any]]:
    return [one for image in record["images"] for one in image["answers"] if one["output"] == output]


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(found, np.float64), expected, rtol=1e-5, atol=1e-6)


def rules(record: dict[str, Any]) -> set[str]:
    return {finding["rule"] for finding in record["findings"]}


# Images stand in the order of their files, which is not that of `PIXELS`.
ORDER = [FILES.index(name) for name in sorted(FILES)]
FED = PIXELS[ORDER].astype(np.float32)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_map_of_classes(photos: Path, tmp_path: Path, suffix: str) -> None:
    model = unet()
    record = build(model, photos, tmp_path, suffix, labels=list(NAMES))
    given = model.predict(FED, verbose=0)
    found = answers(record, "mask")
    for one, chances in zip(found, given, strict=True):
        indices = chances.argmax(-1)
        assert np.array_equal(np.asarray(Image.open(tmp_path / "out" / one["mask"])), indices)
        assert [part["share"] for part in one["classes"]] == [float((indices == index).mean()) for index in range(4)]
        assert [part["label"] for part in one["classes"]] == list(NAMES)
        close(one["mean_confidence"], chances.max(-1).mean())
    assert record["images"][0]["predictions"] == []
    assert record["model"]["outputs"][0]["kind"] == "map"


def test_a_mask_of_one_class_keeps_its_probability(photos: Path, tmp_path: Path) -> None:
    model = keras.Sequential(body(layers.Conv2D(1, 3, padding="same", activation="sigmoid", name="edge")))
    record = build(trained(model, CLASSES[..., None] > 0, "binary_crossentropy"), photos, tmp_path)
    for one, chances in zip(answers(record, "edge"), model.predict(FED, verbose=0), strict=True):
        mask = np.asarray(Image.open(tmp_path / "out" / one["mask"]), np.float64)
        assert np.abs(mask / 255 - chances[..., 0]).max() <= 0.51 / 255
        assert one["classes"][0]["share"] == float((chances > 0.5).mean())


def test_a_picture_and_its_error(photos: Path, tmp_path: Path) -> None:
    model = autoencoder()
    record = build(model, photos, tmp_path, truth="input")
    for one, picture, pixels in zip(answers(record, "again"), model.predict(FED, verbose=0), FED, strict=True):
        away = picture.astype(np.float64) * 255 - pixels
        close(one["error"]["mae"], np.abs(away).mean())
        close(one["error"]["psnr"], 10 * np.log10(255**2 / np.square(away).mean()))
        shown = np.asarray(Image.open(tmp_path / "out" / one["picture"]), np.float64)
        assert np.abs(shown - picture * 255).max() <= 0.51


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_values_and_where_they_stand(photos: Path, tmp_path: Path, suffix: str) -> None:
    model = age()
    (tmp_path / "ages.csv").write_text("file,years\n" + "".join(f"{name},{30 + i}\n" for i, name in enumerate(FILES)))
    record = build(model, photos, tmp_path, suffix, truth=tmp_path / "ages.csv")
    given = model.predict(FED, verbose=0)[:, 0]
    found = answers(record, "age")
    close([one["values"][0]["value"] for one in found], given)
    close([one["values"][0]["place"] for one in found], [(given < value).mean() for value in given])
    (spread,) = record["model"]["outputs"][0]["spread"]
    close(
        [spread[name] for name in ("min", "max", "mean", "std")], [given.min(), given.max(), given.mean(), given.std()]
    )
    assert spread["name"] == "years"
    assert (spread["lowest"][0], spread["highest"][0]) == (sorted(FILES)[given.argmin()], sorted(FILES)[given.argmax()])
    assert (record["evaluation"]["accuracy"], record["images"][0]["predictions"]) == (None, [])
    years = np.array([30 + FILES.index(image["file"]) for image in record["images"]])
    (figures,) = record["evaluation"]["outputs"][0]["values"]
    told = np.array([one["values"][0]["value"] for one in found])
    close([figures["mae"], figures["bias"]], [np.abs(told - years).mean(), (told - years).mean()])
    assert "unmatched-truth" not in rules(record)


@pytest.mark.parametrize(
    ("choice", "read"),
    [
        ("points:xyxy", lambda row: np.stack([row[1::2], row[0::2]], 1)),
        ("points:xxyy:pixels", lambda row: np.stack([row[3:], row[:3]], 1)),
        ("joints=points:xxyy:unit", lambda row: SIDE * np.stack([row[3:], row[:3]], 1)),
    ],
)
def test_points_lie_on_the_photograph(tmp_path: Path, choice: str, read: Callable[..., Any]) -> None:
    model = keypoints()
    large = tmp_path / "large"
    large.mkdir()
    Image.fromarray(PIXELS[0]).resize((64, 32)).save(large / "a.png")
    record = build(model, large, tmp_path, answer=choice, resize="pad")
    (one,) = answers(record, "joints")
    placement = Fitting((SIDE, SIDE), "pad", "bilinear").place(32, 64)

    images = collect_images([large])
    fitted = Fitting((SIDE, SIDE), "pad", "bilinear").apply(load_image(images.images[0]))[0]
    inside = read(model.predict(fitted[None].astype(np.float32), verbose=0)[0])
    expected = (inside - [placement.top, placement.left]) / [placement.scale_y, placement.scale_x]
    close(one["points"], expected)
    assert one["boxes"] == []


@pytest.mark.parametrize(
    ("order", "places"), [("yxyx", (0, 1, 2, 3)), ("xyxy", (1, 0, 3, 2)), ("xywh", (1, 0, None, None))]
)
def test_boxes(photos: Path, tmp_path: Path, order: str, places: Any) -> None:
    model = flat(layers.Dense(4, name="where"))
    record = build(model, photos, tmp_path, answer={"where": f"boxes:{order}"})
    given = model.predict(FED, verbose=0)
    for one, row in zip(answers(record, "where"), given, strict=True):
        if order == "xywh":
            close(one["boxes"], [[row[1], row[0], row[1] + row[3], row[0] + row[2]]])
        else:
            close(one["boxes"], [[row[place] for place in places]])


def test_labels_that_hold_together(photos: Path, tmp_path: Path) -> None:
    model = labels()
    record = build(model, photos, tmp_path, labels=list(NAMES[1:]))
    for image, row in zip(record["images"], model.predict(FED, verbose=0), strict=True):
        (one,) = image["answers"]
        order = np.argsort(-row, kind="stable")
        assert [part["index"] for part in one["predictions"]] == order.tolist()
        close([part["score"] for part in one["predictions"]], row[order])
        assert image["predictions"] == one["predictions"]
        assert one["kind"] == "multilabel"


def test_the_nearest_images_of_an_embedding(photos: Path, tmp_path: Path) -> None:
    model = encoder()
    record = build(model, photos, tmp_path)
    vectors = model.predict(FED, verbose=0).astype(np.float64)
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    for one, row in zip(answers(record, "place"), cosines, strict=True):
        close([near["cosine"] for near in one["nearest"]], np.sort(row)[::-1][:5])
        assert one["nearest"][0]["image"] == sorted(FILES)[row.argmax()]


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_every_output_by_its_name(photos: Path, tmp_path: Path, suffix: str) -> None:
    model = three_heads()
    record = build(model, photos, tmp_path, suffix)
    given = model.predict(FED, verbose=0)
    assert {one["name"]: one["kind"] for one in record["model"]["outputs"]} == {
        "age": "values", "box": "values", "kind": "classes"
    }  # fmt: skip
    close([[value["value"] for value in one["values"]] for one in answers(record, "box")], given["box"])
    close([[value["value"] for value in one["values"]] for one in answers(record, "age")], given["age"])
    best = [image["predictions"][0]["index"] for image in record["images"]]
    assert best == given["kind"].argmax(1).tolist()


def pets() -> tuple[np.ndarray, np.ndarray]:
    """Pictures that are blue (class 0) or red (class 1), as far as they are lighter there."""
    random = np.random.default_rng(3)
    truth = np.arange(COUNT) % 2
    pixels = random.integers(40, 160, (COUNT, SIDE, SIDE, 3))
    pixels[np.arange(COUNT), :, :, np.where(truth, 0, 2)] += 60
    return pixels.astype(np.uint8), truth


@functools.cache
def dog(last: str | None) -> keras.Model:
    pixels, truth = pets()
    first = [keras.Input((SIDE, SIDE, 3)), layers.Conv2D(4, 3, activation="relu"), layers.GlobalAveragePooling2D()]
    model = keras.Sequential([*first, layers.Dense(1, activation=last, name="dog")])
    model.compile(keras.optimizers.Adam(0.02), keras.losses.BinaryCrossentropy(from_logits=last is None))
    model.fit(pixels / 255, truth, epochs=12, batch_size=5, verbose=0)
    return model


@pytest.mark.parametrize(
    ("last", "compiled", "options"),
    [
        (None, False, {"labels": ["blue", "red"], "truth": "folders"}),
        (None, False, {"truth": "folders"}),
        (None, True, {"truth": "folders"}),
        ("sigmoid", False, {"truth": "folders"}),
    ],
)
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_one_number_between_two_classes(
    tmp_path: Path, last: str | None, compiled: bool, options: dict[str, Any], suffix: str
) -> None:
    pixels, truth = pets()
    folder = tmp_path / "pets"
    for index, name in enumerate(FILES):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[index]).save(folder / name)
    model = dog(last)
    if not compiled:
        model = keras.Model(model.inputs, model.outputs)
    record = build(model, folder, tmp_path, suffix, preprocess="unit", **options)
    given = model.predict(pixels[ORDER] / 255, verbose=0)[:, 0]
    said = given > (0.5 if last else 0)
    assert [image["predictions"][0]["index"] for image in record["images"]] == said.astype(int).tolist()
    assert record["evaluation"]["accuracy"] == float((said == truth[ORDER].astype(bool)).mean())
    assert {part["label"] for part in record["images"][0]["predictions"]} == {"blue", "red"}
    chance = given if last else 1 / (1 + np.exp(-given.astype(np.float64)))
    second = [next(part for part in image["predictions"] if part["index"] == 1)["score"] for image in record["images"]]
    close(second, chance)


def test_truth_that_matches_nothing_is_a_warning_and_no_figure(photos: Path, tmp_path: Path) -> None:
    model = flat(layers.Dense(3, activation="softmax", name="kind"))
    record = build(model, photos, tmp_path, truth="folders")
    assert record["evaluation"] is None
    (finding,) = [one for one in record["findings"] if one["rule"] == "unmatched-truth"]
    assert finding["severity"] == "warning"
    assert "blue and red" in finding["measured"]


def test_maps_are_drawn_for_images_with_a_page_and_values_told_of_all(photos: Path, tmp_path: Path) -> None:
    record = build(three_heads(), photos, tmp_path, image_pages=2)
    assert all(len(image["answers"]) == 3 for image in record["images"])
    again = tmp_path / "masks"
    again.mkdir()
    masks = build(unet(), photos, again, image_pages=2)
    assert [bool(image["answers"]) for image in masks["images"]].count(True) == 2
