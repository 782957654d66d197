"""How good a network's answers are: figures of merit of what the pass kept, and the groups of images it fails on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.evaluation.classes import match_label
from reportgen.analysis.figures_of_merit.binary import BinaryFigures
from reportgen.analysis.figures_of_merit.classes import ClassFigures
from reportgen.analysis.network.heads import Head
from reportgen.analysis.reviewing import MEASURED, Review
from reportgen.analysis.slices import Slice, find_slices
from reportgen.images import ImageFile
from reportgen.models import Network


@dataclass(frozen=True, eq=False)
class ClassReview:
    """The answers of an output with classes against the right ones, called by `names`; `binary` where there are two.

    `plain` says that scores became probabilities by a softmax alone.
    """

    names: tuple[str, ...]
    plain: bool
    figures: ClassFigures
    binary: BinaryFigures | None
    slices: tuple[Slice, ...]


def class_names(network: Network, head: Head) -> tuple[str, ...]:
    """The names of all classes; one without a name is called by its index."""
    count = max(2, head.classes or 0) if head.kind != "none" else 0
    return tuple(network.label(index) or str(index) for index in range(count))


def truth_indices(
    truth: Mapping[str, str], images: Sequence[ImageFile], network: Network, head: Head
) -> NDArray[np.int32] | None:
    """The right class of each image, `(images,)`, -1 where it is not known or no class; None without truth."""
    if not truth:
        return None
    classes = max(2, head.classes or 0)
    index = {given: match_label(given, network.labels, classes) for given in set(truth.values())}
    found = [index.get(truth.get(image.file, "")) for image in images]
    return np.array([-1 if one is None else one for one in found], np.int32)


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
        plain=review.told.plain,
        figures=figures,
        binary=None if review.second is None else review.second.result(),
        slices=find_slices(judged, figures.answers.right, measured, told),
    )
