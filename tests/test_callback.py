from __future__ import annotations

import os
import random
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import reportgen
from reportgen.errors import ReportgenError, UsageError
from reportgen.finished.collection_content import read_content
from reportgen.finished.verification import verify_report
from reportgen.record import read_record

PIXELS = np.random.default_rng(0).integers(0, 256, (48, 16, 16, 3)).astype(np.float32)
CLASSES = np.random.default_rng(1).integers(0, 3, 48)
IMAGES = PIXELS[:5].astype(np.uint8)
# For tests of when a report is made and where, not of what it shows.
SHORT: dict[str, Any] = {"sections": "overview", "channels": "first:1"}


class Counting(keras.layers.Layer):
    """Counts its calls, in training or not, and draws from a generator of its own."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.generator = keras.random.SeedGenerator(3)

    def build(self, shape: Any) -> None:  # noqa: ARG002 - Keras' own
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, inputs: Any) -> Any:
        self.calls.assign_add(1.0)
        return inputs + keras.random.normal(keras.ops.shape(inputs), stddev=0.01, seed=self.generator)


def plain() -> list[keras.layers.Layer]:
    return [keras.layers.Conv2D(6, 3, activation="relu"), keras.layers.GlobalAveragePooling2D()]


def augmented() -> list[keras.layers.Layer]:
    return [
        keras.layers.RandomFlip("horizontal"),
        keras.layers.RandomTranslation(0.1, 0.1),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(6, 3, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.3),
        keras.layers.GlobalAveragePooling2D(),
    ]


def counting() -> list[keras.layers.Layer]:
    return [keras.layers.Rescaling(1 / 255), Counting(), *plain(), keras.layers.Dropout(0.2)]


def train(layers: Any, callbacks: list[Any], epochs: int = 3) -> tuple[keras.Model, dict[str, Any], list[Any]]:
    """A network trained with random augmentation and dropout, its history, and what all generators give next."""
    keras.utils.set_random_seed(5)
    network = keras.Sequential([keras.Input((16, 16, 3)), *layers(), keras.layers.Dense(3, activation="softmax")])
    network.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = network.fit(
        PIXELS, CLASSES, batch_size=16, epochs=epochs, verbose=0, callbacks=callbacks,
        validation_data=(PIXELS[:16], CLASSES[:16]),
    ).history  # fmt: skip
    following = [
        random.random(),
        float(np.random.rand()),  # noqa: NPY002 - the global generator is what is asked
        float(keras.random.uniform(())),
        float(tf.random.uniform(())),
    ]
    return network, history, following


@pytest.mark.parametrize("layers", [augmented, counting])
def test_training_is_the_same_with_and_without(layers: Any, tmp_path: Path) -> None:
    without, history, following = train(layers, [])
    site = tmp_path / "site"
    network, shown_history, shown_following = train(layers, [reportgen.ReportCallback(IMAGES, site, every=2)])
    for one, two in zip(without.variables, network.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())
    for one, two in zip(without.optimizer.variables, network.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())
    assert shown_history == history
    assert shown_following == following
    assert [entry.tags for entry in read_content(site).entries] == [{"step": "2"}]


def test_reports_of_every_epoch_become_a_site_which_the_next_training_starts_anew(tmp_path: Path) -> None:
    site = tmp_path / "site"
    train(plain, [reportgen.ReportCallback(IMAGES, site, title="Trained", tag={"run": "a"})], epochs=2)
    content = read_content(site)
    assert content.title == "Trained"
    assert [entry.tags for entry in content.entries] == [{"run": "a", "step": "1"}, {"run": "a", "step": "2"}]
    assert len(content.comparisons) == 1
    assert verify_report(site) == []
    record = read_record(site / "reports" / "epoch-0002")
    assert record.maximizations == []
    assert not any(figure.kind == "deep_dream" for figure in record.figures)
    train(plain, [reportgen.ReportCallback(IMAGES, site, **SHORT)], epochs=1)
    assert [entry.tags for entry in read_content(site).entries] == [{"step": "1"}]


def test_a_report_that_cannot_be_made_does_not_stop_training(tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        callback = reportgen.ReportCallback(str(tmp_path / "none" / "*.png"), tmp_path / "site")
        _, history, _ = train(plain, [callback], epochs=2)
    told = [str(one.message) for one in caught if "training goes on" in str(one.message)]
    assert len(told) == 2
    assert told[0].startswith("no report of epoch 1, training goes on: ")
    assert len(history["loss"]) == 2
    assert not (tmp_path / "site").exists()


def test_a_folder_of_someone_else_is_refused_before_the_first_epoch(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    epochs: list[int] = []
    counting_epochs = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _: epochs.append(epoch))
    for folder in (tmp_path, tmp_path / "notes.txt", "."):
        with pytest.raises(ReportgenError, match=r"something else|is a file|working directory"):
            train(plain, [reportgen.ReportCallback(IMAGES, folder), counting_epochs], epochs=1)
    assert epochs == []
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_with_force_a_site_stands_beside_the_files_of_someone_else(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    train(plain, [reportgen.ReportCallback(IMAGES, tmp_path, force=True, **SHORT)], epochs=1)
    assert [entry.slug for entry in read_content(tmp_path).entries] == ["epoch-0001"]
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"gates": {"accuracy": ">= 0.99"}, "truth": ["0", "1", "2", "0", "1"]}, "gate accuracy: expected >= 0.99"),
        ({"fail_on": "warning", "preprocess": "auto"}, "--fail-on warning: expected no such finding"),
    ],
)
def test_a_gate_that_is_not_passed_is_told_and_the_report_is_there(
    options: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        train(plain, [reportgen.ReportCallback(IMAGES, tmp_path / "site", **options, **SHORT)], epochs=1)
    assert [entry.slug for entry in read_content(tmp_path / "site").entries] == ["epoch-0001"]
    assert any(str(one.message).startswith(f"epoch 1, training goes on: {words}") for one in caught)


def test_warnings_that_are_errors_end_no_training(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    callback = reportgen.ReportCallback(str(tmp_path / "none" / "*.png"), tmp_path / "site")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="no report of")
        _, history, _ = train(plain, [callback], epochs=2)
    assert len(history["loss"]) == 2
    assert "no report of epoch 2, training goes on" in capfd.readouterr().err


@pytest.mark.parametrize("every", [0, -1, "2", 2.5, None, True, float("nan"), [2]])
def test_epochs_that_are_no_number_of_them_are_one_line(every: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^every: expected a whole number of epochs from 1 on, got [^\n]*$"):
        reportgen.ReportCallback(IMAGES, tmp_path, every=every)


def test_epochs_of_numpy_count(tmp_path: Path) -> None:
    train(plain, [reportgen.ReportCallback(IMAGES, tmp_path / "site", every=np.int64(2), **SHORT)], epochs=2)
    assert [entry.slug for entry in read_content(tmp_path / "site").entries] == ["epoch-0002"]


def test_a_training_that_changes_the_working_directory_leaves_the_site_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    leaving = keras.callbacks.LambdaCallback(on_epoch_begin=lambda *_: os.chdir(tmp_path / "other"))
    train(plain, [leaving, reportgen.ReportCallback(IMAGES, "site", **SHORT)], epochs=1)
    assert [entry.slug for entry in read_content(tmp_path / "site").entries] == ["epoch-0001"]
    assert list((tmp_path / "other").iterdir()) == []


def test_wrong_options_are_refused_before_training(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown setting"):
        reportgen.ReportCallback(IMAGES, tmp_path, sectoins="layers")
    with pytest.raises(UsageError, match="the callback settles this one itself"):
        reportgen.ReportCallback(IMAGES, tmp_path, output="there")
    for folder in (None, 3, b"x", ""):
        with pytest.raises(UsageError, match=r"^folder: expected a path, got "):
            reportgen.ReportCallback(IMAGES, folder)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"np\.stack makes one array of several"):
        reportgen.ReportCallback(list(IMAGES), tmp_path)
