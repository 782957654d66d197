"""The weights of convolutions, drawn."""

from __future__ import annotations

from collections.abc import Iterator

from reportgen import record
from reportgen.draw.filters import draw_filters
from reportgen.progress import Progress, stage
from reportgen.results import Drawing
from reportgen.sections.section import Contribution, Section, Work
from reportgen.sections.study import Study, Workshop, chosen_layers


def plan_filters(study: Study, workshop: Workshop) -> Work | Contribution:
    """Filters of every convolution, or of those `--layers` names."""
    wanted = set(chosen_layers(study.config, study.summary, "convs"))
    banks = [weighed for weighed in study.weighed if weighed.bank.layer in wanted]
    if not banks:
        return Contribution(note="There is no two-dimensional convolution among the layers asked for.")

    def finish() -> Contribution:
        with stage(workshop.progress, "Filters", len(banks)) as progress:
            return Contribution(figures=workshop.pictures.save_drawings(drawn(progress)))

    def drawn(progress: Progress) -> Iterator[Drawing]:
        for weighed in banks:
            yield from draw_filters(weighed.bank, weighed.statistics, max_channels=study.config.max_channels)
            progress.advance(1, weighed.bank.layer)

    return Work(finish=finish)


FILTERS = Section(
    "filters",
    "Filters",
    plan_filters,
    record.Traits(gallery="last", on_channels=True, compared=True, words=("weights", "kernels")),
)
