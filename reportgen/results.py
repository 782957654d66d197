"""What the analysis finds: frozen values that know nothing of networks, pages or files.

Arrays are `(batch, height, width, channels)` or the same without the batch. Results that hold arrays
are compared by identity, since comparing arrays gives no single truth value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.facts import Block, GraphEdge, LayerKind, ReceptiveField, Scale, Severity, Shape, TileGrid

FloatArray = NDArray[np.float32]
ByteArray = NDArray[np.uint8]
PixelArray = NDArray[Any]  # values of an image: uint8, uint16, int16 or float32


# --- layers ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LayerSummary:
    """One row of the layer table: a layer, or one call of a shared layer.

    Counts of a shared layer stand in the row of its first call and are zero in the others; `index` is the
    same for all its calls. `mac_count` (multiply-accumulates) and `memory_bytes` (of the output) are for one
    image at the actual input size; shapes have None for what the network leaves open, `actual_shape` is that
    of the first output for one image at the actual input size, a map with its channels last.
    `is_map` says whether the output is a map `(batch, height, width, channels)`; `token_grid` is
    `(height, width, leading tokens to drop)` where a row of tokens folds back into one.
    """

    index: int
    name: str
    type: str
    kind: LayerKind
    block: str | None
    output_shape: Shape | tuple[Shape, ...] | None
    actual_shape: Shape | None
    parameter_count: int
    trainable_parameter_count: int
    mac_count: int | None
    memory_bytes: int | None
    receptive_field: ReceptiveField | None
    receptive_field_note: str | None
    inputs: tuple[str, ...]
    is_map: bool
    token_grid: tuple[int, int, int] | None
    details: Mapping[str, str]

    @property
    def is_convolution(self) -> bool:
        """Whether this is a two-dimensional convolution."""
        return self.kind == "convolution"


@dataclass(frozen=True)
class NetworkSummary:
    """All layers of a network, its blocks and its totals (shared weights counted once)."""

    layers: tuple[LayerSummary, ...]
    blocks: tuple[Block, ...]
    parameter_count: int
    trainable_parameter_count: int
    mac_count: int | None
    memory_bytes: int | None
    input_shape: Shape | tuple[Shape, ...]
    output_shape: Shape | tuple[Shape, ...]

    @property
    def largest_output_bytes(self) -> int:
        """The memory of the largest output of any layer for one image, as far as sizes are known."""
        return max((layer.memory_bytes or 0 for layer in self.layers), default=0)

    def layer(self, name: str) -> LayerSummary:
        """The layer called `name`; KeyError if there is none."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)


@dataclass(frozen=True)
class GraphNode:
    """A box of the drawn graph, its top left corner at `(x, y)`; lengths in CSS pixels.

    `layers` are the layers folded into it, `layer` the one a reader wants to see first, `kind` one of
    "input", "convolution", "pooling", "dense", "merge", "block" and "other".
    """

    name: str
    kind: str
    layers: tuple[str, ...]
    layer: str | None
    x: float
    y: float
    width: float
    height: float
    text: tuple[str, ...]


@dataclass(frozen=True)
class Graph:
    """The network as a layered drawing, data flowing from the top; lengths in CSS pixels."""

    width: float
    height: float
    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]


# --- weights --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class FilterBank:
    """The kernel of a convolution, `(height, width, in, filters)`, whatever way round Keras keeps it.

    A depthwise kernel has `in` 1 and a filter for each of its output channels. `sees_colour` says that
    the three input channels are red, green and blue of the image, in the order `colour_order` gives.
    """

    layer: str
    kernel: FloatArray
    bias: FloatArray | None
    kernel_shape: tuple[int, ...]  # as Keras keeps it
    sees_colour: bool
    colour_order: tuple[int, int, int] = (0, 1, 2)
    part: str | None = None  # "depthwise" or "pointwise", where a layer has both kernels


@dataclass(frozen=True, eq=False)
class WeightStatistics:
    """Statistics of a kernel; not-a-number and infinite weights are left out of them and counted."""

    layer: str
    kernel_shape: tuple[int, ...]
    bias_shape: tuple[int, ...] | None
    min: float | None
    max: float | None
    mean: float | None
    std: float | None
    zero_fraction: float | None
    nonfinite_count: int
    zero_filters: tuple[int, ...]
    edges: FloatArray
    counts: NDArray[np.int64]
    part: str | None = None  # as in the filter bank


# --- activations ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class FeatureMaps:
    """The maps of one layer for one image: `activations` is `(height, width, channels)`, float32.

    `channels` names the channel of each map where not all were kept, `channel_count` how many there are.
    """

    layer: str
    image: str
    activations: FloatArray
    channels: tuple[int, ...]
    channel_count: int


@dataclass(frozen=True, eq=False)
class InputView:
    """What goes into the network for one image: `prepared` is `(height, width, channels)`, float32.

    `value_range` is what black and white become (None: not known); `reverses_channels` says that the
    channels are blue, green, red, `is_picture` that the image has 8 bits.
    """

    image: str
    prepared: FloatArray
    value_range: tuple[float, float] | None
    reverses_channels: bool
    is_picture: bool = True


@dataclass(frozen=True, eq=False)
class Histogram:
    """`counts[i]` values lie in `edges[i] <= value < edges[i + 1]`, the last bin closed."""

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ActivationStatistics:
    """What a layer, or one channel of it, gave on all images, over all positions of its map.

    Not-a-number and infinite values are left out and counted; what cannot be said without a finite value
    is None. The histogram is made of a part of the values where there are very many.
    """

    min: float | None
    max: float | None
    mean: float | None
    std: float | None
    zero_fraction: float | None
    nonfinite_count: int
    histogram: Histogram


@dataclass(frozen=True, eq=False)
class ChannelStatistics:
    """The channels of a layer over all images, `(channels,)` each.

    Not-a-number stands where a channel had no finite value. `firing_rate` is the share of images in which
    the channel is above zero anywhere.
    """

    layer: str
    min: NDArray[np.float32]
    max: NDArray[np.float32]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    zero_fraction: NDArray[np.float64]
    firing_rate: NDArray[np.float64]
    nan_count: NDArray[np.int64]
    infinity_count: NDArray[np.int64]
    dead_channels: tuple[int, ...]  # zero everywhere on every image


@dataclass(frozen=True)
class TopActivation:
    """One of the images that excite a channel most: its place in the set, the value and where it stands."""

    place: int
    value: float
    position: tuple[int, int] | None  # (y, x) in the layer's map, None where it has none


# --- activation maximisation ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class MaximizedChannel:
    """A picture made to excite one channel of `layer`, or one number of the answer that it gives as `output`.

    `channel` is the channel, class, label or value. `pixels` is uint8 `(*canvas, channels)`, None where `status` is
    "failed". `activation` is that of `pixels`, fed back; `dataset_max` the highest over the input images by the same
    measure, where it was to be lowered the lowest; `rank` the channel's place among its layer's channels on this
    picture, of a class or label that among the others, 0 is first. `curve` is the objective at some of the steps.
    `again` marks a further picture of a channel, from another seed, made to be seen beside the first.
    """

    layer: str
    output: str | None
    channel: int
    objective: str
    label: str | None
    preset: str
    seed: int
    steps: int
    canvas: tuple[int, int]
    pixels: ByteArray | None
    activation: float | None
    dataset_max: float | None
    rank: int | None
    status: Literal["ok", "weak", "failed"]
    curve: tuple[tuple[int, float], ...]
    note: str | None
    again: bool = False


@dataclass(frozen=True)
class LeftOut:
    """Channels that were to be maximised and were not, and why; of an output, which `layer` then names, numbers."""

    layer: str
    channels: tuple[int, ...]
    reason: str
    is_output: bool = False


# --- drawing --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Drawing:
    """A picture and all that a page says about it; `pixels` is uint8, `(height, width, 3)`.

    `id` is a slug, unique in the report. Drawings of the same thing share a `group` and differ in
    `variant`. `display` is the size in CSS pixels `(height, width)` at which it is looked at (None: its
    own); where `pixelated` its pixels are enlarged as squares. `lossless` pictures keep every value.
    `marks` says per tile what is peculiar ("silent", "constant", "nan", "dead") or None.
    """

    id: str
    kind: str
    section: str
    title: str
    shows: str
    made: str
    alt: str
    pixels: ByteArray
    reading: str | None = None
    group: str | None = None
    variant: str | None = None
    layer: str | None = None
    image: str | None = None
    channels: tuple[int, ...] = ()
    display: tuple[int, int] | None = None
    pixelated: bool = False
    lossless: bool = False
    tiles: TileGrid | None = None
    values: tuple[float | None, ...] | None = None
    marks: tuple[str | None, ...] | None = None
    scale: Scale | None = None
    data: str | None = None


# --- findings -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Finding:
    """Something that stands out; see `reportgen.record.content.Finding` for the meaning of the fields."""

    rule: str
    severity: Severity
    message: str
    measured: str
    threshold: str
    why: str
    action: str
    layer: str | None = None
    channels: tuple[int, ...] = field(default=())
    image: str | None = None
    section: str | None = None  # the slug of the one whose page shows the evidence
