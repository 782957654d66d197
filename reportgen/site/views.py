"""What each kind of page shows: complete, typed values that a template loops over and writes down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reportgen.record import (
    ChannelUse,
    ClassUse,
    Feature,
    Finding,
    Graph,
    GraphNode,
    Image,
    ImageUse,
    Layer,
    Maximization,
    Model,
    Neighbour,
    Record,
    Selectivity,
    Skipped,
    Tile,
    TopImage,
    Unit,
)
from reportgen.site.answer_views import AnswerView
from reportgen.site.charts import HistogramChart, LineChart
from reportgen.site.contrasts import ContrastView
from reportgen.site.facts import Facts
from reportgen.site.figures import FigureGroup, FigureView
from reportgen.site.outline import Link
from reportgen.site.review_views import Shot

# Outputs whose answers stand on an image's card.
MOST_ON_CARDS = 2


@dataclass(frozen=True)
class FindingView:
    """A finding and the pages of what it speaks of."""

    finding: Finding
    channels: str
    layer_page: str | None
    image_page: str | None
    evidence_page: str | None = None  # of the section that shows what was found, where it has one


@dataclass(frozen=True)
class MaximizationView:
    """A maximised image; `trust` compares it with the images in a few words, empty where that cannot be said."""

    shown: Maximization
    name: str  # of the channel or class
    variant: str  # what tells it from others of the same channel or class, empty where there is none
    crop: Tile | None
    page: str | None
    trust: str
    facts: Facts
    curve: LineChart | None
    alt: str


@dataclass(frozen=True)
class ImageCard:
    """An image as one of many: its likeness, if there is one, and what the network says, output by output."""

    image: Image
    likeness: FigureView | None
    answers: tuple[AnswerView, ...]
    right: bool | None  # whether the best class is the right one; None where that is not known
    trusted: bool = True  # the network is right more often than one that looks at nothing
    shot: Shot | None = None  # a small picture and words on a bad answer, of an image spoken of for that

    @property
    def first(self) -> tuple[AnswerView, ...]:
        """The answers for which a card has room."""
        return self.answers[:MOST_ON_CARDS]

    @property
    def picture(self) -> AnswerView | None:
        """The answer that is a picture by itself, instead of the likeness."""
        return next((answer for answer in self.first if answer.pictured), None)


@dataclass(frozen=True)
class SectionView:
    """A section as far as one page shows it; what a section does not have is empty."""

    slug: str
    title: str
    note: str | None = None
    groups: tuple[FigureGroup, ...] = ()
    plates: tuple[FigureView, ...] = ()  # figures as small pictures, many side by side
    maximizations: tuple[MaximizationView, ...] = ()
    features: tuple[Feature, ...] = ()
    features_elsewhere: int = 0  # arrays of the layer that only the images' pages list
    contrasts: tuple[ContrastView, ...] = ()  # why an image was taken for what it is not


@dataclass(frozen=True)
class RightView:
    """How often the network is right: numbers, what they mean, and images on which it is wrong, worst first."""

    key_facts: Facts
    words: str
    trusted: bool
    wrong: tuple[ImageCard, ...]
    heading: str = "Wrong, the most confident first"


@dataclass(frozen=True)
class FrontView:
    """The front page."""

    record: Record
    summary: str
    key_facts: Facts
    facts: Facts
    preprocessing: str
    right: RightView | None
    calm: str  # what the rules read
    unread: tuple[str, ...]  # what no rule reads
    other_outputs: Facts  # those that the cards have no room for
    verdict: tuple[tuple[str, int], ...]  # how many findings of each severity there is one of
    provenance: Facts
    findings: tuple[FindingView, ...]  # errors and warnings
    notes: tuple[FindingView, ...]  # all else that was found
    findings_shown: int
    finding_count: int
    cards: tuple[ImageCard, ...]
    image_count: int
    why: tuple[FigureView, ...]  # maps of why it answered so
    mistakes_first: bool  # among them
    skipped: Sequence[Skipped]
    skipped_page: str
    maximizations: tuple[MaximizationView, ...]
    sections: tuple[SectionView, ...]
    left_out: Facts  # sections that have a reason not to show something, and the reason


@dataclass(frozen=True)
class LayerRow:
    """A row of the layer table."""

    layer: Layer
    findings: int
    worst: str | None


@dataclass(frozen=True)
class LayersView:
    """The layer table, or one page of it."""

    rows: tuple[LayerRow, ...]
    total: int
    model: Model
    pages: tuple[Link, ...]


@dataclass(frozen=True)
class NodeView:
    """A node of the graph and the lines of its text, each with its place."""

    node: GraphNode
    title: str
    lines: tuple[tuple[float, float, str], ...]


@dataclass(frozen=True)
class EdgeView:
    """An edge as an SVG path, its label (None without) and where that stands."""

    path: str
    label: str | None
    x: float
    y: float


@dataclass(frozen=True)
class GraphView:
    """The layer graph as it is drawn."""

    graph: Graph
    nodes: tuple[NodeView, ...]
    edges: tuple[EdgeView, ...]


@dataclass(frozen=True)
class LayerView:
    """The page of a layer."""

    layer: Layer
    facts: Facts
    weight_facts: Facts
    activation_facts: Facts
    before: tuple[tuple[str, str | None], ...]  # names and pages
    after: tuple[tuple[str, str | None], ...]
    sheet: str | None
    units: tuple[Unit, ...]
    weights: HistogramChart | None
    activations: HistogramChart | None
    profile: str
    channel_count: int
    findings: tuple[FindingView, ...]
    sections: tuple[SectionView, ...]
    contents: tuple[Link, ...]
    pages: tuple[Link, ...]


@dataclass(frozen=True)
class PlatesView:
    """Many figures of one kind as small pictures: further pages of a layer, or a section of its own."""

    section: SectionView
    pages: tuple[Link, ...]


class ChannelRow(NamedTuple):
    """A row of the sheet of channels, of which a report has ten thousands."""

    channel: int
    page: str | None
    crop: Tile | None
    min: float | None
    max: float | None
    mean: float | None
    zero_fraction: float | None
    firing_rate: float | None
    dead: bool


@dataclass(frozen=True)
class SheetView:
    """All channels of a layer, or one page of them."""

    rows: tuple[ChannelRow, ...]
    total: int
    profile: str  # on the first page
    after: str | None  # the activation layer that says whether a channel fires, where that is another layer
    with_pictures: bool
    pictures_first: bool  # only some have one
    pages: tuple[Link, ...]


@dataclass(frozen=True)
class Rectangle:
    """A rectangle in pixels of a picture."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class TopImageView:
    """One of a channel's top images; `frame` stands around the place that excites it."""

    top: TopImage
    page: str | None
    frame: Rectangle | None


@dataclass(frozen=True)
class NeighbourView:
    """A tie to a channel of another layer; `name` is the class it stands for, None where it is no class."""

    neighbour: Neighbour
    name: str | None
    page: str | None
    crop: Tile | None  # what was made to excite that channel


@dataclass(frozen=True)
class FilterView:
    """A channel's own filter: its tile of a mosaic, and the size at which it is shown in CSS pixels."""

    view: FigureView
    crop: Tile
    width: int
    height: int


@dataclass(frozen=True)
class UnitView:
    """The page of a channel."""

    unit: Unit
    facts: Facts
    maximizations: tuple[MaximizationView, ...]
    top: tuple[TopImageView, ...]
    histogram: HistogramChart | None
    before: tuple[NeighbourView, ...]
    after: tuple[NeighbourView, ...]
    selectivity: Sequence[Selectivity]
    use: ChannelUse | None  # which answers its evidence serves
    used: tuple[tuple[ImageUse, FigureView | None, str | None], ...]  # the images where most, likenesses, pages
    served: tuple[tuple[ClassUse, str | None], ...]  # the classes where most, and where their images stand
    findings: tuple[FindingView, ...]
    filters: tuple[FilterView, ...]


@dataclass(frozen=True)
class ImagesView:
    """The images, or one page of them."""

    cards: tuple[ImageCard, ...]
    total: int
    skipped: Sequence[Skipped]
    pages: tuple[Link, ...]


@dataclass(frozen=True)
class ImageView:
    """The page of an image."""

    card: ImageCard
    first: bool
    facts: Facts
    head_note: str | None
    likenesses: tuple[FigureView, ...]
    findings: tuple[FindingView, ...]
    sections: tuple[SectionView, ...]
    contents: tuple[Link, ...]
    pages: tuple[Link, ...]


@dataclass(frozen=True)
class UnitTile:
    """A channel on the overview."""

    unit: Unit
    crop: Tile | None


@dataclass(frozen=True)
class UnitsLayer:
    """A layer on the overview of channels."""

    layer: Layer
    anchor: str
    sheet: str | None
    tiles: tuple[UnitTile, ...]


@dataclass(frozen=True)
class UnitsView:
    """All channels shown in detail, layer by layer, and the layers of which there is only the sheet."""

    layers: tuple[UnitsLayer, ...]
    others: tuple[UnitsLayer, ...]


@dataclass(frozen=True)
class MaximizedLayer:
    """A layer and its maximised images."""

    layer: str
    page: str | None
    maximizations: tuple[MaximizationView, ...]


@dataclass(frozen=True)
class MaximizedView:
    """Maximised images, layer by layer, or one page of them."""

    section: SectionView
    layers: tuple[MaximizedLayer, ...]
    pages: tuple[Link, ...]
