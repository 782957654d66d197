"""Rules on the values of images: their range, their depth, and whether there is anything in them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reportgen.analysis.findings.evidence import Evidence, ValueColumns
from reportgen.analysis.findings.wording import names
from reportgen.formats import count, counted, number
from reportgen.results import Finding

# Depths of cameras and scanners whose values stand in the lower bits of 16.
SENSOR_BITS = (10, 12, 14)


def shallow_depth(evidence: Evidence) -> Iterator[Finding]:
    """Images of 16 bits whose values need fewer: as bright as a quarter of white, or less."""
    values = evidence.values
    deep = np.array([depth == "uint16" for depth in values.depths], bool)
    known = deep & np.isfinite(values.highs)
    if values.range_given or not known.any() or (known != deep).any():
        return
    highest = float(values.highs[known].max())
    bits = next((bits for bits in SENSOR_BITS if 255 < highest < 2**bits), None)
    if bits is None:
        return
    white = 2**bits - 1
    yield Finding(
        rule="shallow-depth",
        severity="info" if values.kept else "warning",
        message=f"The images have 16 bits, their values need {bits}: none is above {number(highest)} of 65,535.",
        measured=f"highest value of {counted(int(known.sum()), 'image')}: {number(highest)}",
        threshold=f"{number(white)}, the highest of {bits} bits",
        why="Values go in as they are; only what is said of black and white counts 16 bits."
        if values.kept
        else f"Taken for 16 bits, the brightest is {highest / 65535:.1%} of white: the network sees near black.",
        action=f"State their range: --value-range 0,{white}.",
    )


def constant_images(evidence: Evidence) -> Iterator[Finding]:
    """Images with one and the same value everywhere."""
    values = evidence.values
    flat = np.flatnonzero(values.lows == values.highs)
    if not len(flat):
        return
    first = int(flat[0])
    yield Finding(
        rule="constant-images",
        severity="warning",
        message=f"{counted(len(flat), 'image')} of {count(len(values.files))} "
        f"{'has' if len(flat) == 1 else 'have'} the same value everywhere: {_files(values, flat)}.",
        measured=f"{values.files[first]}: {number(values.lows[first])} throughout",
        threshold="two different values",
        why="There is nothing in such an image; what is said over all images counts it all the same.",
        action="See whether it is empty, cut out of nothing, or written wrongly; leave it out.",
        image=values.files[first],
    )


def values_outside_range(evidence: Evidence) -> Iterator[Finding]:
    """Images with values below what is taken as black or above what is taken as white."""
    values = evidence.values
    with np.errstate(invalid="ignore"):
        below, above = values.blacks - values.lows, values.highs - values.whites
        outside = np.flatnonzero((below > 0) | (above > 0))
    if not len(outside):
        return
    worst = int(outside[np.argmax(np.maximum(below, above)[outside])])
    yield Finding(
        rule="values-outside-range",
        severity="warning",
        message=f"{counted(len(outside), 'image')} of {count(len(values.files))} "
        f"{'has' if len(outside) == 1 else 'have'} values outside {_range(values, worst)}.",
        measured=f"most: {values.files[worst]}, {number(values.lows[worst])} to {number(values.highs[worst])}",
        threshold=_range(values, worst),
        why="What is taken as black and white is not: values go in unclipped, beyond what the range becomes.",
        action="State the range the network was trained on: --value-range LOW,HIGH.",
        image=values.files[worst],
    )


def values_not_finite(evidence: Evidence) -> Iterator[Finding]:
    """Images with values that are no numbers, or infinite."""
    values = evidence.values
    lost = np.flatnonzero(~values.finite)
    if len(lost):
        yield Finding(
            rule="values-not-finite",
            severity="warning",
            message=f"{counted(len(lost), 'image')} of {count(len(values.files))} "
            f"{'holds' if len(lost) == 1 else 'hold'} values that are no finite numbers: {_files(values, lost)}.",
            measured=f"first: {values.files[int(lost[0])]}",
            threshold="none",
            why="Such values go in as they are, and spoil everything that is computed from them.",
            action="Put a value in their place, such as that of no data in training.",
            image=values.files[int(lost[0])],
        )


def _files(values: ValueColumns, places: np.ndarray) -> str:
    return names([values.files[int(place)] for place in places])


def _range(values: ValueColumns, place: int) -> str:
    return f"{number(values.blacks[place])} to {number(values.whites[place])}"
