from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reportgen.analysis.dataset_quality.duplicates import AlikePairs, find_alike
from reportgen.analysis.dataset_quality.image_set import ImageSet
from reportgen.analysis.dataset_quality.nearest import find_neighbours
from reportgen.files.cache import Cache
from reportgen.sections import kept_pairs
from reportgen.sections.kept_pairs import kept_alike


def gathered(seed: int, copies: int) -> ImageSet:
    """Twelve random images, of which the first `copies` come again with a little noise."""
    random = np.random.default_rng(seed)
    first = random.integers(0, 256, (12, 16, 16)).astype(np.int64)
    again = np.clip(first[:copies] + random.integers(-3, 4, (copies, 16, 16)), 0, 255)
    thumbnails = np.concatenate([first, again]).astype(np.uint8)
    places = np.arange(len(thumbnails))
    return ImageSet(
        image=places,
        digest=random.integers(0, 256, (len(places), 32)).astype(np.uint8),
        sampled=places,
        thumbnail=thumbnails,
        features=thumbnails.reshape(len(places), -1).astype(np.float32) - 127,
        block=1,
    )


@pytest.mark.parametrize(("copies", "beside"), [(0, False), (3, False), (5, True)])
def test_pairs_are_found_once(copies: int, beside: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, cache = gathered(0, copies), Cache(tmp_path)
    others = images if beside else None
    neighbours = find_neighbours(images.features, None if others is None else others.features)
    expected = find_alike(images, neighbours, others, seed=3)
    assert kept_alike(cache, images, neighbours, others, seed=3) == expected
    assert len(expected.pairs) >= copies
    monkeypatch.delattr(kept_pairs, "find_alike")
    assert kept_alike(cache, images, neighbours, others, seed=3) == expected


@pytest.mark.parametrize("change", ["pixels", "seed", "digest", "set"])
def test_other_images_are_compared_anew(change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, cache = gathered(0, 3), Cache(tmp_path)
    neighbours = find_neighbours(images.features)
    kept_alike(cache, images, neighbours, seed=0)
    anew = AlikePairs((), 7)
    monkeypatch.setattr(kept_pairs, "find_alike", lambda *_, **__: anew)
    if change == "pixels":
        images.thumbnail[0, 0, 0] ^= 1
    elif change == "digest":
        images.digest[1, 2] ^= 1
    found = kept_alike(
        cache, images, neighbours, images if change == "set" else None, seed=1 if change == "seed" else 0
    )
    assert found == anew
