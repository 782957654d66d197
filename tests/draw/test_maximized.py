from __future__ import annotations

import numpy as np

from reportgen.draw.bands import to_rgb
from reportgen.draw.maximized import GAP, draw_dream, draw_maximized
from reportgen.draw.photo import LONG_SIDE, draw_photo, reduce_to


def plain(value: int, height: int = 16, width: int = 16) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def test_every_picture_lies_in_its_tile_pixel_by_pixel() -> None:
    pictures = [plain(10), None, plain(30)]
    drawing = draw_maximized(
        "conv1",
        ["a", "b", "c"],
        pictures,
        channels=[4, 5, 6],
        values=[1.0, None, 3.0],
        of="conv1",
        what="3 channels of conv1",
        made="So.",
    )
    grid = drawing.tiles
    assert grid is not None
    assert (grid.width, grid.height) == (16, 16)
    for place, picture in enumerate(pictures):
        row, column = divmod(place, grid.columns)
        top, left = row * (16 + GAP), column * (16 + GAP)
        tile = drawing.pixels[top : top + 16, left : left + 16]
        if picture is not None:
            assert np.array_equal(tile, picture)
        else:
            assert {0, 255} <= set(tile.ravel().tolist())  # crossed out
    assert drawing.marks == (None, "failed", None)
    assert drawing.lossless
    assert "1 failed" in drawing.alt


def test_small_canvases_are_enlarged_by_whole_pixels() -> None:
    drawing = draw_maximized("c", ["a"], [plain(1)], channels=[0], values=[1.0], of="c", what="1", made="So.")
    assert drawing.display == (128, 128)
    assert drawing.pixelated
    large = draw_maximized("c", ["a"], [plain(1, 128, 96)], channels=[0], values=[1.0], of="c", what="1", made="So.")
    assert large.display == (128, 96)
    assert not large.pixelated


def test_a_dream_stands_to_the_right_of_what_it_was_started_from() -> None:
    drawing = draw_dream("a.png", "conv2", "octaves", plain(10, 100, 50), plain(200, 100, 50), "So.")
    assert drawing.pixels[:, :50].max() == 10
    assert drawing.pixels[:, 50 + GAP :].min() == 200
    assert drawing.display == (300, 3 * (100 + GAP))


def test_photographs_keep_their_proportions_and_never_grow() -> None:
    assert reduce_to(plain(9, 20, 40), 100).shape == (20, 40, 3)
    assert reduce_to(plain(9, 200, 400), 100).shape == (50, 100, 3)
    drawing = draw_photo("wide.png", plain(9, 300, 1280))
    assert drawing.pixels.shape == (150, LONG_SIDE, 3)
    assert "1280 \N{MULTIPLICATION SIGN} 300" in drawing.shows


def test_grey_and_many_channels_become_pictures() -> None:
    assert np.array_equal(to_rgb(plain(7)[:, :, :1]), plain(7))
    bands = np.arange(16 * 16 * 5, dtype=np.uint32).reshape(16, 16, 5).astype(np.uint8)
    assert np.array_equal(to_rgb(bands), bands[:, :, :3])
