from __future__ import annotations

import re

import numpy as np
import pytest

from reportgen.draw.figures import draw_mosaic, drawing_id, tile_size
from reportgen.draw.pixels import MARK_SIDE

SIDES = [(1, 1), (3, 3), (7, 7), (13, 13), (28, 28), (55, 55), (112, 112), (224, 224), (600, 800), (1, 7), (5, 400)]


@pytest.mark.parametrize(("height", "width"), SIDES)
def test_tiles_are_neither_too_small_to_mark_nor_too_large_to_store(height: int, width: int) -> None:
    size = tile_size(height, width, target=88)
    stored = [-(-side // size.reduced) * size.enlarged for side in (height, width)]
    assert max(stored) <= 128
    assert max(stored) >= MARK_SIDE
    assert size.reduced == 1 or size.enlarged == 1
    if max(height, width) < 4 * min(height, width):
        assert min(stored) >= MARK_SIDE
        assert 40 <= max(stored) * size.shown <= 160


def test_mosaic_says_where_its_tiles_lie_and_how_large_to_show_it() -> None:
    size = tile_size(7, 7, target=88)
    tiles = np.arange(12, dtype=np.uint8).reshape(12, 1, 1, 1) * np.ones((12, 7, 7, 3), np.uint8)
    mosaic = draw_mosaic(tiles, (None,) * 12, size)
    grid = mosaic.tiles
    assert (grid.rows, grid.columns) == (2, 6)
    for i in range(12):
        top, left = i // grid.columns * (grid.height + grid.gap), i % grid.columns * (grid.width + grid.gap)
        assert (mosaic.pixels[top : top + grid.height, left : left + grid.width] == i).all()
    assert mosaic.display == tuple(side * size.shown for side in mosaic.pixels.shape[:2])


def test_ids_are_slugs_and_never_collide() -> None:
    names = [
        ("filters", "conv_1", "rows"),
        ("filters", "Conv_1", "rows"),
        ("filters", "conv", "1_rows"),
        ("filters", "conv-1", "rows"),
        ("filters", "conv", "1-rows"),
        ("filters", "conv/1", "rows"),
        ("filters", "снег", "rows"),
        ("filters", "x" * 300, "rows"),
        ("filters", "x" * 301, "rows"),
        ("filters", "<img src=x onerror=alert(1)>", "rows"),
    ]
    ids = [drawing_id(*parts) for parts in names]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9_-]*", one) and len(one) < 100 for one in ids)
