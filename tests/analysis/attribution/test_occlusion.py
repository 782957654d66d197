"""Occlusion where the right answer is known."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers
from support import zoo

from reportgen.analysis.attribution import TracedCall, class_logit, occlusion, output_value
from reportgen.analysis.attribution import tracing as tracing_module
from reportgen.analysis.attribution.occlusion import place_windows
from reportgen.config import Config
from reportgen.models import Network, load_network

SIDE = 32


def _quadrant_reader() -> Network:
    """The mean of the upper left quarter."""
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), layers.Flatten(), layers.Dense(1, name="value")])
    weights = np.zeros((SIDE, SIDE, 3, 1), np.float32)
    weights[: SIDE // 2, : SIDE // 2] = 1 / (SIDE * SIDE * 3 / 4)
    model.set_weights([weights.reshape(-1, 1), np.zeros(1)])
    return load_network(Config(preprocess="none"), model)


def test_what_is_not_read_has_no_effect() -> None:
    network = _quadrant_reader()
    pixels = np.full((1, SIDE, SIDE, 3), 255, np.uint8)
    maps = occlusion(TracedCall(network), pixels, [output_value(1, 0)]).maps[0, 0]
    reach = SIDE // 8 // 2  # a window that reaches over the edge of the quarter reads it still
    inside = SIDE // 2 - reach
    assert not maps[SIDE // 2 + reach :].any()
    assert not maps[:, SIDE // 2 + reach :].any()
    share = (SIDE // 8) ** 2 / (SIDE / 2) ** 2  # of the quarter that a window covers
    np.testing.assert_allclose(maps[:inside, :inside], share * 127.5, rtol=1e-4)


def test_covering_with_what_is_there_changes_nothing() -> None:
    network = _quadrant_reader()
    pixels = np.full((2, SIDE, SIDE, 3), 90, np.uint8)
    result = occlusion(TracedCall(network), pixels, [output_value(1, 0)], grey=90)
    assert not result.maps.any()
    assert not result.positive_evidence.any()


@pytest.mark.parametrize(("height", "width"), [(32, 32), (227, 227), (30, 50), (3, 5)])
def test_windows_cover_every_pixel(height: int, width: int) -> None:
    covers = np.zeros((height, width), int)
    windows = place_windows(height, width)
    for place in windows:
        covers[place] += 1
    assert covers.min() >= 1
    sizes = {(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in windows}
    assert sizes == {(max(1, round(height / 8)), max(1, round(width / 8)))}


def test_batches_bounded_by_memory_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    network = zoo.open_zoo("sequential_built")
    pixels, targets = zoo.pictures(network), [class_logit(4, [0, 2]), class_logit(4, 1)]
    whole = occlusion(TracedCall(network), pixels, targets)
    assert whole.maps.shape == (2, 2, 16, 16)
    monkeypatch.setattr(tracing_module, "BATCH_BYTES", 50_000)
    np.testing.assert_allclose(occlusion(TracedCall(network), pixels, targets).maps, whole.maps, atol=1e-2)
