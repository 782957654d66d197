"""Figures of a layer's feature maps for one image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.draw.figures import MAP_TILE, draw_mosaic, drawing_id, highest, mark_counts, number, shown_of, tile_size
from reportgen.draw.montage import reduce_maps
from reportgen.draw.pixels import coloured, finite_range, single_levels, standardized_levels, tile_marks, to_levels
from reportgen.results import Drawing, FeatureMaps, Scale

SECTION = "feature-maps"

Variant = Literal["shared scale", "each map", "standardised"]
SHARED: Variant = "shared scale"
EACH: Variant = "each map"
STANDARDISED: Variant = "standardised"

# Mosaics of so few pixels show small maps as squares: they are kept exactly, at little cost. Larger ones
# are pictures, where a lossy file is a fifth of the size and looks the same.
LOSSLESS_PIXELS = 100_000

_READING = {
    SHARED: "Bright maps answer strongly, dark ones weakly: maps compare with each other.",
    EACH: "Each map is stretched to the full range of colours: compare where maps answer, not how strongly.",
    STANDARDISED: "Mid green is a map's mean; contrast is measured in its own standard deviations.",
}


def draw_feature_maps(maps: FeatureMaps, *, variants: Sequence[Variant] = (SHARED, EACH)) -> tuple[Drawing, ...]:
    """The maps as a mosaic in viridis, once in each of `variants`.

    "shared scale" puts the lowest to the highest value of all maps shown on one scale, "each map" gives
    each its own; "standardised" is `pixels.standardized_levels`. Maps that are all zero, constant or not
    finite are drawn as marks.
    """
    full = np.ascontiguousarray(maps.activations.transpose(2, 0, 1))
    marks = tile_marks(full)
    peaks = highest(full)
    scale = finite_range(full)
    size = tile_size(*full.shape[1:], target=MAP_TILE)
    finite = np.array([mark != "nan" for mark in marks])
    reduced = reduce_maps(np.where(finite, maps.activations, 0), size.reduced)
    tiles = np.ascontiguousarray(reduced.transpose(2, 0, 1))
    drawings = []
    for variant in variants:
        mosaic = draw_mosaic(coloured(_levels(tiles, variant, scale), "viridis"), marks, size)
        lossless = mosaic.pixels.shape[0] * mosaic.pixels.shape[1] <= LOSSLESS_PIXELS
        drawings.append(
            Drawing(
                id=drawing_id("feature-maps", maps.layer, maps.image, variant),
                kind="feature_maps",
                section=SECTION,
                title=f"Feature maps of {maps.layer}",
                shows=f"{_shown(maps, capital=True)} of {maps.layer} for {maps.image}, "
                f"{full.shape[1]} x {full.shape[2]} positions each.",
                reading=_READING[variant],
                made=_made(maps, variant, scale, size.reduced),
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
                values=peaks,
                marks=marks,
                scale=_scale(maps, variant, scale),
            )
        )
    return tuple(drawings)


def _levels(tiles: NDArray[Any], variant: Variant, scale: tuple[float, float] | None) -> NDArray[np.uint8]:
    if variant == SHARED:
        return to_levels(tiles, *(scale or (0.0, 0.0)))
    return single_levels(tiles) if variant == EACH else standardized_levels(tiles)


def _shown(maps: FeatureMaps, *, capital: bool = False) -> str:
    words = shown_of(len(maps.channels), maps.channel_count, "feature map")
    return words[0].upper() + words[1:] if capital else words


def _made(maps: FeatureMaps, variant: Variant, scale: tuple[float, float] | None, reduced: int) -> str:
    """How the figure was made, in a sentence or two."""
    if variant == STANDARDISED:
        how = "Each map minus its mean, over its standard deviation, times 64, plus 128, clipped to 0 to 255."
    elif variant == EACH:
        how = "Each map on a scale of its own, from its lowest to its highest value."
    elif scale is None:
        how = "No value is finite, so there is no scale."
    else:
        over = "all maps of the layer" if len(maps.channels) == maps.channel_count else "the maps shown"
        how = f"One scale for {over}, from {number(scale[0])} to {number(scale[1])}."
    return f"{how} A pixel is the mean of {reduced} x {reduced} positions." if reduced > 1 else how


def _scale(maps: FeatureMaps, variant: Variant, scale: tuple[float, float] | None) -> Scale:
    if variant != SHARED or scale is None:
        return Scale(None, None, "viridis", "each map")
    basis = "whole layer" if len(maps.channels) == maps.channel_count else "maps shown"
    return Scale(*scale, "viridis", basis)
