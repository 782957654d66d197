"""Where in the network's input the evidence of a map lies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.attribution.checks import averaged

# Cells a side of the grid on which maps of any resolution are compared.
PLACES = 8

# Of the grid on which the border is measured, and its width there: an outer tenth of each side.
_FINE, _BORDER = 40, 4


def shares_of_cells(values: NDArray[Any]) -> NDArray[np.float64]:
    """The share of a map's positive evidence in each cell of a regular grid, `(PLACES, PLACES)`, summing to one.

    Args:
        values: `(rows, columns)`, with something above zero.
    """
    cells = averaged(np.maximum(values, 0), (PLACES, PLACES))
    shares: NDArray[np.float64] = cells / cells.sum()
    return shares


def border_share(values: NDArray[Any]) -> float:
    """The share of the positive evidence in the outer tenth of each side."""
    fine = averaged(np.maximum(values, 0), (_FINE, _FINE))
    inside = fine[_BORDER:-_BORDER, _BORDER:-_BORDER].sum()
    return float(1 - inside / fine.sum())


def outside_share(values: NDArray[Any], box: tuple[float, float, float, float]) -> float:
    """The share of the positive evidence outside `box`: top, left, bottom, right, as shares of height and width."""
    top, left, bottom, right = box
    rows, columns = _covered(values.shape[0], top, bottom), _covered(values.shape[1], left, right)
    positive = np.maximum(values, 0).astype(np.float64)
    return float(1 - (rows @ positive @ columns) / positive.sum())


def _covered(side: int, low: float, high: float) -> NDArray[np.float64]:
    """How much of each of `side` cells lies between `low` and `high`."""
    begins = np.arange(side)
    covered: NDArray[np.float64] = np.clip(np.minimum(begins + 1, high * side) - np.maximum(begins, low * side), 0, 1)
    return covered
