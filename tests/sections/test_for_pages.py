"""Runs of the pass over all images wait for their pages as far as there is room; the others are made again."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from support.images import write_images

import reportgen
from reportgen.analysis.network.whole_run import Captured
from reportgen.sections import for_pages, visiting
from reportgen.sections.for_pages import KeptRuns, Originals

IMAGES = 5


def large_answer() -> keras.Model:
    """An answer as large as what all layers give together."""
    keras.utils.set_random_seed(0)
    image = keras.Input((16, 16, 3), name="image")
    maps = layers.Conv2D(2, 3, strides=4, activation="relu", name="conv")(image)
    classes = layers.Dense(4, activation="softmax", name="classes")(layers.GlobalAveragePooling2D(name="pool")(maps))
    large = layers.Reshape((64, 96, 1), name="large")(layers.Dense(6144, name="wide")(classes))
    return keras.Model(image, [classes, large], name="large_answer")


def run_of(answer: int) -> Captured:
    return Captured({"conv": np.zeros((1, 4), np.float32)}, [np.zeros((1, answer), np.float32)], {})


def test_answers_take_of_the_room_and_give_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(for_pages, "RUNS_ROOM", 1000)
    runs = KeptRuns(Originals(), ("conv",))
    for file in ("a", "b", "c"):
        runs.take_in(file, run_of(answer=100))
    assert [runs.has(file, ["conv"]) for file in ("a", "b", "c")] == [True, True, False]
    assert not runs.has("a", ["conv", "dense"])
    assert runs.take("c") is None
    assert runs.take("a") is not None
    runs.take_in("c", run_of(answer=100))
    assert runs.has("c", ["conv"])


@pytest.mark.parametrize(("runs", "kept"), [(0, 0), (2.5, 2), (IMAGES, IMAGES)])
def test_a_report_is_the_same_however_many_runs_there_is_room_for(
    runs: float, kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = write_images(tmp_path / "photographs", IMAGES)
    (tmp_path / "photographs" / "damaged.png").write_bytes(files[0].read_bytes()[:-60])
    made, again = [], visiting.runs_one_by_one

    def counted(network, names, files, *more):
        made.extend(files)
        return again(network, names, files, *more)

    monkeypatch.setattr(visiting, "runs_one_by_one", counted)
    settings = {"no_cache": True, "preprocess": "unit", "activation_max": "off", "sections": "predictions,feature-maps"}
    reportgen.build(large_answer(), tmp_path / "photographs", tmp_path / "all", **settings)
    assert made == []
    # The large answer and the layer before it give 24 kB each, all else little.
    monkeypatch.setattr(for_pages, "RUNS_ROOM", int(runs * 50_000))
    reportgen.build(large_answer(), tmp_path / "photographs", tmp_path / "some", **settings)
    assert len(made) == IMAGES - kept
    one, other = ({file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
                  for folder in (tmp_path / "all", tmp_path / "some"))  # fmt: skip
    assert one == other
