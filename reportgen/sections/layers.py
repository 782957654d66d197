"""The layer table, which is always in the record, and the drawing of the layer graph."""

from __future__ import annotations

from reportgen import record
from reportgen.sections.section import Contribution, Section
from reportgen.sections.study import Study, Workshop


def plan_layers(study: Study, _workshop: Workshop) -> Contribution:
    """The network as a graph."""
    from reportgen.analysis.network.graph import lay_out_graph  # what lays it out is loaded where it is drawn

    return Contribution(graph=lay_out_graph(study.summary))


LAYERS = Section("layers", "Layers", plan_layers, record.Traits(words=("graph", "architecture")))
