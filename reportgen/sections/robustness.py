"""Whether answers hold when images are made worse or moved a little."""

from __future__ import annotations

from functools import partial

import numpy as np

from reportgen import record
from reportgen.analysis.changed_images import CHANGES, ChangedImages
from reportgen.analysis.corruptions import CORRUPTIONS
from reportgen.analysis.robustness import MOST_FLIPS, CorruptionCurve, Robustness, RobustnessAccumulator, Steadiness
from reportgen.analysis.sampling import sample
from reportgen.config import Config
from reportgen.draw.thumbnails import draw_thumbnail
from reportgen.formats import count, counted
from reportgen.record.review import Corruption, Flip, SeverityScore, ShiftScore
from reportgen.results import ByteArray, FloatArray
from reportgen.sections.kept_worst import KeptWorst
from reportgen.sections.section import Contribution, Section, VisitedImage, Work
from reportgen.sections.study import Study, Workshop
from reportgen.sections.thumbnails import store_tiles


class FirstFlips:
    """Pictures of the images whose class changes first under each corruption, before and after."""

    def __init__(self) -> None:
        self._kept: dict[str, KeptWorst[tuple[int, ByteArray, ByteArray]]] = {}

    def add(self, image: int, changed: ByteArray, scores: FloatArray) -> None:
        """Look at all versions of an image, in the order of CHANGES, and keep those that are among the first."""
        predicted = scores.argmax(axis=1)
        confidence = float(scores[0, predicted[0]])
        seen = set()
        for place, change in enumerate(CHANGES):
            if change.name not in CORRUPTIONS or predicted[place] == predicted[0] or change.name in seen:
                continue
            seen.add(change.name)
            self._kept.setdefault(change.name, KeptWorst(MOST_FLIPS)).add(
                (change.severity, confidence, image), partial(_before_and_after, image, changed[0], changed[place])
            )

    def pictures(self) -> dict[str, ByteArray]:
        """All pictures kept, by corruption, image and whether it is the one before or after."""
        return {
            f"{name} {image} {which}": pixels
            for name, kept in self._kept.items()
            for image, before, after in kept.in_order()
            for which, pixels in (("before", before), ("after", after))
        }


def _before_and_after(image: int, before: ByteArray, after: ByteArray) -> tuple[int, ByteArray, ByteArray]:
    return image, draw_thumbnail(before), draw_thumbnail(after)


def plan_robustness(study: Study, workshop: Workshop) -> Work | Contribution:
    """Answers to a sample of the images, each as it is and in all its changed versions."""
    wanted = study.config.robustness
    if wanted is None:
        return Contribution(note="Not measured: --robustness N runs the network on corruptions and shifts of N images.")
    if study.network.latent:
        return Contribution(note="The network reads vectors: there are no images to be made worse.")
    head = study.head
    if head is None or not study.names:
        return Contribution(note="The network names no classes: robustness is measured on answers of classes.")
    here = {image.file for image in study.images}
    images = study.statistics.images
    readable = np.array([place for place, image in enumerate(images) if image.file in here], np.int64)
    chosen = sample(readable, wanted, study.config.seed)
    places = {images[place].file: int(place) for place in chosen}
    largest = study.summary.largest_output_bytes
    network = ChangedImages(study.network, head, largest, study.config.seed, study.fitting.scale)
    truth = study.review.told.truth
    found, flips = RobustnessAccumulator(), FirstFlips()
    workshop.progress.say(
        f"robustness: {counted(len(chosen), 'image')} in {len(CHANGES)} versions each, so the network runs "
        f"{count(len(chosen) * len(CHANGES))} times beside the {count(len(readable))} of the statistics"
    )

    def visit(visited: VisitedImage) -> Contribution:
        place = places[visited.file]
        changed = network.changed(visited.pixels, place)
        scores = network.answers(visited.pixels, changed, study.network.others_of([visited.file]))
        right = -1 if truth is None else int(truth[place])
        found.add_versions(place, right, scores, [(change.name, change.severity) for change in CHANGES])
        flips.add(place, changed, scores)
        return Contribution()

    def finish() -> Contribution:
        result = found.result()
        tiles = store_tiles("robustness-flips", flips.pictures(), workshop.pictures)
        return Contribution(robustness=record_robustness(result, study, tiles), steadiness=result)

    return Work(images=[images[place] for place in chosen], visit=visit, finish=finish)


def record_robustness(found: Robustness, study: Study, tiles: dict[str, record.Tile]) -> record.Robustness:
    """What was found, for the record."""
    return record.Robustness(
        images=found.clean.images,
        seed=study.config.seed,
        clean=found.clean.score,
        clean_interval=found.clean.interval,
        clean_confidence=found.clean.mean_confidence,
        corruptions=[_corruption(curve, study, tiles) for curve in found.corruptions],
        shifts=[
            ShiftScore(name=name, score=one.score, agreement=one.agreement, agreement_interval=one.agreement_interval)
            for name, one in found.shifts
        ],
        one_pixel=found.one_pixel,
    )


def _corruption(curve: CorruptionCurve, study: Study, tiles: dict[str, record.Tile]) -> Corruption:
    return Corruption(
        name=curve.name,
        severities=[_severity(severity, one) for severity, one in curve.severities],
        flips=tuple(
            Flip(
                image=study.statistics.images[flip.image].file,
                severity=flip.severity,
                clean=study.names[flip.clean],
                changed=study.names[flip.changed],
                before=tiles.get(f"{curve.name} {flip.image} before"),
                after=tiles.get(f"{curve.name} {flip.image} after"),
            )
            for flip in curve.flips
        ),
    )


def _severity(severity: int, one: Steadiness) -> SeverityScore:
    return SeverityScore(
        severity=severity,
        score=one.score,
        interval=one.interval,
        agreement=one.agreement,
        agreement_interval=one.agreement_interval,
        mean_confidence=one.mean_confidence,
    )


def _is_asked_for(config: Config) -> bool:
    return config.robustness is not None


ROBUSTNESS = Section(
    "robustness",
    "Robustness",
    plan_robustness,
    record.Traits(words=("corruptions", "noise", "blur", "shifts", "flips", "severity", "steady")),
    needed=_is_asked_for,
)
