"""The images that rules look at, kept while all are visited."""

from __future__ import annotations

from reportgen.analysis.findings import images_to_look_at
from reportgen.results import PixelArray
from reportgen.sections.section import Contribution, VisitedImage, Work
from reportgen.sections.study import Study


class LookedAt:
    """Keeps the few images that the evidence asks for; `pixels` are as fitted into the input, by their names."""

    def __init__(self, study: Study) -> None:
        self.pixels: dict[str, PixelArray] = {}
        images = images_to_look_at(study.network, study.summary, study.answers, study.statistics)
        self.work = Work(images=images, visit=self._visit)

    def _visit(self, visited: VisitedImage) -> Contribution:
        self.pixels[visited.file] = visited.pixels
        return Contribution()
