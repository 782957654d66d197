"""Odd sets of images and truths: one class, few images, copies alone, labels that nobody knows, many classes."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image
from support.striped import NAMES, SIDE, striped_set, trained

import reportgen
from reportgen.finished.verification import verify_report
from reportgen.record import EvaluationOutput, read_record

QUICK = {"activation_max": "off", "no_cache": True, "preprocess": "unit"}
REVIEW = "predictions,images-quality"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("network") / "striped.h5"
    trained().save(path)
    return path


def built(
    network: Path | keras.Model, images: np.ndarray, labels: list[str], folder: Path, names: tuple[str, ...] = NAMES,
    **options: object,
) -> reportgen.Report:  # fmt: skip
    """A report of images with a label each; an empty one is none."""
    (folder / "photos").mkdir()
    lines = ["file,label"]
    for place, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        Image.fromarray(pixels).save(folder / "photos" / f"{place:03d}.png")
        lines += [f"{place:03d}.png,{label}"] if label else []
    (folder / "truth.csv").write_text("\n".join(lines))
    (folder / "labels.txt").write_text("\n".join(names))
    report = reportgen.build(
        network, folder / "photos", folder / "out", truth=str(folder / "truth.csv"), labels=folder / "labels.txt",
        **{"sections": REVIEW, **QUICK, **options},
    )  # fmt: skip
    assert verify_report(report.path) == []
    assert read_record(report.path).evaluation == report.data.evaluation
    json.loads((report.path / "report.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    return report


def only(report: reportgen.Report) -> EvaluationOutput:
    assert report.data.evaluation is not None
    (found,) = report.data.evaluation.outputs
    return found


def named(labels: np.ndarray) -> list[str]:
    return [NAMES[label] for label in labels]


def test_one_class_alone(network: Path, tmp_path: Path) -> None:
    images, labels = striped_set(90, 2)
    found = only(built(network, images[labels == 1], ["down"] * 30, tmp_path))
    assert (found.images, found.baseline, found.baseline_class) == (30, 1.0, "down")
    assert found.without_images == ("across", "slanted")
    assert found.balanced_accuracy == found.accuracy
    assert found.slices == []


def test_truth_for_half_of_the_images(network: Path, tmp_path: Path) -> None:
    images, labels = striped_set(60, 2)
    report = built(network, images, [name if place % 2 else "" for place, name in enumerate(named(labels))], tmp_path)
    found = only(report)
    assert (found.images, found.without_truth, found.unmatched) == (30, 30, 0)
    text = (report.path / "evaluation.html").read_text(encoding="utf-8")
    assert "30 images not judged: no right answer was given." in text
    assert "none of the network" not in text


def test_labels_that_the_network_does_not_know(network: Path, tmp_path: Path) -> None:
    images, labels = striped_set(60, 2)
    report = built(
        network, images, ["spotted" if place < 12 else name for place, name in enumerate(named(labels))], tmp_path
    )
    found = only(report)
    assert (found.images, found.without_truth, found.unmatched) == (48, 0, 12)
    assert "12 images left out: the class given is none of the network" in (report.path / "evaluation.html").read_text(
        encoding="utf-8"
    ).replace("&#39;", "'")
    assert any(one.rule == "unmatched-truth" for one in report.data.findings)


def test_labels_of_which_none_is_known(network: Path, tmp_path: Path) -> None:
    images, _ = striped_set(12, 2)
    report = built(network, images, ["spotted"] * 12, tmp_path)
    assert any(one.rule == "unmatched-truth" for one in report.data.findings)
    assert report.data.evaluation is None or report.data.evaluation.images == 0


def test_every_image_is_a_copy(network: Path, tmp_path: Path) -> None:
    images, labels = striped_set(1, 2)
    report = built(network, np.repeat(images, 25, axis=0), named(np.repeat(labels, 25)), tmp_path, robustness=5)
    assert report.data.dataset is not None
    (group,) = report.data.dataset.duplicates
    assert (group.kind, len(group.images)) == ("exact", 25)
    assert report.data.dataset.outlier_total == 0
    assert only(report).slices == []


@pytest.mark.parametrize("count", [1, 2])
def test_very_few_images(count: int, network: Path, tmp_path: Path) -> None:
    images, labels = striped_set(count, 2)
    report = built(network, images, named(labels), tmp_path, robustness=5)
    found = only(report)
    assert found.images == count
    assert found.interval is not None
    assert found.interval[0] < found.interval[1]
    assert report.data.robustness is not None
    assert report.data.robustness.images == count
    assert not {"weak-slice", "worse-than-baseline", "overconfident", "collapsing", "outliers"} & {
        one.rule for one in report.data.findings
    }


@pytest.mark.parametrize(("classes", "drawn"), [(40, True), (41, False)])
def test_the_matrix_is_drawn_up_to_forty_classes(classes: int, drawn: bool, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            layers.Input((SIDE, SIDE, 3)),
            layers.Conv2D(8, 3, strides=2, activation="relu", name="conv"),
            layers.Flatten(name="flat"),
            layers.Dense(classes, activation="softmax", name="head"),
        ]
    )
    images, _ = striped_set(120, 2)
    names = tuple(f"kind {index:02d}" for index in range(classes))
    labels = [names[index % classes] for index in range(120)]
    report = built(model, images, labels, tmp_path, names)
    text = (report.path / "evaluation.html").read_text(encoding="utf-8")
    assert ("Confusion matrix" in text) == drawn
    assert "How often images of one class were taken for another" in text
    assert len(text.encode()) <= 100_000
    assert only(report).baseline == pytest.approx(3 / 120)


def test_a_name_too_many_is_told_where_the_right_answers_use_all(network: Path, tmp_path: Path) -> None:
    images, labels = striped_set(30, 2)
    report = built(network, images, named(labels), tmp_path, ("background", *NAMES))
    rules = {one.rule: one.severity for one in report.data.findings}
    assert (rules["label-count"], rules["unmatched-truth"]) == ("error", "warning")
    assert only(report).unmatched == int((labels == len(NAMES) - 1).sum())
