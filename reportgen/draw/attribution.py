"""Figures of attribution: a map laid over its photograph, and the map alone with its scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen import formats
from reportgen.attribution_settings import METHOD_TITLES
from reportgen.draw.figures import drawing_id
from reportgen.draw.pixels import coloured, to_levels
from reportgen.facts import Placement, Scale
from reportgen.results import ByteArray, Drawing

SECTION = "attribution"
KIND = "attribution"
CONTRAST = "contrast"  # two classes against each other, where methods explain one
OVER = "over the photograph"
ALONE = "the map alone"

# The longer side of a map alone, in CSS pixels.
ALONE_SIDE = 240

# Maps of so few cells a side are kept exactly and shown as squares.
_SQUARES = 64

# A few pixels of integrated gradients are far above all others, which would leave these without colour.
_QUANTILE = 0.98

# How much the colours cover of the photograph where the evidence is strongest, and how fast that falls: evidence of
# a quarter of the highest still covers a third.
_COVER, _FALL = 0.85, 0.7

# What says where an image speaks against its target as well; whatever a map has of it, so that maps compare.
_SIGNED = frozenset({CONTRAST, "integrated-gradients", "occlusion"})

_TITLES: dict[str, str] = {**METHOD_TITLES, CONTRAST: "Difference"}


@dataclass(frozen=True, eq=False)
class MapDrawn:
    """What is drawn and said of a map: `values` `(rows, columns)`, of an image shown as `photo` `(h, w, 3)`.

    `sides` are height and width of the photograph itself, which may be larger than what is shown of it. `size` is
    that of the network's input, into which `placement` fits the photograph. `subject` is what is explained, `role` why
    that was asked, `checked` what the checks say, `made` how it was made. `key` tells the map from others of its
    method and image, alike in reports on other networks, so that they can be compared.
    """

    image: str
    method: str
    layer: str | None
    subject: str
    role: str
    key: str
    values: NDArray[np.float32]
    photo: ByteArray
    sides: tuple[int, int]
    size: tuple[int, int]
    placement: Placement
    positive: bool
    checked: str
    made: str
    data: str


def draw_attribution(drawn: MapDrawn) -> tuple[Drawing, Drawing]:
    """The map over the photograph, and alone; of one group."""
    scale = _scale(drawn)
    common = {
        "kind": KIND,
        "section": SECTION,
        "title": f"{method_title(drawn.method)}: {drawn.subject}",
        "shows": _shows(drawn),
        "made": drawn.made,
        "group": drawing_id("attribution", drawn.method, drawn.image, drawn.key),
        "layer": drawn.layer,
        "image": drawn.image,
        "scale": scale,
        "data": drawn.data,
        "reading": _reading(drawn, scale),
    }
    over, alone = _over(drawn, scale), coloured(_levels(drawn.values, scale), scale.colormap)
    few = max(alone.shape[:2]) <= _SQUARES
    factor = ALONE_SIDE / max(drawn.size)
    words = f"{method_title(drawn.method)} of {drawn.image}, {drawn.role}: {drawn.subject}"
    return (
        Drawing(
            id=drawing_id("attribution", drawn.method, drawn.image, drawn.key, "over"),
            variant=OVER,
            alt=f"{words}, over the photograph",
            pixels=over,
            display=over.shape[:2],
            **common,  # type: ignore[arg-type]
        ),
        Drawing(
            id=drawing_id("attribution", drawn.method, drawn.image, drawn.key, "alone"),
            variant=ALONE,
            alt=f"{words}, the map alone",
            pixels=alone,
            display=(max(1, round(drawn.size[0] * factor)), max(1, round(drawn.size[1] * factor))),
            pixelated=few,
            lossless=few,
            **common,  # type: ignore[arg-type]
        ),
    )


def method_title(method: str) -> str:
    """What a method is called."""
    return _TITLES[method]


def _scale(drawn: MapDrawn) -> Scale:
    """Zero to the highest value, or as far below zero as above it."""
    finite = np.abs(drawn.values[np.isfinite(drawn.values)])
    top = float(np.quantile(finite, _QUANTILE if finite.size > _SQUARES**2 else 1.0)) if finite.size else 0.0
    if drawn.method in _SIGNED:
        return Scale(low=-top, high=top, colormap="diverging", basis="this map")
    return Scale(low=0.0, high=top, colormap="viridis", basis="this map")


def _levels(values: NDArray[np.float32], scale: Scale) -> NDArray[np.uint8]:
    """The levels of a map; those of a map without anything are the lowest, not the middle."""
    if not scale.high:
        return np.full(values.shape, 128 if scale.colormap == "diverging" else 0, np.uint8)
    return to_levels(values, scale.low, scale.high)


def _over(drawn: MapDrawn, scale: Scale) -> ByteArray:
    """The photograph with the map's colours, the more of them the stronger the evidence."""
    photo = drawn.photo
    placed = place_on_photo(np.nan_to_num(drawn.values), drawn.sides, photo.shape[:2], drawn.size, drawn.placement)
    strength = np.clip(np.abs(placed) / scale.high, 0, 1) if scale.high else np.zeros(photo.shape[:2])
    cover = (_COVER * strength**_FALL).astype(np.float32)[..., None]
    colours = coloured(_levels(placed, scale), scale.colormap)
    mixed: ByteArray = np.rint(photo * (1 - cover) + colours * cover).astype(np.uint8)
    return mixed


def place_on_photo(
    values: NDArray[np.float32],
    original: tuple[int, ...],
    shown: tuple[int, ...],
    size: tuple[int, ...],
    placement: Placement,
) -> NDArray[np.float32]:
    """A map at the pixels of its photograph, bilinearly between the centres of its cells; zero where it was cropped.

    Args:
        values: `(rows, columns)` over the network's input.
        original: height and width of the photograph.
        shown: height and width of what is asked for.
        size: of the network's input.
        placement: of the photograph in it.
    """
    rows = _weights(values.shape[0], size[0], original[0], shown[0], placement.scale_y, placement.top)
    columns = _weights(values.shape[1], size[1], original[1], shown[1], placement.scale_x, placement.left)
    placed: NDArray[np.float32] = (rows @ values.astype(np.float32) @ columns.T).astype(np.float32)
    return placed


def _weights(cells: int, size: int, original: int, shown: int, scale: float, start: float) -> NDArray[np.float32]:
    """How much each of `shown` pixels takes from each of `cells`, `(shown, cells)`."""
    centres = (np.arange(shown) + 0.5) * (original / shown)
    fitted = centres * scale + start  # in pixels of the input
    places = fitted * (cells / size) - 0.5
    inside = (fitted >= 0) & (fitted <= size)
    lower = np.clip(np.floor(places), 0, cells - 1).astype(np.int64)
    upper = np.minimum(lower + 1, cells - 1)
    share = np.clip(places - lower, 0, 1)
    weights = np.zeros((shown, cells), np.float32)
    every = np.arange(shown)
    np.add.at(weights, (every, lower), (1 - share) * inside)
    np.add.at(weights, (every, upper), share * inside)
    return weights


def _shows(drawn: MapDrawn) -> str:
    layer = f" in {drawn.layer}" if drawn.layer is not None else ""
    if not drawn.positive:
        nothing = f"Nothing{layer} speaks for {drawn.subject} ({drawn.role}) on {drawn.image}"
        if not np.isfinite(drawn.values).all():
            return f"The map of {drawn.subject} ({drawn.role}) on {drawn.image} has values that are not finite."
        return f"{nothing}: {'all of the map speaks against it' if drawn.values.any() else 'the map is empty'}."
    if drawn.method == CONTRAST:
        return f"What on {drawn.image} speaks for {drawn.subject}{layer}; what speaks for both alike is left out."
    if drawn.method == "attention-rollout":
        shown = f"What of {drawn.image} reaches the answer through all layers of attention, whatever it is."
        return f"{shown} {drawn.checked}".strip()
    return f"What on {drawn.image} speaks for {drawn.subject} ({drawn.role}){layer}. {drawn.checked}".strip()


def _reading(drawn: MapDrawn, scale: Scale) -> str:
    rows, columns = drawn.values.shape
    grain = f"The map has {formats.size((columns, rows))} cells; "
    if scale.colormap == "diverging":
        return f"{grain}red speaks for it, blue against it, white for neither."
    if drawn.method == "attention-rollout":
        return f"{grain}yellow reaches it most, violet hardly; whether it speaks for or against it is not shown."
    return f"{grain}yellow speaks for it most, violet hardly; what speaks against it is not shown."
