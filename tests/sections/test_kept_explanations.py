"""Explanations between runs: what is kept comes back as it was, and anything that changes has another key."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.networks import two_convolutions

import reportgen
from reportgen.analysis.attribution.explained import Explained, Explanation, MethodChecked
from reportgen.analysis.attribution.questions import class_question
from reportgen.analysis.attribution.results import Curve, Faithfulness
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.attribution_settings import AttributionSettings
from reportgen.config import Config
from reportgen.files.cache import Cache
from reportgen.models import load_network
from reportgen.sections.kept_explanations import explanation_key, kept_explanation

OUTPUT = SettledOutput(0, "classes", "classes", (None, 3), (3,), "", labels=("ant", "bee", "cat"), activation="softmax")


def _made() -> tuple[list[bool], Explanation]:
    random = np.random.default_rng(0)
    whole = Explained(
        image=1,
        question=class_question(OUTPUT, 2, "truth", 0.1),
        method="grad-cam",
        layer="conv2",
        values=random.random((4, 5), np.float32),
        positive_evidence=True,
        completeness_error=float("inf"),
        points=50,
        evidence=random.random((4, 5), np.float32),
        channels=random.random(6, np.float32),
        faithfulness=Faithfulness(
            Curve(0.1, 0.2, 0.3), Curve(1 / 3, 0.4), 0.9, 0.1, 0.2, 0.8, fair_insertion=Curve(0.5, 0.6)
        ),
        agreement=float("nan"),
        verdict="weak",
    )
    bare = Explained(0, class_question(OUTPUT, 0, "predicted", None), "occlusion", None, whole.values[:2], False)
    return [False, True], Explanation((whole, bare), (MethodChecked("grad-cam", "conv2", 0.25, 2),))


def test_what_is_kept_comes_back_as_it_was_made(tmp_path: Path) -> None:
    cache, made = Cache(tmp_path), _made()
    assert kept_explanation(cache, "ab" * 32, lambda: made) is not None
    mistaken, found = kept_explanation(cache, "ab" * 32, lambda: pytest.fail("made twice"))
    assert mistaken == made[0]
    assert found.methods == made[1].methods
    for one, first in zip(found.maps, made[1].maps, strict=True):
        for name in ("values", "evidence", "channels"):
            before, after = getattr(first, name), getattr(one, name)
            assert (before is None) == (after is None)
            if before is not None:
                assert after.dtype == before.dtype
                np.testing.assert_array_equal(after, before)
        alike: dict[str, Any] = dict.fromkeys(("values", "evidence", "channels", "question"))
        assert repr(replace(one, **alike)) == repr(replace(first, **alike))
        for name in ("output", "kind", "index", "label", "subject", "score"):
            assert getattr(one.question, name) == getattr(first.question, name)
        with pytest.raises(LookupError, match="ask it anew"):
            _ = one.question.target


def test_whatever_an_explanation_depends_on_changes_its_key() -> None:
    network = load_network(Config(), two_convolutions(size=16))
    settings = AttributionSettings()
    pixels = [np.zeros((16, 16, 3), np.float32)]
    given: dict[str, Any] = {
        "network": network,
        "files": ["a.png"],
        "pixels": pixels,
        "asked": [(OUTPUT, [(1,)])],
        "answered": [np.zeros((1, 4), np.float32)],
        "methods": ("auto",),
        "settings": settings,
        "seed": 0,
    }
    others: list[dict[str, Any]] = [
        {"network": load_network(Config(), two_convolutions(size=16, seed=1))},
        {"network": load_network(Config(preprocess="tf"), two_convolutions(size=16))},
        {"files": ["b.png"]},
        {"pixels": [pixels[0] + np.float32(1)]},
        {"asked": [(OUTPUT, [(2,)])]},
        {"asked": [(replace(OUTPUT, labels=("ant", "bee", "cow")), [(1,)])]},
        {"answered": [np.ones((1, 4), np.float32)]},
        {"methods": ("occlusion",)},
        {"seed": 1},
        *({"settings": settings.model_copy(update={name: value})} for name, value in _changed(settings).items()),
    ]
    keys = [explanation_key(**{**given, **other}) for other in ({}, *others)]
    assert len(set(keys)) == len(keys)
    masked = settings.model_copy(update={"masks": Path("masks")})
    assert explanation_key(**{**given, "settings": masked}) == keys[0]


def _changed(settings: AttributionSettings) -> dict[str, Any]:
    values = settings.model_dump(exclude={"masks"}).items()
    return {name: value + 1 if isinstance(value, int) else value / 2 for name, value in values}


def test_a_second_report_of_the_same_bytes_explains_nothing_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for place, pixels in enumerate(np.random.default_rng(0).integers(0, 255, (3, 16, 16, 3)).astype(np.uint8)):
        Image.fromarray(pixels).save(photos / f"{place}.png")
    model = two_convolutions(size=16)

    def digest(**options: Any) -> str:
        report = reportgen.build(
            model,
            photos,
            tmp_path / "report",
            sections="overview,attribution",
            preprocess="none",
            force=True,
            **options,
        )
        assert any(image.attributions for image in report.data.images)
        files = sorted(path for path in report.path.rglob("*") if path.is_file())
        return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()

    plain = digest(no_cache=True)
    first = digest(cache=tmp_path / "kept")
    monkeypatch.setattr("reportgen.sections.attribution.explain", lambda *_, **__: pytest.fail("explained anew"))
    assert digest(cache=tmp_path / "kept") == first == plain
