"""Files of networks that are none, or ask for more than there is: one line, and nothing hangs, crashes or grows."""

from __future__ import annotations

import json
import os
import resource
import time
import zipfile
from pathlib import Path
from random import Random

import h5py
import keras
import numpy as np
import pytest
from fuzz.conftest import some
from fuzz.networks import Good, bad_network, with_description, with_members
from fuzz.watching import MOST_LETTERS, MOST_SECONDS

from reportgen.config import Config
from reportgen.errors import ReportgenError, one_line
from reportgen.models import load_network
from reportgen.models.hdf5_check import check_hdf5
from reportgen.models.weighing import bounded_parameters

MOST_GROWTH = 3_000_000


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Good:
    return Good.make(tmp_path_factory.mktemp("good"))


def load(path: Path) -> keras.Model:
    return load_network(Config(model=str(path))).model


def test_bad_networks_are_refused(good: Good, cases: range, tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Each takes a process of its own: half of the others.
    for seed in range(cases.start // 2, cases.stop // 2):
        data, suffix = bad_network(good, Random(seed))
        path = tmp_path / f"bad{suffix}"
        path.write_bytes(data)
        start = time.monotonic()
        said = ""
        try:
            load(path)
        except ReportgenError as error:
            said = str(error)
        assert "\n" not in said, seed
        assert len(one_line(said)) <= MOST_LETTERS
        assert time.monotonic() - start < MOST_SECONDS, seed
        path.unlink()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_GROWTH
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("asked", some([("filters", 10**9), ("units", 10**8), ("units", 10**7), ("filters", 2**40)], 2))
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_parameters_that_no_file_of_its_size_holds(
    asked: tuple[str, int], suffix: str, good: Good, tmp_path: Path
) -> None:
    key, value = asked
    config = json.loads(json.dumps(good.config))
    for layer in config["config"]["layers"]:
        if key in layer["config"]:
            layer["config"][key] = value
    text = json.dumps(config)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(
        with_members(good, {"config.json": text.encode()}) if suffix == ".keras" else with_description(good, text)
    )
    with pytest.raises(ReportgenError, match=r"asks for .* of parameters and more, which its .* bytes cannot hold"):
        load(path)


def test_parameters_that_have_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reportgen.models.weighing.available_memory", lambda: 1_000_000)
    with bounded_parameters("small"):
        keras.Sequential([keras.Input((10,)), keras.layers.Dense(10)])
    said = r"large: its parameters take 0\.4 GB and more, 0\.0 GB"
    with pytest.raises(ReportgenError, match=said), bounded_parameters("large"):
        keras.Sequential([keras.Input((10_000,)), keras.layers.Dense(10_000)])


@pytest.mark.parametrize("shape", [(1_000_000, 1_000_000, 3), (200_000, 200_000, 1), (2**31, 4, 3)])
def test_inputs_that_have_no_room(shape: tuple[int, ...], tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input(shape), keras.layers.Conv2D(8, 3), keras.layers.GlobalAveragePooling2D()])
    model.save(tmp_path / "a.keras")
    with pytest.raises(ReportgenError, match=r"the outputs of all layers take .* GB"):
        load(tmp_path / "a.keras")


def test_outputs_that_have_no_room(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.UpSampling2D(100_000), keras.layers.Conv2D(1, 1)])
    model.save(tmp_path / "a.keras")
    with pytest.raises(ReportgenError, match=r"the outputs of all layers take .* GB"):
        load(tmp_path / "a.keras")


def test_what_unpacks_to_too_much(good: Good, tmp_path: Path) -> None:
    path = tmp_path / "a.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", json.dumps(good.config))
        with archive.open("model.weights.h5", "w") as member:
            for _ in range(300):
                member.write(b"\0" * 1_000_000)
    with pytest.raises(ReportgenError, match="unpack to 300,00"):
        load(path)


@pytest.mark.parametrize("name", ["queue.keras", "queue.h5", "device.h5"])
def test_only_regular_files_are_networks(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    os.mkfifo(path) if name.startswith("queue") else path.symlink_to("/dev/zero")
    with pytest.raises(ReportgenError, match="no regular file"):
        load(path)


@pytest.mark.parametrize("kind", ["external link", "soft link", "external values", "virtual"])
def test_values_of_other_files_are_not_read(kind: str, good: Good, tmp_path: Path) -> None:
    secret, path = tmp_path / "secret.h5", tmp_path / "a.h5"
    with h5py.File(secret, "w") as file:
        file["x"] = np.arange(4.0)
    path.write_bytes(good.h5)
    with h5py.File(path, "r+") as file:
        if kind == "external link":
            file["model_weights/taken"] = h5py.ExternalLink(str(secret), "/x")
        elif kind == "soft link":
            file["model_weights/taken"] = h5py.SoftLink("/model_weights")
        elif kind == "external values":
            file.create_dataset("taken", (4,), "f8", external=[(str(secret), 0, 32)])
        else:
            layout = h5py.VirtualLayout((4,), "f8")
            layout[:] = h5py.VirtualSource(str(secret), "x", (4,))
            file.create_virtual_dataset("taken", layout)
    with pytest.raises(ReportgenError, match="it refers to other files"):
        load(path)


def test_reading_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch, good: Good, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    path.write_bytes(good.h5)
    check_hdf5(path)
    monkeypatch.setattr("reportgen.models.hdf5_check._SCRIPT", "while True: pass")
    monkeypatch.setattr("reportgen.models.hdf5_check._SECONDS", 0.5)
    with pytest.raises(ReportgenError, match="does not come to an end"):
        check_hdf5(path)
    monkeypatch.setattr("reportgen.models.hdf5_check._SCRIPT", "import os; os.kill(os.getpid(), 11)")
    with pytest.raises(ReportgenError, match="crashes"):
        check_hdf5(path)
