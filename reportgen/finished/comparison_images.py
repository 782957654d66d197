"""Which image of one report is which of another, and what became of the answers to it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reportgen.class_names import plain_name
from reportgen.finished.comparison_answers import KINDS_DIFFER, THRESHOLD, UNMATCHED, AnswerComparison, compare_answers
from reportgen.finished.comparison_common import Common, Names, are_matched, called_alike
from reportgen.finished.comparison_facts import STATISTIC_TOLERANCE, Change, change_of
from reportgen.finished.comparison_scores import shared_names
from reportgen.record import ClassesAnswer, Figure, Image, Prediction, Record


@dataclass(frozen=True)
class ImageComparison:
    """An image's answers in both reports; `change` is about any output, `best_change` about the best class alone.

    `best` are no classes where several labels hold at once, or where both tell images by two outputs: these are among
    `answers`, those of the outputs that both reports describe. `by_name`: the files have other bytes, only their names
    are the same. `right` says of each network whether its best class is the right one, None where that is not known.
    `likeness` shows the image itself, in A (0) or B (1) as `likeness_in` says, and `evidence` those that show where
    each network looked, as far as a report has them.
    """

    file: str
    first: Image | None
    second: Image | None
    best: tuple[Prediction | None, Prediction | None]
    change: Change
    best_change: Change = "same"
    by_name: bool = False
    answers: tuple[tuple[AnswerComparison, Change], ...] = ()
    right: tuple[bool, bool] | None = None
    likeness: Figure | None = None
    likeness_in: int = 0
    evidence: tuple[Figure | None, Figure | None] = (None, None)

    @property
    def comparable(self) -> bool:
        """Whether both networks gave an answer of one kind: a best class, or the same output's."""
        best = all(best is not None for best in self.best) and self.best_change != "not compared"
        return best or any(change != "not compared" for _, change in self.answers)

    @property
    def verdict(self) -> str | None:
        """Whether the change is for the better, from A to B; None where that is not known, or both are as right."""
        if self.right is None or self.right[0] == self.right[1]:
            return None
        return "better" if self.right[1] else "worse"


def pair_images(first: Sequence[Image], second: Sequence[Image]) -> list[tuple[Image | None, Image | None]]:
    """Images of the same bytes, those of the same name among them first, else of the same name; each but once."""
    left = {image.file: image for image in second}
    by_bytes: dict[str, list[str]] = {}
    for image in second:
        by_bytes.setdefault(image.sha256, []).append(image.file)
    pairs: dict[str, Image] = {}

    def take(image: Image, names: Iterable[str]) -> None:
        name = next((name for name in names if name in left), None)
        if name is not None and image.file not in pairs:
            pairs[image.file] = left.pop(name)

    for image in first:
        take(image, [image.file] if image.file in by_bytes.get(image.sha256, ()) else [])
    for image in first:
        take(image, by_bytes.get(image.sha256, ()))
    for image in first:
        take(image, [image.file])
    return [*((image, pairs.get(image.file)) for image in first), *((None, image) for image in left.values())]


def compare_images(
    pairs: Iterable[tuple[Image | None, Image | None]],
    verdicts: Mapping[str, tuple[bool, bool]],
    first: Record,
    second: Record,
    common: Common,
) -> list[ImageComparison]:
    """All images: answers that changed for the worse, for the better, otherwise, then the rest; with pictures first.

    Raises:
        ReportgenError: a picture of an answer cannot be read.
    """
    labelled = first.model.gives_labels and second.model.gives_labels
    naming = None if labelled or not common.told_alike else _naming(first, second)
    likenesses = [_by_image(record, "input") | _by_image(record, "photo") for record in (first, second)]
    maps, other_maps = (_by_image(record, "attribution") for record in (first, second))
    found = []
    for one, two in pairs:
        image = _compare_image(_with_labels(one, first), _with_labels(two, second), naming, common)
        evidence = (
            None if one is None else maps.get(one.file),
            None if two is None else other_maps.get(two.file),
        )
        shown = [
            None if side is None else known.get(side.file) for side, known in zip((one, two), likenesses, strict=True)
        ]
        found.append(
            replace(
                image,
                first=one,
                second=two,
                right=verdicts.get(image.file),
                likeness=shown[0] or shown[1],
                likeness_in=int(shown[0] is None),
                evidence=evidence,
            )
        )
    order = {"worse": 0, "better": 1, None: 2}
    return sorted(
        found,
        key=lambda image: (
            image.change != "changed",
            image.change == "same",
            order[image.verdict],
            image.best_change == "same",
            image.likeness is None,
        ),
    )


def _by_image(record: Record, kind: str) -> dict[str, Figure]:
    """The first figure of a kind for each image."""
    return {
        figure.image: figure for figure in reversed(record.figures) if figure.kind == kind and figure.image is not None
    }


def _with_labels(image: Image | None, record: Record) -> Image | None:
    """An image without answers in full with the labels it was given, where they are all among the strongest."""
    output = record.model.telling_output
    if output is None or output.kind != "multilabel" or image is None or image.answers or not image.predictions:
        return image
    strongest = image.predictions
    if strongest[-1].score > THRESHOLD and len(strongest) < (output.shape[-1] or math.inf):
        return image
    answer = ClassesAnswer(output=output.name, kind="multilabel", predictions=list(strongest))
    return image.model_copy(update={"answers": (answer,)})


def _compare_image(
    first: Image | None, second: Image | None, naming: _Naming | None, common: Common
) -> ImageComparison:
    """An image of both or one; `naming` is None where there is no best class of both."""
    best = (None, None) if naming is None else _best_of_both(first, second, naming)
    if first is None or second is None:
        there = first or second
        name = there.file if there is not None else ""
        return ImageComparison(name, first, second, best, change_of(first and 1, second and 1))
    answers = [(answer, _answer_change(answer)) for answer in compare_answers(first, second, common)]
    best_change: Change = "same" if naming is None else _best_change(best, naming)
    return ImageComparison(
        file=first.file,
        first=first,
        second=second,
        best=best,
        change=_whole_change(best, best_change, {one_change for _, one_change in answers}),
        best_change=best_change,
        by_name=first.sha256 != second.sha256,
        answers=tuple(answers),
    )


def _whole_change(
    best: tuple[Prediction | None, Prediction | None], best_change: Change, changes: set[Change]
) -> Change:
    """What became of an image's answers: the best class, where both have one, and those of the outputs of both."""
    if "changed" in changes:
        return "changed"
    if not all(best) and changes:
        return "same" if "same" in changes else "not compared"
    return best_change


def _answer_change(answer: AnswerComparison) -> Change:
    if answer.about in (KINDS_DIFFER, UNMATCHED):
        return "not compared"
    return "changed" if answer.apart > STATISTIC_TOLERANCE else "same"


@dataclass(frozen=True)
class _Naming:
    """What classes are called, by index: in A, in B, and those of B as A calls them; whether there are as many.

    `matched`: whether anything tells which are the same.
    """

    first: Names
    second: Names
    alike: Names
    as_many: bool
    matched: bool


def _naming(first: Record, second: Record) -> _Naming:
    one, two = shared_names(first, second)
    alike, counts = called_alike(one, two), (first.model.head.classes, second.model.head.classes)
    return _Naming(one, two, alike, as_many=counts[0] == counts[1], matched=are_matched((one, alike), counts))


def _best_of_both(
    first: Image | None, second: Image | None, naming: _Naming
) -> tuple[Prediction | None, Prediction | None]:
    """The best class of both, with its name where that is known."""
    one, two = (image.predictions[0] if image and image.predictions else None for image in (first, second))
    best = [
        None if shown is None else shown.model_copy(update={"label": shown.label or known.get(shown.index)})
        for shown, known in ((one, naming.first), (two, naming.second))
    ]
    return best[0], best[1]


def _best_change(best: tuple[Prediction | None, Prediction | None], naming: _Naming) -> Change:
    """What became of the best class: by its name, or by its index where one has no name and there are as many."""
    one, two = best
    if one is None or two is None:
        return change_of(one, two)
    if not naming.matched:
        return "not compared"
    if one.label and two.label:
        theirs = two.label, naming.alike.get(two.index, two.label)
        same = plain_name(one.label) in map(plain_name, theirs)
    elif naming.as_many:
        same = one.index == two.index
    else:
        return "not compared"
    return "same" if same else "changed"
