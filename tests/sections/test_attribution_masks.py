"""Evidence outside the object where masks show it, through the whole program: planted, and near misses."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import pytest
from keras import layers
from numpy.typing import NDArray
from PIL import Image

import reportgen
from reportgen.errors import ReportgenError
from reportgen.record import Record

SIDE, SQUARE, COUNT = 32, 10, 16
QUICK: dict[str, Any] = {"sections": "overview,attribution", "no_cache": True, "preprocess": "none"}
Decides = Literal["object", "background"]


def _images(count: int, decides: Decides, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64]]:
    """A square somewhere, its mask, and the class: one of both is red or blue by the class, the other grey."""
    random = np.random.default_rng(seed)
    images = random.integers(90, 130, (count, SIDE, SIDE, 3)).astype(np.uint8)
    masks = np.zeros((count, SIDE, SIDE), np.uint8)
    labels = random.permutation(np.arange(count) % 2)
    for image, mask, label in zip(images, masks, labels, strict=True):
        top, left = random.integers(2, SIDE - SQUARE - 2, 2)
        mask[top : top + SQUARE, left : left + SQUARE] = 1
        image[mask == 1] = random.integers(180, 220)
        coloured = mask == (decides == "object")
        image[coloured] = image[coloured] * np.array([1, 0.5, 0.2] if label else [0.2, 0.5, 1])
    return images, masks, labels


@functools.cache
def _trained(decides: Decides, *, with_map: bool = False) -> keras.Model:
    keras.utils.set_random_seed(0)
    image = keras.Input((SIDE, SIDE, 3), name="image")
    maps = layers.Conv2D(8, 3, padding="same", activation="relu", name="conv")(layers.Rescaling(1 / 255)(image))
    sparse = keras.regularizers.L1(1e-4)  # what an image does not need for its answer stays silent
    last = layers.Conv2D(8, 1, activation="relu", activity_regularizer=sparse, name="last")(
        layers.MaxPooling2D(2)(maps)
    )
    classes = layers.Dense(2, activation="softmax", name="classes")(layers.GlobalAveragePooling2D()(last))
    shape = layers.Conv2D(1, 3, padding="same", activation="sigmoid", name="shape")(maps)
    model = keras.Model(image, {"classes": classes, "shape": shape} if with_map else classes)
    images, masks, labels = _images(96, decides, 0)
    losses = {"classes": "sparse_categorical_crossentropy", "shape": "binary_crossentropy"}
    truth = {"classes": labels, "shape": masks[..., None].astype(np.float32)}
    model.compile(keras.optimizers.Adam(0.01), losses if with_map else losses["classes"])
    model.fit(images, truth if with_map else labels, epochs=25, batch_size=16, verbose=0)
    answers = model.predict(images, verbose=0)
    assert ((answers["classes"] if with_map else answers).argmax(axis=1) == labels).mean() > 0.95
    return model


def _write(folder: Path, pictures: NDArray[np.uint8], *, as_arrays: bool = False) -> Path:
    folder.mkdir()
    for place, picture in enumerate(pictures):
        if as_arrays:
            np.save(folder / f"image-{place:02}.npy", picture)
        else:
            Image.fromarray(picture).save(folder / f"image-{place:02}.png")
    return folder


def _report(model: keras.Model, folder: Path, decides: Decides, masks: NDArray[np.uint8] | None = None) -> Record:
    images, own, _ = _images(COUNT, decides, 1)
    given = _write(folder / "masks", own * 255 if masks is None else masks)
    parameters = {"masks": given, "checked_images": 0, "costly_images": 0}
    return reportgen.build(
        model, _write(folder / "photos", images), folder / "report", **QUICK, attribution_parameters=parameters
    ).data


def _told(record: Record) -> bool:
    return any(finding.rule == "evidence-off-object" for finding in record.findings)


def test_a_background_that_decides_is_found(tmp_path: Path) -> None:
    record = _report(_trained("background"), tmp_path, "background")
    assert _told(record)
    shares = [image.attributions[0].on_object for image in record.images if image.attributions[0].positive_evidence]
    assert len(shares) >= COUNT // 2 - 1
    assert all(share is not None and share < 0.2 for share in shares)
    (finding,) = [one for one in record.findings if one.rule == "evidence-off-object"]
    assert "outside the object" in finding.message
    assert "Evidence on the object" in (tmp_path / "report" / record.images[0].page).read_text()


def test_an_object_that_decides_is_not(tmp_path: Path) -> None:
    record = _report(_trained("object"), tmp_path, "object")
    assert not _told(record)
    shares = [image.attributions[0].on_object for image in record.images]
    assert all(share is not None and share > 0.5 for share in shares)


def test_a_mask_of_nearly_all_the_image_tells_of_nothing(tmp_path: Path) -> None:
    masks = np.ones((COUNT, SIDE, SIDE), np.uint8)
    masks[:, :2] = 0
    assert not _told(_report(_trained("background"), tmp_path, "background", masks))


def test_empty_masks_and_few_masks_tell_of_nothing(tmp_path: Path) -> None:
    _, masks, _ = _images(COUNT, "background", 1)
    masks[5:] = 0
    record = _report(_trained("background"), tmp_path, "background", masks)
    assert not _told(record)
    shown = [any(one.on_object is not None for one in image.attributions) for image in record.images]
    assert any(shown[:5])
    assert not any(shown[5:])


@pytest.mark.parametrize("decides", ["background", "object"])
def test_masks_that_are_truth_for_a_map_tell_of_the_classes_beside_it(decides: Decides, tmp_path: Path) -> None:
    images, masks, _ = _images(COUNT, decides, 1)
    truth = _write(tmp_path / "masks", masks, as_arrays=decides == "object")
    report = reportgen.build(
        _trained(decides, with_map=True),
        _write(tmp_path / "photos", images),
        tmp_path / "report",
        **QUICK,
        truth={"shape": str(truth)},
        attribution="grad-cam",
        attribution_parameters={"checked_images": 0},
    )
    assert _told(report.data) == (decides == "background")
    regions = [one for image in report.data.images for one in image.attributions if one.target.kind == "region"]
    assert regions
    assert all(one.on_object is not None and one.on_object > 0.5 for one in regions if one.positive_evidence)


def _other(path: Path) -> Path:
    path.mkdir()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(path / "nothing.png")
    return path


@pytest.mark.parametrize("make", [lambda path: path, lambda path: path.mkdir() or path, _other])
def test_masks_that_fit_no_image_are_said_in_one_line(make: Any, tmp_path: Path) -> None:
    images, _, _ = _images(2, "object", 1)
    folder = make(tmp_path / "masks")
    with pytest.raises(ReportgenError, match=r"\[attribution\] masks: expected a folder with a mask") as caught:
        reportgen.build(
            _trained("object"), images, tmp_path / "report", **QUICK, attribution_parameters={"masks": folder}
        )
    assert "\n" not in str(caught.value)
