"""Where a map lies on its photograph, and what colours and words say of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reportgen.draw.attribution import MapDrawn, draw_attribution, place_on_photo
from reportgen.facts import Placement

WHOLE = Placement(scale_y=1.0, scale_x=1.0, top=0.0, left=0.0)


def _drawn(values: np.ndarray, **changed: Any) -> MapDrawn:
    given: dict[str, Any] = {
        "image": "cat.png",
        "method": "grad-cam",
        "layer": "last",
        "subject": "zebra",
        "role": "predicted",
        "key": "0-predicted",
        "values": values.astype(np.float32),
        "photo": np.full((8, 8, 3), 100, np.uint8),
        "sides": (8, 8),
        "size": (8, 8),
        "placement": WHOLE,
        "positive": True,
        "checked": "Holds.",
        "made": "By hand.",
        "data": "assets/map.npy",
    }
    return MapDrawn(**(given | changed))


def test_a_map_of_the_photographs_size_is_placed_as_it_is() -> None:
    values = np.random.default_rng(0).random((8, 8)).astype(np.float32)
    np.testing.assert_allclose(place_on_photo(values, (8, 8), (8, 8), (8, 8), WHOLE), values, atol=1e-6)


def test_between_centres_of_cells_it_is_a_straight_line() -> None:
    placed = place_on_photo(np.array([[0.0, 4.0]], np.float32), (1, 8), (1, 8), (1, 8), WHOLE)
    np.testing.assert_allclose(placed[0], [0, 0, 0.5, 1.5, 2.5, 3.5, 4, 4])


def test_what_was_cropped_has_no_evidence() -> None:
    """A photograph of 8 x 16, twice as large as the input, its middle in the input of 4 x 4."""
    middle = Placement(scale_y=0.5, scale_x=0.5, top=0.0, left=-2.0)
    placed = place_on_photo(np.ones((4, 4), np.float32), (8, 16), (8, 16), (4, 4), middle)
    assert placed[:, 4:12].min() == 1
    assert placed[:, :4].max() == placed[:, 12:].max() == 0


def test_padding_is_left_away() -> None:
    """A photograph of 4 x 8 in the middle of an input of 8 x 8: rows 2 to 5 of the map are its own."""
    values = np.repeat(np.arange(8, dtype=np.float32)[:, None], 8, axis=1)
    padded = Placement(scale_y=1.0, scale_x=1.0, top=2.0, left=0.0)
    np.testing.assert_allclose(place_on_photo(values, (4, 8), (4, 8), (8, 8), padded)[:, 0], [2, 3, 4, 5], atol=1e-6)


def test_a_photograph_shown_smaller_has_its_map_where_it_was() -> None:
    values = np.zeros((8, 8), np.float32)
    values[:4] = 1
    placed = place_on_photo(values, (80, 80), (8, 8), (8, 8), Placement(scale_y=0.1, scale_x=0.1, top=0.0, left=0.0))
    np.testing.assert_allclose(placed, values, atol=1e-6)


def test_colours_cover_where_evidence_is_and_leave_the_rest() -> None:
    values = np.zeros((8, 8))
    values[0, 0] = 3
    over, alone = draw_attribution(_drawn(values))
    assert (over.pixels[4:, 4:] == 100).all()
    assert np.abs(over.pixels[0, 0].astype(int) - 100).max() > 60
    assert over.group == alone.group
    assert over.id != alone.id
    assert alone.scale is not None
    assert (alone.scale.low, alone.scale.high, alone.scale.colormap) == (0, 3, "viridis")
    assert alone.pixels.shape == (8, 8, 3)
    assert alone.pixelated
    assert "zebra (predicted) in last. Holds." in over.shows


def test_what_speaks_against_is_blue_and_zero_is_white() -> None:
    _, alone = draw_attribution(_drawn(np.array([[2.0, -1.0, 0.0, 0.0]]), method="integrated-gradients", layer=None))
    red, blue, white = (alone.pixels[0, place].astype(int) for place in (0, 1, 2))
    assert red[0] > red[2]
    assert blue[2] > blue[0]
    assert white.min() > 240
    assert alone.scale is not None
    assert (alone.scale.low, alone.scale.high) == (-2, 2)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros((4, 4)), "Nothing in last speaks for zebra (predicted) on cat.png: the map is empty."),
        (np.full((4, 4), np.nan), "The map of zebra (predicted) on cat.png has values that are not finite."),
    ],
)
def test_an_empty_map_changes_nothing_and_says_so(values: np.ndarray, said: str) -> None:
    over, alone = draw_attribution(_drawn(values, positive=False))
    assert (over.pixels == 100).all()
    assert over.shows == said
    assert np.unique(alone.pixels.reshape(-1, 3), axis=0).shape[0] == 1


def test_a_map_of_what_speaks_against_alone_is_not_called_empty() -> None:
    over, _ = draw_attribution(_drawn(np.array([[-2.0, 0.0]]), method="occlusion", layer=None, positive=False))
    assert over.shows == "Nothing speaks for zebra (predicted) on cat.png: all of the map speaks against it."


def test_attention_speaks_neither_for_nor_against() -> None:
    over, _ = draw_attribution(_drawn(np.ones((2, 2)), method="attention-rollout", layer=None))
    assert over.shows.endswith("whatever it is. Holds.")
    assert over.reading is not None
    assert "yellow reaches it most" in over.reading


@pytest.mark.parametrize("method", ["integrated-gradients", "occlusion"])
def test_a_signed_map_without_anything_against_is_coloured_as_others_of_its_method(method: str) -> None:
    """Else it would be said that what speaks against is not shown, where nothing does."""
    _, alone = draw_attribution(_drawn(np.array([[2.0, 1.0]]), method=method, layer=None))
    assert alone.scale is not None
    assert (alone.scale.low, alone.scale.high, alone.scale.colormap) == (-2, 2, "diverging")
    assert alone.reading is not None
    assert "blue against it" in alone.reading
