"""The dreams of a report: which there are, how they were made in words, kept between runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from reportgen.analysis.maximization import deep_dream
from reportgen.config import Config
from reportgen.draw.bands import show_image, stretched, to_rgb
from reportgen.draw.maximized import draw_dream
from reportgen.files.cache import Cache, content_key
from reportgen.models import Network
from reportgen.results import ByteArray, Drawing, PixelArray
from reportgen.sections.maximized_pictures import as_pictures, keep_values, keeps_values
from reportgen.sections.picture_store import PictureStore
from reportgen.sections.study import FittedImage, Study

Dream = tuple[str, ByteArray, str]

# Counted up when the same settings would give other dreams than before.
_VERSION = 2


def make_dreams(network: Network, pixels: PixelArray, layer: str, config: Config, cache: Cache) -> list[Dream]:
    """Dream of `layer` from a fitted image, at several sizes and in the tutorials' form at one.

    Returns:
        For each dream the name of its variant, its pixels of 0..255, and a sentence on how it was made.
    """
    pixels = as_pictures(network, pixels)
    network = network.for_pictures()
    channel = config.dream_channel
    whole = "all channels" if channel is None else f"channel {channel}"
    in_octaves = (
        f"of ratio {deep_dream.OCTAVE_RATIO}, {deep_dream.STEPS} steps of "
        f"{deep_dream.STEP_SIZE} in each, on {whole} before the nonlinearity; lost detail put back; seed {config.seed}."
    )
    steps = deep_dream.CLASSIC_STEPS
    classic = f"The tutorials' form: {steps} steps of 1.0 on the mean of channel {channel or 0}, at one size."
    key = [network.content, pixels, layer, channel, _VERSION]
    dreamt, count = _kept(
        cache,
        content_key("deep dream", deep_dream.OCTAVES, in_octaves, *key),
        lambda: deep_dream.dream(network, pixels, layer, channel, seed=config.seed),
    )
    plain, _ = _kept(
        cache,
        content_key("deep dream", classic, *key),
        lambda: (deep_dream.classic_dream(network, pixels, layer, channel or 0), 1),
    )
    return [
        ("octaves", dreamt, f"{count} {'octave' if count == 1 else 'octaves'} {in_octaves}"),
        ("classic", plain, classic),
    ]


def draw_dream_of(study: Study, fitted: FittedImage, layer: str, dream: Dream, pictures: PictureStore) -> Drawing:
    """A dream beside its image, both shown alike; in other values than those of pictures it is kept as an array."""
    variant, pixels, made = dream
    name, bands = fitted.image.file, study.config.bands
    if not keeps_values(study):
        return draw_dream(name, layer, variant, to_rgb(fitted.pixels, bands), to_rgb(pixels, bands), made)
    values = np.asarray(study.network.from_pictures(pixels.astype(np.float32)), np.float32)
    before = show_image(fitted.pixels.astype(np.float32), bands)
    # An image without contrast has no black and white of its own.
    ranges = [ends if ends[0] < ends[1] else study.network.levels for ends in before.ranges or ()]
    after = stretched(values, before.bands, tuple(ranges))
    drawing = draw_dream(name, layer, variant, before.pixels, after.pixels, made)
    words = before.words(study.network.channels, chosen=bands is not None)
    return replace(
        drawing,
        shows=f"{drawing.shows} {words} The dream has the black and white of its image.",
        data=keep_values(study, f"dream-{layer}-{variant}-{name}", pixels, pictures),
    )


def _kept(cache: Cache, key: str, make: Callable[[], tuple[ByteArray, int]]) -> tuple[ByteArray, int]:
    """The dream kept under `key` and its number of sizes, else what `make` gives, kept for the next run."""
    entry = cache.get(key)
    if entry is not None:
        return entry.arrays["pixels"], int(entry.meta["sizes"])
    pixels, sizes = make()
    cache.put(key, {"pixels": pixels}, {"sizes": sizes})
    return pixels, sizes
