"""What the network answers; the answers themselves stand with the images."""

from __future__ import annotations

from reportgen import record
from reportgen.sections.section import Contribution, Section
from reportgen.sections.study import Study, Workshop


def plan_predictions(study: Study, _workshop: Workshop) -> Contribution:
    """A network without classes is said to have none."""
    if study.head.kind == "none":
        return Contribution(note=f"{study.head.note} There are no predictions to show.")
    return Contribution()


PREDICTIONS = Section(
    "predictions",
    "Predictions",
    plan_predictions,
    record.Traits(words=("answers", "classes", "accuracy", "confusion", "calibration", "evaluation")),
)
