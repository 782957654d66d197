"""Which of two networks is right more often on the same images, and whether that may be chance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reportgen.class_names import labels_agree, match_label, whole_number
from reportgen.record import Image, Record

# Of the normal distribution, for an interval that holds the difference in 95 of 100 samples.
_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True)
class PairedScore:
    """How often two networks are right on the same images.

    `better` and `worse` count the images on which B alone and A alone is right. `interval` is that of the difference
    `B - A`, at 95 %, after Bonett and Price, "Adjusted Wald Confidence Interval for a Difference of Binomial
    Proportions Based on Paired Data", 2012.
    """

    images: int
    right: tuple[int, int]
    better: int
    worse: int

    @property
    def accuracies(self) -> tuple[float, float]:
        """The share of images on which each is right."""
        return self.right[0] / self.images, self.right[1] / self.images

    @property
    def difference(self) -> float:
        """The accuracy of B less that of A."""
        return (self.better - self.worse) / self.images

    @property
    def p_value(self) -> float:
        """How often chance alone makes such a difference, or a larger one."""
        return mcnemar(self.better, self.worse)

    @property
    def interval(self) -> tuple[float, float]:
        """Where the difference lies, at 95 %."""
        total = self.images + 2
        gained, lost = (self.better + 1) / total, (self.worse + 1) / total
        width = _NORMAL_95 * math.sqrt((gained + lost - (gained - lost) ** 2) / total)
        return max(-1.0, gained - lost - width), min(1.0, gained - lost + width)


def mcnemar(better: int, worse: int) -> float:
    """The two-sided exact McNemar test: of images on which one of two alone is right, as many are each's by chance.

    >>> mcnemar(5, 0), mcnemar(3, 3), mcnemar(0, 0)
    (0.0625, 1.0, 1.0)
    """
    total = better + worse
    ways, tail = 1, 0
    for few in range(min(better, worse) + 1):
        tail += ways
        ways = ways * (total - few) // (few + 1)
    return min(1.0, float(2 * tail / (1 << total)))


def rightness(pairs: Iterable[tuple[Image, Image]], first: Record, second: Record) -> dict[str, tuple[bool, bool]]:
    """Whether each of two networks is right, by A's name of the image; images where that is not known are left out.

    Where one side has no names of its classes and as many of them, the other's count.
    """
    names = shared_names(first, second)
    found = {}
    for one, two in pairs:
        truths = {image.truth for image in (one, two)} - {None}
        if len(truths) == 1 and one.predictions and two.predictions:
            (truth,) = truths
            verdicts = (_verdict(one, truth or "", first, names[0]), _verdict(two, truth or "", second, names[1]))
            if verdicts[0] is not None and verdicts[1] is not None:
                found[one.file] = (verdicts[0], verdicts[1])
    return found


def _verdict(image: Image, truth: str, record: Record, known: Mapping[int, str]) -> bool | None:
    """Whether an image's best class is the right one, or just its labels are given; None where that is not known.

    Nor is it where the network has no class of the name that the truth is: the names may be of another list.
    """
    if not record.model.gives_labels:
        right = _class_index(truth, known)
        # Reports of earlier versions name the classes that were answered alone: the right one is none of them.
        some = 0 < len(known) < (record.model.head.classes or 0)
        return None if right is None and not some else image.predictions[0].index == right
    if record.model.head.kind != "sigmoid":
        return None
    best = [one.model_copy(update={"label": known.get(one.index, one.label)}) for one in image.predictions]
    return labels_agree(truth, best, record.model.head.classes)


def _class_index(truth: str, names: Mapping[int, str]) -> int | None:
    count = max(names, default=-1) + 1
    if not names:
        return whole_number(truth.removeprefix("class "))
    return match_label(truth, [names.get(index, "") for index in range(count)], count)


def shared_names(first: Record, second: Record) -> tuple[Mapping[int, str], Mapping[int, str]]:
    """The names of each network's classes by index; a network without takes the other's, where there are as many."""
    one, two = class_names(first), class_names(second)
    alike = first.model.head.classes == second.model.head.classes
    return (one or (two if alike else {})), (two or (one if alike else {}))


def class_names(record: Record) -> dict[int, str]:
    """The names of a network's classes by index, as far as the record says them."""
    for output in record.model.outputs:
        if output.kind in ("classes", "multilabel") and output.labels:
            return dict(enumerate(output.labels))
    return {one.index: one.label for image in record.images for one in image.predictions if one.label is not None}


def paired_score(verdicts: Mapping[str, tuple[bool, bool]]) -> PairedScore | None:
    """How both did, None without images."""
    if not verdicts:
        return None
    return PairedScore(
        images=len(verdicts),
        right=(sum(one for one, _ in verdicts.values()), sum(two for _, two in verdicts.values())),
        better=sum(two and not one for one, two in verdicts.values()),
        worse=sum(one and not two for one, two in verdicts.values()),
    )
