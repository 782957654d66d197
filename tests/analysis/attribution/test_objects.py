"""Evidence on an object: its place in the input, and how much of a map lies on it."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.analysis.attribution.objects import object_of, place_object, share_on_object
from reportgen.facts import Placement

WHOLE = Placement(scale_y=1.0, scale_x=1.0, top=0.0, left=0.0)


def _square(side: int, top: int, left: int, length: int) -> np.ndarray:
    place = np.zeros((side, side), bool)
    place[top : top + length, left : left + length] = True
    return place


def test_numbers_above_zero_are_the_object_and_255_is_ignored_beside_them() -> None:
    mask = np.array([[0, 1, 255], [2, 0, 0]])
    assert object_of(mask).tolist() == [[False, True, False], [True, False, False]]
    assert object_of(mask, 2).tolist() == [[False, False, False], [True, False, False]]
    assert object_of(np.array([[0, 255]])).tolist() == [[False, True]]


@pytest.mark.parametrize(
    ("sides", "size", "placement", "expected"),
    [
        ((8, 8), (8, 8), WHOLE, (2, 6)),
        ((16, 16), (8, 8), Placement(scale_y=0.5, scale_x=0.5, top=0.0, left=0.0), (1, 3)),
        ((8, 8), (16, 16), Placement(scale_y=1.0, scale_x=1.0, top=4.0, left=4.0), (6, 10)),  # padded
        ((16, 16), (8, 8), Placement(scale_y=1.0, scale_x=1.0, top=-2.0, left=-2.0), (0, 4)),  # cropped
    ],
)
def test_an_object_lies_where_the_image_was_put(
    sides: tuple[int, int], size: tuple[int, int], placement: Placement, expected: tuple[int, int]
) -> None:
    place = place_object(_square(sides[0], 2, 2, 4), sides, size, placement)
    rows = np.flatnonzero(place.any(axis=1))
    assert (rows.min(), rows.max() + 1) == expected
    assert (place == place.T).all()
    assert place.sum() == (expected[1] - expected[0]) ** 2


def test_a_mask_of_another_size_covers_the_same_part() -> None:
    place = place_object(_square(4, 1, 1, 2), (8, 8), (8, 8), WHOLE)
    assert place.sum() == 16
    assert place[2:6, 2:6].all()


@pytest.mark.parametrize("cells", [4, 8, 32])
def test_evidence_on_the_object_and_a_cell_beside_it_is_its_own(cells: int) -> None:
    place = _square(32, 8, 8, 8)
    values = np.zeros((cells, cells), np.float32)
    values[cells // 4 : cells // 2, cells // 4 : cells // 2] = 1
    assert share_on_object(values, place) == pytest.approx(1.0)
    far = np.zeros((cells, cells), np.float32)
    far[-1, -1] = 1
    assert share_on_object(far, place) == pytest.approx(0.0, abs=0.1)  # its cell may touch the one beside the object
    both = np.zeros((32, 32), np.float32)
    both[10, 10], both[30, 30] = 1, 3
    assert share_on_object(both, place) == pytest.approx(0.25)


def test_what_speaks_against_counts_for_nothing_and_nothing_has_no_share() -> None:
    place = _square(8, 0, 0, 4)
    values = np.zeros((8, 8), np.float32)
    assert share_on_object(values, place) is None
    values[1, 1], values[7, 7] = 1, -5
    assert share_on_object(values, place) == pytest.approx(1.0)
    assert share_on_object(values, np.zeros((8, 8), bool)) is None
