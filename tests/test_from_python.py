from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import reportgen
from reportgen.errors import UsageError
from reportgen.from_python import paths_or_pixels, python_options

PIXELS = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)


@pytest.mark.parametrize("given", ["a", Path("a"), ["a"], ("a",), {"a"}, [Path("a")], (name for name in ["a"])])
def test_paths(given: Any) -> None:
    assert paths_or_pixels(given) == (("a",), None)


@pytest.mark.parametrize("given", [PIXELS, tf.constant(PIXELS), np.asarray(PIXELS, np.float64)])
def test_values(given: Any) -> None:
    paths, pixels = paths_or_pixels(given)
    assert paths == ()
    np.testing.assert_array_equal(pixels, PIXELS)


def test_nothing() -> None:
    assert paths_or_pixels(None) == ((), None)
    assert paths_or_pixels([]) == ((), None)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (3, "got a value of type int"),
        (b"a", "got a value of type bytes with a value of type int in it"),
        (list(PIXELS), "with a value of type ndarray in it; np.stack makes one array of several"),
        (PIXELS.tolist(), "with a value of type list in it"),
        (["a", None], "with a value of type NoneType in it"),
        (tf.data.Dataset.from_tensor_slices(PIXELS).repeat(), "np.stack makes one array of several"),
        (({"a": 1} for _ in range(2)), "with a value of type dict in it"),
    ],
)
def test_what_is_neither_is_one_line(given: Any, words: str) -> None:
    with pytest.raises(UsageError, match=r"^images: expected files, folders, globs, or one array") as caught:
        paths_or_pixels(given)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_names_and_right_answers_in_a_tuple_are_lists() -> None:
    options = {"labels": ("a", "b"), "truth": ["a"], "layers": ("blocks", "x")}
    assert python_options(options) == {"labels": ["a", "b"], "truth": ["a"], "layers": ("blocks", "x")}
    assert options["labels"] == ("a", "b")


def test_all_ways_in_take_tuples_of_names(tmp_path: Path) -> None:
    network = keras.Sequential(
        [keras.Input((2, 2, 3)), keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")]
    )
    given: dict[str, Any] = {"labels": ("cat", "dog"), "truth": ("dog", "dog")}
    reportgen.ReportCallback(PIXELS, tmp_path / "site", **given)
    with pytest.raises(UsageError, match="got 'bird'"):
        reportgen.explain(network, PIXELS, method="occlusion", target="bird", **given)
    assert reportgen.explain(network, PIXELS, method="occlusion", target="dog", **given).shape == (2, 2, 2)
