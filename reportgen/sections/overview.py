"""The photographs, and how they look to the network."""

from __future__ import annotations

from reportgen import record
from reportgen.analysis.network.input_view import view_input
from reportgen.draw.input_view import draw_input
from reportgen.draw.photo import draw_photo
from reportgen.sections.generated import plan_pictures
from reportgen.sections.section import Contribution, Section, VisitedImage, Work
from reportgen.sections.study import Study, Workshop


def plan_overview(study: Study, workshop: Workshop) -> Work:
    """Two pictures of every image that has a page; of a generator the pictures it makes."""
    if study.network.latent:
        return plan_pictures(study, workshop)

    def visit(visited: VisitedImage) -> Contribution:
        photo = draw_photo(visited.file, visited.original, study.config.bands)
        view = draw_input(view_input(study.network, visited.file, visited.pixels))
        return Contribution(figures=workshop.pictures.save_drawings((photo, view)))

    return Work(images=study.shown, visit=visit)


OVERVIEW = Section(
    "overview",
    "Overview",
    plan_overview,
    record.Traits(words=("photographs", "input", "preprocessing")),
)
