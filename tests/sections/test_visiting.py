"""How often a photograph is decoded and a network traced for a whole report without ascents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import pytest
import tensorflow as tf
from support import zoo
from support.images import write_images
from support.networks import two_convolutions

import reportgen
from reportgen.images import decoding

SECTIONS = "overview,attribution,layers,filters,feature-maps,features,predictions,robustness,images-quality,units"


@contextmanager
def calls_counted(model: keras.Model) -> Iterator[Counter[str]]:
    """How often the Python of `model` is run: in a graph, which traces it, or for arrays, layer by layer."""
    counts: Counter[str] = Counter()
    call = keras.Layer.__call__

    def counted(layer: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        symbolic = any(isinstance(leaf, keras.KerasTensor) for leaf in tf.nest.flatten((args, kwargs)))
        if layer is model and not symbolic:
            counts["arrays" if tf.executing_eagerly() else "graph"] += 1
        return call(layer, *args, **kwargs)

    keras.Layer.__call__ = counted
    try:
        yield counts
    finally:
        keras.Layer.__call__ = call


def test_an_image_is_decoded_once_and_the_network_traced_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = write_images(tmp_path / "photographs", 7)
    decoded: Counter[str] = Counter()
    decode = decoding._decode

    def counted(name: str, *given: object) -> object:
        decoded[name] += 1
        return decode(name, *given)

    monkeypatch.setattr(decoding, "_decode", counted)
    truth = tmp_path / "truth.csv"
    truth.write_text("file,label\n" + "".join(f"{file.name},class {n % 2}\n" for n, file in enumerate(files)))
    model = two_convolutions()
    with calls_counted(model) as counts:
        reportgen.build(
            model,
            tmp_path / "photographs",
            tmp_path / "report",
            preprocess="unit",
            truth=str(truth),
            no_cache=True,
            sections=SECTIONS,
        )
    # When it is found; its pixels are kept to be measured, and for its pages.
    assert decoded == dict.fromkeys((file.name for file in files), 1)
    # What was captured is compared with what Keras itself answers.
    assert counts == {"graph": 1, "arrays": 1}


@pytest.mark.parametrize(
    ("name", "traces"),
    [
        ("subclassed", 1),
        ("nested", 1),
        ("shared_network", 1),
        ("several_outputs", 1),
        ("input_dictionary", 1),
        ("vision_transformer", 1),
        ("open_size", 2),  # again with the sides left open, for the shapes that the table of layers shows
        ("channels_first", 3),  # on a processor: what is compiled for it is opened, and compiled as a whole to compare
    ],
)
def test_every_kind_of_network_is_traced_once(tmp_path: Path, name: str, traces: int) -> None:
    write_images(tmp_path / "photographs", 3)
    model = zoo.build(name)
    size = (zoo.SIDE, zoo.SIDE) if name == "open_size" else None
    with calls_counted(model) as counts:
        reportgen.build(
            model,
            tmp_path / "photographs",
            tmp_path / "report",
            preprocess="unit",
            size=size,
            no_cache=True,
            sections=SECTIONS,
        )
    assert counts["graph"] <= traces <= 3
    assert counts["arrays"] <= 1
