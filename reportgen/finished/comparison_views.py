"""What the pages of a comparison show, ready for templates that only write it down."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.finished.comparison import FindingComparison
from reportgen.finished.comparison_facts import Change
from reportgen.record import Tile
from reportgen.site.figures import FigureView
from reportgen.site.outline import Link
from reportgen.site.views import EdgeView, NodeView


@dataclass(frozen=True)
class FactRow:
    """One line of a table: what is asked, both answers in words, and what changed."""

    name: str
    first: str
    second: str
    change: Change
    words: str


@dataclass(frozen=True)
class LayerRow:
    """A layer: what both networks have there, how far it moved, and what differs, in words."""

    name: str
    first: str
    second: str
    weights: str
    activations: str
    alike: str
    facts: tuple[FactRow, ...]
    change: Change
    words: str


@dataclass(frozen=True)
class AnswerCard:
    """An image whose answer changed: `verdict` is better or worse, None where neither is known."""

    file: str
    likeness: FigureView | None
    answers: tuple[str, str]
    truth: str | None
    verdict: str | None
    evidence: tuple[FigureView | None, FigureView | None]


@dataclass(frozen=True)
class Half:
    """What one report has to show of a pair."""

    figure: FigureView | None
    crop: Tile | None
    words: str


@dataclass(frozen=True)
class PairView:
    """Something that both reports show."""

    name: str
    halves: tuple[Half, Half]


@dataclass(frozen=True)
class ComparisonView:
    """The front page of a comparison."""

    titles: tuple[str, str]
    lead: str
    sentences: tuple[str, ...]
    key_facts: tuple[tuple[str, str], ...]
    facts: tuple[FactRow, ...]
    cards: tuple[AnswerCard, ...]
    changed_count: int
    changed_page: str | None
    findings: tuple[tuple[FindingComparison, str], ...]
    kept_findings: tuple[FindingComparison, ...]
    layers: tuple[LayerRow, ...]
    pairs: tuple[PairView, ...]
    parts: tuple[tuple[Link, str], ...]


@dataclass(frozen=True)
class RowsView:
    """Answers, each a line of a table, or one page of them; the first column is called `name`."""

    titles: tuple[str, str]
    name: str
    rows: tuple[FactRow, ...]
    pages: tuple[Link, ...]


@dataclass(frozen=True)
class LayersView:
    """Layers, each a line of a table, or one page of them."""

    titles: tuple[str, str]
    layers: tuple[LayerRow, ...]
    pages: tuple[Link, ...]


@dataclass(frozen=True)
class CardsView:
    """Images whose answers changed, or one page of them."""

    titles: tuple[str, str]
    cards: tuple[AnswerCard, ...]
    pages: tuple[Link, ...]


@dataclass(frozen=True)
class PairsView:
    """Pairs of pictures, or one page of them; `note` says what is not among them."""

    titles: tuple[str, str]
    pairs: tuple[PairView, ...]
    pages: tuple[Link, ...]
    note: str = ""


@dataclass(frozen=True)
class AlikeCell:
    """How alike two layers are: the number, its shade from 0 to 10, and whether the layers were matched."""

    words: str
    shade: int | None
    matched: bool


@dataclass(frozen=True)
class AlikeView:
    """Layers of A, a row each, against layers of B."""

    titles: tuple[str, str]
    images: int
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[AlikeCell, ...]], ...]


@dataclass(frozen=True)
class ChangedGraph:
    """A network's graph; `changes` says of each node, by its name, what became of it: added, removed, changed."""

    title: str
    width: float
    height: float
    nodes: tuple[tuple[NodeView, str], ...]
    edges: tuple[EdgeView, ...]


@dataclass(frozen=True)
class GraphsView:
    """Both networks' graphs, with a sentence on how they differ."""

    words: str
    graphs: tuple[ChangedGraph, ...]
