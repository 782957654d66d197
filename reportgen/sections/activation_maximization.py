"""Images made to excite the chosen channels, and the classes the network found in the images."""

from __future__ import annotations

from collections.abc import Iterable

from reportgen import record
from reportgen.formats import counted
from reportgen.results import MaximizedChannel
from reportgen.sections.maximized_pictures import Maximizing, store_maximized
from reportgen.sections.section import Contribution, Section, VisitedImage, Work
from reportgen.sections.study import Study, Workshop


def plan_maximizations(study: Study, workshop: Workshop) -> Work | Contribution:
    """What is learnt from the images first: their colours, and the highest logit of each class."""
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
        channels, left_out = maker.channels()
        made = [*channels, *maker.classes()]
        stored = [store_maximized(layer, shown, study, workshop.pictures) for layer, shown in _by_layer(made).items()]
        return Contribution(
            figures=tuple(figure for figures, _ in stored for figure in figures),
            maximizations=tuple(shown for _, records in stored for shown in records),
            note=" ".join(
                f"{item.layer}: {counted(len(item.channels), 'channel')} left out, {item.reason}." for item in left_out
            )
            or None,
            left_out=bool(left_out),
        )

    return Work(images=maker.images, visit=visit, finish=finish)


def _by_layer(made: Iterable[MaximizedChannel]) -> dict[str, list[MaximizedChannel]]:
    layers: dict[str, list[MaximizedChannel]] = {}
    for shown in made:
        layers.setdefault(shown.layer, []).append(shown)
    return layers


ACTIVATION_MAXIMIZATION = Section(
    "activation-maximization",
    "Activation maximisation",
    plan_maximizations,
    record.Traits(gallery="maximizations", words=("feature visualisation", "maximised images")),
)
