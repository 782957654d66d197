"""Pictures and arrays as files of the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reportgen.facts import Scale, TileGrid
from reportgen.files.cache import Cache
from reportgen.results import Drawing
from reportgen.sections import picture_store
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


def test_a_picture_that_is_kept_is_the_same_file_without_being_encoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: list[dict[str, Any]] = [{}, {"lossless": True}, {"quality": 30}]
    first, second = (PictureStore(make_folder(tmp_path / name), Cache(tmp_path / "kept")) for name in "ab")
    made = [first.save("noise", noise(150, 150), **each) for each in settings]
    assert len({picture.path for picture in made}) == 3
    monkeypatch.setattr(picture_store, "encode_webp", lambda *_, **__: pytest.fail("encoded again"))
    assert [second.save("noise", noise(150, 150), **each) for each in settings] == made
    for picture in made:
        assert (tmp_path / "a" / picture.path).read_bytes() == (tmp_path / "b" / picture.path).read_bytes()


def test_another_picture_or_encoder_is_not_taken_for_one_that_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PictureStore(make_folder(tmp_path / "a"), Cache(tmp_path / "kept"))
    one = store.save("noise", noise(150, 150))
    assert store.save("noise", noise(150, 150, seed=1)) != one
    monkeypatch.setattr(picture_store, "encoder", lambda: "another")
    monkeypatch.setattr(picture_store, "encode_webp", lambda *_, **__: b"made by another")
    assert (tmp_path / "a" / store.save("noise", noise(150, 150)).path).read_bytes() == b"made by another"


def test_small_pictures_are_not_kept(tmp_path: Path) -> None:
    kept = Cache(tmp_path / "kept")
    PictureStore(make_folder(tmp_path / "a"), kept).save("small", noise(20, 20))
    assert kept.files() == []


def test_several_drawings_are_stored_in_their_order(store: PictureStore) -> None:
    drawings = [drawing(id=f"map-{number}", pixels=noise(30 + number, 40)) for number in range(9)]
    assert store.save_drawings(iter(drawings)) == tuple(store.save_drawing(drawing) for drawing in drawings)


def make_folder(path: Path) -> Path:
    """A new folder."""
    path.mkdir()
    return path
