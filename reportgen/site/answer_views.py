"""What the network answered to an image, as its page shows it: one view and one phrase for each kind of answer.

`KINDS` holds all that is to know of a kind on the pages; its markup is in the template `answers/<kind>.html.jinja2`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from reportgen import formats
from reportgen.facts import AnswerKind
from reportgen.record import (
    Answer,
    ClassesAnswer,
    EmbeddingAnswer,
    Figure,
    Image,
    MapAnswer,
    Model,
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
from reportgen.site.facts import Facts

# Values with a chart of their own on one page; further ones are named in a list.
MOST_CHARTS = 100

# CSS pixels of the longer side of a map or picture on its page.
SIDE = 416

# A label is given from this probability on.
THRESHOLD = 0.5

# The radius of a drawn point, as a share of the photograph's longer side.
POINT = 0.012

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


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


@dataclass(frozen=True)
class AnswerView:
    """The answer of one output; `content` is what the template of its `kind` writes down.

    `key` tells its controls from all others on a page.
    """

    kind: str
    key: str
    name: str
    title: str
    note: str | None
    wide: bool
    pictured: bool
    content: Any


@dataclass(frozen=True)
class Seen:
    """What an answer speaks of: the output that gave it and the image it was given for."""

    output: Output
    image: Image
    catalogue: Catalogue


def view_answers(image: Image, catalogue: Catalogue) -> tuple[AnswerView, ...]:
    """The answers of all outputs to `image`, in their order; the classes alone where the record has no answers of it."""
    outputs = catalogue.outputs
    answers: Sequence[Answer] = image.answers
    if not answers and image.predictions:
        named = next((name for name, output in outputs.items() if KINDS[output.kind].named), "")
        answers = [ClassesAnswer(output=named, kind="classes", predictions=image.predictions)]
    return tuple(
        _view_answer(answer, number, Seen(outputs.get(answer.output) or _unknown(answer), image, catalogue))
        for number, answer in enumerate(answers)
    )


def _unknown(answer: Answer) -> Output:
    """The output of a record that does not describe its outputs."""
    return Output(name=answer.output, kind=answer.kind, shape=(), labels=None, note=None, reason="")


def _view_answer(answer: Answer, number: int, seen: Seen) -> AnswerView:
    kind = KINDS[answer.kind]
    return AnswerView(
        kind=answer.kind,
        key=f"{seen.image.id}-{number}",
        name=seen.output.name,
        title=kind.phrase(seen.output),
        note=seen.output.note,
        wide=kind.wide,
        pictured=kind.pictured,
        content=kind.view(answer, seen),
    )


# --- classes and labels ---------------------------------------------------------------------------


def _view_scores(answer: ClassesAnswer, seen: Seen) -> tuple[Score, ...]:
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


def _view_values(answer: ValuesAnswer, seen: Seen) -> ValuesContent:
    spreads = {spread.index: spread for spread in seen.output.spread or ()}
    return ValuesContent(
        rows=tuple(_value_row(value, spreads.get(value.index)) for value in answer.values[:MOST_CHARTS]),
        others=tuple(f"{value.name} {formats.number(value.value)}" for value in answer.values[MOST_CHARTS:]),
    )


def _value_row(value: Value, spread: ValueSpread | None) -> ValueRow:
    chart = None if spread is None else draw_spread(spread)
    mark = None if spread is None or chart is None else place_in_spread(spread, value.value)
    return ValueRow(value.name, value.value, value.place, chart, mark)


# --- maps and pictures ----------------------------------------------------------------------------


def _view_map(answer: MapAnswer, seen: Seen) -> MapContent:
    single = len(answer.classes) == 1
    covering = [one for one in answer.classes if one.share > 0 or single]
    legend = tuple(
        LegendRow(
            letter=_LETTERS[number] if number < len(_LETTERS) else str(number),
            name=class_name(one.index, one.label) if one.label is not None or not single else seen.output.name,
            share=one.share,
            colour=one.colour,
            place=None if one.place is None else (round(one.place[1], 1), round(one.place[0], 1)),
        )
        for number, one in enumerate(covering)
    )
    return MapContent(
        answer=answer,
        legend=legend,
        absent=tuple(class_name(one.index, one.label) for one in answer.classes if one not in covering),
        tint=_rgb(answer.classes[0].colour) if single else None,
        size=_fitted(answer.width, answer.height),
        letter_size=round(max(answer.width, answer.height) / 18, 1),
    )


def _rgb(colour: str | None) -> tuple[float, float, float]:
    """Red, green and blue from 0 to 1 of "#rrggbb"; an orange that is seen on most photographs where there is none."""
    digits = (colour or "#e69f00").removeprefix("#")
    red, green, blue = (round(int(digits[start : start + 2], 16) / 255, 3) for start in (0, 2, 4))
    return red, green, blue


def _view_picture(answer: PictureAnswer, seen: Seen) -> PictureContent:
    error = answer.error
    words = []
    if error is not None:
        words.append(f"mean absolute error {formats.number(error.mae)} of 255")
        words.append("no difference" if error.psnr is None else f"PSNR {formats.number(error.psnr)} dB")
    return PictureContent(
        answer=answer,
        given=seen.catalogue.figure_of(seen.image.file, "input") or seen.catalogue.likenesses.get(seen.image.file),
        size=_fitted(answer.width, answer.height),
        error=", ".join(words),
    )


def _fitted(width: int, height: int) -> tuple[int, int]:
    """The size at which something is looked at, its longer side `SIDE`."""
    scale = SIDE / max(width, height, 1)
    return max(1, round(width * scale)), max(1, round(height * scale))


# --- likeness, points, all else -------------------------------------------------------------------


def _view_embedding(answer: EmbeddingAnswer, seen: Seen) -> tuple[ImageLink, ...]:
    return tuple(
        link_image(one.image, f"cosine {formats.number(round(one.cosine, 3))}", seen.catalogue)
        for one in answer.nearest
    )


def link_image(file: str, words: str, catalogue: Catalogue) -> ImageLink:
    """An image by name, with its page and likeness if it has them."""
    return ImageLink(file, catalogue.image_page(file), catalogue.likenesses.get(file), words)


def _view_points(answer: PointsAnswer, seen: Seen) -> PointsContent:
    image = seen.image
    radius = max(image.width, image.height) * POINT
    summary = _parts((len(answer.points), "point"), (len(answer.boxes), "box"))
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


def _view_other(answer: OtherAnswer, seen: Seen) -> Facts:
    return (
        ("Shape", formats.shape(seen.output.shape) if seen.output.shape else ""),
        ("Range", f"{formats.number(answer.min)} to {formats.number(answer.max)}"),
        ("Mean and deviation", f"{formats.number(answer.mean)} ± {formats.number(answer.std)}"),
    )


# --- phrases --------------------------------------------------------------------------------------


def _parts(*counts: tuple[int, str]) -> str:
    return " and ".join(formats.counted(number, noun) for number, noun in counts if number)


def count_names(output: Output) -> int | None:
    """How many classes, labels or values an output has; one unit that tells two classes apart counts as two."""
    if output.labels:
        return len(output.labels)
    width = output.shape[-1] if len(output.shape) > 1 else None
    return 2 if width == 1 and output.kind == "classes" else width


def _several(output: Output, noun: str) -> str:
    number = count_names(output)
    return formats.plural(noun) if number is None else formats.counted(number, noun)


def _classes_phrase(output: Output) -> str:
    return f"probabilities of {_several(output, 'class')}"


def _labels_phrase(output: Output) -> str:
    number = count_names(output)
    return "a probability of one label" if number == 1 else f"a probability for each of {_several(output, 'label')}"


def _values_phrase(output: Output) -> str:
    names = output.labels or [spread.name for spread in output.spread or ()]
    number = len(names) or math.prod(side or 1 for side in output.shape[1:])
    if number == 1:
        return f"one value, {names[0] if names else output.name}"
    return formats.counted(number, "value")


def _map_phrase(output: Output) -> str:
    if count_names(output) == 1:
        return f"a mask of one class, {output.labels[0]}" if output.labels else "a mask of one class"
    return f"a mask of {_several(output, 'class')}"


def _picture_phrase(output: Output) -> str:  # noqa: ARG001 - all pictures are called so
    return "a picture"


def _embedding_phrase(output: Output) -> str:
    width = output.shape[-1] if len(output.shape) > 1 else None
    return (
        "features to compare images by"
        if width is None
        else f"{formats.counted(width, 'feature')} to compare images by"
    )


def _drawn_phrase(noun: str, sides: int) -> Callable[[Output], str]:
    def phrase(output: Output) -> str:
        known = [side for side in output.shape[1:] if side is not None]
        if len(known) < len(output.shape[1:]) or not known:
            return formats.plural(noun)
        return formats.counted(max(1, math.prod(known) // sides), noun)

    return phrase


def _other_phrase(output: Output) -> str:
    return f"numbers, {formats.shape(output.shape)}" if output.shape else "numbers"


@dataclass(frozen=True)
class Kind:
    """A kind of answer on the pages.

    `view` makes the content of its template from an answer, `phrase` what an output of the kind gives, in words.
    `wide` answers need the width of the page, `pictured` ones bring a picture of their own to an image's card,
    `named` ones stand in `Image.predictions`. Of `judged` ones a rule reads more than whether they are finite.
    """

    view: Callable[[Any, Seen], object]
    phrase: Callable[[Output], str]
    wide: bool = False
    pictured: bool = False
    named: bool = False
    judged: bool = True


KINDS: dict[AnswerKind, Kind] = {
    "classes": Kind(_view_scores, _classes_phrase, named=True),
    "multilabel": Kind(_view_scores, _labels_phrase, named=True),
    "values": Kind(_view_values, _values_phrase),
    "map": Kind(_view_map, _map_phrase, wide=True, pictured=True),
    "picture": Kind(_view_picture, _picture_phrase, wide=True, pictured=True),
    "embedding": Kind(_view_embedding, _embedding_phrase, wide=True, judged=False),
    "points": Kind(_view_points, _drawn_phrase("point", 2), wide=True, pictured=True, judged=False),
    "boxes": Kind(_view_points, _drawn_phrase("box", 4), wide=True, pictured=True, judged=False),
    "other": Kind(_view_other, _other_phrase, judged=False),
}


def describe_outputs(model: Model, most: int = 3) -> str:
    """What a network with known outputs gives, the first `most` of them in words.

    Scores that are no probabilities are called so where the record says that of its classes.
    """
    phrases = []
    scores = model.head.kind == "logits"
    for output in model.outputs:
        phrase = KINDS[output.kind].phrase(output)
        if scores and KINDS[output.kind].named:
            phrase, scores = f"scores for {_several(output, 'class')}", False
        phrases.append(phrase)
    more = len(phrases) - most
    shown = [*phrases[:most], f"{more} more"] if more > 0 else phrases
    return join_words(shown)


def join_words(words: Iterable[str]) -> str:
    """Words in a row.

    >>> join_words(["a mask", "a picture", "2 values"])
    'a mask, a picture and 2 values'
    """
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
