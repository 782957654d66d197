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
    Image,
    MapAnswer,
    Model,
    Output,
)
from reportgen.site.answer_contents import (
    THRESHOLD,
    Seen,
    class_name,
    view_embedding,
    view_map,
    view_other,
    view_picture,
    view_points,
    view_scores,
    view_values,
)
from reportgen.site.catalogue import Catalogue


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


def view_answers(image: Image, catalogue: Catalogue, where: str = "") -> tuple[AnswerView, ...]:
    """The answers of all outputs to `image`, in their order; the classes alone where the record has no more of it.

    `where` tells their controls from those of the same image elsewhere on a page.
    """
    outputs = catalogue.outputs
    answers: Sequence[Answer] = image.answers
    if not answers and image.predictions:
        named = next((name for name, output in outputs.items() if KINDS[output.kind].named), "")
        answers = [ClassesAnswer(output=named, kind="classes", predictions=image.predictions)]
    return tuple(
        _view_answer(answer, f"{where}{number}", Seen(outputs.get(answer.output) or _unknown(answer), image, catalogue))
        for number, answer in enumerate(answers)
    )


def _unknown(answer: Answer) -> Output:
    """The output of a record that does not describe its outputs."""
    return Output(name=answer.output, kind=answer.kind, shape=(), labels=None, note=None, reason="")


def _view_answer(answer: Answer, key: str, seen: Seen) -> AnswerView:
    kind = KINDS[answer.kind]
    return AnswerView(
        kind=answer.kind,
        key=f"{seen.image.id}-{key}",
        name=seen.output.name,
        title=kind.phrase(seen.output),
        note=seen.output.note,
        wide=kind.wide,
        pictured=kind.pictured,
        content=kind.view(answer, seen),
    )


# --- what a search finds --------------------------------------------------------------------------


def _nothing_found(answer: Answer) -> tuple[str, ...]:  # noqa: ARG001 - all kinds are called alike
    return ()


def _found_labels(answer: ClassesAnswer) -> tuple[str, ...]:
    return tuple(class_name(one.index, one.label) for one in answer.predictions if one.score >= THRESHOLD)


def _found_classes(answer: MapAnswer) -> tuple[str, ...]:
    return tuple(one.label for one in answer.classes if one.share > 0 and one.label is not None)


# --- phrases --------------------------------------------------------------------------------------


def count_names(output: Output) -> int | None:
    """How many classes, labels or values an output has by its names, else by its last side; None where that is open."""
    if output.labels:
        return len(output.labels)
    return output.shape[-1] if len(output.shape) > 1 else None


def _several(number: int | None, noun: str) -> str:
    return formats.plural(noun) if number is None else formats.counted(number, noun)


def _class_words(output: Output) -> str:
    """How many classes; one unit tells two apart."""
    number = count_names(output)
    return _several(None if number is None else max(2, number), "class")


def _classes_phrase(output: Output) -> str:
    return f"probabilities of {_class_words(output)}"


def _labels_phrase(output: Output) -> str:
    number = count_names(output)
    return "a probability of one label" if number == 1 else f"a probability for each of {_several(number, 'label')}"


def _values_phrase(output: Output) -> str:
    names = output.labels or [spread.name for spread in output.spread or ()]
    number = len(names) or math.prod(side or 1 for side in output.shape[1:])
    if number == 1:
        return f"one value, {names[0] if names else output.name}"
    return formats.counted(number, "value")


def _map_phrase(output: Output) -> str:
    if count_names(output) == 1:
        return f"a mask of one class, {output.labels[0]}" if output.labels else "a mask of one class"
    return f"a mask of {_several(count_names(output), 'class')}"


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

    `view` makes the content of its template from an answer, `phrase` says what an output of the kind gives, `found` the
    classes that lead a search to the image. `wide` answers need the width of the page, `pictured` ones bring a picture
    of their own to an image's card, `named` ones stand in `Image.predictions`. Of `judged` ones a rule reads more than
    whether they are finite.
    """

    view: Callable[[Any, Seen], object]
    phrase: Callable[[Output], str]
    found: Callable[[Any], tuple[str, ...]] = _nothing_found
    wide: bool = False
    pictured: bool = False
    named: bool = False
    judged: bool = True


KINDS: dict[AnswerKind, Kind] = {
    "classes": Kind(view_scores, _classes_phrase, named=True),
    "multilabel": Kind(view_scores, _labels_phrase, _found_labels, named=True),
    "values": Kind(view_values, _values_phrase),
    "map": Kind(view_map, _map_phrase, _found_classes, wide=True, pictured=True),
    "picture": Kind(view_picture, _picture_phrase, wide=True, pictured=True),
    "embedding": Kind(view_embedding, _embedding_phrase, wide=True, judged=False),
    "points": Kind(view_points, _drawn_phrase("point", 2), wide=True, pictured=True, judged=False),
    "boxes": Kind(view_points, _drawn_phrase("box", 4), wide=True, pictured=True, judged=False),
    "other": Kind(view_other, _other_phrase, judged=False),
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
            phrase, scores = f"scores for {_class_words(output)}", False
        phrases.append(phrase)
    more = len(phrases) - most
    shown = [*phrases[:most], formats.counted(more, "more answer")] if more > 0 else phrases
    return join_words(shown)


def join_words(words: Iterable[str]) -> str:
    """Words in a row.

    >>> join_words(["a mask", "a picture", "2 values"])
    'a mask, a picture and 2 values'
    """
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
