"""Labels, values, maps and pictures against right ones through the whole program, by scikit-learn and plain numpy."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image
from sklearn import metrics
from support.striped import SIDE, striped_set

import reportgen
from reportgen.finished.verification import verify_report
from reportgen.record import EvaluationOutput

QUICK = {"activation_max": "off", "no_cache": True, "preprocess": "unit", "sections": "predictions"}
COUNT = 24


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for place, pixels in enumerate(striped_set(COUNT, 3)[0]):
        Image.fromarray(pixels).save(folder / f"{place:02d}.png")
    return folder


def inputs(photos: Path) -> np.ndarray:
    return np.stack([np.asarray(Image.open(path)) for path in sorted(photos.iterdir())]).astype("float32") / 255


def network(*last: layers.Layer) -> keras.Model:
    keras.utils.set_random_seed(1)
    first = [layers.Input((SIDE, SIDE, 3)), layers.Conv2D(6, 3, padding="same", activation="relu", name="conv")]
    return keras.Sequential([*first, *last])


def only(report: reportgen.Report) -> EvaluationOutput:
    assert report.data.evaluation is not None
    assert report.data.evaluation.accuracy is None
    assert verify_report(report.path) == []
    (found,) = report.data.evaluation.outputs
    return found


def test_values_by_name(photos: Path, tmp_path: Path) -> None:
    model = network(layers.GlobalAveragePooling2D(), layers.Dense(2, name="sizes"))
    answers = model.predict(inputs(photos), verbose=0)
    right = answers + np.random.default_rng(0).normal(0, 0.3, answers.shape)
    rows = [f"{place:02d}.png,{float(row[0])!r},{float(row[1])!r}" for place, row in enumerate(right)]
    (tmp_path / "truth.csv").write_text("\n".join(["file,width,height", *rows]))
    found = only(reportgen.build(model, photos, tmp_path / "out", truth=str(tmp_path / "truth.csv"), **QUICK))
    assert (found.kind, found.images, found.accuracy) == ("values", COUNT, None)
    assert found.values is not None
    assert [row.name for row in found.values] == ["width", "height"]
    for place, row in enumerate(found.values):
        truth, answer = right[:, place], answers[:, place]
        assert row.mae == pytest.approx(metrics.mean_absolute_error(truth, answer), rel=1e-4)
        assert row.rmse == pytest.approx(metrics.root_mean_squared_error(truth, answer), rel=1e-4)
        assert row.r2 == pytest.approx(metrics.r2_score(truth, answer), rel=1e-3)
        assert row.bias == pytest.approx((answer - truth).mean(), rel=1e-3)


@pytest.mark.parametrize("answer", ["points:xyxy:unit", "boxes:xyxy:unit"])
def test_coordinates_as_the_network_gives_them(answer: str, photos: Path, tmp_path: Path) -> None:
    model = network(layers.GlobalAveragePooling2D(), layers.Dense(4, activation="sigmoid", name="place"))
    answers = model.predict(inputs(photos), verbose=0)
    right = answers + np.random.default_rng(0).normal(0, 0.1, answers.shape)
    rows = [",".join([f"{place:02d}.png", *(repr(float(value)) for value in row)]) for place, row in enumerate(right)]
    (tmp_path / "truth.csv").write_text("\n".join(["file,left,top,right,bottom", *rows]))
    truth = {"truth": str(tmp_path / "truth.csv"), "answer": f"place={answer}"}
    report = reportgen.build(model, photos, tmp_path / "out", **truth, **QUICK)
    found = only(report)
    assert (found.kind, found.images) == (answer.partition(":")[0], COUNT)
    assert found.values is not None
    assert [row.name for row in found.values] == ["left", "top", "right", "bottom"]
    errors = np.abs(answers - right)
    assert [row.mae for row in found.values] == pytest.approx(errors.mean(axis=0).tolist(), rel=1e-4)
    worst = max(found.worst, key=lambda one: one.score)
    assert (worst.score, worst.image) == (
        pytest.approx(errors.max(), rel=1e-4),
        f"{errors.max(axis=1).argmax():02d}.png",
    )
    assert "R²" in (report.path / "evaluation.html").read_text(encoding="utf-8")


def test_labels_in_columns_and_images_without_any(photos: Path, tmp_path: Path) -> None:
    model = network(layers.Flatten(), layers.Dense(3, activation="sigmoid", name="labels"))
    scores = model.predict(inputs(photos), verbose=0)
    right = np.random.default_rng(5).integers(0, 2, scores.shape)
    right[:3] = 0
    names = ["sky", "sea", "sand"]
    (tmp_path / "labels.txt").write_text("\n".join(names))
    cells = [f"{place:02d}.png,{','.join(map(str, row))}" for place, row in enumerate(right)]
    lists = [f"{place:02d}.png,{'|'.join(np.array(names)[row == 1])}" for place, row in enumerate(right)]
    for rows in (["file,sky,sea,sand", *cells], ["file,labels", *lists]):
        (tmp_path / "truth.csv").write_text("\n".join(rows))
        given = {"truth": str(tmp_path / "truth.csv"), "labels": tmp_path / "labels.txt"}
        found = only(reportgen.build(model, photos, tmp_path / "out", **given, **QUICK))
        assert (found.images, found.without_truth) == (COUNT, 0)
        assert found.accuracy == pytest.approx(metrics.accuracy_score(right, scores > 0.5))
        assert found.mean_average_precision == pytest.approx(metrics.average_precision_score(right, scores), rel=1e-5)
        precision, recall, f1, count = metrics.precision_recall_fscore_support(right, scores > 0.5, zero_division=0)
        assert found.per_class is not None
        for place, row in enumerate(found.per_class):
            assert (row.label, row.count) == (names[place], count[place])
            assert (row.precision, row.recall, row.f1) == pytest.approx((precision[place], recall[place], f1[place]))


@pytest.mark.parametrize("last", [1, 2])
def test_masks_of_black_and_white_are_warned_of(last: int, photos: Path, tmp_path: Path) -> None:
    model = network(layers.Conv2D(last, 1, activation="sigmoid" if last == 1 else "softmax", name="map"))
    (tmp_path / "masks").mkdir()
    for white, warned in ((255, True), (1, False)):
        for place in range(COUNT):
            mask = np.zeros((SIDE, SIDE), np.uint8)
            mask[place % 4 : SIDE // 2] = white
            Image.fromarray(mask).save(tmp_path / "masks" / f"{place:02d}.png")
        report = reportgen.build(model, photos, tmp_path / "out", truth=str(tmp_path / "masks"), **QUICK)
        told = [one.severity for one in report.data.findings if one.rule == "unmatched-truth"]
        assert told == (["warning"] if warned else [])


@pytest.mark.parametrize("white", [None, 255])
def test_what_is_cropped_off_is_not_taken_for_what_masks_leave_out(white: int | None, tmp_path: Path) -> None:
    model = network(layers.Conv2D(1, 1, activation="sigmoid", name="map"))
    for name in ("photos", "masks"):
        (tmp_path / name).mkdir()
    for place in range(4):
        pixels = np.random.default_rng(place).integers(0, 256, (SIDE, 2 * SIDE, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{place}.png")
        mask = np.zeros((SIDE, 2 * SIDE), np.uint8)
        mask[:, ::2] = white or 0
        Image.fromarray(mask).save(tmp_path / "masks" / f"{place}.png")
    given = {"truth": str(tmp_path / "masks"), "resize": "crop"} | QUICK
    report = reportgen.build(model, tmp_path / "photos", tmp_path / "out", **given)
    assert [one.rule for one in report.data.findings].count("unmatched-truth") == (0 if white is None else 1)
    assert report.data.evaluation is not None
    (found,) = report.data.evaluation.outputs
    # Half of each image is cropped off, and in half of that white says so already.
    assert found.unseen_pixels == 4 * SIDE * SIDE * (1 if white is None else 0.5)
    assert found.ignored_pixels == 4 * SIDE * SIDE * (1 if white is None else 1.5)


def test_several_labels(photos: Path, tmp_path: Path) -> None:
    model = network(layers.Flatten(), layers.Dense(3, activation="sigmoid", name="labels"))
    scores = model.predict(inputs(photos), verbose=0)
    right = np.random.default_rng(2).integers(0, 2, scores.shape).astype(bool)
    right[:, 0] |= ~right.any(axis=1)
    names = ["sky", "sea", "sand"]
    (tmp_path / "labels.txt").write_text("\n".join(names))
    rows = [f"{place:02d}.png,{'|'.join(np.array(names)[row])}" for place, row in enumerate(right)]
    (tmp_path / "truth.csv").write_text("\n".join(["file,label", *rows]))
    built = reportgen.build(
        model, photos, tmp_path / "out", truth=str(tmp_path / "truth.csv"), labels=tmp_path / "labels.txt", **QUICK
    )
    found = only(built)
    assert found.accuracy == pytest.approx(metrics.accuracy_score(right, scores > 0.5))
    assert found.mean_average_precision == pytest.approx(metrics.average_precision_score(right, scores), rel=1e-5)
    assert found.per_class is not None
    _, recall, f1, count = metrics.precision_recall_fscore_support(right, scores > 0.5, zero_division=0)
    for place, row in enumerate(found.per_class):
        assert (row.label, row.count) == (names[place], count[place])
        assert (row.recall, row.f1) == pytest.approx((recall[place], f1[place]))


def test_maps_at_the_size_of_the_masks(photos: Path, tmp_path: Path) -> None:
    model = network(layers.MaxPooling2D(2), layers.Conv2D(3, 1, activation="softmax", name="map"))
    small = model.predict(inputs(photos), verbose=0).argmax(axis=-1)
    large = small.repeat(4, axis=1).repeat(4, axis=2)  # masks are twice as large as the images
    random = np.random.default_rng(4)
    right = np.where(random.random(large.shape) < 0.3, random.integers(0, 3, large.shape), large)
    right[:, :2] = 255
    (tmp_path / "masks").mkdir()
    for place, mask in enumerate(right):
        Image.fromarray(mask.astype(np.uint8)).save(tmp_path / "masks" / f"{place:02d}.png")
    found = only(reportgen.build(model, photos, tmp_path / "out", truth=str(tmp_path / "masks"), **QUICK))
    known = right != 255
    assert found.pixel_accuracy == pytest.approx((right == large)[known].mean())
    ious = metrics.jaccard_score(right[known], large[known], average=None)
    assert found.per_class is not None
    assert [row.iou for row in found.per_class if row.count] == pytest.approx(ious.tolist())
    assert found.mean_iou == pytest.approx(ious.mean())
    assert len(found.worst) == 12


def test_pictures_against_the_input(photos: Path, tmp_path: Path) -> None:
    model = network(layers.Conv2D(3, 3, padding="same", activation="sigmoid", name="picture"))
    given = inputs(photos).astype(np.float64)
    answers = model.predict(given, verbose=0)
    found = only(reportgen.build(model, photos, tmp_path / "out", truth="input", **QUICK))
    assert (found.kind, found.images) == ("picture", COUNT)
    away = (answers - given) * 255
    assert found.mae == pytest.approx(np.abs(away).mean(), rel=1e-4)
    squares = np.square(away).mean(axis=(1, 2, 3))
    assert found.psnr == pytest.approx((10 * np.log10(255**2 / squares)).mean(), rel=1e-4)
    assert found.worst[0].score == pytest.approx(np.abs(away).mean(axis=(1, 2, 3)).max(), rel=1e-4)
