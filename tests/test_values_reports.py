"""Networks of many bands, of 16 bits and of floats: whole reports whose answers are those of plain Keras."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tifffile
from keras import layers
from PIL import Image

import reportgen
from reportgen.cli import main
from reportgen.errors import ReportgenError, UsageError

pytestmark = pytest.mark.usefixtures("sound_files")

RANDOM = np.random.default_rng(0)
QUICK = {"activation_max": "off", "sections": "overview,predictions", "use_cache": False}


def scenes(channels: int, low: float, high: float, count: int = 40, side: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Two kinds of scenes: those of class 1 have a bright patch in their last channel."""
    truth = np.arange(count) % 2
    values = RANDOM.uniform(low, low + (high - low) * 0.4, (count, side, side, channels))
    values[truth == 1, 4:12, 4:12, -1] = RANDOM.uniform(low + (high - low) * 0.8, high, ((truth == 1).sum(), 8, 8))
    return values.astype("float32"), truth


def trained(values: np.ndarray, truth: np.ndarray, *start: keras.Layer) -> keras.Model:
    model = keras.Sequential(
        [
            keras.Input(values.shape[1:]),
            *start,
            layers.Conv2D(4, 3, activation="relu", name="conv"),
            layers.GlobalMaxPooling2D(),
            layers.Dense(2, activation="softmax", name="classes"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    model.fit(values, truth, epochs=15, verbose=0)
    return model


@pytest.fixture(scope="module")
def grey() -> keras.Model:
    return trained(*scenes(1, 0, 255, count=8), layers.Rescaling(1 / 255))


def normalized(values: np.ndarray, truth: np.ndarray) -> keras.Model:
    normalization = layers.Normalization()
    normalization.adapt(values)
    return trained(values, truth, normalization)


def answers(report: reportgen.Report, classes: int = 2) -> np.ndarray:
    found = np.full((len(report.data.images), classes), np.nan)
    for row, image in enumerate(report.data.images):
        for one in image.predictions:
            found[row, one.index] = one.score
    return found


def assert_like_keras(report: reportgen.Report, model: keras.Model, fed: np.ndarray) -> None:
    np.testing.assert_allclose(answers(report), model.predict(fed, verbose=0), rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def bands() -> tuple[keras.Model, np.ndarray]:
    values, truth = scenes(13, 300, 10000)
    values = values.round()
    return normalized(values, truth), values


@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32", "int32"])
def test_thirteen_bands_go_in_as_they_are(tmp_path, bands, suffix, dtype):
    model, values = bands
    model.save(tmp_path / f"net.{suffix}")
    (tmp_path / "tiles").mkdir()
    for index in range(3):
        np.save(tmp_path / "tiles" / f"{index}.npy", values[index].astype(dtype))
    tifffile.imwrite(tmp_path / "tiles" / "3.tif", np.moveaxis(values[3].astype(dtype), 2, 0), photometric="minisblack")
    report = reportgen.build(
        tmp_path / f"net.{suffix}", tmp_path / "tiles", tmp_path / "out", preprocess="none", bands="3,2,1", **QUICK
    )
    assert_like_keras(report, keras.saving.load_model(tmp_path / f"net.{suffix}", compile=False), values[:4])
    photos = [figure for figure in report.data.figures if figure.kind == "photo"]
    assert all("Channels 3, 2, 1 of 13 as red, green and blue, each stretched from" in one.made for one in photos)
    inputs = [figure for figure in report.data.figures if figure.kind == "input"]
    assert [one.channels for one in inputs] == [list(range(13))] * 4
    assert main(["verify", str(report.path)]) == 0


def test_sixteen_bits_of_one_band(tmp_path):
    """A network trained on values / 65535 and fed by `unit`: the same values reach it from PNG, TIFF and arrays."""
    values, truth = scenes(1, 0, 65535)
    values = values.round()
    model = trained(values / 65535, truth)
    Image.fromarray(values[0, ..., 0].astype("uint16")).save(tmp_path / "a.png")
    Image.fromarray(values[1, ..., 0].astype("uint16")).save(tmp_path / "b.tif")
    np.save(tmp_path / "c.npy", values[2, ..., 0].astype("uint16"))
    report = reportgen.build(model, tmp_path, tmp_path.with_suffix(".out"), preprocess="unit", **QUICK)
    assert_like_keras(report, model, values[:3] / 65535)
    assert "Values of 0 to 65,535 are brought to 0 to 255" in report.data.model.preprocessing.description


def test_twelve_bits_in_sixteen_and_the_range_that_mends_it(tmp_path):
    values, truth = scenes(1, 0, 4095)
    values = values.round()
    model = trained(values / 4095, truth)
    pixels = values[:4].astype("uint16")
    wrong = reportgen.build(model, pixels, tmp_path / "wrong", preprocess="unit", **QUICK)
    [finding] = [one for one in wrong.findings if one.rule == "shallow-depth"]
    assert (finding.severity, "--value-range 0,4095" in finding.action) == ("warning", True)
    right = reportgen.build(model, pixels, tmp_path / "right", preprocess="unit", value_range="0,4095", **QUICK)
    assert_like_keras(right, model, values[:4] / 4095)
    assert "shallow-depth" not in {one.rule for one in right.findings}
    assert "--value-range 0,4095" in right.data.provenance.command


@pytest.mark.parametrize(
    ("mode", "low", "high", "settings", "fed"),
    [
        ("unit", 0, 1, {}, lambda values: values),
        ("tf", 0, 1, {}, lambda values: values * 2 - 1),
        ("none", -3, 3, {}, lambda values: values),
        ("tf", -3, 3, {"value_range": "-3,3"}, lambda values: values / 3),
        ("none", 0, 255, {}, lambda values: values),
    ],
)
def test_floats_of_three_channels(tmp_path, mode, low, high, settings, fed):
    values, truth = scenes(3, low, high)
    model = trained(np.asarray(fed(values)), truth)
    report = reportgen.build(model, values[:5], tmp_path / "out", preprocess=mode, **QUICK, **settings)
    assert_like_keras(report, model, np.asarray(fed(values[:5])))


def test_a_range_that_is_needed_is_asked_for_in_one_line(tmp_path, bands):
    model, values = bands
    with pytest.raises(ReportgenError, match=r"values of 300 to 99\d\d: .* --value-range LOW,HIGH") as caught:
        reportgen.build(model, values[:2], tmp_path / "out", preprocess="unit", **QUICK)
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="--bands: expected numbers of 0 to 12, the network's channels, got 13"):
        reportgen.build(model, values[:2], tmp_path / "out", preprocess="none", bands="1,2,13", **QUICK)
    for wrong in ("5", "2,1", "a,b", "0,inf"):
        with pytest.raises(UsageError, match="value-range"):
            reportgen.Config.from_options({"value-range": wrong})
    with pytest.raises(UsageError, match="bands"):
        reportgen.Config.from_options({"bands": "-1,2,3"})


def test_a_network_that_rescales_bytes_inside_gets_deep_pictures_as_bytes(tmp_path):
    values, truth = scenes(3, 0, 255)
    model = trained(values, truth, layers.Rescaling(1 / 255))
    deep = (values[:3] * 257).round().astype("uint16")
    report = reportgen.build(model, deep, tmp_path / "out", **QUICK)
    assert_like_keras(report, model, deep / 257.0)


def test_a_network_that_normalizes_inside_gets_values_as_they_are(tmp_path, bands):
    model, values = bands
    report = reportgen.build(model, values[:3].astype("uint16"), tmp_path / "out", **QUICK)
    assert_like_keras(report, model, values[:3])


def test_maximised_pictures_and_dreams_are_kept_in_the_range_of_the_values(tmp_path, bands):
    model, values = bands
    report = reportgen.build(
        model, values[:3], tmp_path / "out", preprocess="none", value_range="0,12000", steps=3, channels="0,1",
        sections="activation-maximization,deep-dream,predictions,units", use_cache=False,
    )  # fmt: skip
    made = [one for one in report.data.maximizations if one.layer == "conv" and one.picture is not None]
    assert made
    extractor = keras.Model(model.inputs, model.get_layer("conv").output)
    for one in made:
        array = np.load(report.path / one.array)
        assert (array.dtype, array.shape[-1]) == (np.float32, 13)
        assert 0 <= array.min() < array.max() <= 12000
        if array.shape[:2] == (16, 16):
            highest = extractor.predict(array[None], verbose=0)[0, ..., one.channel].max()
            np.testing.assert_allclose(highest, one.activation, rtol=1e-4)
    dreams = [figure for figure in report.data.figures if figure.kind == "deep_dream"]
    assert [np.load(report.path / one.data).shape for one in dreams] == [(16, 16, 13)]
    assert main(["verify", str(report.path)]) == 0


def test_placement_is_recorded_and_older_reports_have_none(tmp_path, bands):
    model, values = bands
    wide = np.repeat(values[:1], 2, axis=2)
    report = reportgen.build(model, wide, tmp_path / "out", preprocess="none", resize="pad", **QUICK)
    (image,) = report.data.images
    assert image.placement.model_dump() == {"scale_y": 0.5, "scale_x": 0.5, "top": 4.0, "left": 0.0}
    content: dict[str, Any] = json.loads((report.path / "report.json").read_text())
    content["images"][0].pop("placement")
    assert reportgen.Record.model_validate_json(json.dumps(content)).images[0].placement is None


def test_files_that_are_no_images_are_listed_without_a_warning(tmp_path, bands):
    model, values = bands
    folder = Path(tmp_path / "tiles")
    folder.mkdir()
    np.save(folder / "a.npy", values[0])
    (folder / "labels.csv").write_text("x")
    report = reportgen.build(model, folder, tmp_path / "out", preprocess="none", **QUICK)
    assert [item.file for item in report.data.skipped] == ["labels.csv"]
    assert "skipped-images" not in {one.rule for one in report.findings}
    (folder / "map.svg").write_text("<svg/>")
    report = reportgen.build(model, folder, tmp_path / "again", preprocess="none", **QUICK)
    [finding] = [one for one in report.findings if one.rule == "skipped-images"]
    assert "map.svg" in finding.message
    assert "labels.csv" not in finding.message


@pytest.mark.parametrize("suffix", ["npy", "npz"])
@pytest.mark.parametrize("shape", [(2, 16, 16, 2), (2, 16, 16, 13), (3, 16, 16, 16, 1), (16,)])
def test_arrays_that_fit_no_grey_network_are_one_clear_line(tmp_path, grey, suffix, shape):
    file = tmp_path / f"bands.{suffix}"
    array = RANDOM.integers(0, 256, shape).astype("uint8")
    np.save(file, array) if suffix == "npy" else np.savez(file, array)
    with pytest.raises(
        ReportgenError, match=r"channels, the network takes 1|is an array of shape|no images there"
    ) as caught:
        reportgen.build(grey, [file], tmp_path / "out", **QUICK)
    assert "\n" not in str(caught.value)


def test_an_array_of_colours_becomes_grey_for_a_grey_network_as_a_picture_does(tmp_path, grey):
    colours = RANDOM.integers(0, 256, (16, 16, 3)).astype("uint8")
    np.save(tmp_path / "colours.npy", colours)
    Image.fromarray(colours).save(tmp_path / "colours.png")
    files = [tmp_path / "colours.npy", tmp_path / "colours.png"]
    as_array, as_picture = answers(reportgen.build(grey, files, tmp_path / "out", **QUICK))
    np.testing.assert_array_equal(as_array, as_picture)
    plain = grey(np.asarray(Image.fromarray(colours).convert("L"), "float32")[None, ..., None])
    np.testing.assert_allclose(as_picture, np.asarray(plain)[0], rtol=1e-5, atol=1e-6)
