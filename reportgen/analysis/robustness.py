"""Whether a network's classes hold when its images are made worse or moved a little.

`corruptions` changes the images; here the answers to the changed ones are gathered and held against those to the
clean ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.corruptions import CORRUPTIONS, ONE_PIXEL_SHIFTS, SEVERITIES, SHIFTS
from reportgen.analysis.figures_of_merit.intervals import Interval, mean, share, wilson_interval
from reportgen.analysis.figures_of_merit.rows import ImageRows

MOST_FLIPS = 12

# Answers to the images as they are, and to shifted ones, have no severity.
CLEAN = "clean"
NO_SEVERITY = 0


@dataclass(frozen=True)
class Steadiness:
    """How the classes of `images` changed images compare: with the truth, where known, and with those unchanged.

    `score` is the share of right answers among the images with a truth, `agreement` that of answers as on the clean
    image among all.
    """

    images: int
    score: float | None
    interval: Interval | None
    agreement: float | None
    agreement_interval: Interval | None
    mean_confidence: float | None


@dataclass(frozen=True)
class Flip:
    """An image whose class changes, at the lowest severity at which it does."""

    image: int
    severity: int
    clean: int
    changed: int


@dataclass(frozen=True)
class CorruptionCurve:
    """What a corruption does, by severity, and the images first to flip: at the lowest severity, the least sure."""

    name: str
    severities: tuple[tuple[int, Steadiness], ...]
    flips: tuple[Flip, ...]


@dataclass(frozen=True)
class Robustness:
    """What was found on a sample of the images.

    `one_pixel` is the share of answers unchanged over all shifts by one pixel.
    """

    clean: Steadiness
    corruptions: tuple[CorruptionCurve, ...]
    shifts: tuple[tuple[str, Steadiness], ...]
    one_pixel: float | None


class RobustnessAccumulator:
    """Takes in answers to clean and changed images; keeps 24 bytes for each."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, int], ImageRows] = {}

    def add(
        self,
        images: NDArray[np.int64],
        truth: NDArray[np.integer[Any]],
        scores: NDArray[np.float32],
        *,
        name: str = CLEAN,
        severity: int = NO_SEVERITY,
    ) -> None:
        """Take in answers.

        Args:
            images: indices, `(n,)`.
            truth: right classes, `(n,)`, below 0 where unknown.
            scores: probabilities, `(n, classes)`.
            name: of the corruption or shift; `clean` of the images as they are.
            severity: of the corruption.
        """
        predicted = scores.argmax(axis=1)
        confidence = scores[np.arange(len(scores)), predicted]
        rows = self._rows.setdefault((name, severity), _no_rows())
        rows.add(images, truth=truth, predicted=predicted, confidence=confidence)

    def add_versions(
        self, image: int, truth: int, scores: NDArray[np.float32], versions: Sequence[tuple[str, int]]
    ) -> None:
        """Take in the answers to all versions of an image.

        Args:
            image: its index.
            truth: its right class, below 0 where unknown.
            scores: probabilities, `(versions, classes)`.
            versions: name and severity of each.
        """
        images, right = np.array([image], np.int64), np.array([truth], np.int32)
        predicted = scores.argmax(axis=1)
        confidence = scores[np.arange(len(scores)), predicted]
        for row, version in enumerate(versions):
            rows = self._rows.setdefault(version, _no_rows())
            part = slice(row, row + 1)
            rows.add(images, truth=right, predicted=predicted[part], confidence=confidence[part])

    def merge(self, other: RobustnessAccumulator) -> None:
        """Take in all answers of `other`."""
        for key, rows in other._rows.items():
            self._rows.setdefault(key, _no_rows()).merge(rows)

    def result(self) -> Robustness:
        """What was found; corruptions and shifts in the order in which they are declared.

        Raises:
            ValueError: a changed image's clean answer is missing.
        """
        clean = self._rows.get((CLEAN, NO_SEVERITY), _no_rows()).sorted()
        sorted_rows = {key: rows.sorted() for key, rows in self._rows.items()}
        places = {key: _places_in(clean, rows) for key, rows in sorted_rows.items()}
        steady = {key: _steadiness(rows, clean["predicted"][places[key]]) for key, rows in sorted_rows.items()}
        shifted = tuple((name, steady[name, NO_SEVERITY]) for name in SHIFTS if (name, NO_SEVERITY) in steady)
        return Robustness(
            clean=_steadiness(clean, clean["predicted"]),
            corruptions=tuple(
                CorruptionCurve(
                    name=name,
                    severities=tuple((one, steady[name, one]) for one in SEVERITIES if (name, one) in steady),
                    flips=_first_flips(name, sorted_rows, clean),
                )
                for name in CORRUPTIONS
                if any((name, one) in steady for one in SEVERITIES)
            ),
            shifts=shifted,
            one_pixel=mean([one.agreement for name, one in shifted if name in ONE_PIXEL_SHIFTS]),
        )


def _no_rows() -> ImageRows:
    return ImageRows(truth=np.int32, predicted=np.int32, confidence=np.float32)


def _places_in(clean: Mapping[str, NDArray[Any]], rows: Mapping[str, NDArray[Any]]) -> NDArray[np.intp]:
    places = np.searchsorted(clean["image"], rows["image"])
    missing = ~np.isin(rows["image"], clean["image"])
    if missing.any():
        raise ValueError(f"expected a clean answer for each image, got none for image {rows['image'][missing][0]}")
    return places


def _steadiness(rows: Mapping[str, NDArray[Any]], clean: NDArray[np.int32]) -> Steadiness:
    known = rows["truth"] >= 0
    right = int((rows["predicted"] == rows["truth"])[known].sum())
    same, images = int((rows["predicted"] == clean).sum()), len(clean)
    return Steadiness(
        images=images,
        score=share(right, int(known.sum())),
        interval=wilson_interval(right, int(known.sum())),
        agreement=share(same, images),
        agreement_interval=wilson_interval(same, images),
        mean_confidence=math.fsum(rows["confidence"].astype(np.float64)) / images if images else None,
    )


def _first_flips(
    name: str, rows: Mapping[tuple[str, int], Mapping[str, NDArray[Any]]], clean: Mapping[str, NDArray[Any]]
) -> tuple[Flip, ...]:
    """The images whose class changes at the lowest severities; of one severity, the least sure clean answers first."""
    flips: dict[int, tuple[int, float, Flip]] = {}
    for severity in SEVERITIES:
        changed = rows.get((name, severity))
        if changed is None:
            continue
        places = _places_in(clean, changed)
        for row in np.flatnonzero(changed["predicted"] != clean["predicted"][places]).tolist():
            image, before = int(changed["image"][row]), int(clean["predicted"][places[row]])
            flip = Flip(image, severity, before, int(changed["predicted"][row]))
            flips.setdefault(image, (severity, float(clean["confidence"][places[row]]), flip))
    ordered = sorted(flips.values(), key=lambda one: (one[0], one[1], one[2].image))
    return tuple(flip for _, _, flip in ordered[:MOST_FLIPS])
