"""Network files: opened by what they hold, refused on one line; networks of the hub."""

from __future__ import annotations

import json
import types
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras import layers
from keras.src.saving import saving_lib
from support.images import random_images
from support.networks import two_convolutions

from reportgen.config import Config
from reportgen.errors import ReportgenError
from reportgen.models import load_network
from reportgen.models.files import load_file, load_from_hub
from reportgen.models.travel import pack_network


def same_answers(model: keras.Model, other: keras.Model) -> None:
    pixels = random_images(2, *model.input_shape[1:3]) if model.input_shape[1] else random_images(2)
    np.testing.assert_allclose(model(pixels, training=False), other(pixels, training=False), rtol=1e-6)


@pytest.mark.parametrize("name", ["net.h5", "net.hdf5", "net.keras.zip", "net", "net.weights.h5", "net.hd5"])
@pytest.mark.parametrize("form", [".keras", ".h5"])
def test_a_file_is_opened_by_what_it_holds(tmp_path, form, name):
    model = two_convolutions()
    model.save(tmp_path / f"saved{form}")
    path = (tmp_path / f"saved{form}").rename(tmp_path / name)
    same_answers(load_file(path, {}), model)


def test_hdf5_named_keras_travels_as_it_is(tmp_path):
    two_convolutions().save(tmp_path / "saved.h5")
    path = (tmp_path / "saved.h5").rename(tmp_path / "net.keras")
    network = load_network(Config(model=str(path)))
    same_answers(pack_network(network, str(path), None).unpack().model, network.model)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _members(path: Path, **content: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in content.items():
            archive.writestr(name.replace("__", "."), text)


def _other_zip(path: Path) -> None:
    _members(path, word="x")


def _weights_alone(path: Path) -> None:
    _members(path, model__weights__h5="x")


def _no_json(path: Path) -> None:
    _members(path, config__json="{", metadata__json="{}")


def _a_list(path: Path) -> None:
    _members(path, config__json="[]", metadata__json="{}")


def _without_weights(path: Path) -> None:
    _members(path, config__json=two_convolutions().to_json(), metadata__json='{"keras_version": "3.10.0"}')


def _cut(path: Path) -> None:
    two_convolutions().save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _spoilt(path: Path) -> None:
    """One byte of the description is another."""
    two_convolutions().save(path)
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("config.json").header_offset + 100
    content = bytearray(path.read_bytes())
    content[start] ^= 0xFF
    path.write_bytes(content)


def _table(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["measurements"] = np.zeros(3)


def _hdf5_text(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = "{"


def _layer_alone(path: Path) -> None:
    config = json.dumps(keras.saving.serialize_keras_object(layers.Dense(2)))
    _members(path, config__json=config, metadata__json='{"keras_version": "3.10.0"}', model__weights__h5="x")


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("net.keras", _empty, "is empty; save or copy"),
        ("net.h5", _empty, "is empty; save or copy"),
        ("net.keras", _other_zip, "is a zip file of something else: it holds no config.json"),
        ("net.h5", _other_zip, "is a zip file of something else"),
        ("net.zip", _other_zip, "is a .zip file; expected a Keras model"),
        ("net.keras", _weights_alone, "holds weights without a network"),
        ("net.keras", _no_json, "is damaged"),
        ("net.keras", _a_list, "describes no network"),
        ("net.keras", _without_weights, r"Keras .* cannot read it: .*model\.weights\.h5"),
        ("net.keras", _cut, r"is no Keras model \(or only part of one\)"),
        ("net.keras", _spoilt, "is damaged"),
        ("net.h5", _cut, "is damaged"),
        ("net.h5", _table, "is an HDF5 file of something else"),
        ("net.keras", _table, "is an HDF5 file of something else"),
        ("net.h5", _hdf5_text, "is damaged"),
        ("net.keras", _layer_alone, "net.keras"),
    ],
)
def test_what_cannot_be_opened_is_said_in_one_line(tmp_path, name, make, message):
    make(tmp_path / name)
    with pytest.raises(ReportgenError, match=message) as caught:
        load_file(tmp_path / name, {})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "taken"),
    [
        ((10,), "vectors of length 10; .*keras.layers.Flatten before"),
        ((784,), "vectors of length 784"),
        ((), "single numbers"),
        ((None, 40), "sequences of any x 40; .*keras.layers.Reshape"),
        ((8, 16, 16, 3), "videos or volumes of 8 x 16 x 16 x 3; .*takes a single image"),
        ((4, 8, 8, 8, 1), "arrays of 4 x 8 x 8 x 8 x 1; .*takes a single image"),
    ],
)
def test_what_other_networks_take(shape, taken):
    i = keras.Input(shape, name="given")
    with pytest.raises(ReportgenError, match=f"the network takes given: {taken}") as caught:
        load_network(Config(), keras.Model(i, layers.ReLU()(i)))
    assert "\n" not in str(caught.value)


class LocalEntryNotFoundError(FileNotFoundError):
    """As the hub's own: no connection, and nothing kept."""

    __module__ = "huggingface_hub.errors"


class ConnectError(Exception):
    """As that of the package the hub is reached through: of no common base."""

    __module__ = "httpx"


class RepositoryNotFoundError(OSError):
    __module__ = "huggingface_hub.errors"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub whose networks are folders here; what it raises can be set."""
    asked: list[str] = []
    place = types.SimpleNamespace(folder=tmp_path / "hub", asked=asked, error=None)

    def snapshot_download(repo_id: str, **_: object) -> str:
        asked.append(repo_id)
        if place.error is not None:
            raise place.error
        return str(place.folder)

    monkeypatch.setattr(saving_lib, "huggingface_hub", types.SimpleNamespace(snapshot_download=snapshot_download))
    place.folder.mkdir()
    return place


def put(model: keras.Model, folder: Path) -> None:
    model.save(folder.parent / "saved.keras")
    with zipfile.ZipFile(folder.parent / "saved.keras") as archive:
        archive.extractall(folder)


def test_a_network_of_the_hub(hub):
    model = two_convolutions()
    put(model, hub.folder)
    network = load_network(Config(model="hf://somebody/leaves"))
    assert hub.asked == ["somebody/leaves"]
    assert network.source == "hf://somebody/leaves"
    same_answers(network.model, model)
    travelled = pack_network(network, "hf://somebody/leaves", None).unpack()
    assert hub.asked == ["somebody/leaves"]
    same_answers(travelled.model, model)


def test_code_from_the_hub_is_not_run(hub):
    put(keras.Sequential([keras.Input((8, 8, 3)), layers.Lambda(lambda x: x * 2)]), hub.folder)
    with pytest.raises(ReportgenError, match=r"Lambda layer.*safe mode does not run"):
        load_from_hub("hf://somebody/leaves", {})


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (LocalEntryNotFoundError("cannot find\nthe snapshot"), "could not be reached and nothing is kept of it"),
        (ConnectError("no route"), "could not be reached"),
        (ConnectionError("refused"), "could not be reached"),
        (RepositoryNotFoundError("404"), "the hub gives no such network"),
        (None, "holds no network as Keras 3 saves it there"),
    ],
)
def test_a_hub_that_gives_nothing_is_said_in_one_line(hub, error, message):
    hub.error = error
    with pytest.raises(ReportgenError, match=message) as caught:
        load_from_hub("hf://somebody/leaves", {})
    assert "\n" not in str(caught.value)


def test_other_errors_at_the_hub_are_not_hidden(hub):
    hub.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        load_from_hub("hf://somebody/leaves", {})


def test_without_the_package_of_the_hub(monkeypatch):
    monkeypatch.setattr(saving_lib, "huggingface_hub", None)
    with pytest.raises(ReportgenError, match="pip install huggingface_hub"):
        load_network(Config(model="hf://somebody/leaves"))


@pytest.mark.parametrize("address", ["hf://", "hf://somebody", "hf://a/b/c", "hf:///b"])
def test_addresses_of_another_form(address):
    with pytest.raises(ReportgenError, match="expected hf://owner/name"):
        load_network(Config(model=address))
