"""The images that rules look at, kept while all are visited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reportgen.analysis.findings import images_to_look_at
from reportgen.analysis.findings.shown_images import SeenClosely, images_to_capture
from reportgen.sections.section import Contribution, VisitedImage, Work
from reportgen.sections.study import Study


class LookedAt:
    """Keeps what was seen of the few images that the evidence asks for."""

    def __init__(self, study: Study) -> None:
        self._seen: dict[str, SeenClosely] = {}
        images = images_to_look_at(study.network, study.summary, study.answers, study.own, study.statistics)
        captured = images_to_capture(study.own, study.statistics)
        self._captured = {image.file for image in captured}
        others = tuple(image for image in images if image.file not in self._captured)
        # Of the others, which may be hundreds, the pixels are enough: no network runs for them.
        self.works = (
            Work(images=captured, visit=self._visit, reads_answers=True),
            Work(images=others, visit=self._visit),
        )

    @property
    def seen(self) -> Mapping[str, SeenClosely]:
        """What was seen of each, by its name."""
        return self._seen

    def _visit(self, visited: VisitedImage) -> Contribution:
        captured = visited.captured if visited.file in self._captured else None
        if captured is not None:
            captured = replace(captured, outputs={})  # they are large, and not compared
        self._seen[visited.file] = SeenClosely(visited.pixels, captured)
        return Contribution()
