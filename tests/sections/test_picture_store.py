"""Pictures and arrays as files of the report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reportgen.facts import Scale, TileGrid
from reportgen.results import Drawing
from reportgen.sections.picture_store import PictureStore


@pytest.fixture
def store(tmp_path: Path) -> PictureStore:
    return PictureStore(tmp_path)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def test_a_lossless_picture_keeps_every_value_and_its_size(store: PictureStore) -> None:
    pixels = noise(5, 9)
    stored = store.save("filters-conv1", pixels, lossless=True)
    assert (stored.width, stored.height) == (9, 5)
    with Image.open(store.folder / stored.path) as picture:
        np.testing.assert_array_equal(np.asarray(picture), pixels)


def test_grey_pictures_are_taken(store: PictureStore) -> None:
    stored = store.save("grey", noise(4, 6)[..., 0], lossless=True)
    with Image.open(store.folder / stored.path) as picture:
        np.testing.assert_array_equal(np.asarray(picture.convert("L")), noise(4, 6)[..., 0])


def test_names_follow_the_content(store: PictureStore) -> None:
    one = store.save("maps", noise(8, 8))
    again = store.save("maps", noise(8, 8))
    other = store.save("maps", noise(8, 8, seed=1))
    coarser = store.save("maps", noise(8, 8), quality=5)
    assert one == again
    assert len({one.path, other.path, coarser.path}) == 3
    assert {f"assets/{file.name}" for file in (store.folder / "assets").iterdir()} == {
        one.path, other.path, coarser.path,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["block/conv 1", "../../outside", "Über|grün", 'a"b<c>', "x" * 300])
def test_any_name_makes_a_file_in_the_folder_of_pictures(store: PictureStore, name: str) -> None:
    stored = store.save(name, noise(2, 2))
    (file,) = (store.folder / "assets").iterdir()
    assert stored.path == f"assets/{file.name}"
    assert file.name.isascii()
    assert len(file.name) < 200


def test_arrays_come_back_whole(store: PictureStore) -> None:
    array = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    path = store.save_array("features-conv1-cat.png", array)
    np.testing.assert_array_equal(np.load(store.folder / path, allow_pickle=False), array)


def test_tiles_are_parts_of_the_picture(store: PictureStore) -> None:
    stored = store.save("patches", noise(20, 30))
    tile = stored.tile(10, 5, 8, 4)
    assert (tile.picture, tile.tile, tile.width, tile.height) == (stored.path, (10, 5, 8, 4), 30, 20)
    assert stored.whole().tile == (0, 0, 30, 20)


def drawing(**changed: object) -> Drawing:
    values: dict[str, object] = {
        "id": "maps-conv1-cat", "kind": "feature_maps", "section": "feature-maps", "title": "Maps", "shows": "Two.",
        "made": "As they are.", "alt": "Maps of conv1", "pixels": noise(4, 9), "layer": "conv1", "image": "cat.png",
        "channels": (3, 7), "values": (1.23456789, float("nan")), "marks": (None, "silent"), "lossless": True,
        "tiles": TileGrid(columns=2, rows=1, width=4, height=4, gap=1),
        "scale": Scale(low=0.0, high=1.0, colormap="viridis", basis="whole layer"),
    }  # fmt: skip
    return Drawing(**(values | changed))


class TestADrawing:
    def test_it_becomes_a_figure_of_the_record(self, store: PictureStore) -> None:
        figure = store.save_drawing(drawing())
        assert (figure.width, figure.height, figure.display) == (9, 4, (4, 9))
        assert (figure.channels, figure.marks) == ([3, 7], [None, "silent"])
        assert figure.values == [1.235, None]  # rounded, and null where it is no number
        assert figure.tiles == drawing().tiles
        with Image.open(store.folder / figure.picture) as picture:
            np.testing.assert_array_equal(np.asarray(picture), noise(4, 9))

    def test_marks_are_left_out_where_nothing_is_marked(self, store: PictureStore) -> None:
        assert store.save_drawing(drawing(marks=(None, None))).marks is None

    def test_it_is_looked_at_in_the_size_it_says(self, store: PictureStore) -> None:
        assert store.save_drawing(drawing(display=(40, 90))).display == (40, 90)
