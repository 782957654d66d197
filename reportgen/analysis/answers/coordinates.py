"""Points and boxes on the image, which only `--answer` tells from other values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.answers.kind import Kind, all_of_them, keep_all, never
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.facts import Placement
from reportgen.option_values import AnswerChoice

Pairs = NDArray[np.float64]


def _are_points(size: tuple[int, ...]) -> bool:
    return (len(size) == 1 and size[0] % 2 == 0) or (len(size) == 2 and size[1] == 2)


def _are_boxes(size: tuple[int, ...]) -> bool:
    return len(size) in (1, 2) and size[-1] == 4


def points_of(
    values: NDArray[np.float32], output: SettledOutput, network_size: tuple[int, int], placement: Placement
) -> list[tuple[float, float]]:
    """Points `(y, x)` in pixels of the original image, from all values of an answer."""
    choice = output.choice or AnswerChoice("points", "xyxy")
    flat = values.reshape(-1).astype(np.float64)
    xy = flat.reshape(2, -1).T if choice.order == "xxyy" else flat.reshape(-1, 2)
    return [_on_image(y, x, choice, network_size, placement) for x, y in xy.tolist()]


def boxes_of(
    values: NDArray[np.float32], output: SettledOutput, network_size: tuple[int, int], placement: Placement
) -> list[tuple[float, float, float, float]]:
    """Boxes `(top, left, bottom, right)` in pixels of the original image, from all values of an answer.

    `xywh` is the left, the top, the width and the height.
    """
    choice = output.choice or AnswerChoice("boxes", "yxyx")
    boxes = []
    for a, b, c, d in values.reshape(-1, 4).astype(np.float64).tolist():
        top, left, bottom, right = {
            "yxyx": (a, b, c, d),
            "xyxy": (b, a, d, c),
            "xywh": (b, a, b + d, a + c),
        }[choice.order or "yxyx"]
        corners = (
            _on_image(top, left, choice, network_size, placement),
            _on_image(bottom, right, choice, network_size, placement),
        )
        boxes.append((*corners[0], *corners[1]))
    return boxes


def _on_image(
    y: float, x: float, choice: AnswerChoice, network_size: tuple[int, int], placement: Placement
) -> tuple[float, float]:
    """A point of the network's input in pixels of the original image."""
    height, width = network_size if choice.unit == "unit" else (1, 1)
    return (y * height - placement.top) / placement.scale_y, (x * width - placement.left) / placement.scale_x


POINTS = Kind("points", never, "an even number of values, or (points, 2)", _are_points, all_of_them, keep_all)
BOXES = Kind("boxes", never, "4 values, or (boxes, 4)", _are_boxes, all_of_them, keep_all)
