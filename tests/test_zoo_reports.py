"""Whole reports of the odd networks: each is read and shown, or refused in one clear line."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest
from support import zoo

import reportgen
from reportgen.finished.verification import verify_report
from reportgen.record import Record


def check_record(record: Record, name: str) -> None:
    assert record.layers, name
    assert not [finding for finding in record.findings if finding.rule == "capture-mismatch"]
    drawn = {figure.layer for figure in record.figures if figure.kind == "feature_maps"}
    maps = [layer for layer in record.layers if layer.activations is not None]
    assert maps or not any(layer.type.endswith("Conv2D") for layer in record.layers)
    assert drawn <= {layer.name for layer in record.layers}
    assert all(shown.status in ("ok", "weak", "failed") for shown in record.maximizations)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(zoo.ZOO))
def test_a_whole_report_of_an_odd_network(name: str, tmp_path: Path) -> None:
    model = zoo.build(name)
    pixels = zoo.pictures(zoo.open_zoo(name), 3)
    report = reportgen.build(
        model, pixels, tmp_path / "out",
        preprocess="none", steps=2, channels="first:1", sections="all", no_cache=True,
    )  # fmt: skip
    assert verify_report(report.path) == []
    check_record(report.data, name)


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
