"""One pass over the images for the pages: each is decoded and run through the network once, for all sections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from reportgen.analysis.answers import answer_of
from reportgen.analysis.network.one_by_one import images_at_a_time
from reportgen.analysis.network.whole_run import Captured, runs_one_by_one
from reportgen.images import ImageFile, decoding_room
from reportgen.progress import stage
from reportgen.results import PixelArray
from reportgen.sections.section import Contribution, Section, VisitedImage, Work, joined
from reportgen.sections.study import FittedImage, Study, Workshop, fitted_images


def make_sections(
    sections: Sequence[Section], study: Study, workshop: Workshop, *beside: Work
) -> list[tuple[Section, Contribution]]:
    """What each of `sections` contributes, in their order.

    Args:
        sections: those asked for.
        study: what they draw from.
        workshop: where pictures go.
        beside: further work that belongs to no section; it is done during the same pass.
    """
    with stage(workshop.progress, "Plans of the sections"):
        plans = [section.plan(study, workshop) for section in sections]
    works = [plan if isinstance(plan, Work) else Work(finish=partial(_same, plan)) for plan in plans]
    parts = _visited([*works, *beside], study, workshop)
    return [
        (section, joined([*part, _finished(section, work, workshop)]))
        for section, work, part in zip(sections, works, parts, strict=False)
    ]


def _finished(section: Section, work: Work, workshop: Workshop) -> Contribution:
    """What a section adds when all images were visited, as a stage under its title."""
    with stage(workshop.progress, section.title):
        return work.finish()


def _same(contribution: Contribution) -> Contribution:
    return contribution


def _visited(works: Sequence[Work], study: Study, workshop: Workshop) -> list[list[Contribution]]:
    """What the visits of each work gave, image by image."""
    wanted = [{image.file for image in work.images} for work in works]
    files = set().union(*wanted)
    images = [image for image in study.images if image.file in files]
    parts: list[list[Contribution]] = [[] for _ in works]
    with stage(workshop.progress, "Images", len(images), "images") as progress:
        for visited in _visits(images, works, study, workshop):
            for work, own, part in zip(works, wanted, parts, strict=True):
                if visited.file in own:
                    part.append(work.visit(visited))
            progress.advance(1, visited.file)
    return parts


def _visits(
    images: Sequence[ImageFile], works: Sequence[Work], study: Study, workshop: Workshop
) -> Iterator[VisitedImage]:
    layers = tuple(dict.fromkeys(layer for work in works for layer in work.layers))
    readers = {image.file for work in works if work.layers or work.reads_answers for image in work.images}
    asked = [image for image in images if image.file in readers and not study.runs.has(image.file, layers)]
    more = _run(asked, layers, study, workshop)
    again = {image.file for image in asked}
    for image in images:
        if image.file in again:
            visited = next(more)
        else:
            fitted = _fitted(image, study, workshop)
            visited = None if fitted is None else _visited_image(fitted, study.runs.take(image.file), study)
        if visited is not None:
            yield visited


def _run(
    images: Sequence[ImageFile], layers: Sequence[str], study: Study, workshop: Workshop
) -> Iterator[VisitedImage | None]:
    """Each of `images` with a run of the network on it, None where it cannot be decoded after all."""
    if not images:
        return
    network, scale = study.network, study.fitting.scale
    ready: dict[int, FittedImage | None] = {}

    def load(place: int) -> PixelArray:
        with decoding_room(images[place]):
            ready[place] = fitted = _fitted(images[place], study, workshop)
        return np.zeros((*network.size, network.channels), scale.dtype) if fitted is None else fitted.pixels

    # As in the pass over all images; here the photographs wait for their pages, too.
    maps = 4 * study.summary.largest_output_bytes
    photograph = 4 * network.channels * max(image.width * image.height for image in images)
    files, at_a_time = [image.file for image in images], images_at_a_time(maps + photograph)
    for place, run in enumerate(runs_one_by_one(network, layers, files, load, scale.dtype, at_a_time)):
        fitted = ready.pop(place)
        yield None if fitted is None else _visited_image(fitted, run, study)


def _fitted(image: ImageFile, study: Study, workshop: Workshop) -> FittedImage | None:
    return next(fitted_images(study.fitting, study.network, [image], originals=workshop.originals), None)


def _visited_image(fitted: FittedImage, run: Captured | None, study: Study) -> VisitedImage:
    seen = fitted.image, fitted.original, fitted.pixels, fitted.placement
    if run is None:
        return VisitedImage(*seen, outputs={})
    outputs = {name: rows[0] for name, rows in run.outputs.items()}
    answers = {
        output.name: np.asarray(answer_of(run.answer[output.index], output))[0] for output in study.answers.outputs
    }
    return VisitedImage(*seen, outputs, answers, run)
