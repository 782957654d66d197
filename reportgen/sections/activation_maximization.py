"""Images made to excite the chosen channels, and for what the network answers to the images."""

from __future__ import annotations

from collections.abc import Iterable

from reportgen import record
from reportgen.formats import counted
from reportgen.results import MaximizedChannel
from reportgen.sections.maximized_pictures import Maximizing, store_maximized
from reportgen.sections.section import Contribution, Section, VisitedImage, Work
from reportgen.sections.study import Study, Workshop


def plan_maximizations(study: Study, workshop: Workshop) -> Work | Contribution:
    """What is learnt from the images first: their colours, and how far the answers to them reach."""
    if study.config.activation_max == "off":
        return Contribution(note="Activation maximisation was switched off.")
    if study.network.latent:
        return Contribution(note="The network reads vectors: there is no image that could be made to excite it.")
    if not study.network.preprocessing.differentiable:
        return Contribution(
            note="The preprocessing function is not differentiable, so no image can be made by climbing its gradient."
        )
    maker = Maximizing(study, workshop)

    def visit(visited: VisitedImage) -> Contribution:
        maker.learn(visited.file, visited.pixels)
        return Contribution()

    def finish() -> Contribution:
        made, left_out = maker.make()
        stored = [store_maximized(shown, study, workshop.pictures) for shown in _by_subject(made).values()]
        return Contribution(
            figures=tuple(figure for figures, _ in stored for figure in figures),
            maximizations=tuple(shown for _, records in stored for shown in records),
            note=" ".join(
                f"{item.layer}: {counted(len(item.channels), 'picture' if item.is_output else 'channel')} left out, "
                f"{item.reason}."
                for item in left_out
            )
            or None,
            left_out=bool(left_out),
        )

    return Work(images=maker.images, visit=visit, finish=finish)


def _by_subject(made: Iterable[MaximizedChannel]) -> dict[tuple[str, str | None], list[MaximizedChannel]]:
    """The pictures of each layer's channels and of each output; those of one are of one size."""
    subjects: dict[tuple[str, str | None], list[MaximizedChannel]] = {}
    for shown in made:
        subjects.setdefault((shown.layer, shown.output), []).append(shown)
    return subjects


ACTIVATION_MAXIMIZATION = Section(
    "activation-maximization",
    "Activation maximisation",
    plan_maximizations,
    record.Traits(gallery="maximizations", words=("feature visualisation", "maximised images")),
)
