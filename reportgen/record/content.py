"""The typed content of `report.json`: everything the pages say, as data.

Paths are relative to the report's folder, sizes are `[height, width]`, and a key that does not apply
is null, never missing. The pages are made from this and the stored pictures alone.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from reportgen.facts import (
    Fact,
    GraphEdge,
    Neighbour,
    Placement,
    Prediction,
    Scale,
    Selectivity,
    Severity,
    Skipped,
    TileGrid,
)
from reportgen.record.answers import Answer
from reportgen.record.attributions import Attribution, AttributionSummary
from reportgen.record.measured import ChannelActivation
from reportgen.record.network import Layer, Model
from reportgen.record.paths import (
    ArrayPath,
    ImagePage,
    LogoPath,
    PagePath,
    PicturePath,
    SectionName,
    StylePath,
    UnitPage,
)
from reportgen.record.review import Dataset, Evaluation, Robustness
from reportgen.record.tile import Tile

SCHEMA_VERSION: Literal["1.1"] = "1.1"


class Generator(Fact):
    """The program that made the report."""

    name: str
    version: str


class Image(Fact):
    """An input image, named relative to what was given; `id` is its name as a slug, unique in the report."""

    id: str
    file: str
    sha256: str
    width: int
    height: int
    page: ImagePage | None
    truth: str | None
    predictions: list[Prediction]  # of the first output of kind classes or multilabel
    answers: tuple[Answer, ...] = ()  # of each output, in their order; for images that have a page
    attributions: tuple[Attribution, ...] = ()  # why it answered so; for images that have a page
    placement: Placement | None = None  # null in reports of versions that did not record it


class TopImage(Fact):
    """One of the images that excite a channel most.

    `position` is `[y, x]` in the layer's map; `box` is the receptive field there, clipped to the image
    and mapped back to the original photograph, `[top, left, bottom, right]` in its pixels.
    """

    image: str
    value: float
    position: tuple[int, int] | None
    box: tuple[int, int, int, int] | None
    label: str | None
    patch: Tile | None  # what stands in the box
    whole: Tile | None  # the photograph


class Unit(Fact):
    """One channel shown in detail."""

    layer: str
    channel: int
    page: UnitPage
    activation: ChannelActivation
    firing_rate: float | None
    top_images: list[TopImage]
    before: list[Neighbour]
    after: list[Neighbour]
    selectivity: list[Selectivity]


class Curve(Fact):
    """The objective at the given steps of an ascent."""

    steps: list[int]
    values: list[float]


class Maximization(Fact):
    """An image made to excite one channel (`layer` and `channel`), or one number of an answer.

    Of an answer `output` is the output's name and `channel` the class, label or value; `layer` gives the output. What
    is raised is `objective`: "channel" or "negative", "logit" of a class or label, "region", the mean logit of a class
    over a map, "value" or "value down", "nearest", the likeness to what `label` names. `activation` is that of the
    saved 8-bit picture, fed back; `dataset_max` the highest over the input images, by the same measure (where it was
    lowered the lowest); `rank` the channel's place among all channels of its layer on that picture, by activation over
    each channel's own `dataset_max`, of a class that among the classes, 0 is first.
    """

    section: str = "activation-maximization"
    layer: str
    channel: int
    objective: str
    label: str | None
    preset: str
    seed: int
    steps: int
    canvas: tuple[int, int]
    picture: PicturePath | None
    tile: tuple[int, int, int, int] | None
    width: int | None  # of the whole picture
    height: int | None
    activation: float | None
    dataset_max: float | None
    rank: int | None
    status: Literal["ok", "weak", "failed"]
    curve: Curve | None
    note: str | None
    array: ArrayPath | None = None  # the picture in the network's own channels and values, float32 .npy
    output: str | None = None


class Figure(Fact):
    """A picture with all a page says about it.

    `variant` names one of several drawings of the same thing (same `group`), such as the two scales of
    feature maps. `display` is the size in CSS pixels at which one looks at it; where `pixelated`, its
    pixels are to be enlarged as squares. `marks` names, per tile, what is peculiar about it
    ("silent", "constant", "nan", "dead"), else null.
    """

    id: str
    kind: str
    section: str
    group: str | None
    variant: str | None
    title: str
    shows: str
    reading: str | None
    made: str
    layer: str | None
    image: str | None
    channels: list[int]
    picture: PicturePath
    width: int
    height: int
    display: tuple[int, int]  # [height, width]
    pixelated: bool
    alt: str
    tiles: TileGrid | None
    values: list[float | None] | None  # one per tile: its channel's highest value
    marks: list[str | None] | None
    scale: Scale | None
    data: ArrayPath | None


class Feature(Fact):
    """An array offered for download."""

    section: str = "features"
    layer: str
    image: str
    file: ArrayPath
    shape: list[int]
    dtype: str


class KeptProducts(Fact):
    """What comparisons need of the layers' outputs: for each of `layers` the products of every two of `images`.

    `file` is a float32 .npy `(layers, images * (images + 1) / 2)`: the upper triangles of the matrices of products of
    the images' features, each less their mean. A map's features are the means of its channels.
    """

    layers: list[str]
    images: list[str]
    file: ArrayPath


class Finding(Fact):
    """Something that stands out: what was measured against which threshold, why it matters, what to do."""

    rule: str
    severity: Severity
    layer: str | None
    channels: list[int]
    image: str | None
    message: str
    measured: str | None
    threshold: str | None
    why: str | None
    action: str | None
    page: PagePath | None


class GraphNode(Fact):
    """A node of the drawn graph; `layers` are the layers folded into it. Positions in CSS pixels."""

    name: str
    kind: str
    layers: list[str]
    x: float
    y: float
    width: float
    height: float
    text: list[str]
    page: PagePath | None


class Graph(Fact):
    """The network as a layered drawing: the layout only, drawn as SVG by the page."""

    width: float
    height: float
    nodes: list[GraphNode]
    edges: list[GraphEdge]


class Traits(Fact):
    """How a section behaves on the pages; it declares this itself, and nothing asks for its name.

    `gallery` gives it a page of its own, `<slug>.html`, with its figures, the last of each group of alike ones, its
    maximised images, or its explanations, method by method and class by class. `on_images` and `on_layers` say how
    its figures stand on the pages of the image and layer they speak of: whole, or small beside many others;
    `on_channels` that a channel's page shows its tile of them. Figures of a section that `shrinks` are left out
    first where a report would be too large; those of one that is `compared` stand side by side in a comparison. A
    search for one of `words` finds it.
    """

    gallery: Literal["figures", "last", "maximizations", "explanations"] | None = None
    on_images: Literal["whole", "small"] | None = "whole"
    on_layers: Literal["whole", "small"] | None = "whole"
    on_channels: bool = False
    shrinks: bool = False
    compared: bool = False
    words: tuple[str, ...] = ()


class Section(Traits):
    """A section of the report and, where something is missing, the reason; `left_out`: size or time was wanting."""

    slug: SectionName
    title: str
    note: str | None
    left_out: bool = False


class Site(Fact):
    """The look of the pages, as far as they need it: `logo` and `css` are paths in the report."""

    title: str
    logo: LogoPath | None
    css: StylePath | None
    script: bool


class Provenance(Fact):
    """How the report was made; `tags` are what its maker wanted to be said of it."""

    command: str
    config: dict[str, Any]
    seed: int
    versions: dict[str, str]
    created: str | None
    tags: dict[str, str] = Field(default={})


class Record(Fact):
    """All of `report.json`."""

    schema_version: Literal["1.1"] = SCHEMA_VERSION
    generator: Generator
    site: Site
    model: Model
    layers: list[Layer]
    graph: Graph | None
    images: list[Image]
    skipped: list[Skipped]
    units: list[Unit]
    maximizations: list[Maximization]
    figures: list[Figure]
    features: list[Feature]
    products: KeptProducts | None = None
    findings: list[Finding]
    attribution: AttributionSummary | None = None
    evaluation: Evaluation | None
    robustness: Robustness | None = None
    dataset: Dataset | None = None
    thumbnails: dict[str, Tile] = Field(
        default_factory=dict
    )  # small pictures of images that the review speaks of, by file
    sections: list[Section]
    provenance: Provenance
