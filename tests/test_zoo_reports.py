"""Whole reports of the odd networks: each is read and shown, or refused in one clear line."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from support import zoo

import reportgen
from reportgen.finished.verification import verify_report
from reportgen.models import Network
from reportgen.record import Record

BUILT = {"preprocess": "none", "steps": 2, "channels": "first:1", "sections": "all", "no_cache": True}


def check_layers(record: Record, model: keras.Model) -> None:
    """Every layer of `model` that computes something has its row, and the parameters are those of Keras."""
    rows = {layer.name.partition("/")[0].partition(":")[0] for layer in record.layers}
    inputs = {layer.name for layer in model.layers if isinstance(layer, keras.layers.InputLayer)}
    missing = {layer.name for layer in model.layers} - inputs - rows
    # A layer that is never called has no row to be called in, but its parameters count.
    assert all(not model.get_layer(name).built for name in missing), missing
    assert record.model.parameter_count == model.count_params()
    assert len({layer.name for layer in record.layers}) == len(record.layers) == record.model.layer_count
    held = {layer.name for layer in model.layers} | {step.name for step in getattr(model, "operations", ())}
    assert rows <= held


def check_findings(record: Record) -> None:
    """What was measured is what the network computes, and findings name what there is."""
    assert not {finding.rule for finding in record.findings} & {
        "capture-mismatch", "nonfinite-weights", "nonfinite-activations", "load-notes", "skipped-images",
    }  # fmt: skip
    layers = {layer.name for layer in record.layers}
    assert {finding.layer for finding in record.findings} <= layers | {None}


def check_predictions(record: Record, network: Network, pixels: np.ndarray) -> None:
    """The classes of each image and their scores are those that plain Keras gives, best first."""
    given = network.model(network.feed(network.prepare(pixels)), training=False)
    leaves = [np.asarray(leaf, np.float32) for leaf in tf.nest.flatten(given)]
    answers = next((leaf for leaf in leaves if leaf.ndim == 2 and leaf.shape[1] == record.model.head.classes), None)
    assert (answers is None) == (record.model.head.kind == "none")
    if answers is None:
        assert not any(image.predictions for image in record.images)
        return
    for image, scores in zip(record.images, answers, strict=True):
        found = {prediction.index: prediction.score for prediction in image.predictions}
        assert list(found.values()) == sorted(found.values(), reverse=True)
        # A single sigmoid is told as the two classes it tells apart.
        expected = [1 - scores[0], scores[0]] if len(scores) == 1 else scores
        # Logits of several layers of 16-bit numbers are not the same to the last digit.
        assert [found[index] for index in found] == pytest.approx([expected[index] for index in found], abs=2e-2)
        assert max(found, key=found.__getitem__) == int(np.argmax(expected))


def check_pages(record: Record, folder: Path) -> None:
    """There is a page for each image, for each layer that has one, and for each channel shown."""
    pages = [layer.page for layer in record.layers] + [image.page for image in record.images]
    pages += [unit.page for unit in record.units]
    assert all((folder / page).is_file() for page in pages if page is not None)
    assert all(image.page for image in record.images)
    assert all(layer.page for layer in record.layers if layer.parameter_count)
    assert (folder / "index.html").is_file()


def check_maps(record: Record) -> None:
    """Where there is a convolution over the image, its maps were measured, drawn and maximised."""
    convolutions = {layer.name for layer in record.layers if layer.kind == "convolution" and layer.actual_shape}
    measured = {layer.name for layer in record.layers if layer.activations is not None}
    assert convolutions <= measured
    drawn = {figure.layer for figure in record.figures if figure.kind == "feature_maps"}
    assert bool(drawn & measured) == bool(drawn)
    assert drawn or not convolutions
    assert {figure.layer for figure in record.figures if figure.kind == "filters"} <= convolutions
    assert any(shown.layer in convolutions for shown in record.maximizations) or not convolutions


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(zoo.ZOO))
def test_a_whole_report_of_an_odd_network(name: str, tmp_path: Path) -> None:
    network = zoo.open_zoo(name)
    pixels = zoo.pictures(network, 3)
    report = reportgen.build(zoo.build(name), pixels, tmp_path / "out", **BUILT)
    assert verify_report(report.path) == []
    check_layers(report.data, network.model)
    check_findings(report.data)
    check_predictions(report.data, network, pixels)
    check_pages(report.data, report.path)
    check_maps(report.data)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["transfer_sequential", "transfer_functional"])
def test_transfer_learning_shows_the_layers_of_the_base(name: str, tmp_path: Path) -> None:
    model = zoo.build(name)
    base = next(layer for layer in model.layers if isinstance(layer, keras.Model))
    report = reportgen.build(
        model, zoo.pictures(zoo.open_zoo(name), 2), tmp_path / "out", preprocess="none", steps=2, channels="first:1"
    )
    record = report.data
    shown = {layer.name for layer in record.layers}
    assert {f"{base.name}/{layer.name}" for layer in base.layers[1:]} <= shown
    assert record.model.parameter_count == zoo.open_zoo(name).model.count_params()
    inner = f"{base.name}/"
    convolutions = {layer.name for layer in record.layers if layer.type.endswith("Conv2D") and layer.name in shown}
    assert {figure.layer for figure in record.figures if figure.kind == "filters"} == convolutions
    for kind in ("feature_maps", "activation_maximization"):
        assert [figure for figure in record.figures if figure.kind == kind and (figure.layer or "").startswith(inner)]
    assert [one for one in record.maximizations if one.layer.startswith(inner) and one.picture is not None]
