"""How good a network's answers are: figures of merit of what the pass kept, and the groups of images it fails on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reportgen.analysis.figures_of_merit.binary import BinaryFigures
from reportgen.analysis.figures_of_merit.classes import ClassFigures
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.analysis.reviewing import MEASURED, Review
from reportgen.analysis.slices import Slice, find_slices, searched_properties
from reportgen.images import ImageFile


@dataclass(frozen=True, eq=False)
class ClassReview:
    """The answers of an output with classes against the right ones, called by `names`; `binary` where there are two.

    `plain` says that scores became probabilities by a softmax alone; `searched` are the properties of images by which
    groups were large enough to be tested for `slices`.
    """

    names: tuple[str, ...]
    plain: bool
    figures: ClassFigures
    binary: BinaryFigures | None
    slices: tuple[Slice, ...]
    searched: tuple[str, ...]


def class_names(output: SettledOutput | None) -> tuple[str, ...]:
    """The names of the classes of an output, one without a name called by its index; none of other kinds."""
    if output is None or output.kind != "classes":
        return ()
    return tuple(output.label(index) or str(index) for index in range(output.classes))


def review_classes(
    review: Review,
    images: Sequence[ImageFile],
    names: tuple[str, ...],
    columns: Mapping[str, Sequence[str | None]],
) -> ClassReview | None:
    """The figures of all answers that were judged; None where none was.

    Args:
        review: what the pass kept.
        images: all images, by index.
        names: of the classes.
        columns: of each column of the truth file its entry for each image.
    """
    figures = None if review.answers is None else review.answers.result()
    if figures is None or not figures.images:
        return None
    judged = figures.answers.image
    kept = review.properties.sorted()
    rows = np.searchsorted(kept["image"], judged)
    measured = {name: kept[name][rows] for name in MEASURED}
    sizes = np.array([(images[index].height, images[index].width) for index in judged.tolist()], np.float64)
    measured |= {"pixels": sizes.prod(axis=1), "aspect ratio": sizes[:, 1] / sizes[:, 0]}
    told = {name: [entries[index] for index in judged.tolist()] for name, entries in columns.items()}
    return ClassReview(
        names=names,
        plain=review.told.output is not None and review.told.output.scores == "logits",
        figures=figures,
        binary=None if review.second is None else review.second.result(),
        slices=find_slices(judged, figures.answers.right, measured, told),
        searched=searched_properties(measured, told),
    )
