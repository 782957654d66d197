"""The whole way from a network and pictures to a folder, on small ones; what is measured is checked elsewhere."""

from __future__ import annotations

import html
import json
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import keras
import numpy as np
import pytest
from PIL import Image
from support.images import random_images, write_images
from support.networks import seeded, two_convolutions

import reportgen
from reportgen import GateError, ReportgenError, UsageError
from reportgen.cli import main
from reportgen.files.cache import Cache
from reportgen.finished.verification import verify_report
from reportgen.record import schema
from reportgen.sections import SECTIONS

QUICK = {"steps": 4, "channels": "first:2", "no_cache": True}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "network.keras"
    two_convolutions(size=16).save(path)
    return path


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home-of-somebody") / "photos"
    write_images(folder, 3)
    return folder


@pytest.fixture(scope="module")
def built(model: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> reportgen.Report:
    return reportgen.build(model, photos, tmp_path_factory.mktemp("out") / "report", **QUICK)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_report_is_whole(built: reportgen.Report) -> None:
    assert verify_report(built.path) == []
    record = json.loads((built.path / "report.json").read_text(encoding="utf-8"))
    jsonschema.validate(record, schema())
    assert [section["slug"] for section in record["sections"]] == [section.slug for section in SECTIONS]
    kinds = {figure["kind"] for figure in record["figures"]}
    assert {"photo", "input", "filters", "feature_maps", "activation_maximization", "deep_dream"} <= kinds
    assert (built.path / ".nojekyll").read_bytes() == b""


def test_what_the_record_says_of_pictures_is_so(built: reportgen.Report) -> None:
    for figure in built.data.figures:
        with Image.open(built.path / figure.picture) as picture:
            assert picture.size == (figure.width, figure.height)
        assert figure.alt
        if figure.tiles is not None:
            grid = figure.tiles
            assert grid.columns * (grid.width + grid.gap) - grid.gap <= figure.width
            assert grid.rows * (grid.height + grid.gap) - grid.gap <= figure.height
            assert len(figure.channels) <= grid.columns * grid.rows


def test_the_activation_of_a_maximised_picture_is_that_of_the_picture_stored(
    built: reportgen.Report, model: Path
) -> None:
    network = keras.models.load_model(model)
    checked = 0
    for shown in built.data.maximizations:
        if shown.picture is None or shown.tile is None or shown.objective != "channel":
            continue
        left, top, width, height = shown.tile
        with Image.open(built.path / shown.picture) as picture:
            pixels = np.asarray(picture.convert("RGB"))[top : top + height, left : left + width]
        layer = network.get_layer(shown.layer)
        part = keras.Model(network.inputs[0], layer.output)
        assert pixels.shape[:2] == tuple(shown.canvas) == (16, 16)
        answer = part(pixels[None].astype("float32") / 255, training=False).numpy()
        assert shown.activation == pytest.approx(answer[..., shown.channel].max(), rel=1e-4, abs=1e-5)
        checked += 1
    assert checked >= 3


def test_features_to_download_are_those_of_keras(built: reportgen.Report, model: Path, photos: Path) -> None:
    network = keras.models.load_model(model)
    part = keras.Model(network.inputs[0], network.get_layer("conv2").output)
    assert len(built.data.features) == 3
    for feature in built.data.features:
        with Image.open(photos / feature.image) as picture:
            fitted = np.asarray(picture.resize((16, 16), Image.Resampling.BILINEAR), dtype="float32") / 255
        expected = part(fitted[None], training=False).numpy()[0]
        stored = np.load(built.path / feature.file)
        assert feature.layer == "conv2"
        assert list(stored.shape) == feature.shape == [8, 8, 8]
        np.testing.assert_allclose(stored, expected, atol=1e-5)


def test_large_features_are_in_a_report_only_when_named(
    model: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reportgen.sections.features.FEATURES_ROOM", 3 * 8 * 8 * 8 * 4 - 1)
    off = {"activation_max": "off", **QUICK}
    unasked = reportgen.build(model, photos, tmp_path / "unasked", **off)
    assert unasked.data.features == []
    assert "would add 6.14 kB" in (unasked.path / "index.html").read_text(encoding="utf-8")
    named = reportgen.build(model, photos, tmp_path / "named", sections="features", **off)
    assert len(named.data.features) == 3


@pytest.fixture(scope="module")
def cached(model: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[reportgen.Report, Path]:
    """The same report, computed again, and the cache that was empty before."""
    folder = tmp_path_factory.mktemp("cached")
    settings = QUICK | {"no_cache": False, "cache": folder / "cache"}
    return reportgen.build(model, photos, folder / "report", **settings), folder / "cache"


def test_the_same_inputs_give_the_same_bytes(built: reportgen.Report, cached: tuple[reportgen.Report, Path]) -> None:
    one, two = contents(built.path), contents(cached[0].path)
    assert sorted(one) == sorted(two)
    assert [name for name in one if one[name] != two[name]] == []


def test_what_the_cache_gives_back_is_the_same(
    model: Path, photos: Path, cached: tuple[reportgen.Report, Path], tmp_path: Path
) -> None:
    first, cache = cached
    assert any(cache.rglob("*.entry"))
    second = reportgen.build(model, photos, tmp_path / "second", **QUICK | {"no_cache": False, "cache": cache})
    assert contents(first.path) == contents(second.path)


def test_nothing_private_is_told(built: reportgen.Report, model: Path, photos: Path) -> None:
    texts = [data for name, data in contents(built.path).items() if name.endswith((".html", ".json", ".js"))]
    for private in (str(model.parent), str(photos.parent), photos.parent.name, str(built.path.parent)):
        assert not any(private.encode() in text for text in texts)


def test_a_model_and_an_array_from_python_are_taken_and_not_changed(tmp_path: Path) -> None:
    network = two_convolutions(size=8)
    before = [weight.copy() for weight in network.get_weights()]
    activations = [layer.activation for layer in network.layers if hasattr(layer, "activation")]
    report = reportgen.build(network, random_images(2), tmp_path / "out", sections="feature-maps,deep-dream", **QUICK)
    assert [image.file for image in report.data.images] == ["image-0", "image-1"]
    assert report.path == tmp_path / "out"
    assert all(np.array_equal(one, two) for one, two in zip(before, network.get_weights(), strict=True))
    assert activations == [layer.activation for layer in network.layers if hasattr(layer, "activation")]
    assert "<iframe" in report._repr_html_()


def test_predictions_are_those_of_the_network(built: reportgen.Report, model: Path, photos: Path) -> None:
    network = keras.models.load_model(model)
    for image in built.data.images:
        with Image.open(photos / image.file) as picture:
            fitted = np.asarray(picture.resize((16, 16), Image.Resampling.BILINEAR), dtype="float32") / 255
        scores = network(fitted[None], training=False).numpy()[0]
        assert [best.index for best in image.predictions] == np.argsort(-scores)[:5].tolist()
        assert [best.score for best in image.predictions] == pytest.approx(sorted(scores, reverse=True)[:5], rel=1e-4)


def test_a_run_brings_the_cache_within_its_bound(
    model: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"sections": "feature-maps", "cache": tmp_path / "kept"}
    reportgen.build(model, photos, tmp_path / "out", **options)
    kept = Cache(tmp_path / "kept")
    assert kept.files()
    monkeypatch.setattr(Cache.trim, "__defaults__", (0,))
    reportgen.build(model, photos, tmp_path / "again", **options)
    assert kept.files() == []
    assert verify_report(tmp_path / "again") == []


def test_the_fallback_of_preprocessing_is_a_warning(built: reportgen.Report) -> None:
    assert built.data.model.preprocessing.origin == "fallback"
    assert "warning" in {finding.severity for finding in built.findings if "preprocess" in finding.rule}


def test_a_gate_fails_with_the_report_in_place(model: Path, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(GateError, match="--fail-on warning"):
        reportgen.build(model, photos, tmp_path / "out", sections="overview", fail_on="warning", **QUICK)
    assert verify_report(tmp_path / "out") == []


def test_a_size_that_cannot_be_kept_leaves_nothing(model: Path, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(GateError, match="--max-size"):
        reportgen.build(model, photos, tmp_path / "out", sections="overview", max_size="2kB", **QUICK)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["single", "both"])
def test_one_file_of_the_whole_report(model: Path, photos: Path, tmp_path: Path, form: str) -> None:
    report = reportgen.build(model, photos, tmp_path / "out", sections="overview,layers", format=form, **QUICK)
    text = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "image-0.png" in text
    assert report.path == (tmp_path / "out.html" if form == "single" else tmp_path / "out")
    assert (tmp_path / "out").is_dir() == (form == "both")
    frame = report._repr_html_()
    assert frame.startswith("<iframe sandbox ")
    assert frame.count("<iframe") == frame.count("srcdoc=") == 1
    shown = html.unescape(frame.partition('srcdoc="')[2].rpartition('"')[0])
    assert (shown == text) if form == "single" else ("image-0.png" in shown)


def test_mistakes_of_layers_channels_and_dreams_are_told_before_anything_is_written(
    model: Path, photos: Path, tmp_path: Path
) -> None:
    for options, says in (
        ({"layers": ["conv9"]}, "conv1, conv2|conv2, conv1"),
        ({"channels": "99"}, "no layer has a channel 99"),
        ({"dream_image": "absent.png"}, "--dream-image"),
    ):
        with pytest.raises(UsageError, match=says):
            reportgen.build(model, photos, tmp_path / "out", **QUICK | options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("sections", "says"),
    [
        ("filters,feature-map", r"got 'feature-map'; did you mean feature-maps\? known are overview, "),
        (["Filters"], "did you mean filters"),
        ("xyz", "got 'xyz'; known are overview, attribution, "),
    ],
)
def test_a_section_that_is_none_is_told_before_the_network_is_loaded(
    sections: object, says: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        reportgen.build(tmp_path / "absent.keras", tmp_path, tmp_path / "out", sections=sections)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 2
    assert list(tmp_path.iterdir()) == []


def test_a_broken_picture_is_listed_or_with_strict_an_error(model: Path, photos: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes((photos / "image-0.png").read_bytes()[:200])
    report = reportgen.build(model, [photos, broken], tmp_path / "out", sections="overview", **QUICK)
    assert [skipped.file for skipped in report.data.skipped] == ["broken.png"]
    with pytest.raises(ReportgenError, match=r"broken\.png"):
        reportgen.build(model, [photos, broken], tmp_path / "strict", sections="overview", strict=True, **QUICK)
    assert not (tmp_path / "strict").exists()


def test_a_run_killed_in_the_middle_leaves_the_earlier_report(model: Path, photos: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    reportgen.build(model, photos, target, sections="overview", title="The earlier one", **QUICK)
    before = contents(target)
    arguments = ["build", str(model), str(photos), "-o", str(target), "--no-cache", "--verbose", "--steps", "5000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "reportgen", *arguments], stderr=subprocess.PIPE, cwd=Path(__file__).parents[1]
    )
    assert process.stderr is not None
    for line in process.stderr:
        if b"Filters" in line:  # pictures of the images have been written, pages not yet
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()
    assert contents(target) == before
    assert len(list(tmp_path.iterdir())) == 2  # what was half built lies beside it
    reportgen.build(model, photos, target, sections="overview", **QUICK)
    assert list(tmp_path.iterdir()) == [target]


def test_the_command_line_prints_the_path_and_nothing_else(
    model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["build", str(model), str(photos), "-o", str(tmp_path / "out"), "--sections", "overview", "--no-cache"]
    assert main([*arguments, "--quiet"]) == 0
    said = capsys.readouterr()
    assert said.out.strip() == str(tmp_path / "out")
    assert said.err == ""


def test_a_run_ends_with_what_matters(
    model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text("image-0.png,0\nimage-1.png,1\nimage-2.png,2\n", encoding="utf-8")
    out = tmp_path / "out"
    arguments = ["build", str(model), str(photos), "-o", str(out), "--sections", "overview", "--no-cache"]
    assert main([*arguments, "--truth", str(truth)]) == 0
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    *_, found, fed, accuracy, page = [line.removeprefix("reportgen: ") for line in capsys.readouterr().err.splitlines()]
    assert found.startswith("findings: ")
    assert any(found.endswith(finding["message"]) for finding in report["findings"])
    assert fed.startswith("fed: Images are squashed to 16")
    assert fed.endswith("This is a guess: say what is right with --preprocess.")
    assert accuracy.startswith("accuracy: ")
    assert "of 3 images" in accuracy
    assert page == f"open {out / 'index.html'}"
    assert main([*arguments, "--format", "single", "--preprocess", "unit"]) == 0
    *_, fed, page = capsys.readouterr().err.splitlines()
    assert "guess" not in fed
    assert page == f"reportgen: open {tmp_path / 'out.html'}"


def test_what_had_no_time_is_told_at_the_end(
    model: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["build", str(model), str(photos), "-o", str(tmp_path / "out"), "--no-cache", "--budget", "0.001s"]
    assert main([*arguments, "--sections", "activation-maximization"]) == 0
    said = capsys.readouterr().err
    assert "reportgen: left out: Activation maximisation: conv1: " in said
    assert "the time limit of 0.001 seconds was used up" in said


def test_features_from_the_command_line(model: Path, photos: Path, tmp_path: Path) -> None:
    target = tmp_path / "features.npz"
    arguments = ["features", str(model), str(photos), "--layer", "conv1", "--layer", "average", "-o", str(target)]
    assert main([*arguments, "--quiet"]) == 0
    with np.load(target) as stored:
        assert stored["conv1"].shape == (3, 16, 16, 6)
        assert stored["average"].shape == (3, 8)
        assert stored["files"].tolist() == ["image-0.png", "image-1.png", "image-2.png"]


def test_layers_from_the_command_line(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layers", str(model), "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    rows = rows["layers"] if isinstance(rows, dict) else rows
    assert [row["name"] for row in rows] == ["conv1", "pool1", "conv2", "average", "classes"]
    assert main(["layers", str(model)]) == 0
    assert "conv2" in capsys.readouterr().out


def test_a_network_without_convolutions_has_a_report(tmp_path: Path) -> None:
    network = seeded(
        keras.Sequential(
            [keras.layers.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3, activation="sigmoid")]
        )
    )
    grey = random_images(2)[..., :1]
    report = reportgen.build(network, grey, tmp_path / "out", **QUICK)
    assert verify_report(report.path) == []
    assert any(section.note for section in report.data.sections if section.slug == "filters")


def test_a_report_among_its_images_is_none_of_them(model: Path, tmp_path: Path) -> None:
    """`build network.keras . -o report`, again and again: the same images, the same report."""
    write_images(tmp_path / "set", 2)
    options = {**QUICK, "reference": tmp_path / "set", "activation_max": "off"}
    first = contents(reportgen.build(model, tmp_path / "set", tmp_path / "set" / "report", **options).path)
    assert contents(reportgen.build(model, tmp_path / "set", tmp_path / "set" / "report", **options).path) == first
    by_pattern = reportgen.build(model, tmp_path / "set" / "*", tmp_path / "set" / "report", **options)
    assert [image.file for image in by_pattern.data.images] == ["image-0.png", "image-1.png"]
    assert verify_report(by_pattern.path) == []


@pytest.mark.parametrize("form", ["site", "single", "both"])
@pytest.mark.parametrize("place", ["/", "/tmp/.."])
def test_the_root_of_all_folders_is_no_place_for_a_report(form: str, place: str, model: Path, photos: Path) -> None:
    with pytest.raises(ReportgenError, match="expected a folder for the report"):
        reportgen.build(model, photos, place, format=form, force=True, **QUICK)


def test_what_a_run_reads_is_not_written_over(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = write_images(tmp_path / "set", 2)
    network = tmp_path / "network.keras"
    network.write_bytes(model.read_bytes())
    (tmp_path / "linked").symlink_to(tmp_path)
    for taken in (network, images[1], tmp_path / "linked" / "network.keras"):
        before = taken.read_bytes()
        for command in (
            ["features", "-o", str(taken)],
            ["build", "-o", str(tmp_path / "out"), "--timings", str(taken)],
        ):
            assert main([command[0], str(network), str(tmp_path / "set"), *command[1:], "--quiet"]) == 1
            assert "one that this run reads" in capsys.readouterr().err
        assert taken.read_bytes() == before
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--truth", "--labels"])
def test_what_is_read_beside_network_and_images_is_not_written_over(
    option: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, taken = write_images(tmp_path / "set", 2), tmp_path / "beside.csv"
    taken.write_text("".join(f"{image.name},cat\n" for image in images), encoding="utf-8")
    command = ["build", str(model), str(tmp_path / "set"), "-o", str(tmp_path / "out"), "--timings", str(taken)]
    before = taken.read_bytes()
    assert main([*command, option, str(taken), "--quiet"]) == 1
    assert "one that this run reads" in capsys.readouterr().err
    assert taken.read_bytes() == before
