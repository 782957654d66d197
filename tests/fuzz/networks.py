"""Bad files of networks from a seed: the same seed gives the same ones."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import h5py
import keras
from fuzz.generator import bad_bytes, bad_json, places, put

# Numbers that a layer may be asked to have.
_SIZES = (-1, 0, 1, 7, 3_000, 10**6, 10**9, 2**31, 2**63, 10**30, 0.5, None, "x", [], [1, 1], [10**9, 10**9], True, {})

_CLASSES = ("Dense", "Lambda", "Conv9D", "os.system", "Functional", "InputLayer", "LSTM", "", None, "Flatten")


@dataclass(frozen=True)
class Good:
    """A small network, in both formats, and what it says of itself."""

    keras: bytes
    h5: bytes
    config: Any

    @classmethod
    def make(cls, folder: Path) -> Good:
        """Build, save and read it."""
        keras.utils.set_random_seed(1)
        inputs = keras.Input((8, 8, 3))
        maps = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3, activation="relu")(inputs))
        pooled = keras.layers.Flatten()(keras.layers.MaxPooling2D()(maps))
        model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(pooled))
        for name in ("a.keras", "a.h5"):
            model.save(folder / name)
        with zipfile.ZipFile(folder / "a.keras") as archive:
            config = json.loads(archive.read("config.json"))
        return cls((folder / "a.keras").read_bytes(), (folder / "a.h5").read_bytes(), config)


def bad_network(good: Good, random: Random) -> tuple[bytes, str]:  # noqa: PLR0911 - a kind each
    """The bytes of a file that is no network, or a strange one, and the ending of its name."""
    kind = random.randrange(8)
    if kind == 0:
        return _flipped(good.h5, random), ".h5"
    if kind == 1:
        return bad_bytes(good.h5, random), random.choice((".h5", ".keras", ".hdf5"))
    if kind == 2:
        return bad_bytes(good.keras, random), random.choice((".keras", ".h5"))
    if kind == 3:
        return with_members(good, {"model.weights.h5": _flipped(_weights(good), random)}), ".keras"
    if kind == 4:
        return with_members(good, {"config.json": bad_json(good.config, random)}), ".keras"
    if kind == 5:
        return with_members(
            good,
            {
                random.choice(("metadata.json", "config.json", "assets/../../x", "model.weights.h5")): random.choice(
                    (b"", b"[]", b"[" * 100_000, b"null", b"\0" * 5_000_000)
                )
            },
        ), ".keras"
    config = _other_sizes(good.config, random)
    if kind == 6:
        return with_members(good, {"config.json": json.dumps(config).encode()}), ".keras"
    return with_description(good, json.dumps(config)), ".h5"


def with_members(good: Good, members: dict[str, bytes]) -> bytes:
    """The good `.keras` file with some of what is packed in it replaced, sums and all."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good.keras)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in dict.fromkeys([*old.namelist(), *members]):
            new.writestr(name, members.get(name) if name in members else old.read(name))
    return buffer.getvalue()


def with_description(good: Good, text: str) -> bytes:
    """The good HDF5 file with another description of its network."""
    buffer = io.BytesIO(good.h5)
    with h5py.File(buffer, "r+") as file:
        del file.attrs["model_config"]
        file.attrs["model_config"] = text
    return buffer.getvalue()


def _weights(good: Good) -> bytes:
    with zipfile.ZipFile(io.BytesIO(good.keras)) as archive:
        return archive.read("model.weights.h5")


def _flipped(data: bytes, random: Random) -> bytes:
    """`data` with bits changed, most of them where HDF5 keeps what it is made of."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 3, 20))):
        at = random.randrange(min(len(changed), random.choice((200, 3_000, len(changed)))))
        changed[at] = random.choice((0, 1, 255, changed[at] ^ (1 << random.randrange(8))))
    return bytes(changed)


def _other_sizes(config: Any, random: Random) -> Any:
    keys = ("filters", "units", "kernel_size", "pool_size", "strides", "batch_shape", "class_name", "axis", "padding",
            "input_shape", "dtype", "data_format", "activation", "inbound_nodes", "module")  # fmt: skip
    spots = [path for path in places(config) if path and path[-1] in keys]
    for _ in range(random.choice((1, 1, 2))):
        path = random.choice(spots)
        value: Any = (
            random.choice(_CLASSES) if path[-1] in ("class_name", "activation", "dtype") else random.choice(_SIZES)
        )
        if path[-1] in ("batch_shape", "input_shape"):
            value = [None, random.choice(_SIZES), random.choice(_SIZES), random.choice((1, 3, 10**6))]
        config = put(config, path, value)
    return config
