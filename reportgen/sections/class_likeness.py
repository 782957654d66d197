"""For mistakes, the image of the class that was named and the one of the right class that are most like the image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reportgen.analysis.dataset_quality.class_neighbours import ClassNeighbours
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.images import ImageFile
from reportgen.sections.study import Study


@dataclass(frozen=True)
class ClassLikeness:
    """The nearest image by file, output and class, for mistakes that have a page."""

    found: Mapping[tuple[str, str, int], ImageFile]

    @property
    def images(self) -> tuple[ImageFile, ...]:
        """All nearest images, each once."""
        return tuple({image.file: image for image in self.found.values()}.values())

    def file(self, file: str, output: str, index: int | None) -> str | None:
        """The image of class `index` that is most like `file`; None where there is none."""
        image = self.found.get((file, output, index)) if index is not None else None
        return None if image is None else image.file


def find_likeness(study: Study, outputs: Sequence[SettledOutput]) -> ClassLikeness:
    """Look for the nearest images among all, by the features that the pass kept of them."""
    kept = study.review.images.result() if study.review.told.layer is not None else None
    found: dict[tuple[str, str, int], ImageFile] = {}
    for output in outputs if kept is not None else ():
        truth = study.answers.truths.get(output.name)
        mistakes = list(_mistakes(study, output)) if truth is not None else []
        if not mistakes or truth is None or kept is None:
            continue
        images = study.statistics.images
        neighbours = ClassNeighbours(kept, [truth.classes.get(image.file, ()) for image in images])
        for place, classes in mistakes:
            for index in classes:
                nearest = neighbours.nearest(place, index)
                if nearest is not None:
                    found[images[place].file, output.name, index] = images[nearest]
    return ClassLikeness(found)


def _mistakes(study: Study, output: SettledOutput) -> Iterator[tuple[int, tuple[int, int]]]:
    """Of each image with a page that is answered wrongly its place among all, the class named and the right one."""
    shown = {image.file for image in study.shown}
    truth = study.answers.truths[output.name]
    for place, image in enumerate(study.statistics.images):
        right = truth.classes.get(image.file, ())
        best = study.statistics.predictions(place, output) if right and image.file in shown else ()
        if best and best[0].index not in right:
            yield place, (best[0].index, right[0])
