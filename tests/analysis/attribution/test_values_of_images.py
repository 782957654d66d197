"""Maps of networks that get another value beside each image: each is that of its own image with its own value."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops
from numpy.typing import NDArray
from support.settled import head

import reportgen
from reportgen.analysis.attribution.explaining import explain, trace_network
from reportgen.analysis.attribution.planning import make_plan
from reportgen.analysis.attribution.questions import class_question
from reportgen.analysis.network.feeding import open_network
from reportgen.analysis.network.given_values import with_values_of_images
from reportgen.analysis.network.layers import summarize_network
from reportgen.attribution_settings import AttributionSettings
from reportgen.config import Config
from reportgen.images import collect_images
from reportgen.models import Network

COUNT, SIDE = 7, 16
PIXELS = np.random.default_rng(1).integers(0, 256, (COUNT, SIDE, SIDE, 3)).astype(np.uint8)
FILES = [image.file for image in collect_images(PIXELS)]
# Which half of the image is read, and how strongly.
AGES = np.array([-2.0, 1.5, -0.5, 3.0, -1.0, 2.0, 0.7])
METHODS = ("grad-cam", "layer-cam", "integrated-gradients", "occlusion")


def _switched() -> keras.Model:
    """Reads the left half of the image where the number is below zero, the right half where it is above."""
    keras.utils.set_random_seed(2)
    image, age = keras.Input((SIDE, SIDE, 3), name="image"), keras.Input((1,), name="age")
    maps = layers.Conv2D(6, 3, padding="same", activation="relu", name="conv")(layers.Rescaling(1 / 255)(image))
    side = np.sign(np.arange(SIDE) - (SIDE - 1) / 2).astype(np.float32).reshape(1, 1, SIDE, 1)
    wanted = ops.relu(ops.reshape(age, (-1, 1, 1, 1)) * side)
    pooled = layers.GlobalAveragePooling2D()(ops.multiply(maps, wanted))
    return keras.Model([image, age], layers.Dense(3, activation="softmax", name="classes")(pooled))


def _vectors() -> keras.Model:
    """Two inputs beside the image, by name: one of whole numbers, one that scales channels as in FiLM."""
    keras.utils.set_random_seed(3)
    image = keras.Input((SIDE, SIDE, 3), name="image")
    place, kind = keras.Input((2,), name="place"), keras.Input((1,), dtype="int32", name="kind")
    maps = layers.Conv2D(4, 3, activation="relu", name="conv")(layers.Rescaling(1 / 255)(image))
    known = layers.Flatten()(layers.Embedding(4, 4)(kind)) * 30
    scaled = ops.multiply(maps, ops.reshape(ops.exp(known + layers.Dense(4)(place)), (-1, 1, 1, 4)))
    pooled = layers.GlobalMaxPooling2D()(scaled)
    inputs = {"place": place, "image": image, "kind": kind}
    return keras.Model(inputs, layers.Dense(3, activation="softmax", name="classes")(pooled))


def _table(path: Path, columns: NDArray[Any]) -> str:
    rows = [",".join([file, *map(str, np.atleast_1d(row))]) for file, row in zip(FILES, columns, strict=True)]
    path.write_text("file,value\n" + "\n".join(reversed(rows)) + "\n")
    return str(path)


def _settings(kind: str, folder: Path) -> tuple[keras.Model, dict[str, str], list[dict[str, str]]]:
    """A network, its tables, and what each image is given by hand."""
    if kind == "switched":
        return _switched(), {"age": _table(folder / "ages.csv", AGES)}, [{"age": str(age)} for age in AGES]
    places, kinds = np.random.default_rng(4).normal(size=(COUNT, 2)).round(3), np.arange(COUNT) % 4
    given = {"place": _table(folder / "places.csv", places), "kind": _table(folder / "kinds.csv", kinds)}
    alone = [
        {"place": ",".join(map(str, place)), "kind": str(number)} for place, number in zip(places, kinds, strict=True)
    ]
    return _vectors(), given, alone


def _network(model: keras.Model, given: Mapping[str, str]) -> Network:
    config = Config(inputs=dict(given))
    return with_values_of_images(open_network(config, model), config, collect_images(PIXELS))


def _maps(network: Network, pixels: NDArray[Any], files: list[str], method: Any) -> tuple[list[Any], Any]:
    """All maps of one method, checked, and what was found of the method."""
    summary = summarize_network(network)
    output = head(network, PIXELS)
    assert output is not None
    settings = AttributionSettings(checked_images=len(pixels), most_points=50)
    traced = trace_network(network, summary, settings).of_images(files)
    asked = [[class_question(output, 1, "predicted", None)] for _ in files]
    plan = make_plan(summary, (method,), settings, [False] * len(files))
    found = explain(traced, list(pixels.astype(np.float32)), asked, plan)
    return list(found.maps), found.methods


@pytest.mark.parametrize("kind", ["switched", "vectors"])
@pytest.mark.parametrize("method", METHODS)
def test_maps_of_all_images_are_those_of_each_with_its_value_held(kind: str, method: str, tmp_path: Path) -> None:
    model, given, alone = _settings(kind, tmp_path)
    together, _ = _maps(_network(model, given), PIXELS, FILES, method)
    for place in range(0, COUNT, 3):
        held = open_network(Config(inputs=alone[place]), model)
        ((one,), _) = _maps(held, PIXELS[place : place + 1], [FILES[place]], method)
        scale = np.abs(one.values).max()
        assert scale > 0
        np.testing.assert_allclose(together[place].values / scale, one.values / scale, atol=1e-4)
        assert together[place].faithfulness is not None
        assert together[place].faithfulness.score == pytest.approx(one.faithfulness.score, rel=1e-4, abs=1e-6)


def test_evidence_lies_where_the_value_of_the_image_says(tmp_path: Path) -> None:
    """Through the whole program: the number tells which half is read."""
    given = {"age": _table(tmp_path / "ages.csv", AGES)}
    report = reportgen.build(
        _switched(),
        PIXELS,
        tmp_path / "report",
        inputs=given,
        sections="attribution",
        attribution="integrated-gradients",
        no_cache=True,
    )
    shown = [(age, image.attributions[0]) for age, image in zip(AGES, report.data.images, strict=True)]
    for age, one in shown:
        values = np.abs(np.load(tmp_path / "report" / one.array))
        left, right = values[:, : SIDE // 2 - 1].sum(), values[:, SIDE // 2 + 1 :].sum()
        assert (left == 0, right == 0) == (age > 0, age < 0)
        assert left + right > 0
        assert one.completeness_error is not None
        assert one.completeness_error < 0.01


def test_explain_takes_a_table(tmp_path: Path) -> None:
    model = _switched()
    maps = reportgen.explain(
        model, PIXELS, method="integrated-gradients", inputs={"age": _table(tmp_path / "ages.csv", AGES)}
    )
    for age, values in zip(AGES, maps, strict=True):
        assert (np.abs(values[:, : SIDE // 2 - 1]).sum() == 0) == (age > 0)
