"""Inputs that have a value for each image: every place that runs the network feeds each image its own."""

from __future__ import annotations

import pickle
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, ops
from support.settled import head

from reportgen import build
from reportgen.analysis.attribution.tracing import TracedCall, answer_images
from reportgen.analysis.changed_images import ChangedImages
from reportgen.analysis.network.capture import Extractor
from reportgen.analysis.network.capture_check import check_capture
from reportgen.analysis.network.features import extract_features
from reportgen.analysis.network.feeding import open_network
from reportgen.analysis.network.given_values import with_values_of_images
from reportgen.analysis.network.layers import summarize_network
from reportgen.analysis.network.preprocessing_check import check_preprocessing
from reportgen.analysis.statistics.image_pass import Plan
from reportgen.analysis.statistics.measure_task import MeasureTask
from reportgen.config import Config
from reportgen.engines import chunks_of
from reportgen.errors import UsageError
from reportgen.formats import shape
from reportgen.images import Fitting, collect_images
from reportgen.models import Network

COUNT, SIDE = 10, 12
PIXELS = np.random.default_rng(3).integers(0, 256, (COUNT, SIDE, SIDE, 3)).astype(np.uint8)
FILES = [image.file for image in collect_images(PIXELS)]
AGES = np.linspace(-2, 3, COUNT)[::-1]
PLACES = np.random.default_rng(4).normal(size=(COUNT, 3)).round(4)
KINDS = np.arange(COUNT) % 4
QUICK = {"sections": "overview,predictions", "activation_max": "off", "use_cache": False}


def branch(image: keras.KerasTensor) -> keras.KerasTensor:
    maps = layers.Conv2D(4, 3, name="conv")(layers.Rescaling(1 / 255)(image))
    return layers.GlobalAveragePooling2D()(layers.BatchNormalization(name="norm")(maps))


def with_number() -> keras.Model:
    image, age = keras.Input((SIDE, SIDE, 3), name="image"), keras.Input((1,), name="age")
    joined = layers.Concatenate()([branch(image), age])
    return keras.Model([image, age], layers.Dense(3, activation="softmax", name="classes")(joined))


def with_dictionary() -> keras.Model:
    """Vectors and whole numbers beside the image, all by name."""
    image = keras.Input((SIDE, SIDE, 3), name="image")
    place, kind = keras.Input((3,), name="place"), keras.Input((1,), dtype="int32", name="kind")
    known = layers.Flatten()(layers.Embedding(4, 2)(kind))
    joined = layers.Concatenate()([branch(image), place, known])
    inputs = {"place": place, "image": image, "kind": kind}
    return keras.Model(inputs, layers.Dense(3, activation="softmax", name="classes")(joined))


def modulated() -> keras.Model:
    """A number that changes the maps, as noise levels of denoisers do."""
    image, age = keras.Input((SIDE, SIDE, 3), name="image"), keras.Input((1,), name="age")
    maps = layers.Conv2D(4, 3, name="before")(layers.Rescaling(1 / 255)(image))
    maps = layers.Conv2D(4, 3, name="conv")(ops.multiply(maps, ops.reshape(age, (-1, 1, 1, 1))))
    pooled = layers.GlobalMaxPooling2D()(maps)
    return keras.Model([image, age], layers.Dense(3, activation="softmax", name="classes")(pooled))


def table(path: Path, *columns: np.ndarray, heading: str = "") -> str:
    lines = [",".join([file, *(str(float(column[row])) for column in columns)]) for row, file in enumerate(FILES)]
    path.write_text("\n".join([heading, *reversed(lines)]).strip() + "\n")
    return str(path)


def settings_of(kind: str, folder: Path) -> tuple[keras.Model, dict[str, str], object]:
    """A network, what is given, and its answers in plain Keras."""
    images, ages = PIXELS.astype("float32"), AGES[:, None].astype("float32")
    given = {"age": table(folder / "ages.csv", AGES, heading="file,age")}
    if kind == "number":
        return (model := with_number()), given, model([images, ages])
    if kind == "modulated":
        return (model := modulated()), given, model([images, ages])
    given = {"place": table(folder / "places.csv", *PLACES.T), "kind": table(folder / "kinds.csv", KINDS)}
    model = with_dictionary()
    return model, given, model({"image": images, "place": PLACES.astype("float32"), "kind": KINDS[:, None]})


def opened(kind: str, folder: Path) -> tuple[Network, np.ndarray]:
    model, given, expected = settings_of(kind, folder)
    config = Config(inputs=given)
    network = with_values_of_images(open_network(config, model), config, collect_images(PIXELS))
    return network, np.asarray(expected)


KIND = pytest.mark.parametrize("kind", ["number", "dictionary", "modulated"])


@KIND
def test_a_report_answers_as_plain_keras(kind, tmp_path):
    model, given, expected = settings_of(kind, tmp_path)
    report = build(model, PIXELS, tmp_path / "out", inputs=given, **QUICK)
    scores = np.array([[one.score for one in image.predictions] for image in report.data.images])
    order = np.array([[one.index for one in image.predictions] for image in report.data.images])
    np.testing.assert_allclose(scores, np.take_along_axis(np.asarray(expected), order, 1), rtol=1e-5, atol=1e-6)
    held = {one.name: one.given for one in report.data.model.inputs if one.name != "image"}
    assert held == {name: Path(file).name for name, file in given.items()}
    assert not any(finding.rule in ("held-input", "capture") for finding in report.data.findings)
    page = (tmp_path / "out" / "index.html").read_text()
    assert f"reads images of {shape((None, SIDE, SIDE, 3))} and" in page
    assert all(f"got the value that {Path(file).name} has for each image" in page for file in given.values())


@KIND
def test_measuring_here_and_in_another_process(kind, tmp_path):
    network, expected = opened(kind, tmp_path)
    plan = Plan.make(summarize_network(network), ("conv", "classes"), COUNT, Fitting(network.size))
    task = MeasureTask(network, plan, Config())
    (chunk,) = chunks_of(collect_images(PIXELS).images, 0, COUNT)
    for each in (task, pickle.loads(pickle.dumps(task))):
        measured = each.run(chunk, lambda _: None)
        best = measured.top.values[:, -expected.shape[1] :]
        np.testing.assert_allclose(best, -np.sort(-expected, axis=0)[: len(best)], rtol=1e-5)


@KIND
def test_features_and_maps_of_several_images_at_once(kind, tmp_path):
    network, expected = opened(kind, tmp_path)
    extractor = Extractor(network, ("classes",))
    rows = [
        layers["classes"] for _, layers in extract_features(extractor, zip(FILES, PIXELS, strict=True), batch_size=4)
    ]
    np.testing.assert_allclose(np.concatenate(rows), expected, rtol=1e-5, atol=1e-6)


@KIND
def test_attribution_asks_about_each_image_beside_its_own_values(kind, tmp_path):
    network, expected = opened(kind, tmp_path)
    traced = TracedCall(network, ("conv",))
    for place, file in enumerate(FILES[:3]):
        (answer,) = answer_images(traced.of_images([file]), PIXELS[[place, place]])
        np.testing.assert_allclose(answer, expected[[place, place]], rtol=1e-5, atol=1e-6)
    together = answer_images(traced.of_images(FILES), PIXELS)[0]
    np.testing.assert_allclose(together, expected, rtol=1e-5, atol=1e-6)
    assert len(traced._compiled) <= 2  # the sizes' measuring and the answers, not one for each image


def test_checks_of_capture_and_preprocessing(tmp_path):
    network, _ = opened("number", tmp_path)
    others = network.others_of(FILES)
    classes = network.model.get_layer("classes")
    classes.kernel.assign(np.vstack([classes.kernel.numpy()[:-1], [[9, 0, -9]]]))  # the sign of the age decides
    held = np.full((COUNT, 1), 9, "float32")
    assert check_capture(network, PIXELS, others).difference < 1e-6
    summary, answers = summarize_network(network), head(network, PIXELS)
    named, named_held = (
        np.asarray(network.model([PIXELS.astype("float32"), ages])).argmax(axis=1) for ages in (others["age"], held)
    )
    for given, expected in (others, 1.0), ({"age": held}, np.mean(named == named_held)):
        checked = check_preprocessing(network, summary, answers, PIXELS, named, given)
        assert checked is not None
        assert checked.used.accuracy == pytest.approx(expected)
    assert 0.2 < np.mean(named == named_held) < 0.8


@KIND
def test_changed_versions_of_an_image_keep_its_own_values(kind, tmp_path):
    network, expected = opened(kind, tmp_path)
    output = head(network, PIXELS)
    assert output is not None
    changing = ChangedImages(network, output, 1 << 20, 0, Fitting(network.size).scale)
    for place in (0, COUNT - 1):
        versions = changing.changed(PIXELS[place], place)
        scores = changing.answers(PIXELS[place], versions, network.others_of([FILES[place]]))
        np.testing.assert_allclose(scores[0], expected[place], rtol=1e-5, atol=1e-6)


def test_three_towers_each_number_and_picture_its_own_way(tmp_path):
    """A picture for all images, a number for each."""
    anchor, positive = keras.Input((SIDE, SIDE, 3), name="anchor"), keras.Input((SIDE, SIDE, 3), name="positive")
    margin = keras.Input((), name="margin")
    tower = keras.Sequential(
        [keras.Input((SIDE, SIDE, 3)), layers.Rescaling(1 / 255), layers.Conv2D(4, 3), layers.Flatten()]
    )
    apart = ops.mean(ops.square(tower(anchor) - tower(positive)), axis=1) - margin
    model = keras.Model([anchor, positive, margin], layers.Activation("sigmoid")(ops.expand_dims(apart, 1)))
    np.save(tmp_path / "other.npy", PIXELS[0])
    given = {"positive": str(tmp_path / "other.npy"), "margin": table(tmp_path / "margins.csv", AGES)}
    report = build(model, PIXELS, tmp_path / "out", inputs=given, **QUICK)
    images = PIXELS.astype("float32")
    expected = np.asarray(model([images, np.repeat(images[:1], COUNT, axis=0), AGES.astype("float32")]))[:, 0]
    best = [image.predictions[0] for image in report.data.images]
    answers = [one.score if one.index == 1 else 1 - one.score for one in best]  # of one unit two classes are made
    np.testing.assert_allclose(answers, expected, rtol=1e-5, atol=1e-6)


def test_what_belongs_to_no_image_gets_the_value_nearest_to_the_median(tmp_path):
    network, _ = opened("number", tmp_path)
    assert float(network.other_inputs["age"][0]) in np.float32(AGES)
    assert abs(float(network.other_inputs["age"][0]) - np.median(AGES)) <= np.diff(np.sort(AGES)).max()
    assert with_values_of_images(network, Config(), collect_images(PIXELS)) is network


def test_other_values_are_another_key(tmp_path):
    network, _ = opened("number", tmp_path)
    changed = table(tmp_path / "more.csv", AGES + np.eye(COUNT)[2])
    config = Config(inputs={"age": changed})
    other = with_values_of_images(open_network(config, network.model), config, collect_images(PIXELS))
    assert pickle.dumps(network.content) != pickle.dumps(other.content)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: lines[:-2], "expected one line for each image, got none for .* and 1 other image"),
        (lambda lines: [*lines, lines[3]], "more than once"),
        (lambda lines: [lines[0], lines[1] + "x", *lines[2:]], "expected numbers behind each file, got '.*x'"),
        (lambda lines: [lines[0], lines[1] + ",4", *lines[2:]], "expected a number"),
        (lambda lines: [line.split(",")[0] for line in lines], "expected lines of file,value"),
        (lambda lines: lines[:0], "expected lines of file,value for each image, got none"),
        (lambda lines: [lines[0], lines[1].split(",")[0] + ",nan", *lines[2:]], "expected numbers"),
    ],
)
def test_a_table_that_does_not_fit_is_said_in_one_line(change, message, tmp_path):
    file = Path(table(tmp_path / "ages.csv", AGES))
    file.write_text("\n".join(change(file.read_text().split())))
    with pytest.raises(UsageError, match=message) as caught:
        build(with_number(), PIXELS, tmp_path / "out", inputs={"age": str(file)}, **QUICK)
    assert "\n" not in str(caught.value)


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match=r"--input age=.*expected lines of file,value for each image, cannot read it"):
        build(with_number(), PIXELS, tmp_path / "out", inputs={"age": str(tmp_path / "no.csv")}, **QUICK)
