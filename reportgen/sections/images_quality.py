"""Whether the images can be trusted: copies, labels that look wrong, outliers, and their map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from reportgen import record
from reportgen.analysis.dataset_quality.duplicates import (
    AlikePairs,
    Copies,
    CopySearch,
    find_copies,
    find_leaks,
)
from reportgen.analysis.dataset_quality.image_set import ImageSet as SampledSet
from reportgen.analysis.dataset_quality.labels import SuspiciousLabel, suspicious_labels, too_few
from reportgen.analysis.dataset_quality.nearest import Neighbours, find_neighbours
from reportgen.analysis.dataset_quality.outliers import Outlier, rank_outliers
from reportgen.analysis.dataset_quality.projection import project
from reportgen.analysis.dataset_quality.quality import SetQuality
from reportgen.analysis.image_properties import as_bytes
from reportgen.analysis.reviewing import Review, Reviewing
from reportgen.analysis.statistics.image_statistics import collect
from reportgen.config import Config
from reportgen.draw.image_map import draw_image_map
from reportgen.files.manifest import is_made_here
from reportgen.images import ImageFile, UnreadableImageError, collect_images, load_image
from reportgen.record.review import (
    Dataset,
    Duplicate,
    FewImages,
    ProjectedImage,
)
from reportgen.record.review import Outlier as RecordedOutlier
from reportgen.record.review import Projection as RecordedProjection
from reportgen.record.review import (
    SuspiciousLabel as RecordedLabel,
)
from reportgen.results import ByteArray
from reportgen.sections.kept_pairs import kept_alike
from reportgen.sections.section import Contribution, Section, VisitedImage, Work
from reportgen.sections.study import Study, Workshop
from reportgen.sections.thumbnails import Thumbnails

# Entries of each list in the record, by the contract, and those of them that are shown with a picture.
MOST_LISTED = 200
MOST_SHOWN = 24
SHOWN_OF_A_GROUP = 4

# Pairs that seem to be copies whose pictures are taken, should they prove to be.
SHOWN_PAIRS = 200

# Bytes of fitted images that wait to be compared; what has no room is read again.
PIXELS_ROOM = 256_000_000


@dataclass(frozen=True, eq=False)
class _Reference:
    """Images that those of the report must not be copies of."""

    name: str
    images: tuple[ImageFile, ...]
    compared: SampledSet


@dataclass(frozen=True, eq=False)
class _Compared:
    """What is known of the set before pixels are looked at again."""

    images: SampledSet
    neighbours: Neighbours
    alike: AlikePairs
    reference: _Reference | None
    leaking: AlikePairs | None
    outliers: tuple[Outlier, ...]
    suspicious: tuple[SuspiciousLabel, ...]


@dataclass(eq=False)
class _Pixels:
    """Fitted images by index: as they are visited, as far as there is room, else read anew."""

    study: Study
    images: Sequence[ImageFile]
    kept: dict[int, ByteArray] = field(default_factory=dict)
    room: int = PIXELS_ROOM

    def keep(self, index: int, pixels: ByteArray) -> None:
        """Keep an image that is wanted later."""
        if pixels.nbytes <= self.room:
            self.room -= pixels.nbytes
            self.kept[index] = pixels

    def read(self, index: int) -> ByteArray:
        """The pixels of an image; those of one that cannot be read any more are like no other."""
        kept = self.kept.get(index)
        if kept is not None:
            return kept
        network, fitting = self.study.network, self.study.fitting
        try:
            pixels = load_image(self.images[index], network.channels)
        except UnreadableImageError:
            return np.zeros((*network.size, network.channels), np.uint8)
        return as_bytes(fitting.apply(pixels)[0], fitting.scale.levels)


def plan_images_quality(study: Study, workshop: Workshop) -> Work | Contribution:
    """Compare all images by what the pass kept; look again at the pixels of those that seem to be copies."""
    images = study.review.images.result()
    if study.review.told.layer is None or len(images.image) < 2:
        return Contribution(note="There are no two images to compare.")
    compared = _compare(study, workshop, images)
    files = [image.file for image in study.statistics.images]
    shown = {files[index] for index in _shown(compared, images)}
    candidates = {files[index]: index for index in _candidates(compared)}
    likely = {files[index] for index in _candidates(compared, SHOWN_PAIRS)}
    pixels, thumbnails = _Pixels(study, study.statistics.images), Thumbnails(study.fitting.scale.levels)

    def visit(visited: VisitedImage) -> Contribution:
        if visited.file in candidates:
            pixels.keep(candidates[visited.file], as_bytes(visited.pixels, study.fitting.scale.levels))
        if visited.file in shown or visited.file in likely:
            thumbnails.visit(visited)
        return Contribution()

    def finish() -> Contribution:
        quality = _judge(study, compared, pixels)
        dataset, figures = _record(study, workshop, quality, compared.reference)
        listed = {file for group in dataset.duplicates[:MOST_SHOWN] for file in group.images[:SHOWN_OF_A_GROUP]}
        tiles = thumbnails.save("images-quality", workshop.pictures, shown | listed)
        return Contribution(dataset=dataset, quality=quality, figures=figures, thumbnails=tiles)

    wanted = shown | set(candidates)
    return Work(images=[image for image in study.images if image.file in wanted], visit=visit, finish=finish)


def _compare(study: Study, workshop: Workshop, images: SampledSet) -> _Compared:
    """Everything that features and thumbnails tell."""
    seed = study.config.seed
    neighbours = find_neighbours(images.features)
    reference = _read_reference(study, workshop)
    leaking = None
    if reference is not None:
        near = find_neighbours(images.features, reference.compared.features)
        leaking = kept_alike(workshop.cache, images, near, reference.compared, seed=seed)
    judged = study.judged
    suspicious = suspicious_labels(judged.figures.answers, judged.figures.classes) if judged is not None else ()
    return _Compared(
        images=images,
        neighbours=neighbours,
        alike=kept_alike(workshop.cache, images, neighbours, seed=seed),
        reference=reference,
        leaking=leaking,
        outliers=rank_outliers(images, neighbours),
        suspicious=suspicious,
    )


def _read_reference(study: Study, workshop: Workshop) -> _Reference | None:
    """The images of `--reference`, run through the network once for their features."""
    folder = study.config.reference
    if folder is None:
        return None
    images = collect_images([str(folder)], channels=study.network.channels, passed_over=is_made_here)
    for skipped in images.skipped:
        workshop.progress.say(f"--reference: skipped {skipped.file}: {skipped.reason}")
    told = study.review.told
    keeping = Reviewing(output=None, truth=None, layer=told.layer, seed=told.seed, levels=told.levels)
    found = collect(
        study.network,
        study.summary,
        images,
        (),
        study.fitting,
        study.config,
        workshop.progress,
        workshop.cache,
        keeping=keeping,
    )
    kept = found.measured.beside
    assert isinstance(kept, Review)
    return _Reference(folder.name, images.images, kept.images.result())


def _candidates(compared: _Compared, most: int | None = None) -> set[int]:
    """The images whose pixels are compared once more, or those of the `most` likeliest pairs."""
    sampled = compared.images.sampled
    places = {place for _, first, second, _ in compared.alike.pairs[:most] for place in (first, second)}
    if compared.leaking is not None:
        places |= {first for _, first, _, _ in compared.leaking.pairs[:most]}
    return {int(sampled[place]) for place in places}


def _shown(compared: _Compared, images: SampledSet) -> set[int]:
    """The images that are listed with a picture, whatever their pixels tell."""
    shown = {one.image for one in compared.suspicious[:MOST_SHOWN]}
    shown |= {one.image for one in compared.outliers[:MOST_SHOWN]}
    _, first, counts = np.unique(images.digest, axis=0, return_index=True, return_counts=True)
    repeated = np.sort(first[counts > 1])[:MOST_SHOWN]
    for place in repeated.tolist():
        same = np.flatnonzero((images.digest == images.digest[place]).all(axis=1))[:SHOWN_OF_A_GROUP]
        shown |= set(images.image[same].tolist())
    return shown


def _judge(study: Study, compared: _Compared, pixels: _Pixels) -> SetQuality:
    """All that is found, once pixels were compared."""
    seed, reference = study.config.seed, compared.reference
    leaks = None
    if reference is not None:
        others = _Pixels(study, reference.images)
        leaks = find_leaks(
            compared.images, pixels.read, reference.compared, others.read, seed=seed, alike=compared.leaking
        )
    return SetQuality(
        images=compared.images,
        copies=find_copies(compared.images, pixels.read, compared.neighbours, seed=seed, alike=compared.alike),
        leaks=leaks,
        suspicious=compared.suspicious,
        outliers=compared.outliers,
        few=() if study.judged is None else too_few(study.judged.figures.per_class),
        projection=project(compared.images.features, seed=seed),
    )


def _record(
    study: Study, workshop: Workshop, quality: SetQuality, reference: _Reference | None
) -> tuple[Dataset, tuple[record.Figure, ...]]:
    """What is said of the images, and the figure of their map."""
    files = [image.file for image in study.statistics.images]
    names = study.names
    groups = [_duplicate(group, files, reference) for search in _searches(quality) for group in search.groups]
    projection, figures = _record_map(study, workshop, quality)
    dataset = Dataset(
        images=len(quality.images.image),
        compared=len(quality.images.sampled),
        layer=study.review.told.layer,
        reference_images=None if reference is None else len(reference.compared.image),
        duplicate_total=len(quality.copies.groups),
        leak_total=None if quality.leaks is None else len(quality.leaks.groups),
        outlier_total=sum(one.far_out for one in quality.outliers),
        duplicates=groups[:MOST_LISTED],
        suspicious_labels=[
            RecordedLabel(
                image=files[one.image],
                given=names[one.given],
                likely=names[one.likely],
                self_confidence=one.self_confidence,
            )
            for one in quality.suspicious[:MOST_LISTED]
        ],
        outliers=[
            RecordedOutlier(image=files[one.image], score=round(one.score, 4), far_out=one.far_out)
            for one in quality.outliers[:MOST_LISTED]
        ],
        projection=projection,
        few_images=tuple(
            FewImages(label=names[row.index], count=row.count, interval=row.recall_interval) for row in quality.few
        ),
    )
    return dataset, figures


def _searches(quality: SetQuality) -> list[CopySearch]:
    """Leaks first: they are the worse news."""
    return [search for search in (quality.leaks, quality.copies) if search is not None]


def _duplicate(group: Copies, files: Sequence[str], reference: _Reference | None) -> Duplicate:
    others = tuple(f"{reference.name}/{reference.images[index].file}" for index in group.reference) if reference else ()
    return Duplicate(
        images=[*(files[index] for index in group.images), *others],
        kind="exact" if group.exact else "near",
        similarity=round(group.similarity, 6),
        difference=round(group.difference, 6),
        reference=others,
    )


def _record_map(
    study: Study, workshop: Workshop, quality: SetQuality
) -> tuple[RecordedProjection | None, tuple[record.Figure, ...]]:
    found, images = quality.projection, quality.images
    if found is None:
        return None, ()
    groups, wrong = np.full(len(images.sampled), -1, np.int64), np.zeros(len(images.sampled), np.bool_)
    if study.judged is not None:
        answers = study.judged.figures.answers
        rows = np.searchsorted(answers.image, images.sampled)
        known = np.isin(images.sampled, answers.image)
        groups[known] = answers.truth[rows[known]]
        wrong[known] = ~answers.right[rows[known]]
    drawing = draw_image_map(
        found.points,
        images.thumbnail,
        groups,
        wrong,
        layer=study.review.told.layer or "",
        explained=found.explained,
    )
    figure = workshop.pictures.save_drawing(drawing)
    points = [
        ProjectedImage(image=study.statistics.images[index].file, x=x, y=y)
        for index, (x, y) in zip(images.sampled.tolist(), found.points.tolist(), strict=True)
    ]
    return RecordedProjection(picture=figure.picture, points=points, explained=found.explained), (figure,)


def _is_asked_for(config: Config) -> bool:
    return config.reference is not None or any(
        gate.name in ("duplicates", "leaks", "outliers") for gate in config.gates
    )


IMAGES_QUALITY = Section(
    "images-quality",
    "Images' quality",
    plan_images_quality,
    record.Traits(
        on_images=None,
        on_layers=None,
        words=("duplicates", "copies", "leakage", "labels", "suspicious", "outliers", "map", "projection", "dataset"),
    ),
    needed=_is_asked_for,
)
