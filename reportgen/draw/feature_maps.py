"""Figures of a layer's feature maps for one image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen import formats
from reportgen.draw.figures import MAP_TILE, draw_mosaic, drawing_id, highest, mark_counts, shown_of, tile_size
from reportgen.draw.montage import reduce_maps
from reportgen.draw.pixels import coloured, finite_range, single_levels, standardized_levels, tile_marks, to_levels
from reportgen.facts import Scale
from reportgen.results import Drawing, FeatureMaps

SECTION = "feature-maps"

Variant = Literal["shared scale", "each map", "standardised"]
SHARED: Variant = "shared scale"
EACH: Variant = "each map"
STANDARDISED: Variant = "standardised"

# Mosaics of so few pixels show small maps as squares: they are kept exactly, at little cost. Larger ones
# are pictures, where a lossy file is a fifth of the size and looks the same.
LOSSLESS_PIXELS = 100_000

# Negative values of a tenth of the largest positive one make a layer signed; the small negative tails of
# swish and GELU do not.
SIGNED_SHARE = 0.1

_READING = {
    "viridis": "Bright maps answer strongly, dark ones weakly: maps compare with each other.",
    "diverging": "White is zero, red is above and blue below it: maps compare with each other. "
    "An activation that follows this layer will damp or cut off what is blue.",
    EACH: "Each map is stretched to the full range of colours: compare where maps answer, not how strongly.",
    STANDARDISED: "Mid green is a map's mean; contrast is measured in its own standard deviations.",
}


def draw_feature_maps(maps: FeatureMaps, *, variants: Sequence[Variant] = (SHARED, EACH)) -> tuple[Drawing, ...]:
    """The maps as a mosaic, once in each of `variants`.

    "shared scale" has one scale for all maps shown, in viridis from the lowest to the highest value, or,
    where the layer is signed, in diverging colours with zero in the middle. "each map" gives each map its
    own scale in viridis; "standardised" is `pixels.standardized_levels` in viridis. Maps that are all
    zero, constant or not finite are drawn as marks.
    """
    full = np.ascontiguousarray(maps.activations.transpose(2, 0, 1))
    marks = tile_marks(full)
    size = tile_size(*full.shape[1:], target=MAP_TILE)
    finite = np.array([mark != "nan" for mark in marks])
    tiles = full if finite.all() else np.where(finite[:, None, None], full, 0)
    if size.reduced > 1:
        tiles = np.ascontiguousarray(reduce_maps(tiles.transpose(1, 2, 0), size.reduced).transpose(2, 0, 1))
    drawings = []
    for variant in variants:
        scale = _scale(maps, variant)
        mosaic = draw_mosaic(coloured(_levels(tiles, variant, scale), scale.colormap), marks, size)
        lossless = mosaic.pixels.shape[0] * mosaic.pixels.shape[1] <= LOSSLESS_PIXELS
        drawings.append(
            Drawing(
                id=drawing_id("feature-maps", maps.layer, maps.image, variant),
                kind="feature_maps",
                section=SECTION,
                title=f"Feature maps of {maps.layer}",
                shows=f"{_shown(maps, capital=True)} of {maps.layer} for {maps.image}, "
                f"{formats.size(full.shape[1:])} positions each.",
                reading=_READING[scale.colormap if variant == SHARED else variant],
                made=_made(variant, scale, size.reduced),
                alt=f"{maps.layer}, {_shown(maps)} of {maps.image}{mark_counts(marks)}",
                pixels=mosaic.pixels,
                group=drawing_id("feature-maps", maps.layer, maps.image),
                variant=variant,
                layer=maps.layer,
                image=maps.image,
                channels=maps.channels,
                display=mosaic.display,
                pixelated=size.shown > 1,
                lossless=lossless,
                tiles=mosaic.tiles,
                values=highest(full),
                marks=marks,
                scale=scale,
            )
        )
    return tuple(drawings)


def _scale(maps: FeatureMaps, variant: Variant) -> Scale:
    """What the colours of a variant mean; without ends where each map has its own, or no value is finite."""
    if variant != SHARED:
        return Scale(low=None, high=None, colormap="viridis", basis=EACH)
    basis = "whole layer" if len(maps.channels) == maps.channel_count else "maps shown"
    ends = finite_range(maps.activations)
    if ends is None:
        return Scale(low=None, high=None, colormap="viridis", basis=basis)
    low, high = ends
    if low < 0 and -low >= SIGNED_SHARE * high:
        largest = max(-low, high)
        return Scale(low=-largest, high=largest, colormap="diverging", basis=basis)
    return Scale(low=low, high=high, colormap="viridis", basis=basis)


def _levels(tiles: NDArray[Any], variant: Variant, scale: Scale) -> NDArray[np.uint8]:
    if variant == SHARED:
        return to_levels(tiles, scale.low or 0.0, scale.high or 0.0)
    return single_levels(tiles) if variant == EACH else standardized_levels(tiles)


def _shown(maps: FeatureMaps, *, capital: bool = False) -> str:
    words = shown_of(len(maps.channels), maps.channel_count, "feature map")
    return words[0].upper() + words[1:] if capital else words


def _made(variant: Variant, scale: Scale, reduced: int) -> str:
    """How the figure was made, in a sentence or two."""
    if variant == STANDARDISED:
        how = "Each map minus its mean, over its standard deviation, times 64, plus 128, clipped to 0 to 255."
    elif variant == EACH:
        how = "Each map on a scale of its own, from its lowest to its highest value."
    elif scale.low is None or scale.high is None:
        how = "No value is finite, so there is no scale."
    else:
        over = "all maps of the layer" if scale.basis == "whole layer" else "the maps shown"
        how = f"One scale for {over}, from {formats.number(scale.low)} to {formats.number(scale.high)}."
    return f"{how} A pixel is the mean of {formats.size((reduced, reduced))} positions." if reduced > 1 else how
