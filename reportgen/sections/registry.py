"""The sections of a report, in order: what each is called and what it contributes.

A section takes the study and gives pictures and facts for the record. Adding one is a file of analysis,
a partial `templates/sections/<slug>.html.jinja2`, and a line in `SECTIONS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from reportgen import record
from reportgen.analysis.network.capture import Extractor
from reportgen.analysis.network.feature_maps import extract_feature_maps
from reportgen.analysis.network.features import default_feature_layer
from reportgen.analysis.network.graph import lay_out_graph
from reportgen.analysis.network.input_view import view_input
from reportgen.analysis.network.selection import select_layers
from reportgen.config import SECTION_SLUGS, Config, MapScale, SectionSlug
from reportgen.draw.feature_maps import EACH, SHARED, STANDARDISED, Variant, draw_feature_maps
from reportgen.draw.filters import draw_filters
from reportgen.draw.input_view import draw_input
from reportgen.draw.photo import draw_photo
from reportgen.errors import UsageError
from reportgen.formats import byte_count, counted
from reportgen.progress import stage
from reportgen.results import Graph, LayerSummary, MaximizedChannel
from reportgen.sections.channels import make_units
from reportgen.sections.dreams import draw_dream_of, make_dreams
from reportgen.sections.generated import draw_samples
from reportgen.sections.maximized_pictures import Maximizing, store_maximized
from reportgen.sections.study import FittedImage, Study, Workshop, chosen_layers, fitted_images

# Arrays to download are large and rarely wanted: more than this goes into a report only when asked for by name.
FEATURES_ROOM = 3_000_000

_NO_IMAGE = "The network reads vectors: there is no image that could be made to excite it."

MAP_VARIANTS: dict[MapScale, Variant] = {"shared": SHARED, "each": EACH, "standardised": STANDARDISED}


@dataclass(frozen=True, eq=False)
class Contribution:
    """What a section adds to the record; `note` says why it has nothing to show, where it has not."""

    figures: tuple[record.Figure, ...] = ()
    maximizations: tuple[record.Maximization, ...] = ()
    units: tuple[record.Unit, ...] = ()
    features: tuple[record.Feature, ...] = ()
    graph: Graph | None = None
    note: str | None = None


@dataclass(frozen=True)
class Section:
    """A part of the report; `make` computes, draws and stores it."""

    slug: SectionSlug
    title: str
    make: Callable[[Study, Workshop], Contribution]


def _each_image(study: Study, workshop: Workshop, title: str) -> Iterator[FittedImage]:
    """The images that have a page, one after the other, as one stage of the progress."""
    with stage(workshop.progress, title, len(study.shown)) as progress:
        yield from fitted_images(study.fitting, study.network, study.shown, progress)


def make_overview(study: Study, workshop: Workshop) -> Contribution:
    """The photographs and how they look to the network; of a generator the pictures it makes."""
    if study.network.latent:
        samples = _each_image(study, workshop, "Pictures")
        return Contribution(figures=tuple(draw_samples(study, samples, workshop.pictures)))
    figures = []
    for fitted in _each_image(study, workshop, "Images"):
        photo = draw_photo(fitted.image.file, fitted.original, study.config.bands)
        view = draw_input(view_input(study.network, fitted.image.file, fitted.pixels))
        figures += [workshop.pictures.save_drawing(drawing) for drawing in (photo, view)]
    return Contribution(figures=tuple(figures))


def make_layers(study: Study, _workshop: Workshop) -> Contribution:
    """The drawing of the layer graph; the table itself is always in the record."""
    return Contribution(graph=lay_out_graph(study.summary))


def make_filters(study: Study, workshop: Workshop) -> Contribution:
    """Filters of every convolution, or of those `--layers` names."""
    wanted = set(chosen_layers(study.config, study.summary, "convs"))
    banks = [weighed for weighed in study.weighed if weighed.bank.layer in wanted]
    if not banks:
        return Contribution(note="There is no two-dimensional convolution among the layers asked for.")
    figures: list[record.Figure] = []
    with stage(workshop.progress, "Filters", len(banks)) as progress:
        for weighed in banks:
            drawings = draw_filters(weighed.bank, weighed.statistics, max_channels=study.config.max_channels)
            figures += [workshop.pictures.save_drawing(drawing) for drawing in drawings]
            progress.advance(1, weighed.bank.layer)
    return Contribution(figures=tuple(figures))


def make_feature_maps(study: Study, workshop: Workshop) -> Contribution:
    """Feature maps of every image that has a page, all layers from one forward pass."""
    if not study.map_layers:
        return Contribution(note="None of the layers asked for gives a map.")
    extractor = Extractor(study.network, study.map_layers)
    variants = [MAP_VARIANTS[scale] for scale in study.config.map_scales]
    figures: list[record.Figure] = []
    for fitted in _each_image(study, workshop, "Feature maps"):
        maps = extract_feature_maps(
            extractor, study.summary, fitted.image.file, fitted.pixels, max_channels=study.config.max_channels
        )
        for layer_maps in maps:
            drawings = draw_feature_maps(layer_maps, variants=variants)
            figures += [workshop.pictures.save_drawing(drawing) for drawing in drawings]
    return Contribution(figures=tuple(figures))


def make_features(study: Study, workshop: Workshop) -> Contribution:
    """Features of every image that has a page, as arrays to download."""
    names = study.config.layers or (default_feature_layer(study.summary, study.head),)
    layers = chosen_layers(study.config, study.summary, names[0])
    size = len(study.shown) * sum(_array_bytes(study.summary.layer(layer)) for layer in layers)
    if study.config.sections == SECTION_SLUGS and size > _features_room(study.config):
        return Contribution(note=_features_left_out(layers, len(study.shown), size))
    extractor = Extractor(study.network, layers)
    features = []
    for fitted in _each_image(study, workshop, "Features"):
        for layer, rows in extractor(fitted.pixels[None]).items():
            array = np.asarray(rows[0], dtype=np.float32)
            file = workshop.pictures.save_array(f"features-{layer}-{fitted.image.file}", array)
            features.append(
                record.Feature(
                    layer=layer, image=fitted.image.file, file=file, shape=list(array.shape), dtype=str(array.dtype)
                )
            )
    return Contribution(features=tuple(features))


def _features_left_out(layers: Sequence[str], images: int, size: int) -> str:
    which = layers[0] if len(layers) == 1 else counted(len(layers), "layer")
    return (
        f"Not in this report: the arrays of {which} for {counted(images, 'image')} would add {byte_count(size)}. "
        "The command reportgen features writes them to a file; a list of --sections that names features puts them here."
    )


def _array_bytes(layer: LayerSummary) -> int:
    """The size of what `layer` gives for one image, in float32; 0 where that is not known."""
    return 4 * math.prod(side or 0 for side in (layer.actual_shape or (0, 0))[1:])


def _features_room(config: Config) -> int:
    """How many bytes arrays may add to a report nobody asked to hold them."""
    return min(FEATURES_ROOM, config.max_size // 10) if config.max_size else FEATURES_ROOM


def make_predictions(study: Study, _workshop: Workshop) -> Contribution:
    """The answers themselves stand with the images; a network without classes is said to have none."""
    if study.head.kind == "none":
        return Contribution(note=f"{study.head.note} There are no predictions to show.")
    return Contribution()


def make_maximizations(study: Study, workshop: Workshop) -> Contribution:
    """Images made to excite the chosen channels, and the classes the network found in the images."""
    if study.config.activation_max == "off":
        return Contribution(note="Activation maximisation was switched off.")
    if study.network.latent:
        return Contribution(note=_NO_IMAGE)
    if not study.network.preprocessing.differentiable:
        return Contribution(
            note="The preprocessing function is not differentiable, so no image can be made by climbing its gradient."
        )
    maker = Maximizing(study, workshop)
    channels, left_out = maker.channels()
    made = [*channels, *maker.classes()]
    stored = [store_maximized(layer, shown, study, workshop.pictures) for layer, shown in _by_layer(made).items()]
    return Contribution(
        figures=tuple(figure for figures, _ in stored for figure in figures),
        maximizations=tuple(shown for _, records in stored for shown in records),
        note=" ".join(f"{item.layer}: {len(item.channels)} channels left out, {item.reason}." for item in left_out)
        or None,
    )


def _by_layer(made: Iterable[MaximizedChannel]) -> dict[str, list[MaximizedChannel]]:
    layers: dict[str, list[MaximizedChannel]] = {}
    for shown in made:
        layers.setdefault(shown.layer, []).append(shown)
    return layers


def make_deep_dream(study: Study, workshop: Workshop) -> Contribution:
    """One of the images with what a layer sees in it brought out, in octaves and in the tutorials' form."""
    if study.network.latent:
        return Contribution(note=_NO_IMAGE)
    layer = _dream_layer(study)
    if layer is None:
        return Contribution(note="None of the layers asked for gives a map to dream of.")
    if not study.network.preprocessing.differentiable:
        return Contribution(note="The preprocessing function is not differentiable, so there is no gradient to follow.")
    fitted = _dream_image(study)
    with stage(workshop.progress, "Deep dream", None):
        dreams = make_dreams(study.network, fitted.pixels, layer, study.config, workshop.cache)
    drawings = [draw_dream_of(study, fitted, layer, dream, workshop.pictures) for dream in dreams]
    return Contribution(figures=tuple(workshop.pictures.save_drawing(drawing) for drawing in drawings))


def _dream_layer(study: Study) -> str | None:
    """The layer asked for, else the deepest of those whose maps are drawn that has more than one position."""
    if study.config.dream_layer is not None:
        return select_layers(study.summary, (study.config.dream_layer,))[-1]
    maps = [study.summary.layer(name) for name in study.map_layers]
    wide = [layer.name for layer in maps if layer.is_map and layer.actual_shape and layer.actual_shape[1:3] != (1, 1)]
    return wide[-1] if wide else None


def _dream_image(study: Study) -> FittedImage:
    wanted = study.config.dream_image
    images = [image for image in study.images if wanted in (None, image.file)]
    if not images:
        known = ", ".join(image.file for image in study.images.images[:3])
        raise UsageError(f"--dream-image: expected one of the images, got {wanted}; the first are {known}")
    return next(fitted_images(study.fitting, study.network, images[:1]))


def make_unit_pages(study: Study, workshop: Workshop) -> Contribution:
    """A page for each chosen channel; every channel of every measured layer stands in its layer's sheet."""
    units = tuple(make_units(study, workshop))
    return Contribution(units=units, note=None if units else "None of the layers asked for has channels.")


SECTIONS: tuple[Section, ...] = (
    Section("overview", "Overview", make_overview),
    Section("layers", "Layers", make_layers),
    Section("filters", "Filters", make_filters),
    Section("feature-maps", "Feature maps", make_feature_maps),
    Section("features", "Features", make_features),
    Section("activation-maximization", "Activation maximisation", make_maximizations),
    Section("deep-dream", "Deep dream", make_deep_dream),
    Section("predictions", "Predictions", make_predictions),
    Section("units", "Channels", make_unit_pages),
)
