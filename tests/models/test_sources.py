"""Networks from files, modules and functions; what is none is said in one line."""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from support.images import random_images
from support.loading import answer, load
from support.networks import two_convolutions

from reportgen.errors import ReportgenError, UsageError


def _folder(path: Path) -> None:
    path.mkdir()


def _saved_model(path: Path) -> None:
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("no model at all")


def _pointer(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\n")


def _cut_off(path: Path) -> None:
    two_convolutions().save(path)
    path.write_bytes(path.read_bytes()[:3000])


def _weights_only(path: Path) -> None:
    two_convolutions().save_weights(path)


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("none.keras", None, "there is no such file; expected a .keras"),
        ("folder", _folder, "is a folder; expected a .keras or .h5 file"),
        ("saved", _saved_model, r"is a SavedModel folder.*save it again with model.save\('saved.keras'\)"),
        ("net.keras", _text, "is no Keras model"),
        ("net.h5", _text, "is no HDF5 file"),
        ("net.onnx", _text, "is an ONNX model; expected a Keras model"),
        ("net.keras", _pointer, "Git LFS pointer.*git lfs pull"),
        ("net.keras", _cut_off, "is no Keras model"),
        ("net.weights.h5", _weights_only, "holds weights without a network; give the network too"),
    ],
)
def test_what_is_no_network_is_said_in_one_line(tmp_path, name, make, message):
    if make is not None:
        make(tmp_path / name)
    with pytest.raises(ReportgenError, match=message) as caught:
        load(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 1


CUSTOM = """
import keras

class Doubled(keras.layers.Layer):
    def call(self, inputs):
        return inputs * 2.0

def build():
    return keras.Sequential([keras.Input((8, 8, 3)), Doubled(), keras.layers.Conv2D(2, 3)], name="with_custom")

def number():
    return 3

built = build()
"""


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_custom_layers_come_from_a_module(module, tmp_path, suffix):
    name = module(CUSTOM)
    network = load(f"python:{name}:build")
    path = tmp_path / f"custom{suffix}"
    network.model.save(path)
    # As in a process of its own: the module is not there until it is asked for.
    sys.modules.pop(name)
    (tmp_path / f"{name}.py").rename(tmp_path / f"{name}_moved.py")
    with pytest.raises(ReportgenError, match=r"does not know a part of the network .*Doubled.*--custom-objects"):
        load(path)
    loaded = load(path, custom_objects=f"python:{name}_moved")
    pixels = random_images(1)
    np.testing.assert_allclose(answer(loaded, pixels), answer(network, pixels), atol=1e-5)
    sys.modules.pop(f"{name}_moved")


def test_lambda_layers_are_not_run(tmp_path):
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Lambda(lambda x: x * 2), layers.Conv2D(2, 3)])
    model.save(tmp_path / "net.keras")
    with pytest.raises(ReportgenError, match=r"Lambda layer.*safe mode does not run.*--custom-objects"):
        load(tmp_path / "net.keras")


def test_python_sources(module):
    name = module(CUSTOM)
    assert load(f"python:{name}:build").name == "with_custom"
    assert load(f"python:{name}:built").source == f"python:{name}:built"
    for reference, message in [
        (f"python:{name}:number", "expected it to return a Keras model, it returned int"),
        (f"python:{name}:nothing", "has no 'nothing'"),
        ("python:no_such_module_at_all:build", "cannot import the module no_such_module_at_all"),
    ]:
        with pytest.raises(ReportgenError, match=message):
            load(reference)
    with pytest.raises(UsageError, match=r"expected python:package.module:name"):
        load(f"python:{name}")
    with pytest.raises(UsageError, match=r"expected python:package.module"):
        load("x.keras", custom_objects=name)


def test_what_a_callable_prints_does_not_reach_standard_output(module, capsys):
    name = module(CUSTOM.replace("def build():", "def build():\n    print('hello')"))
    load(f"python:{name}:build")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "hello" in captured.err
