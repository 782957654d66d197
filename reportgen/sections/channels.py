"""The channels shown in detail: their top images as pictures, their neighbours, their statistics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reportgen import record
from reportgen.analysis.statistics.selectivity import ClassResponse, Selectivity
from reportgen.analysis.statistics.sightings import LoadedImage, Sighting, find_sightings
from reportgen.analysis.weights.filters import dense_banks
from reportgen.analysis.weights.neighbours import Tie, Wiring
from reportgen.draw.bands import show_image
from reportgen.draw.patches import Sprite, cut_patch, make_small, pack
from reportgen.formats import finite
from reportgen.images import load_image
from reportgen.progress import stage
from reportgen.record import Tile, TopImage
from reportgen.results import ByteArray
from reportgen.sections.generated import Pictures
from reportgen.sections.histograms import describe_histogram
from reportgen.sections.picture_store import PictureStore, StoredPicture
from reportgen.sections.study import Study, Workshop, fitted_images, sample_evenly

# Means over more images of each class would hardly differ.
SELECTIVITY_IMAGES = 2000


@dataclass(frozen=True, eq=False)
class _Shown:
    """A top image of a channel with its two pictures: what was seen, and the whole."""

    sighting: Sighting
    patch: ByteArray
    whole: StoredPicture


def make_units(study: Study, workshop: Workshop) -> Iterator[record.Unit]:
    """The chosen channels of every layer shown in detail, layer by layer."""
    banks = [item.bank for item in study.weighed] + list(dense_banks(study.network, study.summary))
    wiring = Wiring(study.summary, banks)
    selectivity = _selectivity(study, workshop)
    with stage(workshop.progress, "Channels", sum(map(len, study.chosen.values()))) as progress:
        for layer, channels in study.chosen.items():
            shown = _top_images(study, layer, channels, workshop.pictures)
            for channel in channels:
                top_images = _stored(study, layer, channel, shown[channel], workshop.pictures)
                classes = selectivity.of(layer, channel) if selectivity is not None else ()
                yield _unit(study, wiring, layer, channel, top_images, classes)
                progress.advance(1, layer)


def _top_images(study: Study, layer: str, channels: Sequence[int], pictures: PictureStore) -> dict[int, list[_Shown]]:
    """The top images of each channel, best first, with their pictures; channels share those of whole images."""
    wholes: dict[int, StoredPicture] = {}
    tops = {channel: study.statistics.top_images(layer, channel) for channel in channels}
    shown: dict[int, dict[int, _Shown]] = {channel: {} for channel in channels}

    generated = Pictures(study) if study.network.latent else None

    def load(place: int) -> LoadedImage:
        pixels = load_image(study.statistics.images[place], study.network.channels)
        placement = study.fitting.place(*pixels.shape[:2])
        shown = show_image(pixels, study.config.bands).pixels if generated is None else generated.of(pixels)
        return LoadedImage(shown, placement)

    found = find_sightings(study.summary.layer(layer), tops, load, study.network.size)
    for channel, rank, sighting, loaded in found:
        photo = loaded.pixels
        box = sighting.box or (0, 0, *photo.shape[:2])
        if sighting.image not in wholes:
            file = study.statistics.images[sighting.image].file
            wholes[sighting.image] = pictures.save(f"small-{file}", make_small(photo))
        shown[channel][rank] = _Shown(sighting, cut_patch(photo, box), wholes[sighting.image])
    return {channel: [ranked[rank] for rank in sorted(ranked)] for channel, ranked in shown.items()}


def _stored(study: Study, layer: str, channel: int, shown: Sequence[_Shown], pictures: PictureStore) -> list[TopImage]:
    """The top images of one channel, what was seen in them stored as one picture."""
    if not shown:
        return []
    sprite = pack([item.patch for item in shown], columns=len(shown))
    stored = pictures.save(f"seen-{layer}-{channel}", sprite.pixels)
    return [
        _top_image(study, item.sighting, _tile(stored, sprite, index), item.whole.whole())
        for index, item in enumerate(shown)
    ]


def _tile(stored: StoredPicture, sprite: Sprite, index: int) -> Tile:
    place = sprite.places[index]
    return stored.tile(place.left, place.top, place.width, place.height)


def _top_image(study: Study, sighting: Sighting, patch: Tile, whole: Tile) -> TopImage:
    best = study.statistics.predictions(sighting.image, study.head, study.network)[:1]
    return TopImage(
        image=study.statistics.images[sighting.image].file,
        value=sighting.value,
        position=sighting.position,
        box=sighting.box,
        label=(best[0].label or f"class {best[0].index}") if best else None,
        patch=patch,
        whole=whole,
    )


def _selectivity(study: Study, workshop: Workshop) -> Selectivity | None:
    """How channels answer to the classes, where those are given."""
    labelled = [image for image in study.images if image.file in study.truth]
    if not labelled or not study.chosen:
        return None
    found = Selectivity(study.network, list(study.chosen))
    sample = sample_evenly(tuple(labelled), SELECTIVITY_IMAGES)
    with stage(workshop.progress, "Classes of the images", len(sample)) as progress:
        fitted = fitted_images(study.fitting, study.network, sample, progress)
        found.add((study.truth[item.image.file], item.pixels) for item in fitted)
    return found


def _unit(
    study: Study, wiring: Wiring, layer: str, channel: int, top_images: list[TopImage], classes: Sequence[ClassResponse]
) -> record.Unit:
    measured = study.statistics.channel(layer, channel)
    columns = study.statistics.channels(layer)
    page = study.pages.unit_page(layer, channel)
    assert columns is not None
    assert page is not None
    return record.Unit(
        layer=layer,
        channel=channel,
        page=page,
        activation=record.ChannelActivation(
            min=finite(measured.min),
            max=finite(measured.max),
            mean=finite(measured.mean),
            std=finite(measured.std),
            zero_fraction=finite(measured.zero_fraction),
            histogram=describe_histogram(measured.histogram),
        ),
        firing_rate=finite(columns.firing_rate[channel]),
        top_images=top_images,
        before=[_neighbour(tie) for tie in wiring.before(layer, channel)],
        after=[_neighbour(tie) for tie in wiring.after(layer, channel)],
        selectivity=[record.Selectivity(**vars(one)) for one in classes],
    )


def _neighbour(tie: Tie) -> record.Neighbour:
    return record.Neighbour(layer=tie.layer, channel=tie.channel, weight=tie.weight)
