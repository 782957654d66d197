"""Why a network answered so, through the whole program: planted reasons are found, and what is written is whole."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from PIL import Image
from support import zoo
from support.networks import seeded, two_convolutions

import reportgen
from reportgen.analysis.attribution.questions import as_given, ask
from reportgen.analysis.network.layers import summarize_network
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.config import Config
from reportgen.errors import ReportgenError, UsageError
from reportgen.finished.comparison import compare
from reportgen.finished.comparison_rows import figure_pair
from reportgen.finished.verification import verify_report
from reportgen.models import load_network
from reportgen.record import Record, read_record
from reportgen.sections.attribution import same_channels

SIDE, SQUARE = 32, 8
QUICK: dict[str, Any] = {"sections": "overview,attribution", "no_cache": True, "preprocess": "none"}


def _marked(count: int, seed: int, *, corner: bool) -> np.ndarray:
    """Noise with a bright square: in the upper left corner, or anywhere."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 140, (count, SIDE, SIDE, 3)).astype(np.uint8)
    for image in images:
        top, left = (0, 0) if corner else random.integers(0, SIDE - SQUARE, 2)
        image[top : top + SQUARE, left : left + SQUARE] = 250
    return images


def _plain(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 140, (count, SIDE, SIDE, 3)).astype(np.uint8)


@functools.cache
def _trained(corner: bool) -> keras.Model:
    """Tells images with a square from those without."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, padding="same", activation="leaky_relu", name="conv"),
            layers.AveragePooling2D(4, name="pool"),
            layers.Conv2D(8, 1, activation="leaky_relu", name="last"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax", name="classes"),
        ]
    )
    images = np.concatenate([_marked(64, 0, corner=corner), _plain(64, 1)])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(images, np.repeat([1, 0], 64), epochs=40, batch_size=16, verbose=0)
    assert (model.predict(images, verbose=0).argmax(axis=1) == np.repeat([1, 0], 64)).mean() > 0.95
    return model


def _write(folder: Path, images: np.ndarray) -> Path:
    folder.mkdir()
    for place, image in enumerate(images):
        Image.fromarray(image).save(folder / f"image-{place:02}.png")
    return folder


def _report(model: Path | keras.Model, images: Path | np.ndarray, folder: Path, **options: Any) -> Record:
    report = reportgen.build(model, images, folder / "report", **(QUICK | options))
    assert verify_report(report.path) == []
    return report.data


def _rules(record: Record) -> list[str]:
    return [finding.rule for finding in record.findings]


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_planted_corner_is_the_evidence_of_all_images_and_is_found(ending: str, tmp_path: Path) -> None:
    _trained(True).save(tmp_path / f"network.{ending}")
    photos = _write(tmp_path / "photos", _marked(8, 2, corner=True))
    record = _report(tmp_path / f"network.{ending}", photos, tmp_path)
    assert "same-place" in _rules(record)
    for image in record.images:
        first = image.attributions[0]
        assert (first.method, first.layer, first.target.kind, first.target.index) == (
            "grad-cam",
            "last",
            "predicted",
            1,
        )
        values = np.load(tmp_path / "report" / first.array)
        assert values.dtype == np.float32
        assert list(values.shape) == first.shape == [8, 8]
        row, column = np.unravel_index(values.argmax(), values.shape)
        assert row < 2
        assert column < 2
    (finding,) = [one for one in record.findings if one.rule == "same-place"]
    assert "upper left" in finding.message


def test_the_same_network_without_the_shortcut_has_no_such_finding(tmp_path: Path) -> None:
    photos = _write(tmp_path / "photos", _marked(8, 3, corner=False))
    record = _report(_trained(False), photos, tmp_path)
    assert all(image.attributions for image in record.images)
    assert "same-place" not in _rules(record)


def test_mistakes_are_explained_for_both_classes_and_come_first(tmp_path: Path) -> None:
    images = np.concatenate([_marked(4, 4, corner=True), _plain(4, 5)])
    photos = _write(tmp_path / "photos", images)
    names = [f"image-{place:02}.png" for place in range(8)]
    truth = ["no", "yes", "yes", "yes", "no", "no", "no", "no"]  # the first is said to be what it is not
    rows = "\n".join(f"{name},{right}" for name, right in zip(names, truth, strict=True))
    (tmp_path / "truth.csv").write_text(f"file,label\n{rows}\n")
    (tmp_path / "labels.txt").write_text("no\nyes\n")
    record = _report(
        _trained(True),
        photos,
        tmp_path,
        truth=str(tmp_path / "truth.csv"),
        labels=tmp_path / "labels.txt",
        attribution_parameters={"checked_images": 1, "costly_images": 1},
    )
    wrong = record.images[0]
    cams = [one.target for one in wrong.attributions if one.method == "grad-cam"]
    assert [(target.kind, target.label) for target in cams] == [("predicted", "yes"), ("truth", "no")]
    paths = [image.file for image in record.images if any(one.points for one in image.attributions)]
    assert paths == ["image-00.png"]
    checked = [image.file for image in record.images if any(one.deletion for one in image.attributions)]
    assert checked == ["image-00.png"]
    others = [one for image in record.images[1:] for one in image.attributions if one.positive_evidence]
    assert {one.verdict for one in others} == {None}
    front = (tmp_path / "report" / "index.html").read_text()
    assert front.index("image-00.html#attribution") < front.index("image-01.html#attribution")
    assert 'id="why"' in front


def test_the_picture_lies_over_the_photograph_where_the_map_says(tmp_path: Path) -> None:
    """A photograph twice as wide as high, cropped: the left and right quarters are as they were."""
    image = np.full((64, 128, 3), 90, np.uint8)
    image[:16, 32:48] = 250
    photos = _write(tmp_path / "photos", image[None])
    record = _report(_trained(True), photos, tmp_path, resize="crop", attribution="grad-cam")
    (shown,) = record.images[0].attributions
    over = np.asarray(Image.open(tmp_path / "report" / shown.picture).convert("RGB")).astype(int)
    changed = np.abs(over - image).max(axis=2)
    assert over.shape == image.shape
    assert changed[:, :30].max() <= 12  # what compression does
    assert changed[:, 98:].max() <= 12
    assert changed[:16, 34:46].mean() > 60


def test_methods_are_chosen_and_switched_off(tmp_path: Path) -> None:
    photos = _write(tmp_path / "photos", _marked(3, 6, corner=True))
    record = _report(_trained(True), photos, tmp_path / "a", attribution="layer-cam,occlusion,integrated-gradients")
    methods = {one.method for image in record.images for one in image.attributions}
    assert methods == {"layer-cam", "occlusion", "integrated-gradients"}
    assert record.attribution is not None
    assert [(one.method, one.layer) for one in record.attribution.methods] == [
        ("layer-cam", "last"),
        ("integrated-gradients", None),
        ("occlusion", None),
    ]
    assert all(len(image.attributions) == 3 for image in record.images)
    off = _report(_trained(True), photos, tmp_path / "b", attribution="off")
    assert off.attribution is None
    assert not any(image.attributions for image in off.images)
    assert 'id="why"' not in (tmp_path / "b" / "report" / "index.html").read_text()


def test_every_number_of_the_record_is_of_the_contract(tmp_path: Path) -> None:
    _report(_trained(True), _marked(2, 7, corner=True), tmp_path)
    content = json.loads((tmp_path / "report" / "report.json").read_text())
    keys = {
        *("output", "target", "method", "layer", "picture", "array", "shape", "positive_evidence", "deletion"),
        *("insertion", "completeness_error", "agreement", "verdict"),
    }
    for image in content["images"]:
        for shown in image["attributions"]:
            assert keys <= set(shown)
            assert set(shown["target"]) == {"kind", "index", "label"}
            assert set(shown["deletion"]) == {"area", "random"}
            assert shown["verdict"] in ("holds", "weak", "explains nothing")
            assert (shown["completeness_error"] is not None) == (shown["method"] == "integrated-gradients")
    assert {frozenset(one) for one in content["attribution"]["methods"]} == {
        frozenset({"method", "layer", "randomization", "images"})
    }
    kinds = [figure for figure in content["figures"] if figure["kind"] == "attribution"]
    assert {figure["section"] for figure in kinds} == {"attribution"}


def _blank() -> keras.Model:
    """A network whose class speaks against everything: its map has no positive evidence."""
    model = two_convolutions(size=16, classes=2)
    model.get_layer("classes").set_weights([np.full((8, 2), -1.0) + np.array([[0.1, 0.0]]), np.zeros(2)])
    return model


def test_a_map_without_evidence_says_so(tmp_path: Path) -> None:
    record = _report(_blank(), _plain(2, 8)[:, :16, :16], tmp_path, attribution="grad-cam")
    for image in record.images:
        assert [(one.positive_evidence, one.verdict) for one in image.attributions][:1] == [(False, "explains nothing")]
    page = next((tmp_path / "report" / "images").glob("image*.html")).read_text()
    assert "the map is empty" in page
    assert "no evidence" in page


@pytest.mark.parametrize("name", ["transfer_functional", "vision_transformer", "subclassed", "channels_first", "grey"])
def test_networks_of_all_kinds_are_explained(name: str, tmp_path: Path) -> None:
    network = zoo.open_zoo(name)
    pixels = zoo.pictures(network, 3)
    record = _report(network.model, pixels, tmp_path)
    assert record.attribution is not None
    methods = {one.method for one in record.attribution.methods}
    assert "integrated-gradients" in methods
    if name == "vision_transformer":
        assert {"grad-cam", "attention-rollout"} <= methods
    assert all(image.attributions for image in record.images)


def _answers(kind: str) -> keras.Model:
    image = keras.Input((SIDE, SIDE, 3))
    maps = layers.Conv2D(6, 3, padding="same", activation="relu", name="conv")(image)
    flat = layers.GlobalAveragePooling2D()(maps)
    outputs: dict[str, Any] = {
        "values": lambda: layers.Dense(2, name="out")(flat),
        "embedding": lambda: layers.UnitNormalization(name="out")(layers.Dense(5)(flat)),
        "map": lambda: layers.Conv2D(3, 1, activation="softmax", name="out")(maps),
        "boxes": lambda: layers.Dense(4, name="out")(flat),
        "picture": lambda: layers.Conv2D(3, 1, activation="sigmoid", name="out")(maps),
    }
    return seeded(keras.Model(image, outputs[kind]()))


@pytest.mark.parametrize(
    ("kind", "detail", "target"),
    [
        ("values", "values", "value"),
        ("embedding", "embedding", "nearest"),
        ("map", "map", "region"),
        ("boxes", "boxes:yxyx:unit", "boxes"),
    ],
)
def test_answers_of_every_kind_are_explained(kind: str, detail: str, target: str, tmp_path: Path) -> None:
    images = _marked(3, 13, corner=False)
    record = _report(
        _answers(kind),
        images,
        tmp_path,
        answer=detail,
        attribution_parameters={"checked_images": 1, "costly_images": 3},
    )
    for image in record.images:
        assert {one.target.kind for one in image.attributions} == {target}
        methods = [one.method for one in image.attributions]
        assert methods.count("integrated-gradients") == 1  # of the first value or region alone
        assert "grad-cam" in methods
    assert any(one.deletion is not None for image in record.images for one in image.attributions)


def test_a_picture_is_not_explained_and_the_report_says_so(tmp_path: Path) -> None:
    record = _report(_answers("picture"), _plain(2, 9), tmp_path, answer="picture")
    (section,) = [one for one in record.sections if one.slug == "attribution"]
    assert section.note is not None
    assert "no answer to explain" in section.note


def _plain_cam(model: keras.Model, image: np.ndarray, index: int) -> np.ndarray:
    """Grad-CAM as tutorials write it, of the scores before the softmax."""
    logits = keras.layers.Dense(2)
    logits.build((None, 8))
    logits.set_weights(model.get_layer("classes").get_weights())
    part = keras.Model(model.inputs[0], model.get_layer("last").output)
    with tf.GradientTape() as tape:
        maps = part(image[None].astype("float32"))
        tape.watch(maps)
        score = logits(tf.reduce_mean(maps, axis=(1, 2)))[0, index]
    weights = tf.reduce_mean(tape.gradient(score, maps), axis=(1, 2))
    return tf.nn.relu(tf.reduce_sum(maps * weights[:, None, None], axis=3))[0].numpy()


@pytest.mark.parametrize("target", ["predicted", 0, np.int64(1)])
def test_explain_gives_the_maps_as_arrays(target: int | str) -> None:
    images = _marked(3, 10, corner=True)
    maps = reportgen.explain(_trained(True), images, method="grad-cam", target=target, preprocess="none")
    assert maps.shape == (3, 8, 8)
    for own, image in zip(maps, images, strict=True):
        plain = _plain_cam(_trained(True), image, 1 if target == "predicted" else int(target))
        assert np.abs(own - plain).max() <= 1e-5 * max(1.0, plain.max())


def test_explain_gives_what_a_report_says(tmp_path: Path) -> None:
    photos = _write(tmp_path / "photos", _marked(2, 11, corner=True))
    record = _report(_trained(True), photos, tmp_path, attribution="integrated-gradients")
    maps = reportgen.explain(_trained(True), photos, method="integrated-gradients", preprocess="none")
    assert maps.shape == (2, SIDE, SIDE)
    for own, image in zip(maps, record.images, strict=True):
        np.testing.assert_allclose(own, np.load(tmp_path / "report" / image.attributions[0].array), atol=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda model, images: reportgen.explain(model, images, method="cam"), UsageError, "method: expected one of"),
        (lambda model, images: reportgen.explain(model, images, target=7), UsageError, "target: expected predicted"),
        (lambda model, images: reportgen.explain(model, images, target=None), UsageError, "got None"),
        (lambda model, images: reportgen.explain(model, images, target=1.0), UsageError, "got 1.0"),
        (lambda model, images: reportgen.explain(model, images, target=True), UsageError, "got True"),
        (lambda model, images: reportgen.explain(model, images, target="zebra"), UsageError, "got 'zebra'"),
        (
            lambda model, images: reportgen.explain(model, images, method="attention-rollout"),
            ReportgenError,
            "attention-rollout",
        ),
    ],
)
def test_explain_refuses_what_there_is_not(call: Callable[[Any, Any], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call(seeded(two_convolutions(size=16)), _plain(1, 12)[:, :16, :16])


def test_two_reports_show_their_maps_of_an_image_side_by_side(tmp_path: Path) -> None:
    """Of networks whose layers are called otherwise and whose answers differ."""
    photos = _write(tmp_path / "photos", _marked(2, 14, corner=True))
    for name, model in (("one", _trained(True)), ("other", two_convolutions(size=SIDE, classes=2))):
        _report(model, photos, tmp_path / name, attribution="grad-cam", attribution_parameters={"checked_images": 0})
    first, second = (read_record(tmp_path / name / "report") for name in ("one", "other"))
    pairs = [pair for pair in compare(first, second).figures if pair.first.kind == "attribution"]
    compared = [(pair.first.image, pair.first.layer, pair.second.layer) for pair in pairs]
    assert {image for image, _, _ in compared} == {"image-00.png", "image-01.png"}
    assert ("image-00.png", "last", "conv2") in compared


def test_maps_are_set_beside_those_of_the_same_method_and_question(tmp_path: Path) -> None:
    """Whatever the networks answer, and however many maps each has: a runner-up, a mistake, or neither."""
    photos = _write(tmp_path / "photos", np.concatenate([_marked(3, 16, corner=True), _plain(1, 17)]))
    (tmp_path / "labels.txt").write_text("no\nyes\n")
    rows = "\n".join(f"image-{place:02}.png,{right}" for place, right in enumerate(["yes", "no", "yes", "no"]))
    (tmp_path / "truth.csv").write_text(f"file,label\n{rows}\n")
    for name, model in (("one", _trained(True)), ("other", two_convolutions(size=SIDE, classes=2))):
        options: dict[str, Any] = {"truth": str(tmp_path / "truth.csv"), "labels": tmp_path / "labels.txt"}
        options["attribution"] = "grad-cam,layer-cam,integrated-gradients"
        _report(model, photos, tmp_path / name, attribution_parameters={"checked_images": 0}, **options)
    first, second = (read_record(tmp_path / name / "report") for name in ("one", "other"))
    pairs = [pair for pair in compare(first, second).figures if pair.first.kind == "attribution"]
    asked = [
        {one.figure: (one.method, one.target.kind, image.file) for image in record.images for one in image.attributions}
        for record in (first, second)
    ]
    over = [pair for pair in pairs if pair.first.variant == "over the photograph"]
    told = [(asked[0].get(pair.first.id), asked[1].get(pair.second.id)) for pair in over]
    assert all(one == other for one, other in told)
    assert set(asked[0].values()) & set(asked[1].values()) == {one for one, _ in told if one is not None}
    answered = [pair for pair in over if pair.first.title != pair.second.title]
    assert answered  # they answer otherwise, and both answers are named
    for pair in answered:
        name = figure_pair(pair).name
        assert f"{pair.first.title} in A" in name
        assert f"{pair.second.title} in B" in name


def test_a_channel_says_what_it_is_used_for(tmp_path: Path) -> None:
    """What channels add to a score that is linear in their means adds up to the score without its bias."""
    images = _marked(4, 15, corner=True)
    record = _report(
        _trained(True), images, tmp_path, sections="overview,attribution,units", channels="all", activation_max="off"
    )
    assert record.attribution is not None
    uses = [use for use in record.attribution.channels if use.layer == "last"]
    assert [use.channel for use in uses] == list(range(8))
    model = _trained(True)
    means = keras.Model(model.inputs[0], model.layers[-2].output).predict(images, verbose=0)
    weights = model.get_layer("classes").get_weights()[0][:, 1]
    for use in uses:
        evidence = means[:, use.channel] * weights[use.channel]
        expected = evidence.mean()
        assert [one.evidence for one in use.classes] == pytest.approx([expected] if expected > 0 else [], rel=1e-4)
        assert [one.evidence for one in use.images] == pytest.approx(
            sorted(evidence[evidence > 0], reverse=True)[:3], rel=1e-4
        )
    used = next(use for use in uses if use.classes)
    page = tmp_path / "report" / next(u.page for u in record.units if u.channel == used.channel and u.layer == "last")
    assert "What it fires on, and what it is used for" in page.read_text()


def test_channels_are_the_same_before_and_after_what_works_value_by_value() -> None:
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, name="first"),
            layers.Conv2D(4, 3, name="conv"),
            layers.BatchNormalization(name="bn"),
            layers.ReLU(name="relu"),
            layers.MaxPooling2D(name="pool"),
        ]
    )
    summary = summarize_network(load_network(Config(preprocess="unit"), model))
    assert same_channels(summary, "relu") == ("relu", "bn", "conv")
    assert same_channels(summary, "conv") == ("conv",)
    assert same_channels(summary, "pool") == ("pool",)


def test_answers_that_were_seen_are_asked_about_in_the_layout_of_the_network() -> None:
    maps = [np.random.default_rng(place).random((4, 5, 3), np.float32) for place in range(2)]
    last = SettledOutput(0, "map", "map", (None, 4, 5, 3), (4, 5, 3), "", activation="softmax")
    first = replace(last, channels_first=True)
    np.testing.assert_array_equal(as_given(last, maps), np.stack(maps))
    np.testing.assert_array_equal(as_given(first, maps), np.stack(maps).transpose(0, 3, 1, 2))
    asked = [ask(output, as_given(output, maps), ["a.png", "b.png"]) for output in (last, first)]
    assert [[one.index for one in own] for own in asked[0]] == [[one.index for one in own] for own in asked[1]]
    for one, other in zip(*asked, strict=True):
        np.testing.assert_array_equal(one[0].target.directions.transpose(0, 3, 1, 2), other[0].target.directions)
