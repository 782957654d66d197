"""One of the images with what a layer sees in it brought out, in octaves or in the tutorials' form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from reportgen import record
from reportgen.analysis.maximization import deep_dream
from reportgen.analysis.maximization.traced_pass import TracedPasses
from reportgen.analysis.network.selection import select_layers
from reportgen.config import Config
from reportgen.draw.bands import show_image, stretched, to_rgb
from reportgen.draw.maximized import draw_dream
from reportgen.errors import UsageError
from reportgen.files.cache import Cache, content_key
from reportgen.images import ImageFile
from reportgen.progress import stage
from reportgen.results import ByteArray, Drawing, PixelArray
from reportgen.sections.maximized_pictures import as_pictures, keep_values, keeps_values
from reportgen.sections.picture_store import PictureStore
from reportgen.sections.section import Contribution, Section, VisitedImage, Work
from reportgen.sections.study import Study, Workshop

# Counted up when the same settings would give other dreams than before.
_VERSION = 9

Dream = tuple[str, ByteArray, str]


def plan_deep_dream(study: Study, workshop: Workshop) -> Work | Contribution:
    """Dream of the layer asked for, from the image asked for."""
    if study.network.latent:
        return Contribution(note="The network reads vectors: there is no image to dream from.")
    layer = _dream_layer(study)
    if layer is None:
        return Contribution(note="None of the layers asked for gives a map to dream of.")
    if not study.network.preprocessing.differentiable:
        return Contribution(note="The preprocessing function is not differentiable, so there is no gradient to follow.")

    seen: list[tuple[str, PixelArray]] = []

    def visit(visited: VisitedImage) -> Contribution:
        seen.append((visited.file, visited.pixels))
        return Contribution()

    def finish() -> Contribution:
        figures: list[record.Figure] = []
        for file, pixels in seen:
            with stage(workshop.progress, "Deep dream", None):
                dreams = make_dreams(study.passes, pixels, layer, study.config, workshop.cache)
            drawings = [_drawing(study, (file, pixels), layer, dream, workshop.pictures) for dream in dreams]
            figures += workshop.pictures.save_drawings(drawings)
        return Contribution(figures=tuple(figures))

    return Work(images=(_dream_image(study),), visit=visit, finish=finish)


def _dream_layer(study: Study) -> str | None:
    """The layer asked for, else the deepest of those whose maps are drawn that has more than one position."""
    if study.config.dream_layer is not None:
        return select_layers(study.summary, (study.config.dream_layer,))[-1]
    maps = [study.summary.layer(name) for name in study.map_layers]
    wide = [layer.name for layer in maps if layer.is_map and layer.actual_shape and layer.actual_shape[1:3] != (1, 1)]
    return wide[-1] if wide else None


def _dream_image(study: Study) -> ImageFile:
    wanted = study.config.dream_image
    images = [image for image in study.images if wanted in (None, image.file)]
    if not images:
        known = ", ".join(image.file for image in study.images.images[:3])
        raise UsageError(f"--dream-image: expected one of the images, got {wanted}; the first are {known}")
    return images[0]


def make_dreams(passes: TracedPasses, pixels: PixelArray, layer: str, config: Config, cache: Cache) -> list[Dream]:
    """Dream of `layer` from a fitted image: at several sizes, or with `--activation-max classic` as the tutorials do.

    Returns:
        For each dream the name of its variant, its pixels of 0..255, and a sentence on how it was made.
    """
    network = passes.network
    pixels = as_pictures(network, pixels)
    channel = config.dream_channel
    whole = "all channels" if channel is None else f"channel {channel}"
    steps_taken = f"{deep_dream.STEPS} steps of {deep_dream.STEP_SIZE}"
    in_octaves = (
        f"of ratio {deep_dream.OCTAVE_RATIO}, {steps_taken} in the smallest and "
        f"fewer by the ratio in each larger one, on {whole} before the nonlinearity; lost detail put back; "
        f"seed {config.seed}."
    )
    at_one_size = f"{steps_taken} at the image's own size, on {whole} before the nonlinearity; seed {config.seed}."

    def key(*made: object) -> str:
        return content_key("deep dream", *made, network.content, pixels, layer, channel, _VERSION)

    if config.activation_max == "classic":
        steps = deep_dream.CLASSIC_STEPS
        classic = f"The tutorials' form: {steps} steps of 1.0 on the mean of channel {channel or 0}, at one size."
        plain, _ = _kept(
            cache,
            lambda: key(classic),
            lambda: (deep_dream.classic_dream(passes, pixels, layer, channel or 0), 1),
        )
        return [("classic", plain, classic)]
    dreamt, count = _kept(
        cache,
        lambda: key(deep_dream.OCTAVES, deep_dream.LEAST_SIDE, in_octaves),
        lambda: deep_dream.dream(passes, pixels, layer, channel, seed=config.seed),
    )
    return [("octaves", dreamt, at_one_size if count == 1 else f"{count} octaves {in_octaves}")]


def _drawing(study: Study, image: tuple[str, PixelArray], layer: str, dream: Dream, pictures: PictureStore) -> Drawing:
    """A dream beside its image, both shown alike; in other values than those of pictures it is kept as an array."""
    (file, fitted), (variant, pixels, made), bands = image, dream, study.config.bands
    if not keeps_values(study):
        return draw_dream(file, layer, variant, to_rgb(fitted, bands), to_rgb(pixels, bands), made)
    values = np.asarray(study.network.from_pictures(pixels.astype(np.float32)), np.float32)
    before = show_image(fitted.astype(np.float32), bands)
    # An image without contrast has no black and white of its own.
    ranges = [ends if ends[0] < ends[1] else study.network.levels for ends in before.ranges or ()]
    after = stretched(values, before.bands, tuple(ranges))
    drawing = draw_dream(file, layer, variant, before.pixels, after.pixels, made)
    words = before.words(study.network.channels, chosen=bands is not None)
    return replace(
        drawing,
        shows=f"{drawing.shows} {words} The dream has the black and white of its image.",
        data=keep_values(study, f"dream-{layer}-{variant}-{file}", pixels, pictures),
    )


def _kept(cache: Cache, key: Callable[[], str], make: Callable[[], tuple[ByteArray, int]]) -> tuple[ByteArray, int]:
    """The dream kept under `key` and its number of sizes, else what `make` gives, kept for the next run.

    Where nothing is kept the key, which takes all weights, is not asked for.
    """
    if cache.folder is None:
        return make()
    name = key()
    entry = cache.get(name)
    if entry is not None:
        return entry.arrays["pixels"], int(entry.meta["sizes"])
    pixels, sizes = make()
    cache.put(name, {"pixels": pixels}, {"sizes": sizes})
    return pixels, sizes


DEEP_DREAM = Section("deep-dream", "Deep dream", plan_deep_dream, record.Traits(gallery="figures", words=("dream",)))
