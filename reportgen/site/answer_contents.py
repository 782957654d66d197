"""What the templates of each kind of answer write down: complete, typed values, made from an answer of the record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reportgen import formats
from reportgen.record import (
    ClassesAnswer,
    EmbeddingAnswer,
    Figure,
    Image,
    MapAnswer,
    OtherAnswer,
    Output,
    PictureAnswer,
    PointsAnswer,
    Prediction,
    Value,
    ValuesAnswer,
    ValueSpread,
)
from reportgen.site.catalogue import Catalogue
from reportgen.site.charts import HistogramChart, draw_spread, place_in_spread
from reportgen.site.difference_words import named_colours
from reportgen.site.facts import Facts

# Values with a chart of their own on one page; further ones are named in a list.
MOST_CHARTS = 100

# CSS pixels of the longer side of a map or picture on its page.
SIDE = 416

# A label is given from this probability on.
THRESHOLD = 0.5

# The colour of the one class of a mask that names none: an orange that is seen on most photographs.
ONE_CLASS = "#e69f00"

# The radius of a drawn point, as a share of the photograph's longer side.
POINT = 0.012

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Seen:
    """What an answer speaks of: the output that gave it and the image it was given for."""

    output: Output
    image: Image
    catalogue: Catalogue


@dataclass(frozen=True)
class Score:
    """One class of an answer: its name, its score in words, and its bar in per cent of the longest."""

    name: str
    score: str
    bar: float
    given: bool  # its probability is at or above `THRESHOLD`


@dataclass(frozen=True)
class ValueRow:
    """A value and where it stands among those of all images, None where that is not known."""

    name: str
    value: float | None
    truth: float | None  # the right value, where it is known
    place: float | None
    chart: HistogramChart | None
    mark: float | None  # across the chart


@dataclass(frozen=True)
class ValuesContent:
    """Values in their order: rows with a chart, and those beyond as a list in words."""

    rows: tuple[ValueRow, ...]
    others: tuple[str, ...]


@dataclass(frozen=True)
class LegendRow:
    """A class of a map; `place` is `(x, y)` where its letter stands on the map."""

    letter: str
    name: str
    share: float
    colour: str | None
    place: tuple[float, float] | None


@dataclass(frozen=True)
class MapContent:
    """A mask and its legend; `tint` is red, green and blue of the one class of a mask of probabilities, else None."""

    answer: MapAnswer
    legend: tuple[LegendRow, ...]
    absent: tuple[str, ...]  # classes that are nowhere the strongest
    tint: tuple[float, float, float] | None
    size: tuple[int, int]  # width and height in CSS pixels
    letter_size: float
    frame: tuple[int, int]  # as `size`, of the whole photograph
    difference_keys: tuple[tuple[str, str], ...]  # colours of the difference from the right mask, and their meaning


@dataclass(frozen=True)
class PictureContent:
    """A picture, and what the network was given."""

    answer: PictureAnswer
    given: Figure | None
    size: tuple[int, int]
    error: str


@dataclass(frozen=True)
class ImageLink:
    """Another image, small, with a few words."""

    file: str
    page: str | None
    likeness: Figure | None
    words: str


@dataclass(frozen=True)
class PointsContent:
    """Points or boxes as one SVG path in pixels of the original image, over the photograph if there is one."""

    width: int
    height: int
    photo: Figure | None
    path: str
    summary: str
    places: tuple[str, ...]


# --- classes and labels ---------------------------------------------------------------------------


def view_scores(answer: ClassesAnswer, seen: Seen) -> tuple[Score, ...]:
    """Classes or labels, in the order of the answer."""
    return score_rows(answer.predictions, probable=seen.catalogue.gives_probabilities(answer.output))


def score_rows(predictions: Sequence[Prediction], *, probable: bool) -> tuple[Score, ...]:
    """Scores in words: shares of one where they are `probable`, else plain numbers."""
    write: Callable[[float | None], str] = formats.percent if probable else formats.number
    longest = 1.0 if probable else max((abs(one.score) for one in predictions), default=1.0) or 1.0
    return tuple(
        Score(
            name=class_name(one.index, one.label),
            score=write(one.score),
            bar=round(min(100.0, max(0.0, one.score / longest * 100)), 1),
            given=one.score >= THRESHOLD,
        )
        for one in predictions
    )


def class_name(index: int, label: str | None) -> str:
    """What a class is called on the pages.

    >>> class_name(3, None), class_name(3, "ring")
    ('class 3', 'ring')
    """
    return f"class {index}" if label is None else label


# --- values ---------------------------------------------------------------------------------------


def view_values(answer: ValuesAnswer, seen: Seen) -> ValuesContent:
    """Values by name, each with its place among those of all images."""
    spreads = {spread.index: spread for spread in seen.output.spread or ()}
    return ValuesContent(
        rows=tuple(_value_row(value, spreads.get(value.index)) for value in answer.values[:MOST_CHARTS]),
        others=tuple(f"{value.name} {formats.number(value.value)}" for value in answer.values[MOST_CHARTS:]),
    )


def _value_row(value: Value, spread: ValueSpread | None) -> ValueRow:
    chart = None if spread is None else draw_spread(spread)
    mark = None if spread is None or chart is None else place_in_spread(spread, value.value)
    return ValueRow(value.name, value.value, value.truth, value.place, chart, mark)


# --- maps and pictures ----------------------------------------------------------------------------


def view_map(answer: MapAnswer, seen: Seen) -> MapContent:
    """A mask and its legend, the class that covers most first; a class has the same letter on every image."""
    single, right = len(answer.classes) == 1, answer.right
    covering = sorted((one for one in answer.classes if one.share > 0 or single), key=lambda one: -one.share)
    legend = tuple(
        LegendRow(
            letter=_LETTERS[one.index] if one.index < len(_LETTERS) else str(one.index),
            name=class_name(one.index, one.label) if one.label is not None or not single else seen.output.name,
            share=one.share,
            colour=one.colour or (ONE_CLASS if single else None),
            place=None if one.place is None else (round(one.place[1], 1), round(one.place[0], 1)),
        )
        for one in covering
    )
    return MapContent(
        answer=answer,
        legend=legend,
        absent=tuple(class_name(one.index, one.label) for one in answer.classes if one not in covering),
        tint=_rgb(answer.classes[0].colour) if single else None,
        size=_fitted(answer.width, answer.height),
        letter_size=round(max(answer.width, answer.height) / 18, 1),
        frame=_fitted(answer.width, answer.height) if right is None else _fitted(right.width, right.height),
        difference_keys=() if right is None else named_colours(right.colours),
    )


def _rgb(colour: str | None) -> tuple[float, float, float]:
    """Red, green and blue from 0 to 1 of "#rrggbb"."""
    digits = (colour or ONE_CLASS).removeprefix("#")
    red, green, blue = (round(int(digits[start : start + 2], 16) / 255, 3) for start in (0, 2, 4))
    return red, green, blue


def view_picture(answer: PictureAnswer, seen: Seen) -> PictureContent:
    """A picture beside what the network was given, and how far the two are apart."""
    error = answer.error
    words = []
    if error is not None:
        words.append(f"mean absolute error {formats.number(error.mae)} of 255")
        words.append("no difference" if error.psnr is None else f"PSNR {formats.number(error.psnr)} dB")
    return PictureContent(
        answer=answer,
        given=seen.catalogue.likenesses.get(seen.image.file),
        size=_fitted(answer.width, answer.height),
        error=", ".join(words),
    )


def _fitted(width: int, height: int) -> tuple[int, int]:
    """The size at which something is looked at, its longer side `SIDE`."""
    scale = SIDE / max(width, height, 1)
    return max(1, round(width * scale)), max(1, round(height * scale))


# --- likeness, points, all else -------------------------------------------------------------------


def view_embedding(answer: EmbeddingAnswer, seen: Seen) -> tuple[ImageLink, ...]:
    """The nearest images, the nearest first."""
    return tuple(
        link_image(one.image, f"cosine {formats.number(round(one.cosine, 3))}", seen.catalogue)
        for one in answer.nearest
    )


def link_image(file: str, words: str, catalogue: Catalogue) -> ImageLink:
    """An image by name, with its page and likeness if it has them."""
    return ImageLink(file, catalogue.image_page(file), catalogue.likenesses.get(file), words)


def view_points(answer: PointsAnswer, seen: Seen) -> PointsContent:
    """Points and boxes, to be drawn over the photograph."""
    image = seen.image
    radius = max(image.width, image.height) * POINT
    summary = _count_parts((len(answer.points), "point"), (len(answer.boxes), "box"))
    return PointsContent(
        width=image.width,
        height=image.height,
        photo=seen.catalogue.figure_of(image.file, "photo"),
        path="".join([*(_box(*box) for box in answer.boxes), *(_disc(x, y, radius) for y, x in answer.points)]),
        summary=summary,
        places=(
            *(f"row {formats.number(y)}, column {formats.number(x)}" for y, x in answer.points),
            *(
                f"rows {formats.number(top)} to {formats.number(bottom)}, "
                f"columns {formats.number(left)} to {formats.number(right)}"
                for top, left, bottom, right in answer.boxes
            ),
        ),
    )


def _disc(x: float, y: float, radius: float) -> str:
    around = f"a{radius:.2f} {radius:.2f} 0 1 0"
    return f"M{x - radius:.1f} {y:.1f}{around} {2 * radius:.2f} 0{around} {-2 * radius:.2f} 0z"


def _box(top: float, left: float, bottom: float, right: float) -> str:
    return f"M{left:.1f} {top:.1f}H{right:.1f}V{bottom:.1f}H{left:.1f}z"


def view_other(answer: OtherAnswer, seen: Seen) -> Facts:
    """Statistics of numbers of no known meaning."""
    return (
        ("Shape", formats.shape(seen.output.shape) if seen.output.shape else ""),
        ("Range", f"{formats.number(answer.min)} to {formats.number(answer.max)}"),
        ("Mean and deviation", f"{formats.number(answer.mean)} ± {formats.number(answer.std)}"),
    )


def _count_parts(*counts: tuple[int, str]) -> str:
    return " and ".join(formats.counted(number, noun) for number, noun in counts if number)
