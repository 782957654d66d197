"""For which classes, labels and values of an answer pictures are made, after what the images were answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.maximization.subjects import OBJECTIVES, Goal, OutputNumbers, answer_function
from reportgen.analysis.maximization.traced_pass import TracedPasses
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.analysis.statistics.image_statistics import ImageStatistics
from reportgen.files.cache import Cache, content_key
from reportgen.results import FloatArray, NetworkSummary, PixelArray
from reportgen.sampling import sample_evenly

# Pictures for one output at most, and for all outputs of a network of many.
MOST_GOALS = 8
MOST_PICTURES = 24

# Where more than this share of images keeps its class when left and right are exchanged, so should pictures of classes:
# of photographs of things nearly all do, of digits and letters few.
_MIRRORED_ALIKE = 0.75

# Counted up when the same settings would give other numbers than before.
_VERSION = 1

# Of an embedding without classes, so many images are taken for what a picture may be like.
_MOST_IMAGES = 4


@dataclass(frozen=True, eq=False)
class AnswerGoals:
    """An output and what of it pictures are made for, in order."""

    subject: OutputNumbers
    goals: tuple[Goal, ...]


def answer_goals(
    outputs: Sequence[SettledOutput],
    statistics: ImageStatistics,
    summary: NetworkSummary,
    classes: Mapping[str, str],
) -> list[AnswerGoals]:
    """What pictures are made for, output by output; pictures, points and outputs of no known kind have none.

    Args:
        classes: the right class of images by name, where it is known: an embedding's pictures are to be like those of
            a class.
    """
    asked = [output for output in outputs if output.kind in OBJECTIVES]
    most = max(2, min(MOST_GOALS, MOST_PICTURES // max(1, len(asked))))
    found = []
    for output in asked:
        layer = output.layer or summary.layers[-1].name
        if output.kind == "embedding":
            subject = _likeness(output, layer, statistics, classes, most)
            goals = tuple(Goal(place) for place in range(len(subject.names or ())))
        else:
            subject = OutputNumbers(output, layer)
            goals = _goals(output, statistics, most)
        if goals:
            found.append(AnswerGoals(subject, goals))
    return found


def _goals(output: SettledOutput, statistics: ImageStatistics, most: int) -> tuple[Goal, ...]:
    if output.kind == "classes":
        return tuple(Goal(index) for index in _first_classes(output, statistics)[:most])
    kept = statistics.kept_answers(output)
    if output.kind == "multilabel":
        return tuple(Goal(index) for index in _strongest_labels(output.as_probabilities(kept))[:most])
    if output.kind == "map":
        return tuple(Goal(index) for index in _widest_classes(kept[:, :-1])[:most])
    return tuple(Goal(index, down) for index in _varied_values(kept, most // 2) for down in (False, True))


def _first_classes(output: SettledOutput, statistics: ImageStatistics) -> list[int]:
    """The classes found first in an image, the most frequent first; where there are two on one number, both."""
    best = [statistics.predictions(place, output)[:1] for place in range(len(statistics.images))]
    counts = Counter(one.index for found in best for one in found)
    if output.is_single:
        counts.update({0: 0, 1: 0})
    return sorted(counts, key=lambda index: (-counts[index], index))


def _strongest_labels(shares: NDArray[np.float32]) -> list[int]:
    """Labels by the number of images they hold for, then by their highest probability."""
    known = np.nan_to_num(shares)
    counts, highest = (known > 0.5).sum(axis=0), known.max(axis=0)
    return sorted(range(shares.shape[1]), key=lambda index: (-counts[index], -highest[index], index))


def _widest_classes(counts: NDArray[np.float32]) -> list[int]:
    """The classes of a map by the pixels they cover over all images; of a single class, that one."""
    totals = counts.sum(axis=0, dtype=np.float64)
    covering = [index for index in range(len(totals)) if totals[index] > 0 or len(totals) == 1]
    return sorted(covering, key=lambda index: (-totals[index], index))


def _varied_values(values: NDArray[np.float32], most: int) -> list[int]:
    """The values that differ most over the images, in their order."""
    spread = np.nan_to_num(values.std(axis=0, dtype=np.float64))
    return sorted(np.argsort(-spread, kind="stable")[:most].tolist())


def _likeness(
    output: SettledOutput, layer: str, statistics: ImageStatistics, classes: Mapping[str, str], most: int
) -> OutputNumbers:
    """What an embedding's pictures are to be like: the mean of each class of images, else some of the images."""
    places, vectors = statistics.kept_vectors(output)
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    usable = np.flatnonzero(np.isfinite(lengths) & (lengths > 0))
    files = [statistics.images[places[row]].file for row in usable]
    units = vectors[usable] / lengths[usable, None]
    groups: dict[str, list[int]] = {}
    for row, file in enumerate(files):
        if file in classes:
            groups.setdefault(classes[file], []).append(row)
    if len(groups) > 1:
        chosen = sorted(groups, key=lambda name: (-len(groups[name]), name))[:most]
    else:
        chosen = list(sample_evenly(files, min(most, _MOST_IMAGES)))
        groups = {file: [files.index(file)] for file in chosen}
    if not chosen:
        return OutputNumbers(output, layer)
    means = np.stack([units[groups[name]].mean(axis=0) for name in chosen])
    references = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    cosines = units @ references.T
    for column, name in enumerate(chosen):
        if len(groups[name]) == 1 and len(files) > 1:
            cosines[groups[name][0], column] = np.nan  # an image is as like itself as nothing else is
    return OutputNumbers(
        output,
        layer,
        references=references.astype(np.float32),
        names=tuple(chosen),
        highest=np.nanmax(cosines, axis=0).astype(np.float32),
        lowest=np.nanmin(cosines, axis=0).astype(np.float32),
    )


def with_extremes(
    goals: Sequence[AnswerGoals], passes: TracedPasses, images: Iterable[PixelArray], cache: Cache | None = None
) -> list[AnswerGoals]:
    """The same with what is known from `images`, fitted: extremes of each number, and whether mirroring matters.

    Extremes that are known stay. The numbers are kept in `cache`.
    """
    network, subjects = passes.network, [one.subject for one in goals]
    shown = [network.to_pictures(pixels[None]) for pixels in images]
    if not shown:
        return list(goals)
    cache = cache or Cache(None)
    what = [subject.numbers_content for subject in subjects]
    key = content_key("numbers of images and mirror images", _VERSION, network.content, what, shown)
    entry = cache.get(key)
    if entry is None:
        measure = answer_function(passes, subjects)
        rows = [[measure(one[:, :, ::step]) for one in shown] for step in (1, -1)]
        both = {
            str(place): np.stack([np.concatenate([numbers[place] for numbers in way]) for way in rows])
            for place in range(len(subjects))
        }
        cache.put(key, both, {})
    else:
        both = entry.arrays
    return [replace(one, subject=_with_known(one.subject, *both[str(place)])) for place, one in enumerate(goals)]


def _with_known(subject: OutputNumbers, given: FloatArray, mirrored: FloatArray) -> OutputNumbers:
    """`subject` with what follows from its numbers of each image, and of each mirror image: `(images, numbers)`."""
    alike = [np.argmax(one) == np.argmax(other) for one, other in zip(given, mirrored, strict=True)]
    mirrors = subject.output.kind == "classes" and float(np.mean(alike)) > _MIRRORED_ALIKE
    if subject.highest is not None:
        return replace(subject, mirrors=mirrors)
    return replace(subject, mirrors=mirrors, highest=_extreme(given, np.fmax), lowest=_extreme(given, np.fmin))


def _extreme(rows: FloatArray, which: np.ufunc) -> FloatArray:
    found: FloatArray = which.reduce(rows, axis=0)
    return found
