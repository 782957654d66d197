"""What becomes of results in the record, against Keras and numpy."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from support.images import random_images
from support.networks import two_convolutions

from reportgen.analysis.network.feeding import open_network
from reportgen.config import Config
from reportgen.files.cache import Cache
from reportgen.images import collect_images
from reportgen.progress import Silent
from reportgen.results import Finding
from reportgen.sections.picture_store import PictureStore
from reportgen.sections.recording import (
    record_findings,
    record_images,
    record_layers,
    record_model,
    record_provenance,
)
from reportgen.sections.study import Study, Workshop, prepare_study

PIXELS = random_images(3)


def studied(model: keras.Model, folder: Path, **settings: object) -> Study:
    config = Config.checked(**{"preprocess": "unit", "channels": "0,2", "use_cache": False, **settings})
    workshop = Workshop(PictureStore(folder), Cache(None), Silent())
    return prepare_study(config, open_network(config, model), collect_images(PIXELS), workshop)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return studied(two_convolutions(), tmp_path_factory.mktemp("study"), image_pages=2)


def test_layers_have_their_numbers_from_keras(study: Study) -> None:
    model = two_convolutions()
    recorded = {layer.name: layer for layer in record_layers(study)}
    for layer in model.layers:
        assert recorded[layer.name].parameter_count == layer.count_params()
    kernel = np.asarray(model.get_layer("conv2").kernel)
    weights = recorded["conv2"].weights
    assert weights is not None
    assert (weights.min, weights.max) == (kernel.min(), kernel.max())
    maps = np.asarray(keras.Model(model.inputs[0], model.get_layer("conv2").output)(PIXELS / np.float32(255)))
    activations = recorded["conv2"].activations
    assert activations is not None
    assert activations.columns is not None
    assert activations.max == pytest.approx(maps.max(), rel=1e-5)
    assert activations.columns.max == pytest.approx(maps.max(axis=(0, 1, 2)).tolist(), rel=1e-4)
    assert activations.dead_channels == np.flatnonzero((maps == 0).all(axis=(0, 1, 2))).tolist()


def test_layers_without_weights_say_so(study: Study) -> None:
    recorded = {layer.name: layer for layer in record_layers(study)}
    assert recorded["pool1"].weights is None
    assert recorded["classes"].weights is not None
    assert recorded["classes"].weights.kernel_shape == [8, 4]
    assert recorded["conv1"].page == "layers/conv1.html"


def test_numbers_that_are_none_are_null(tmp_path: Path) -> None:
    model = two_convolutions()
    kernel = np.asarray(model.get_layer("conv1").kernel).copy()
    kernel[:] = np.nan
    model.get_layer("conv1").kernel.assign(kernel)
    weights = {layer.name: layer.weights for layer in record_layers(studied(model, tmp_path))}["conv1"]
    assert weights is not None
    assert (weights.min, weights.max, weights.mean, weights.zero_fraction) == (None, None, None, None)


def test_only_images_that_are_shown_have_a_page(study: Study) -> None:
    recorded = record_images(study, {}, {})
    assert [image.id for image in recorded] == ["image-0", "image-1", "image-2"]
    assert [image.page is not None for image in recorded].count(True) == 2
    answers = np.asarray(two_convolutions()(PIXELS / np.float32(255)))
    for image, scores in zip(recorded, answers, strict=True):
        assert image.predictions[0].index == int(scores.argmax())
        assert image.predictions[0].score == pytest.approx(scores.max(), rel=1e-4)


@pytest.mark.parametrize(
    ("where", "page"),
    [
        ({"layer": "conv2", "channels": (2,)}, "units/conv2/2.html"),
        ({"layer": "conv2", "channels": (5,)}, "layers/conv2.html"),  # a channel that is not shown in detail
        ({"layer": "conv2", "channels": (0, 2)}, "layers/conv2.html"),
        ({"image": "image-0"}, "images/image-0.html"),
        ({"image": "no such image"}, None),
        ({}, None),
    ],
)
def test_a_finding_leads_to_the_page_that_shows_most_of_it(
    study: Study, where: dict[str, object], page: str | None
) -> None:
    finding = Finding(
        rule="made-up", severity="info", message="Something.", measured="1", threshold="2", why="So.", action="Look.",
        **where,
    )  # fmt: skip
    (recorded,) = record_findings([finding], study)
    assert recorded.page == page
    assert recorded.channels == list(where.get("channels", ()))


def test_the_network_and_its_head(study: Study) -> None:
    model = record_model(study)
    assert (model.name, model.layer_count) == ("two_convolutions", len(record_layers(study)))
    assert model.parameter_count == two_convolutions().count_params()
    assert (model.head.kind, model.head.classes) == ("softmax", 4)


@pytest.mark.parametrize(("epoch", "created"), [("0", "1970-01-01T00:00:00+00:00"), (None, None), ("yesterday", None)])
def test_a_report_has_a_time_only_where_one_is_handed_in(
    monkeypatch: pytest.MonkeyPatch, epoch: str | None, created: str | None
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    if epoch is not None:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    assert record_provenance(Config()).created == created
