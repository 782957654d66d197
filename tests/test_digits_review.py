"""The review of a real network on a thousand handwritten digits, clean and with planted copies, labels and noise."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from sklearn import metrics

import reportgen

SECTIONS = "predictions,images-quality"
NAMES = [str(digit) for digit in range(10)]


def build(model: Path, images: Path, out: Path, labels: Path, truth: str) -> reportgen.Report:
    return reportgen.build(
        model, images, out, truth=truth, labels=labels, preprocess="none", sections=SECTIONS, activation_max="off",
        image_pages=4, no_cache=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("labels") / "labels.txt"
    path.write_text("\n".join(NAMES))
    return path


@pytest.fixture(scope="module")
def clean(
    shared_models: Path, shared_digits: Path, labels: Path, tmp_path_factory: pytest.TempPathFactory
) -> reportgen.Report:
    out = tmp_path_factory.mktemp("clean") / "report"
    return build(shared_models / "digits_cnn.keras", shared_digits, out, labels, "folders")


@pytest.mark.slow
def test_accuracy_classes_and_confusion_are_those_of_keras(
    clean: reportgen.Report, shared_models: Path, shared_digits: Path
) -> None:
    files = sorted(shared_digits.rglob("*.png"))
    pixels = np.stack([np.asarray(Image.open(file).convert("L")) for file in files])[..., None]
    truth = np.array([int(file.parent.name) for file in files])
    model = keras.models.load_model(shared_models / "digits_cnn.keras")
    predicted = model.predict(pixels.astype("float32"), verbose=0).argmax(axis=1)
    assert clean.data.evaluation is not None
    found = clean.data.evaluation.outputs[0]
    assert found.images == 1000
    assert found.accuracy == metrics.accuracy_score(truth, predicted) == pytest.approx(0.977, abs=0.001)
    assert found.per_class is not None
    rows = metrics.precision_recall_fscore_support(truth, predicted)
    told = [(row.precision, row.recall, row.f1, row.count) for row in found.per_class]
    np.testing.assert_allclose(np.array(told), np.array(rows).T)
    matrix = np.zeros((10, 10), int)
    for right, answer, count in found.confusion or ():
        matrix[int(right), int(answer)] = count
    np.testing.assert_array_equal(matrix, metrics.confusion_matrix(truth, predicted))


@pytest.mark.slow
def test_a_clean_set_is_called_clean(clean: reportgen.Report) -> None:
    found = clean.data.dataset
    assert found is not None
    assert found.duplicates == []
    assert found.outlier_total == 0
    assert not {"outliers", "duplicates"} & {finding.rule for finding in clean.data.findings}
    wrong = {image.file for image in clean.data.images if image.predictions[0].label != image.truth}
    assert {one.image for one in found.suspicious_labels[:10]} <= wrong


def shifted(pixels: np.ndarray, down: int, right: int) -> np.ndarray:
    rows = np.clip(np.arange(pixels.shape[0]) - down, 0, pixels.shape[0] - 1)
    columns = np.clip(np.arange(pixels.shape[1]) - right, 0, pixels.shape[1] - 1)
    return pixels[rows][:, columns]


@pytest.mark.slow
def test_what_was_planted_among_digits_is_found(
    shared_models: Path, shared_digits: Path, labels: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "digits"
    shutil.copytree(shared_digits, folder)
    random = np.random.default_rng(5)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    chosen = [files[place] for place in random.permutation(len(files))[:19]]
    given = {file: file.partition("/")[0] for file in files}
    exchanged, copied, near = chosen[:10], chosen[10:16], chosen[16:]
    for file in exchanged:
        given[file] = str((int(given[file]) + int(random.integers(1, 10))) % 10)
    pairs = set()
    for place, file in enumerate(copied):
        name = f"0/copy-{place}.png"
        shutil.copy(folder / file, folder / name)
        pairs.add(frozenset((file, name)))
    for place, file in enumerate(near):
        name = f"0/near-{place}.jpg"
        pixels = np.asarray(Image.open(folder / file).convert("L"))
        moved = shifted(pixels, *[(0, 1), (1, 0), (0, 0)][place])
        stored = io.BytesIO()
        Image.fromarray(moved).save(stored, "JPEG", quality=90)
        (folder / name).write_bytes(stored.getvalue())
        pairs.add(frozenset((file, name)))
    noise = [f"0/noise-{place}.png" for place in range(4)]
    for name in noise:
        Image.fromarray(random.integers(0, 256, (28, 28), np.uint8)).save(folder / name)
    truth = tmp_path / "truth.csv"
    truth.write_text("\n".join(["file,label", *(f"{file},{label}" for file, label in given.items())]))
    found = build(shared_models / "digits_cnn.keras", folder, tmp_path / "out", labels, str(truth)).data.dataset
    assert found is not None
    assert {frozenset(one.images) for one in found.duplicates} == pairs
    first = {one.image for one in found.suspicious_labels[:20]}
    assert len(first & set(exchanged)) >= 9
    assert set(noise) <= {one.image for one in found.outliers[:8]}
