"""Rules on why the network answered as it did: maps that say nothing, and evidence where none should be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.attribution.checks import SURVIVING
from reportgen.analysis.findings.evidence import Evidence, MapFacts
from reportgen.formats import count, counted
from reportgen.results import Finding

# Fewer images may have their evidence in one place because they show the same thing there.
MANY_IMAGES = 6

# A map of fewer cells a side tells no place from another.
LEAST_SIDE = 4

# Peaks of so many of the images lie within one cell of the grid of each other: objects that photographers put into
# the same part of a picture scatter more.
SAME_SHARE = 0.9

# Where things are put that are looked at: evidence in the same place there needs no other reason.
MIDDLE = (0.25, 0.75)

# The border (an outer tenth of each side) is 36 % of an image, and a map of 7 cells a side that lies all in its
# outermost ring has 0.75 of its evidence there.
BORDER_SHARE = 0.65

# Padding is grey of one colour: it shows nothing, and evidence there comes from where the image ends. A map that is
# spread evenly has as much there as the padding covers of the input, which says nothing of padding: it must be this
# much more.
PADDING_SHARE, UNEVEN = 0.25, 1.2

# A cell around the object counts as the object's own, so that what a coarse map smears is not taken for evidence beside
# it. A map that is spread evenly has as much on the object as the object covers of the image.
OBJECT_SHARE = 0.3

# Evidence that lies mainly on the object needs no other reason, wherever in the image the object is.
MAINLY = 0.5

# Of the images with a map, so many must have their evidence at the border or on padding.
USUAL_SHARE = 0.5

# Two distributions of evidence share this much when an object moves by half its size; below the other they lie apart.
ALIKE, APART = 0.5, 0.2
RIGHT_IMAGES = 3


def surviving_maps(evidence: Evidence) -> Iterator[Finding]:
    """Maps that stay as they are when all weights are shuffled."""
    for found in evidence.attribution.methods:
        if found.correlation > SURVIVING:
            where = f" of {found.layer}" if found.layer is not None else ""
            yield Finding(
                rule="surviving-maps",
                severity="warning",
                layer=found.layer,
                message=f"The {found.method} maps{where} stay as they are when the weights are shuffled: they show "
                "the images, not what the network learnt.",
                measured=f"rank correlation {found.correlation:.2f} on {counted(found.images, 'image')}",
                threshold=f"more than {SURVIVING}",
                why="A map that does not depend on the weights cannot explain what they do.",
                action="Do not read these maps; take another method or another layer.",
            )


def same_place(evidence: Evidence) -> Iterator[Finding]:
    """Evidence in the same place of all images, or of all images answered with a class, away from the middle."""
    maps = _readable(evidence)
    place = _common_place(maps)
    if place is not None:
        yield _same_place(maps, place, "all images")
        return
    for answer in sorted({one.answer for one in maps if one.answer is not None}):
        own = [one for one in maps if one.answer == answer]
        place = _common_place(own)
        if place is not None:
            yield _same_place(own, place, f"the images taken for {own[0].label}")


def _same_place(maps: Sequence[MapFacts], place: tuple[float, float], whose: str) -> Finding:
    rows = "upper" if place[0] < MIDDLE[0] else "lower" if place[0] > MIDDLE[1] else "middle"
    columns = "left" if place[1] < MIDDLE[0] else "right" if place[1] > MIDDLE[1] else "middle"
    where = " ".join(dict.fromkeys(word for word in (rows, columns)))
    return Finding(
        rule="same-place",
        severity="warning",
        layer=maps[0].layer,
        message=f"The evidence lies in the same place, {where}, in {whose}: a mark that stands there may decide, "
        "not what the images show.",
        measured=f"{count(len(maps))} images, peaks around {place[0]:.0%} of height and {place[1]:.0%} of width",
        threshold=f"{SAME_SHARE:.0%} of the peaks of {MANY_IMAGES} images or more within a cell, away from the middle",
        why="A watermark, a frame or a date in one class of the training images is learnt before anything else.",
        action="Look at that place in the images; cover it and see whether the answers stay.",
    )


def _common_place(maps: Sequence[MapFacts]) -> tuple[float, float] | None:
    """Where nearly all peaks lie, as shares of height and width.

    None where they do not or lie in the middle, or where masks show that the objects are there.
    """
    if len(maps) < MANY_IMAGES:
        return None
    peaks = np.array([np.unravel_index(one.cells.argmax(), one.cells.shape) for one in maps], np.float64)
    middle = np.median(peaks, axis=0)
    near = (np.abs(peaks - middle) <= 1).all(axis=1).mean()
    row, column = (middle + 0.5) / np.array(maps[0].cells.shape)
    shown = np.mean([_is_on_object(one) for one in maps])
    if near < SAME_SHARE or shown > USUAL_SHARE or all(MIDDLE[0] <= value <= MIDDLE[1] for value in (row, column)):
        return None
    return float(row), float(column)


def evidence_on_border(evidence: Evidence) -> Iterator[Finding]:
    """Evidence that lies mainly at the border of the images."""
    maps = _readable(evidence)
    there = [one for one in maps if one.border >= BORDER_SHARE and not _is_on_object(one)]
    if len(maps) >= MANY_IMAGES and len(there) >= USUAL_SHARE * len(maps):
        yield Finding(
            rule="evidence-on-border",
            severity="warning",
            layer=there[0].layer,
            message=f"In {count(len(there))} of {count(len(maps))} images the evidence lies mainly at the border.",
            measured=f"{np.median([one.border for one in there]):.0%} of it in the outer tenth of each side",
            threshold=f"{BORDER_SHARE:.0%} in {USUAL_SHARE:.0%} of {MANY_IMAGES} images or more",
            why="What is at the border is seldom what an image shows: frames, padding inside the network, or nothing "
            "that speaks for the answer anywhere else.",
            action="Look at the maps; crop the images differently and see whether the answers stay.",
        )


def evidence_on_padding(evidence: Evidence) -> Iterator[Finding]:
    """Evidence outside the photograph, where the image was padded."""
    maps = _readable(evidence)
    there = [one for one in maps if one.padding >= max(PADDING_SHARE, UNEVEN * one.padded)]
    if there and len(there) >= USUAL_SHARE * len(maps):
        yield Finding(
            rule="evidence-on-padding",
            severity="warning",
            layer=there[0].layer,
            message=f"In {count(len(there))} of {count(len(maps))} images much of the evidence lies on the padding.",
            measured=f"{np.median([one.padding for one in there]):.0%} of it outside the photograph",
            threshold=f"{PADDING_SHARE:.0%}, and {UNEVEN:g} times what padding covers, in {USUAL_SHARE:.0%} of the "
            "images",
            why="Padding shows nothing: the answer hangs on the shape of the image.",
            action="Fit the images with --resize crop or squash, as the network was trained.",
        )


def evidence_off_object(evidence: Evidence) -> Iterator[Finding]:
    """Evidence away from the object, where masks show it."""
    maps = [one for one in _readable(evidence) if one.on_object is not None]
    there = [one for one in maps if one.on_object is not None and one.on_object <= OBJECT_SHARE]
    if len(maps) >= MANY_IMAGES and len(there) >= USUAL_SHARE * len(maps):
        shares = [one.on_object for one in there if one.on_object is not None]
        yield Finding(
            rule="evidence-off-object",
            severity="warning",
            layer=there[0].layer,
            message=f"In {count(len(there))} of {count(len(maps))} images with a mask the evidence lies mainly outside "
            "the object: something around it may decide.",
            measured=f"{np.median(shares):.0%} of it on the object or next to it",
            threshold=f"at most {OBJECT_SHARE:.0%} in {USUAL_SHARE:.0%} of {MANY_IMAGES} images or more",
            why="What is around an object goes with its class in the training images, and may not elsewhere.",
            action="Look at the maps; put the objects before another background and see whether the answers stay.",
        )


def mistaken_places(evidence: Evidence) -> Iterator[Finding]:
    """Mistakes whose evidence lies elsewhere than that of right answers with the same class."""
    maps = _readable(evidence)
    for wrong in maps:
        if wrong.truth is None or wrong.answer == wrong.truth:
            continue
        right = [one for one in maps if one.truth is not None and one.answer == one.truth == wrong.answer]
        if len(right) < RIGHT_IMAGES or _consistency(right) < ALIKE:
            continue
        shared = _shared(wrong.cells, np.mean([one.cells for one in right], axis=0))
        if shared <= APART:
            yield Finding(
                rule="mistaken-place",
                severity="info",
                image=wrong.image,
                message=f"{wrong.image} is taken for {wrong.label} by evidence that lies elsewhere than in the "
                f"{count(len(right))} images that are rightly taken for it.",
                measured=f"{shared:.0%} of the evidence in common",
                threshold=f"at most {APART:.0%}, where right answers have {ALIKE:.0%} in common",
                why="The mistake has another reason than what the class usually looks like.",
                action="Look at that place in the image.",
            )


def _readable(evidence: Evidence) -> list[MapFacts]:
    return [one for one in evidence.attribution.maps if min(one.sides) >= LEAST_SIDE]


def _is_on_object(one: MapFacts) -> bool:
    return one.on_object is not None and one.on_object >= MAINLY


def _shared(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """What two distributions of evidence have in common, 0 to 1."""
    return float(np.minimum(first, second).sum())


def _consistency(maps: Sequence[MapFacts]) -> float:
    """What each has in common with the mean of the others, on average."""
    total = np.sum([one.cells for one in maps], axis=0)
    return float(np.mean([_shared(one.cells, (total - one.cells) / (len(maps) - 1)) for one in maps]))
