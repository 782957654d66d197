"""Drawings of a review: confidence against accuracy, curves of shares, and the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reportgen import formats
from reportgen.record.review import EvaluationOutput

# In CSS pixels; drawings shrink with a narrow page.
WIDTH, HEIGHT = 320, 200

# What a chart keeps free beside its axis, and what a digit of the words there takes.
LEFT = 44
_DIGIT = 7.2

# A cell of the matrix, and what a letter of its names takes.
CELL = 30
SMALL_CELL = 22
FEW_CLASSES = 20
_LETTER, _MOST_LETTERS = 6.5, 16

# Cells in words of a name and its anchor.
_PAD = 8


@dataclass(frozen=True)
class ReliabilityBar:
    """A bin of confidence: its accuracy as a bar, where confidence lies, and how many images there are."""

    x: float
    y: float
    width: float
    height: float
    middle: float
    expected: float
    count: int


@dataclass(frozen=True)
class MatrixCell:
    """A cell that is not empty: its corner, the opacity of its ground, and where its images are listed."""

    x: float
    y: float
    text: str
    opacity: float
    right: bool
    title: str
    page: str | None


@dataclass(frozen=True)
class MatrixName:
    """A class beside its row or above its column."""

    x: float
    y: float
    text: str
    title: str


@dataclass(frozen=True)
class MatrixChart:
    """The confusion matrix: rows are the right classes, columns the answers."""

    width: float
    height: float
    side: int
    left: float
    top: float
    across: float
    cells: tuple[MatrixCell, ...]
    rows: tuple[MatrixName, ...]
    columns: tuple[MatrixName, ...]


def draw_shares(points: Sequence[tuple[float, float | None]]) -> str:
    """A line through points whose sides are shares of one: the first to the right, the second upwards."""
    known = [(x, y) for x, y in points if y is not None]
    return "M" + "L".join(f"{_short(x * WIDTH)} {_short((1 - y) * HEIGHT)}" for x, y in known) if known else ""


def draw_band(points: Sequence[tuple[float, tuple[float, float] | None]]) -> str:
    """The area between the lower and upper ends of intervals."""
    known = [(x, ends) for x, ends in points if ends is not None]
    if len(known) < 2:
        return ""
    there = [(x, ends[1]) for x, ends in known]
    back = [(x, ends[0]) for x, ends in reversed(known)]
    return draw_shares([*there, *back]) + "Z"


@dataclass(frozen=True)
class ScatterChart:
    """Answers, upwards, against right values, to the right, on the same scale; `low` and `high` are its ends."""

    path: str
    low: float
    high: float

    @property
    def low_words(self) -> str:
        """The lower end, short."""
        return formats.number(float(f"{self.low:.3g}"))

    @property
    def high_words(self) -> str:
        """The upper end, short."""
        return formats.number(float(f"{self.high:.3g}"))

    @property
    def left(self) -> int:
        """The room that the ends need beside the axis, so that they do not stand in what is beside the chart."""
        return max(LEFT, round(max(len(self.low_words), len(self.high_words)) * _DIGIT) + _PAD)


def draw_scatter(points: Sequence[tuple[float, float]]) -> ScatterChart | None:
    """A dot for each pair of right value and answer."""
    values = [value for point in points for value in point]
    if not values or min(values) == max(values):
        return None
    low, high = min(values), max(values)
    across = [((x - low) / (high - low) * WIDTH, (1 - (y - low) / (high - low)) * HEIGHT) for x, y in points]
    return ScatterChart("".join(f"M{_short(x)} {_short(y)}h0" for x, y in across), low, high)


def draw_reliability(output: EvaluationOutput) -> tuple[ReliabilityBar, ...]:
    """A bar of its accuracy for each bin with images."""
    return tuple(
        ReliabilityBar(
            x=round(part.low * WIDTH, 1),
            y=round((1 - part.accuracy) * HEIGHT, 1),
            width=round((part.high - part.low) * WIDTH - 1, 1),
            height=round(part.accuracy * HEIGHT, 1),
            middle=round((part.low + part.high) / 2 * WIDTH, 1),
            expected=round((1 - (part.confidence or 0)) * HEIGHT, 1),
            count=part.count,
        )
        for part in output.reliability
        if part.accuracy is not None
    )


def draw_matrix(
    names: Sequence[str],
    confusion: Sequence[tuple[str, str, int]],
    pages: dict[tuple[str, str], str],
    *,
    shares: bool = False,
) -> MatrixChart:
    """The confusion matrix of so few classes that each number can be read.

    Args:
        names: of the classes, in their order.
        confusion: right class, answer, and how many images.
        pages: where the images of a cell are listed.
        shares: a cell shows its share of the row in per cent, since there is no room for millions of pixels.
    """
    side = CELL if len(names) <= FEW_CLASSES else SMALL_CELL
    room = max(min(len(name), _MOST_LETTERS) for name in names) * _LETTER + _PAD
    place = {name: index for index, name in enumerate(names)}
    of_class: dict[str, int] = {}
    for truth, _, count in confusion:
        of_class[truth] = of_class.get(truth, 0) + count
    cells = tuple(
        MatrixCell(
            x=round(room + place[predicted] * side, 1),
            y=round(room + place[truth] * side, 1),
            text=_whole_percent(count / of_class[truth]) if shares else str(count),
            opacity=round(0.1 + 0.38 * count / of_class[truth], 2),
            right=truth == predicted,
            title=f"{truth} taken for {predicted}: {count:,} of {of_class[truth]:,}",
            page=pages.get((truth, predicted)),
        )
        for truth, predicted, count in confusion
    )
    middle = [round(room + (index + 0.5) * side, 1) for index in range(len(names))]
    return MatrixChart(
        width=round(room + len(names) * side + 2, 1),
        height=round(room + len(names) * side + 2, 1),
        side=side,
        left=round(room, 1),
        top=round(room, 1),
        across=len(names) * side,
        cells=cells,
        rows=tuple(MatrixName(round(room - 4, 1), y, _cut(name), name) for y, name in zip(middle, names, strict=True)),
        columns=tuple(
            MatrixName(x, round(room - 4, 1), _cut(name), name) for x, name in zip(middle, names, strict=True)
        ),
    )


def _whole_percent(share: float) -> str:
    """A share of one in per cent, so short that it fits a cell; what is not none does not look like it.

    >>> _whole_percent(0.5), _whole_percent(0.001), _whole_percent(0.9999)
    ('50', '<1', '100')
    """
    return "<1" if share < 0.005 else f"{share * 100:.0f}"


def _cut(name: str) -> str:
    return name if len(name) <= _MOST_LETTERS else f"{name[: _MOST_LETTERS - 1]}…"


def _short(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
