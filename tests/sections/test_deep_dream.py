from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.networks import two_convolutions

from reportgen.analysis.maximization.deep_dream import STEPS
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
    passes = TracedPasses(network)
    ((variant, dream, _),) = make_dreams(passes, pixels, "conv2", Config(), cache)
    assert (variant, dream.max()) == ("octaves", 1)
    ((_, again, said),) = make_dreams(passes, pixels, "conv2", Config(), cache)
    assert again.max() == 1
    assert said.startswith("2 octaves of ratio")
    ((variant, plain, said),) = make_dreams(passes, pixels, "conv2", Config(activation_max="classic"), cache)
    assert (variant, plain.max()) == ("classic", 2)
    assert said.startswith("The tutorials' form: 100 steps")
    make_dreams(passes, pixels, "conv1", Config(), cache)
    make_dreams(passes, pixels + np.uint8(1), "conv2", Config(), cache)
    make_dreams(passes, pixels, "conv2", Config(dream_channel=3), cache)
    other = load_network(Config(), two_convolutions(size=16, seed=1))
    make_dreams(TracedPasses(other), pixels, "conv2", Config(), cache)
    assert made == ["conv2"] * 2 + ["conv1"] + ["conv2"] * 3


@pytest.mark.parametrize(("sizes", "channel"), [(1, None), (1, 3), (2, None), (3, 0)])
def test_only_dreams_of_several_sizes_are_said_to_put_detail_back(
    sizes: int, channel: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    monkeypatch.setattr("reportgen.analysis.maximization.deep_dream.dream", lambda *_, **__: (pixels, sizes))
    passes = TracedPasses(load_network(Config(), two_convolutions(size=16)))
    ((_, _, said),) = make_dreams(passes, pixels, "conv2", Config(dream_channel=channel), Cache(tmp_path))
    assert ("detail put back" in said) == ("octaves" in said) == (sizes > 1)
    assert f"{STEPS} steps of" in said
    assert ("all channels" if channel is None else f"channel {channel}") in said
