from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.networks import two_convolutions

from reportgen.analysis.maximization.traced_pass import TracedPasses
from reportgen.config import Config
from reportgen.files.cache import Cache
from reportgen.models import load_network
from reportgen.sections.deep_dream import make_dreams


def test_dreams_are_kept_and_made_anew_when_anything_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def brighter(_network: object, pixels: np.ndarray, layer: str, *_: object, **__: object) -> np.ndarray:
        made.append(layer)
        return pixels + np.uint8(len(made))

    monkeypatch.setattr(
        "reportgen.analysis.maximization.deep_dream.dream", lambda *given, **more: (brighter(*given, **more), 2)
    )
    monkeypatch.setattr("reportgen.analysis.maximization.deep_dream.classic_dream", brighter)
    network = load_network(Config(), two_convolutions(size=16))
    pixels = np.zeros((16, 16, 3), np.uint8)
    cache = Cache(tmp_path)
    first = make_dreams(TracedPasses(network), pixels, "conv2", Config(), cache)
    assert [(variant, dream.max()) for variant, dream, _ in first] == [("octaves", 1), ("classic", 2)]
    again = make_dreams(TracedPasses(network), pixels, "conv2", Config(), cache)
    assert [dream.max() for _, dream, _ in again] == [1, 2]
    assert [made.split(" of ")[0] for _, _, made in again] == ["2 octaves", "The tutorials' form: 100 steps"]
    make_dreams(TracedPasses(network), pixels, "conv1", Config(), cache)
    make_dreams(TracedPasses(network), pixels + np.uint8(1), "conv2", Config(), cache)
    make_dreams(TracedPasses(network), pixels, "conv2", Config(dream_channel=3), cache)
    make_dreams(
        TracedPasses(load_network(Config(), two_convolutions(size=16, seed=1))), pixels, "conv2", Config(), cache
    )
    assert made == ["conv2"] * 2 + ["conv1"] * 2 + ["conv2"] * 6
