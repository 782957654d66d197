"""Where a network fails: groups of images alike in one property on which it is right less often than on the rest.

Every group that could be named is tested against all other images; only those are reported that survive Holm's
correction for having looked at so many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.fisher import fisher_exact, holm
from reportgen.errors import ReportgenError

LEVEL = 0.05
QUARTERS = 4
EXAMPLES = 12

# A group of fewer images cannot be told from chance once the correction is made, and a column with more different
# entries names images rather than groups of them; testing either would only make the correction harder for the rest.
FEWEST_IMAGES = 10
MOST_ENTRIES = 50

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Slice:
    """A group of images on which the network is right less often than on the rest.

    A measured property lies in `low <= value <= high`; a column's `entry` is the text given, None for a measured
    one. `score` and `rest` are the shares of right answers in the group and outside of it, `p_value` is Fisher's,
    corrected after Holm. `examples` are wrong ones of the group, by index.
    """

    property: str
    low: float | None
    high: float | None
    entry: str | None
    images: int
    score: float
    rest: float
    p_value: float
    examples: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class _Group:
    property: str
    low: float | None
    high: float | None
    entry: str | None
    inside: BoolArray


def find_slices(
    images: NDArray[np.int64],
    right: BoolArray,
    measured: Mapping[str, NDArray[np.floating[Any]]],
    columns: Mapping[str, Sequence[str | None]],
) -> tuple[Slice, ...]:
    """The groups of images on which the network fails, the lowest corrected p value first.

    Groups are the quarters of each measured property and the entries of each column.

    Args:
        images: the indices of the judged images, `(n,)`.
        right: whether the answer for each is right.
        measured: of each property its value for each image, NaN where it has none.
        columns: of each column its entry for each image, None or empty where it has none.

    Raises:
        ReportgenError: a property or column has not as many values as there are images.
    """
    lengths = {name: len(values) for name, values in measured.items()}
    lengths |= {name: len(entries) for name, entries in columns.items()}
    for name, length in lengths.items():
        if length != len(images):
            raise ReportgenError(f"slices: expected {len(images)} values of {name}, one for each image, got {length}")
    testable = _testable(measured, columns)
    corrected = holm([_p_value(one.inside, right) for one in testable])
    found = [_slice(one, p_value, images, right) for one, p_value in zip(testable, corrected, strict=True)]
    failing = [one for one in found if one.p_value < LEVEL and one.score < one.rest]
    return tuple(sorted(failing, key=lambda one: (one.p_value, one.score, one.property, one.entry or "", one.low or 0)))


def searched_properties(
    measured: Mapping[str, NDArray[np.floating[Any]]], columns: Mapping[str, Sequence[str | None]]
) -> tuple[str, ...]:
    """The properties and columns of which `find_slices` tests a group, in their order: of few images there is none."""
    return tuple(dict.fromkeys(group.property for group in _testable(measured, columns)))


def _testable(
    measured: Mapping[str, NDArray[np.floating[Any]]], columns: Mapping[str, Sequence[str | None]]
) -> list[_Group]:
    """All groups with enough images inside and outside of them."""
    groups = [group for name, values in measured.items() for group in _quarters(name, np.asarray(values, np.float64))]
    groups += [group for name, entries in columns.items() for group in _entries(name, entries)]
    return [one for one in groups if FEWEST_IMAGES <= one.inside.sum() <= len(one.inside) - FEWEST_IMAGES]


def _quarters(name: str, values: NDArray[np.float64]) -> Iterator[_Group]:
    """The quarters of the values; where many are equal, quarters fall together and those left are fewer."""
    known = values[np.isfinite(values)]
    if not len(known) or known.min() == known.max():
        return
    edges = np.quantile(known, np.arange(1, QUARTERS) / QUARTERS, method="inverted_cdf")
    places = np.where(np.isfinite(values), np.searchsorted(edges, values, side="left"), -1)
    for place in range(QUARTERS):
        inside = places == place
        if inside.any():
            yield _Group(name, float(values[inside].min()), float(values[inside].max()), None, inside)


def _entries(name: str, entries: Sequence[str | None]) -> Iterator[_Group]:
    different = sorted({entry for entry in entries if entry})
    if 2 <= len(different) <= MOST_ENTRIES:
        column = np.array([entry or "" for entry in entries], object)
        for entry in different:
            yield _Group(name, None, None, entry, np.asarray(column == entry, np.bool_))


def _counts(inside: BoolArray, right: BoolArray) -> tuple[int, int, int, int]:
    """Right answers and images of the group, and of the rest."""
    return int((inside & right).sum()), int(inside.sum()), int((~inside & right).sum()), int((~inside).sum())


def _p_value(inside: BoolArray, right: BoolArray) -> float:
    return fisher_exact(*_counts(inside, right))


def _slice(group: _Group, p_value: float, images: NDArray[np.int64], right: BoolArray) -> Slice:
    inside_right, inside, outside_right, outside = _counts(group.inside, right)
    return Slice(
        property=group.property,
        low=group.low,
        high=group.high,
        entry=group.entry,
        images=inside,
        score=inside_right / inside,
        rest=outside_right / outside,
        p_value=p_value,
        examples=tuple(np.sort(images[group.inside & ~right])[:EXAMPLES].tolist()),
    )
