from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from support.networks import two_convolutions

from reportgen.config import Config, SectionSlug
from reportgen.files.cache import Cache
from reportgen.images import ImageFile, ImageSet, collect_images
from reportgen.models import load_network
from reportgen.sections.dreams import make_dreams
from reportgen.sections.registry import SECTIONS
from reportgen.sections.study import sample_evenly
from reportgen.site.environment import template_directory

ROOT = Path(__file__).resolve().parents[2]


def test_every_section_that_can_be_asked_for_is_there_once_and_in_order() -> None:
    assert tuple(section.slug for section in SECTIONS) == get_args(SectionSlug)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.slug)
def test_every_section_has_a_title_a_template_and_a_word_in_the_readme(section) -> None:
    assert section.title
    assert section.make.__doc__
    assert (template_directory() / "sections" / f"{section.slug}.html.jinja2").is_file()
    assert section.slug in (ROOT / "README.md").read_text(encoding="utf-8")


def images(count: int) -> ImageSet:
    return collect_images(np.zeros((count, 4, 4, 3), np.uint8))


def test_a_sample_of_images_is_spread_evenly_and_keeps_the_first() -> None:
    def names(chosen: tuple[ImageFile, ...]) -> list[int]:
        return [int(image.file.rpartition("-")[2]) for image in chosen]

    assert names(sample_evenly(images(10).images, 5)) == [0, 2, 4, 6, 8]
    assert names(sample_evenly(images(3).images, 5)) == [0, 1, 2]
    assert names(sample_evenly(images(7).images, 0)) == []


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
    first = make_dreams(network, pixels, "conv2", Config(), cache)
    assert [(variant, dream.max()) for variant, dream, _ in first] == [("octaves", 1), ("classic", 2)]
    again = make_dreams(network, pixels, "conv2", Config(), cache)
    assert [dream.max() for _, dream, _ in again] == [1, 2]
    assert [made.split(" of ")[0] for _, _, made in again] == ["2 octaves", "The tutorials' form: 100 steps"]
    make_dreams(network, pixels, "conv1", Config(), cache)
    make_dreams(network, pixels + np.uint8(1), "conv2", Config(), cache)
    make_dreams(network, pixels, "conv2", Config(dream_channel=3), cache)
    make_dreams(load_network(Config(), two_convolutions(size=16, seed=1)), pixels, "conv2", Config(), cache)
    assert made == ["conv2"] * 2 + ["conv1"] * 2 + ["conv2"] * 6
