"""Histograms for the record."""

from __future__ import annotations

from reportgen import record
from reportgen.results import Histogram


def describe_histogram(histogram: Histogram) -> record.Histogram:
    """A histogram as data, its edges to seven digits."""
    edges = [float(f"{edge:.7g}") for edge in histogram.edges.tolist()]
    return record.Histogram(edges=edges, counts=histogram.counts.tolist())
