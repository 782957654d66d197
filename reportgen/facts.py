"""Values without arrays that analysis finds and the record keeps: one type for both.

What is written here stands in `report.json` as it is. Sizes are `(height, width)`.
"""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationInfo, model_validator

from reportgen.plain_json import with_whole_letters

Severity = Literal["error", "warning", "info"]

# The worst first.
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")

Shape = tuple[int | None, ...]

LayerKind = Literal[
    "input",
    "convolution",  # two-dimensional, also transposed, depthwise and separable
    "dense",
    "activation",  # a nonlinearity and nothing else, each value by itself
    "softmax",  # the one nonlinearity that sets the channels against each other
    "normalization",
    "pooling",
    "global pooling",
    "resting",  # passes its input on once training is over: dropout, noise, augmentation
    "rescaling",  # other values for the same channels, the same everywhere: Rescaling, Normalization
    "padding",
    "cropping",
    "resizing",
    "flattening",
    "reshaping",
    "merge",  # of several maps, position by position and channel by channel
    "concatenation",
    "attention",
    "other",
]


AnswerKind = Literal["classes", "multilabel", "values", "map", "picture", "embedding", "points", "boxes", "other"]


# The context of a validation whose texts were looked through before.
ALREADY_WHOLE = {"letters": "whole"}


class Fact(BaseModel):
    """A value that does not change once it is there; a key it does not know is refused."""

    # Not-a-number and the infinities have no place in JSON: they are written as null, and a finding
    # says where they stand.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")

    @model_validator(mode="before")
    @classmethod
    def _whole_letters(cls, value: Any, info: ValidationInfo) -> Any:
        return value if info.context is ALREADY_WHOLE else with_whole_letters(value)


# --- images ---------------------------------------------------------------------------------------


class Skipped(Fact):
    """A file that was not used: its name as reported, and why.

    `is_image` is false for files that lie among the images and are none by their ending, such as notes.
    """

    file: str
    reason: str
    is_image: bool = True


class Placement(Fact):
    """How a photograph was fitted into the network's input.

    A point `(y, x)` of the input lies at `((y - top) / scale_y, (x - left) / scale_x)` of the photograph;
    `top` and `left` are negative where the photograph was cropped, positive where it was padded.
    """

    scale_y: float
    scale_x: float
    top: float
    left: float

    def box(self, box: tuple[float, float, float, float], height: int, width: int) -> tuple[int, int, int, int]:
        """Map `(top, left, bottom, right)` of the input to whole pixels of the photograph, clipped to it."""
        top, left, bottom, right = box
        rows = [(value - self.top) / self.scale_y for value in (top, bottom)]
        columns = [(value - self.left) / self.scale_x for value in (left, right)]
        return (
            max(0, math.floor(rows[0] + 1e-6)),
            max(0, math.floor(columns[0] + 1e-6)),
            min(height, math.ceil(rows[1] - 1e-6)),
            min(width, math.ceil(columns[1] - 1e-6)),
        )


class Prediction(Fact):
    """One class of an image's answer: its index, its name where known, and the score the network gave."""

    index: int
    label: str | None
    score: float


class ValueSpread(Fact):
    """The values of one place of an output over all images; `lowest` and `highest` name the images."""

    index: int
    name: str
    min: float | None
    max: float | None
    mean: float | None
    std: float | None
    edges: list[float]  # of a histogram with `counts`
    counts: list[int]
    lowest: list[str]
    highest: list[str]


class Output(Fact):
    """One output of a network and the kind of answer it gives; `reason` says how the kind was settled.

    `layer` is the one whose output it is, by the name it has among the layers; null where none is.
    `labels` are the names of its classes or values, null where they are not known; `spread` has the values over all
    images, for outputs of kind "values".
    """

    name: str
    kind: AnswerKind
    shape: Shape
    labels: list[str] | None
    note: str | None
    reason: str
    spread: list[ValueSpread] | None = None
    layer: str | None = None


# --- layers ---------------------------------------------------------------------------------------


class Block(Fact):
    """A run of layers that belong together: `resolution` is that of its last map, `[height, width]`."""

    name: str
    layers: tuple[str, ...]
    resolution: tuple[int, int] | None


class ReceptiveField(Fact):
    """The input pixels one position of a map depends on, `[vertical, horizontal]` each.

    Position `(y, x)` sees input rows from `y * stride - padding` on, `size` of them; columns alike.
    """

    size: tuple[int, int]
    stride: tuple[float, float]
    padding: tuple[float, float]

    def box(self, y: int, x: int) -> tuple[float, float, float, float]:
        """`(top, left, bottom, right)` in input pixels, not clipped; bottom and right are exclusive."""
        top = y * self.stride[0] - self.padding[0]
        left = x * self.stride[1] - self.padding[1]
        return top, left, top + self.size[0], left + self.size[1]


class GraphEdge(Fact):
    """An edge of the drawn graph along `points` `[[x, y], ...]`, labelled with the shape it carries."""

    source: str
    target: str
    points: tuple[tuple[float, float], ...]
    label: str | None


# --- channels -------------------------------------------------------------------------------------


class Neighbour(Fact):
    """A channel of a layer before or after, and the weight that ties it to this one."""

    layer: str
    channel: int
    weight: float


class Selectivity(Fact):
    """How a channel answers to one class of the images, against all others: means of its highest value in each.

    `output` names the output whose right answers the classes are, where a network has several.
    """

    label: str
    mean: float
    mean_others: float
    images: int
    output: str | None = None


# --- evaluation -----------------------------------------------------------------------------------


class Confusion(Fact):
    """How often images of one class were taken for another."""

    truth: str
    predicted: str
    count: int


class Mistake(Fact):
    """A wrong answer given with confidence: `score` is that of the wrong class."""

    image: str
    truth: str
    predicted: str
    score: float


class CalibrationBin(Fact):
    """Mean confidence against accuracy of the images whose confidence lies in `low <= confidence < high`.

    The last bin is closed.
    """

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


class Evaluation(Fact):
    """The network's answers against the right classes, where those were given.

    `unmatched` are classes given that the network does not know; their images are left out. `top5_accuracy` is null for
    networks of five classes or fewer, `calibration` empty where scores are no probabilities. `baseline` is the share
    of the most frequent right class: the accuracy of a network that always names it. `accuracy` is null where no
    classes were judged.
    """

    images: int
    accuracy: float | None
    baseline: float | None = None
    top5_accuracy: float | None
    unmatched: tuple[str, ...]
    confusions: tuple[Confusion, ...]
    mistakes: tuple[Mistake, ...]
    calibration: tuple[CalibrationBin, ...]


# --- pictures -------------------------------------------------------------------------------------


class TileGrid(Fact):
    """Where the tiles of a mosaic lie, in pixels of the picture, row by row from the top left.

    Tile `i` has its corner at `(i // columns * (height + gap), i % columns * (width + gap))`.
    """

    columns: int
    rows: int
    width: int
    height: int
    gap: int


class Scale(Fact):
    """What a figure's colours mean: `low` and `high` are the values at the two ends of `colormap`."""

    low: float | None
    high: float | None
    colormap: str
    basis: str  # over what they were taken, such as "whole layer", "each map", "each filter"


# --- weights --------------------------------------------------------------------------------------


class Histogram(Fact):
    """`counts[i]` values lie in `edges[i] <= value < edges[i + 1]`, the last bin closed."""

    edges: list[float]
    counts: list[int]


class Weights(Fact):
    """Statistics of a layer's kernel: the filters of a convolution, the matrix of a dense layer or an embedding.

    Shapes are as Keras keeps them; `dead_filters` are those all of whose weights are zero or next to it.
    """

    kernel_shape: list[int]
    bias_shape: list[int] | None
    min: float | None
    max: float | None
    mean: float | None
    std: float | None
    zero_fraction: float | None
    dead_filters: list[int]
    histogram: Histogram | None
