"""The channels shown in detail: their top images as pictures, their neighbours, their statistics."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from reportgen import record
from reportgen.analysis.statistics.selectivity import ClassResponses
from reportgen.analysis.statistics.sightings import Sighting, Wanted, seen_box, wanted_by_image
from reportgen.analysis.weights.filters import dense_banks
from reportgen.analysis.weights.neighbours import Wiring
from reportgen.draw.bands import show_image
from reportgen.draw.patches import Box, Sprite, cut_patch, make_small, pack
from reportgen.facts import Selectivity
from reportgen.formats import finite
from reportgen.machine.threads import in_threads
from reportgen.progress import stage
from reportgen.record import Tile, TopImage
from reportgen.results import ByteArray
from reportgen.sampling import sample_evenly
from reportgen.sections.generated import Pictures
from reportgen.sections.histograms import describe_histogram
from reportgen.sections.picture_store import StoredPicture
from reportgen.sections.section import Contribution, Section, VisitedImage, Work
from reportgen.sections.study import Study, Workshop

# Means over more images of each class would hardly differ.
SELECTIVITY_IMAGES = 2000


class PatchShelf:
    """Small pictures put aside on disk: all those of a large network would not fit into memory."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the shelf
        self._places: list[tuple[int, tuple[int, ...]]] = []

    def put(self, picture: ByteArray) -> int:
        """Put `picture` aside; the number to ask for it by."""
        self._places.append((self._file.seek(0, 2), picture.shape))
        self._file.write(np.ascontiguousarray(picture).data)
        return len(self._places) - 1

    def get(self, number: int) -> ByteArray:
        """The picture put aside under `number`."""
        place, shape = self._places[number]
        self._file.seek(place)
        return np.frombuffer(self._file.read(prod(shape)), np.uint8).reshape(shape)

    def close(self) -> None:
        """Forget all pictures."""
        self._file.close()


@dataclass(frozen=True)
class _Shown:
    """A top image of a channel: what was seen, the number of its picture on the shelf, and the whole."""

    sighting: Sighting
    patch: int
    whole: StoredPicture


@dataclass(frozen=True)
class _Seen:
    """The top images of the channel `key`, best first, and the picture of what was seen in them."""

    key: tuple[str, int]
    shown: list[_Shown]
    sprite: Sprite


def plan_channels(study: Study, workshop: Workshop) -> Work | Contribution:
    """A page for each chosen channel; every channel of every measured layer stands in its layer's sheet."""
    if not study.chosen:
        return Contribution(note="None of the layers asked for has channels.")
    gathered = _Gathered(study, workshop)
    return Work(gathered.images, gathered.layers, gathered.visit, gathered.finish)


class _Gathered:
    """What is gathered for the chosen channels while the images are visited."""

    def __init__(self, study: Study, workshop: Workshop) -> None:
        self.study, self.workshop = study, workshop
        keys = [(layer, channel) for layer, channels in study.chosen.items() for channel in channels]
        by_place = wanted_by_image({key: study.statistics.top_images(*key) for key in keys})
        self.wanted = {study.statistics.images[place].file: (place, by_place[place]) for place in by_place}
        labelled = tuple(image for image in study.images if any(image.file in given for given in study.truth.values()))
        self.sample = {image.file for image in sample_evenly(labelled, SELECTIVITY_IMAGES)}
        self.layers = tuple(study.chosen) if self.sample else ()
        self.images = [image for image in study.images if image.file in self.wanted or image.file in self.sample]
        several = len(study.answers.outputs) > 1
        self.selectivity = {name: ClassResponses(self.layers, name if several else None) for name in study.truth}
        self.generated = Pictures(study) if study.network.latent else None
        self.shelf = PatchShelf()
        self.shown: dict[tuple[str, int], dict[int, _Shown]] = {key: {} for key in keys}

    def visit(self, visited: VisitedImage) -> Contribution:
        """Cut out of an image what channels saw in it, and note how they answered to its class."""
        if visited.file in self.sample:
            for name, given in self.study.truth.items():
                if visited.file in given:
                    self.selectivity[name].add(given[visited.file], visited.outputs)
        if visited.file in self.wanted:
            place, wanted = self.wanted[visited.file]
            photo = self._picture(visited)
            whole = self.workshop.pictures.save(f"small-{visited.file}", make_small(photo))
            patches: dict[Box, int] = {}  # deep layers see the same of an image, whichever channel it is
            for one in wanted:
                box = self._box(one, visited, photo)
                cut = box or (0, 0, *photo.shape[:2])
                if cut not in patches:
                    patches[cut] = self.shelf.put(cut_patch(photo, cut))
                sighting = Sighting(place, one.top.value, one.top.position, box)
                self.shown[one.layer, one.channel][one.rank] = _Shown(sighting, patches[cut], whole)
        return Contribution()

    def _picture(self, visited: VisitedImage) -> ByteArray:
        """What is shown of an image; of a vector, the picture made of it."""
        if self.generated is not None:
            return self.generated.of(visited.pixels)
        return show_image(visited.original, self.study.config.bands).pixels

    def _box(self, wanted: Wanted, visited: VisitedImage, photo: ByteArray) -> Box | None:
        """What of the photograph a channel saw where it answered most."""
        layer = self.study.summary.layer(wanted.layer)
        size = self.study.network.size
        return seen_box(layer, wanted.top.position, visited.placement, photo.shape[:2], size)

    def finish(self) -> Contribution:
        """The channels with all that was gathered, layer by layer."""
        study, workshop = self.study, self.workshop
        banks = [item.bank for item in study.weighed] + list(dense_banks(study.network, study.summary))
        wiring = Wiring(study.summary, banks)
        channels = []
        with stage(workshop.progress, "Channels", len(self.shown)) as progress:
            for (layer, channel), top_images in in_threads(self._stored, self._sprites()):
                responses = self.selectivity.values() if self.sample else ()
                classes = [one for response in responses for one in response.of(layer, channel)]
                channels.append(_describe_channel(study, wiring, layer, channel, top_images, classes))
                progress.advance(1, layer)
        self.shelf.close()
        return Contribution(channels=tuple(channels))

    def _sprites(self) -> Iterator[_Seen]:
        """Each channel with its top images, best first, and one picture of what was seen in them."""
        for key, ranked in self.shown.items():
            shown = [ranked[rank] for rank in sorted(ranked)]
            yield _Seen(key, shown, pack([self.shelf.get(item.patch) for item in shown], columns=len(shown) or 1))

    def _stored(self, seen: _Seen) -> tuple[tuple[str, int], list[TopImage]]:
        """The top images of one channel, what was seen in them stored as one picture."""
        if not seen.shown:
            return seen.key, []
        stored = self.workshop.pictures.save("seen-{}-{}".format(*seen.key), seen.sprite.pixels)
        return seen.key, [
            _top_image(self.study, item.sighting, _tile(stored, seen.sprite, index), item.whole.whole())
            for index, item in enumerate(seen.shown)
        ]


def _tile(stored: StoredPicture, sprite: Sprite, index: int) -> Tile:
    place = sprite.places[index]
    return stored.tile(place.left, place.top, place.width, place.height)


def _top_image(study: Study, sighting: Sighting, patch: Tile, whole: Tile) -> TopImage:
    best = study.statistics.predictions(sighting.place, study.head)[:1]
    return TopImage(
        image=study.statistics.images[sighting.place].file,
        value=sighting.value,
        position=sighting.position,
        box=sighting.box,
        label=(best[0].label or f"class {best[0].index}") if best else None,
        patch=patch,
        whole=whole,
    )


def _describe_channel(
    study: Study, wiring: Wiring, layer: str, channel: int, top_images: list[TopImage], classes: Sequence[Selectivity]
) -> record.Unit:
    measured = study.statistics.channel(layer, channel)
    columns = study.statistics.channels(layer)
    page = study.pages.channel_page(layer, channel)
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
        before=list(wiring.before(layer, channel)),
        after=list(wiring.after(layer, channel)),
        selectivity=list(classes),
    )


CHANNELS = Section("units", "Channels", plan_channels, record.Traits(words=("units", "neurons", "top images")))
