"""What the pages of the network's outputs show."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.record import Output, ValueSpread
from reportgen.site.answer_contents import ImageLink
from reportgen.site.charts import HistogramChart
from reportgen.site.facts import Facts
from reportgen.site.outline import Link


@dataclass(frozen=True)
class SpreadView:
    """One value over all images, and the images where it is lowest and highest."""

    spread: ValueSpread
    chart: HistogramChart | None
    lowest: tuple[ImageLink, ...]
    highest: tuple[ImageLink, ...]


@dataclass(frozen=True)
class OutputView:
    """An output: what it gives in words, facts, and its values as far as one page has room; `anchor` is its id."""

    output: Output
    anchor: str
    title: str
    facts: Facts
    names: str  # of its classes
    values: tuple[SpreadView, ...]


@dataclass(frozen=True)
class OutputsView:
    """The outputs of the network, or one page of them."""

    outputs: tuple[OutputView, ...]
    total: int
    first: bool
    pages: tuple[Link, ...]
