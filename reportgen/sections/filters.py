"""The weights of convolutions, drawn."""

from __future__ import annotations

from reportgen import record
from reportgen.draw.filters import draw_filters
from reportgen.progress import stage
from reportgen.sections.section import Contribution, Section, Work
from reportgen.sections.study import Study, Workshop, chosen_layers


def plan_filters(study: Study, workshop: Workshop) -> Work | Contribution:
    """Filters of every convolution, or of those `--layers` names."""
    wanted = set(chosen_layers(study.config, study.summary, "convs"))
    banks = [weighed for weighed in study.weighed if weighed.bank.layer in wanted]
    if not banks:
        return Contribution(note="There is no two-dimensional convolution among the layers asked for.")

    def finish() -> Contribution:
        figures: list[record.Figure] = []
        with stage(workshop.progress, "Filters", len(banks)) as progress:
            for weighed in banks:
                drawings = draw_filters(weighed.bank, weighed.statistics, max_channels=study.config.max_channels)
                figures += [workshop.pictures.save_drawing(drawing) for drawing in drawings]
                progress.advance(1, weighed.bank.layer)
        return Contribution(figures=tuple(figures))

    return Work(finish=finish)


FILTERS = Section(
    "filters",
    "Filters",
    plan_filters,
    record.Traits(gallery="last", on_channels=True, compared=True, words=("weights", "kernels")),
)
