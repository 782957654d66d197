"""What goes in beside images, spoilt: tables and arrays for inputs, right values, masks, settings, the cache."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import keras
import numpy as np
import pytest
from fuzz.generator import bad_text
from fuzz.newer import bad_array, bad_folder, bad_settings, bad_table
from fuzz.pictures import bad_image
from fuzz.watching import run
from PIL import Image

from reportgen.analysis.answers.truth import match_truth, read_truth
from reportgen.analysis.network.given_values import with_values_of_images
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.analysis.right_pictures import read_mask, read_picture
from reportgen.class_names import is_called, match_label
from reportgen.config import Config
from reportgen.errors import ReportgenError, UsageError
from reportgen.finished.verification import verify_report
from reportgen.images import Fitting, ImageSet
from reportgen.models import Network
from reportgen.models.inputs import InputSlot, other_values
from reportgen.models.labels import read_labels
from reportgen.sections.recording import _created

IMAGE = InputSlot("image", (None, 8, 8, 3), "float32")
SLOTS = [InputSlot("other", (None, 3), kind) for kind in ("float32", "int32", "float16", "bool")]


@dataclass(frozen=True)
class Fed:
    """As much of a network as values of images are read for."""

    other_slots: tuple[InputSlot, ...]
    latent: bool = False
    other_inputs: dict[str, Any] = field(default_factory=dict)
    of_images: dict[str, Any] = field(default_factory=dict)


def refusal(read: Callable[[], object]) -> str | None:
    """The line that says why something cannot be read, None where it can."""
    try:
        read()
    except ReportgenError as error:
        return str(error)
    return None


def test_bad_tables_for_an_input(cases: range, tmp_path: Path) -> None:
    file, images = tmp_path / "t.csv", [SimpleNamespace(file=name) for name in ("a.png", "x/b.png")]
    for seed in cases:
        random = Random(seed)
        file.write_bytes(bad_table(random))
        fed = Fed((random.choice(SLOTS),))
        config = Config(inputs={"other": str(file)})
        read = lambda fed=fed, config=config: with_values_of_images(  # noqa: E731
            cast("Network", fed), config, cast("ImageSet", images)
        )
        said = refusal(read)
        if said is None:
            values = read().of_images["other"].values()
            assert all(np.isfinite(value).all() and value.shape == (3,) for value in values), seed
        else:
            assert said.startswith("--input other="), (seed, said)


def test_bad_values_for_an_input(cases: range, tmp_path: Path) -> None:
    file = tmp_path / "v.npy"
    for seed in cases:
        random = Random(seed)
        file.write_bytes(bad_array(random))
        slot = random.choice(SLOTS)
        text = random.choice(
            (str(file), str(file), bad_text(random), random.choice(("nan", "1e999", "1e39,1,1", "1,2")))
        )
        read = lambda slot=slot, text=text: other_values([IMAGE, slot], IMAGE, {"other": text})  # noqa: E731
        said = refusal(read)
        assert np.isfinite(read()["other"]).all() if said is None else said.startswith("--input other"), (seed, said)


@pytest.mark.parametrize("kind", ["queue", "device", "folder", "nothing", "long"])
def test_tables_that_are_no_files(kind: str, tmp_path: Path) -> None:
    place = tmp_path / ("a" * 300 + ".csv" if kind == "long" else "t.csv")
    if kind == "queue":
        os.mkfifo(place)
    elif kind == "device":
        place.symlink_to("/dev/zero")
    elif kind == "folder":
        place.mkdir()
    images = cast("ImageSet", [SimpleNamespace(file="a.png")])
    with pytest.raises(UsageError, match="--input other="):
        with_values_of_images(cast("Network", Fed(tuple(SLOTS[:1]))), Config(inputs={"other": str(place)}), images)


OUTPUTS = tuple(
    SettledOutput(0, "scene", kind, (None, *size), size, "", labels=("cat", "dog", "2"))
    for kind, size in (("classes", (3,)), ("multilabel", (3,)), ("values", (3,)), ("map", (8, 8, 3)), ("points", (4,)))
)


def test_bad_right_answers_of_every_kind(cases: range, tmp_path: Path) -> None:
    file = tmp_path / "truth.csv"
    for seed in cases:
        file.write_bytes(bad_table(Random(seed + 5_000)))
        said = refusal(lambda: read_truth(str(file), ["a.png", "x/b.png"]))
        if said is not None:
            assert said.startswith("--truth"), (seed, said)
            continue
        given = read_truth(str(file), ["a.png", "x/b.png"])
        for output in OUTPUTS:
            matched = match_truth(given, output)
            assert all(0 <= index < 3 for row in matched.classes.values() for index in row), seed
            assert all(np.isfinite(row).all() for row in matched.values.values()), seed
        for name in given.names:
            is_called(name, 1, "cat")
        assert given.names_classes() in (None, len(given.names)), seed


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n(x) print\n"


@pytest.mark.filterwarnings("ignore")  # as the command does
def test_bad_masks_and_pictures(cases: range, tmp_path: Path) -> None:
    for seed in cases:
        data, suffix = bad_image(Random(seed + 70_000))
        file = tmp_path / f"a{suffix}"
        file.write_bytes(data)
        for read in (
            lambda file=file: read_mask(file),
            lambda file=file: read_picture(file, Fitting((4, 4)), (4, 4), 3, None),
        ):
            said = refusal(read)
            assert said is None or said.startswith("--truth: expected a"), (seed, said)
        file.unlink()
    for name in ("a.png", "a.eps"):  # a program would be started to draw it
        (tmp_path / name).write_bytes(EPS)
        assert "no picture" in str(refusal(lambda name=name: read_mask(tmp_path / name)))


@pytest.mark.parametrize("name", ["²", "9" * 5000, "\u0661", "-1", "1e0", "", " ", "\x00", "1.", "+1"])
def test_numbers_that_are_none_name_no_class(name: str, tmp_path: Path) -> None:
    assert match_label(name, None, 3) is None
    assert not is_called(name, 1, None)
    assert not is_called("0", 0, "1")
    (tmp_path / "labels.json").write_text(json.dumps({"0": "a", name: "b"}), encoding="utf-8")
    with pytest.raises(ReportgenError, match="--labels"):
        read_labels(tmp_path / "labels.json")
    assert _created(name) is None
    assert _created("9" * 15) is None


def test_bad_tables_of_settings(
    cases: range, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reportgen.build_from", lambda config, **_: SimpleNamespace(path=config.output))
    file = tmp_path / "reportgen.toml"
    for seed in cases:
        file.write_bytes(bad_settings(Random(seed)))
        arguments = ["build", "m.keras", "a.png", "-o", str(tmp_path / "out"), "--config", str(file)]
        assert run(arguments, capsys, (seed, file.read_bytes()[:300]))[0] in (0, 2), seed


def test_a_cache_of_others_stays(cases: range, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in cases[:10]:
        folder = tmp_path / str(seed)
        bad_folder(folder, Random(seed), ("a", "b", "c", "0" * 64, "reports", "x.npz", ".tmp-1"))
        before = sorted(path.name for path in folder.iterdir())
        for more in ([], ["--clear"]):
            assert run(["cache", "--cache", str(folder), *more], capsys, seed)[0] in (0, 1), seed
        assert sorted(path.name for path in folder.iterdir()) == before, seed


def small_network(path: Path) -> None:
    """A network of an image and three numbers that gives classes, values and a map."""
    keras.utils.set_random_seed(3)
    image, other = keras.Input((8, 8, 3), name="image"), keras.Input((3,), name="other")
    maps = keras.layers.Conv2D(2, 3, padding="same", activation="relu")(image)
    joint = keras.layers.Concatenate()([keras.layers.GlobalAveragePooling2D()(maps), other])
    scene = keras.layers.Dense(3, activation="softmax", name="scene")(joint)
    age = keras.layers.Dense(2, name="age")(joint)
    mask = keras.layers.Conv2D(3, 1, activation="softmax", name="mask")(maps)
    keras.Model([image, other], [scene, age, mask]).save(path)


@pytest.mark.slow
def test_builds_with_bad_things_beside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small_network(tmp_path / "n.keras")
    (tmp_path / "images").mkdir()
    for name in ("a", "b"):
        pixels = np.random.default_rng(ord(name)).integers(0, 256, (9, 9, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{name}.png")
    for seed in range(int(os.environ.get("REPORTGEN_FUZZED_BUILDS", "60"))):
        random = Random(seed + 900)
        home = tmp_path / f"case{seed}"
        home.mkdir()
        (home / "t.csv").write_bytes(bad_table(random))
        (home / "v.npy").write_bytes(bad_array(random))
        (home / "r.toml").write_bytes(bad_settings(random))
        bad_folder(home / "masks", random)
        bad_folder(home / "ref", random)
        choices = (
            ["--truth", f"scene={home}/t.csv"], ["--truth", f"age={home}/t.csv"], ["--truth", f"mask={home}/masks"],
            ["--truth", f"{home}/t.csv"], ["--input", f"other={home}/t.csv"], ["--input", f"other={home}/v.npy"],
            ["--reference", f"{home}/ref"], ["--config", f"{home}/r.toml"], ["--labels", f"scene={home}/t.csv"],
            ["--answer", f"scene={bad_text(random)}"], ["--answer", "mask=classes"], ["--answer", "scene=map"],
            ["--robustness", "--truth", f"{home}/t.csv"], ["--tag", f"x={bad_text(random)}"],
        )  # fmt: skip
        options = [word for choice in random.sample(choices, random.choice((1, 1, 2))) for word in choice]
        arguments = ["build", str(tmp_path / "n.keras"), str(tmp_path / "images"), "-o", str(home / "out"), "--quiet",
                     "--activation-max", "off", "--cache", str(home / "cache"), *options]  # fmt: skip
        status, _ = run(arguments, capsys, (seed, options), timed=False)  # most are whole builds
        if (home / "out").exists():
            assert verify_report(home / "out") == [], (seed, options)
        else:
            assert status in (1, 2), (seed, options)
