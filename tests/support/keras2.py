"""Networks in the form Keras 2 wrote them: by hand, or by turning the description of a new file into it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras

Config = dict[str, Any]


def write_graph(path: Path, layers: list[Config], output: str, shape: tuple[int, ...] = (6, 8, 3)) -> Path:
    """A functional network without weights: `layers` after an input called "x"."""
    source = {"batch_input_shape": [None, *shape], "dtype": "float32", "sparse": False, "ragged": False, "name": "x"}
    config = {
        "name": "old",
        "layers": [{"class_name": "InputLayer", "config": source, "name": "x", "inbound_nodes": []}, *layers],
        "input_layers": [["x", 0, 0]],
        "output_layers": [[output, 0, 0]],
    }
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.13.1"
        file.attrs["model_config"] = json.dumps({"class_name": "Functional", "config": config})
        file.create_group("model_weights").attrs["layer_names"] = []
    return path


def function_layer(name: str, function: str, node: list[Any]) -> Config:
    """A function of TensorFlow, called as `node` says."""
    kind = "SlicingOpLambda" if function == "__operators__.getitem" else "TFOpLambda"
    config = {"name": name, "trainable": True, "dtype": "float32", "function": function}
    return {"class_name": kind, "config": config, "name": name, "inbound_nodes": [node]}


def save_as_keras2(model: keras.Model, path: Path, edit: Callable[[Config], None], version: str = "2.13.1") -> Path:
    """Save `model` with its description in the form of Keras 2, `edit` applied to each layer's."""
    model.save(path)
    if path.suffix == ".keras":
        return _edited_zip(path, edit, version)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        _turn(config, edit)
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = version
    return path


def _edited_zip(path: Path, edit: Callable[[Config], None], version: str) -> Path:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    _turn(config, edit)
    members["config.json"] = json.dumps(config).encode()
    members["metadata.json"] = json.dumps({"keras_version": version}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def _turn(entry: Config, edit: Callable[[Config], None]) -> None:
    """Put a layer's entry, and those within it, into the form of Keras 2."""
    config = entry["config"]
    if entry.get("module") == "keras.src.models.functional":
        entry["module"] = "keras.src.engine.functional"
    if "batch_shape" in config:
        config["batch_input_shape"] = config.pop("batch_shape")
        config.pop("optional", None)
    if isinstance(config.get("dtype"), dict):
        config["dtype"] = {"class_name": "Policy", "config": {"name": config["dtype"]["config"]["name"]}}
    inner = [*config.get("layers", []), *([config["layer"]] if isinstance(config.get("layer"), dict) else [])]
    networks = {each["config"]["name"] for each in inner if "layers" in each["config"]}
    for each in inner:
        if "inbound_nodes" in each:
            each["inbound_nodes"] = [_old_node(node, networks) for node in each["inbound_nodes"]]
        _turn(each, edit)
    for ends in ("input_layers", "output_layers"):
        if config.get(ends) and isinstance(config[ends][0], str):
            config[ends] = [config[ends]]
    edit(entry)


def _old_node(node: Config, networks: set[str]) -> list[Any]:
    """A call of a layer as a list of the outcomes it takes; calls of networks counted from 1."""
    tensors = node["args"][0] if isinstance(node["args"][0], list) else node["args"]
    old = []
    for tensor in tensors:
        name, call, index = tensor["config"]["keras_history"]
        old.append([name, call + (name in networks), index, dict(node["kwargs"])])
    return old
