"""Why an image was taken for what it is not: both classes, the nearest images, the channels; and the pages of maps."""

from __future__ import annotations

import functools
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray
from PIL import Image

import reportgen
from reportgen.finished.verification import verify_report
from reportgen.record import Record

SIDE, SQUARE, EACH = 24, 10, 6
NAMES = ("red", "green", "blue")


def _images() -> NDArray[np.uint8]:
    """A square somewhere, of one colour by class, on noise; of each class EACH images."""
    random = np.random.default_rng(0)
    images = random.integers(0, 90, (3 * EACH, SIDE, SIDE, 3)).astype(np.uint8)
    for place, image in enumerate(images):
        top, left = random.integers(0, SIDE - SQUARE, 2)
        image[top : top + SQUARE, left : left + SQUARE, place // EACH] += 150
    return images


@functools.cache
def _trained(head: str) -> keras.Model:
    keras.utils.set_random_seed(1)
    pooled = layers.GlobalAveragePooling2D() if head == "pooled" else layers.Flatten()
    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(6, 5, strides=2, padding="same", activation="relu", name="conv"),
            layers.Conv2D(6, 5, strides=2, padding="same", activation="relu", name="last"),
            pooled,
            layers.Dense(3, name="scores"),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), loss)
    classes = np.repeat([0, 1, 2], EACH)
    model.fit(_images(), classes, epochs=40, verbose=0)
    assert (model.predict(_images(), verbose=0).argmax(axis=1) == classes).all()
    return model


@functools.cache
def _built(folder: Path, head: str) -> tuple[Record, Path]:
    """A report whose first image is called by a wrong class."""
    (folder / "photos").mkdir(parents=True)
    lines = ["file,label"]
    for place, image in enumerate(_images()):
        Image.fromarray(image).save(folder / "photos" / f"{place:02}.png")
        lines.append(f"{place:02}.png,{NAMES[2 if place == 0 else place // EACH]}")
    (folder / "truth.csv").write_text("\n".join(lines))
    (folder / "labels.txt").write_text("\n".join(NAMES))
    report = reportgen.build(
        _trained(head),
        folder / "photos",
        folder / "report",
        preprocess="none",
        no_cache=True,
        activation_max="off",
        sections="overview,units,attribution,images-quality",
        truth=str(folder / "truth.csv"),
        labels=folder / "labels.txt",
        answer={"": "classes"},
        attribution_parameters={"checked_images": 1, "costly_images": 1, "points": 10, "most_points": 20},
    )
    assert verify_report(report.path) == []
    return report.data, folder / "report"


@pytest.fixture(scope="module", params=["pooled", "flat"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Record, Path]:
    return request.param, *_built(tmp_path_factory.mktemp("mistakes"), request.param)


def _evidence(head: str, index: int) -> NDArray[np.float32]:
    """Gradient times activation of the last maps for a class on the first image, by a plain tape."""
    model = _trained(head)
    with tf.GradientTape() as tape:
        maps = tf.constant(_images()[:1], tf.float32)
        for layer in model.layers[:3]:
            maps = layer(maps)
        tape.watch(maps)
        score = model.layers[4](model.layers[3](maps))[0, index]
    return (tape.gradient(score, maps) * maps).numpy()[0]


def test_a_mistake_has_its_contrast_as_a_plain_tape_finds_it(built: tuple[str, Record, Path]) -> None:
    head, record, folder = built
    assert record.attribution is not None
    (contrast,) = record.attribution.contrasts
    assert (contrast.image, contrast.answer.subject, contrast.right.subject) == ("00.png", "red", "blue")
    plain = _evidence(head, 0) - _evidence(head, 2)
    np.testing.assert_allclose(np.load(folder / contrast.array), plain.sum(axis=2), atol=1e-4)
    channels = plain.sum(axis=(0, 1))
    assert [one.channel for one in contrast.channels if one.evidence > 0] == [
        channel for channel in np.argsort(-channels).tolist() if channels[channel] > 0
    ][:5]
    for one in contrast.channels:
        assert one.evidence == pytest.approx(float(channels[one.channel]), abs=1e-4)
    if head == "pooled":  # there the evidence adds up to the difference of the scores but for the biases
        scores, bias = _trained(head)(_images()[:1]).numpy()[0], np.asarray(_trained(head).layers[4].bias)
        assert channels.sum() == pytest.approx(scores[0] - scores[2] - bias[0] + bias[2], abs=1e-3)


def test_the_nearest_images_are_of_the_two_classes_and_not_the_image_itself(built: tuple[str, Record, Path]) -> None:
    _, record, _ = built
    assert record.attribution is not None
    (contrast,) = record.attribution.contrasts
    truths = {image.file: image.truth for image in record.images}
    for side in (contrast.answer, contrast.right):
        assert side.nearest is not None
        assert truths[side.nearest] == side.subject
        assert side.nearest != contrast.image


def test_the_page_of_a_mistake_has_both_classes_side_by_side(built: tuple[str, Record, Path]) -> None:
    _, record, folder = built
    page = (folder / record.images[0].page).read_text()
    assert record.attribution is not None
    (contrast,) = record.attribution.contrasts
    assert "Taken for" in page
    assert page.count("that is most like this one") == 2
    assert f">{contrast.answer.nearest}</a>" in page
    assert "Channels that spoke for" in page
    assert page.index('class="contrast"') < page.index('class="whys"')
    assert "Taken for" not in (folder / record.images[1].page).read_text()


def test_all_maps_stand_by_method_and_by_class(built: tuple[str, Record, Path]) -> None:
    head, record, folder = built
    methods = [one.method for one in record.attribution.methods] if record.attribution else []
    assert ("layer-cam" in methods) == (head == "flat" and _mostly_empty(record))
    first = (folder / "attribution.html").read_text()
    assert all(f">{image.file}</a>" in first for image in record.images)
    assert (folder / "attribution-integrated-gradients.html").exists()
    classes = (folder / "attribution-classes.html").read_text()
    assert classes.index('id="class-0"') < classes.index('id="class-1"') < classes.index('id="class-2"')
    blue = classes[classes.index('id="class-2"') :]
    assert "Missed" in blue
    assert "taken for red" in blue
    assert "attribution-classes.html" in first


def _mostly_empty(record: Record) -> bool:
    cams = [one for image in record.images for one in image.attributions if one.method == "grad-cam"]
    return sum(not one.positive_evidence for one in cams) > len(cams) / 2


def test_a_channel_tells_what_it_fires_on_beside_what_it_serves(built: tuple[str, Record, Path]) -> None:
    _, record, folder = built
    pages = [(folder / unit.page).read_text() for unit in record.units if unit.layer == "last"]
    assert pages
    for page in pages:
        assert page.index("Fires on</h3>") < page.index("Is used for</h3>")
    assert any("attribution-classes.html#class-" in page for page in pages)
