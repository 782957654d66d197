"""One pass over the images for the pages: each is decoded and run through the network once, for all sections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from reportgen.analysis.answers import answer_of
from reportgen.analysis.network.whole_run import WholeRun
from reportgen.images import ImageFile
from reportgen.progress import stage
from reportgen.sections.section import Contribution, Section, VisitedImage, Work, joined
from reportgen.sections.study import Study, Workshop, fitted_images


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
    run, outputs = WholeRun(study.network, layers), study.answers.outputs
    readers = {image.file for work in works if work.layers or work.reads_answers for image in work.images}
    for fitted in fitted_images(study.fitting, study.network, images, originals=workshop.originals):
        others = study.network.others_of([fitted.image.file])
        captured = run(fitted.pixels[np.newaxis], others) if fitted.image.file in readers else None
        yield VisitedImage(
            fitted.image,
            fitted.original,
            fitted.pixels,
            fitted.placement,
            {name: rows[0] for name, rows in captured.outputs.items()} if captured else {},
            {output.name: np.asarray(answer_of(captured.answer[output.index], output))[0] for output in outputs}
            if captured
            else {},
            captured,
        )
