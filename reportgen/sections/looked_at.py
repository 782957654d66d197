"""The images that rules look at, kept while all are visited."""

from __future__ import annotations

from reportgen.analysis.findings import images_to_look_at
from reportgen.results import FloatArray, PixelArray
from reportgen.sections.section import Contribution, VisitedImage, Work
from reportgen.sections.study import Study


class LookedAt:
    """Keeps the few images that the evidence asks for, by their names.

    `pixels` are as fitted into the input, `scores` what the first output of classes gave, where there is one.
    """

    def __init__(self, study: Study) -> None:
        self.pixels: dict[str, PixelArray] = {}
        self.scores: dict[str, FloatArray] = {}
        self._head = study.head
        images = images_to_look_at(study.network, study.summary, study.answers, study.statistics)
        self.work = Work(images=images, visit=self._visit, reads_answers=self._head is not None)

    def _visit(self, visited: VisitedImage) -> Contribution:
        self.pixels[visited.file] = visited.pixels
        if self._head is not None:
            self.scores[visited.file] = visited.answers[self._head.name]
        return Contribution()
