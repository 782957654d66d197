"""Answers beside the right ones, on maps that can be checked by eye."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.draw.compared import (
    DIFFERENCE_COLOURS,
    draw_comparison,
    draw_panel,
    judged_colour,
    panel_size,
)

TRUTH = np.array([[0, 1, 2], [255, 9, 1]], np.uint8)
ANSWER = np.array([[0, 2, 2], [0, 0, 0]])


def colours(pixels: np.ndarray) -> list[list[str]]:
    return [["#" + "".join(f"{value:02x}" for value in pixel) for pixel in row] for row in pixels.tolist()]


def test_right_wrong_and_what_is_not_judged() -> None:
    drawn = draw_comparison(TRUTH, ANSWER, 3, single=False)
    assert drawn.truth.tolist() == [[0, 1, 2], [255, 255, 1]]
    assert drawn.answer.tolist() == [[0, 2, 2], [255, 255, 0]]
    assert drawn.kinds == ("right", "wrong", "unjudged")
    right, wrong, unjudged = (DIFFERENCE_COLOURS[kind] for kind in drawn.kinds)
    shown = colours(drawn.difference_palette[drawn.difference])
    assert shown == [[right, wrong, right], [unjudged, unjudged, wrong]]


def test_of_one_class_missed_and_extra_are_told_apart() -> None:
    drawn = draw_comparison(np.array([[0, 0, 1, 1, 255]]), np.array([[0, 1, 1, 0, 1]]), 2, single=True)
    kinds = ["right", "extra", "found", "missed", "unjudged"]
    assert colours(drawn.difference_palette[drawn.difference]) == [[DIFFERENCE_COLOURS[kind] for kind in kinds]]
    assert set(drawn.kinds) == set(kinds)
    panels = drawn.panels((2, 10))
    assert colours(panels["truth"])[1][4:6] == [judged_colour(1, 2, single=True)] * 2
    assert {picture.shape for picture in panels.values()} == {(2, 10, 3)}


def seen_by(colour: str, kind: str) -> np.ndarray:
    """A colour as readers of a form of colour blindness see it (Machado and others 2009), in linear light."""
    matrices = {
        "protan": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
        "deutan": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
        "tritan": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
        "all": np.eye(3),
        "grey": [[0.2126, 0.7152, 0.0722]] * 3,
    }
    values = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return np.clip(np.array(matrices[kind]) @ linear, 0, 1)


@pytest.mark.parametrize("kind", ["protan", "deutan", "tritan", "all", "grey"])
def test_right_and_wrong_are_told_apart_by_any_reader(kind: str) -> None:
    weights = np.array([0.2126, 0.7152, 0.0722])
    light = {name: float(weights @ seen_by(colour, kind)) for name, colour in DIFFERENCE_COLOURS.items()}
    for strong in ("wrong", "missed", "extra"):
        contrast = (light["right"] + 0.05) / (light[strong] + 0.05)
        assert contrast > 3, (strong, contrast)
    assert np.abs(seen_by(DIFFERENCE_COLOURS["missed"], kind) - seen_by(DIFFERENCE_COLOURS["extra"], kind)).max() > 0.05


def test_large_masks_are_reduced_and_small_ones_kept() -> None:
    large = draw_comparison(np.zeros((2000, 3000), np.uint8), np.zeros((2000, 3000), np.int32), 2, single=False)
    assert large.truth.shape == (427, 640)
    assert draw_comparison(TRUTH, ANSWER, 3, single=False).truth.shape == TRUTH.shape


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (176, 176), (177, 3), (40, 90)])
def test_panels_of_any_shape_fit(shape: tuple[int, int]) -> None:
    size = panel_size(shape, 176)
    assert 1 <= min(size) <= max(size) <= 176
    assert draw_panel(np.zeros((*shape, 3), np.uint8), size).shape == (*size, 3)


def test_more_classes_than_a_palette_has_are_drawn() -> None:
    indices = np.arange(300).reshape(15, 20)
    drawn = draw_comparison(indices, indices, 300, single=False)
    assert drawn.kinds == ("right", "unjudged")  # 255 is no class
    assert drawn.truth.max() == 255
