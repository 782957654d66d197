"""What `report.json` says of the network: how it is fed, its answers, its layers."""

from __future__ import annotations

from typing import Literal

from reportgen.facts import (
    Block,
    Fact,
    LayerKind,
    Output,
    ReceptiveField,
    Shape,
    Weights,
)
from reportgen.record.measured import Activations
from reportgen.record.paths import (
    LayerPage,
)


class AffineMap(Fact):
    """From a pixel to what reaches the first layer with a kernel: `matrix` times its channels plus `offset`.

    `words` says the same as a reader would.
    """

    matrix: list[list[float]]
    offset: list[float]
    words: str


class MeasuredPreprocessing(Fact):
    """What was measured to reach `layer`: by what the network does `inside`, and with the mode before it.

    Null where there is no such map; `note` says why.
    """

    inside: AffineMap | None
    total: AffineMap | None
    layer: str | None
    note: str | None


class Preprocessing(Fact):
    """How a photograph became the network's input; `reason` says why the mode was chosen."""

    mode: str
    origin: Literal["flag", "application", "inside", "fallback"]
    description: str
    value_range: tuple[float, float] | None
    resize: str
    interpolation: str
    size: tuple[int, int]
    channels: int
    reason: str | None = None
    measured: MeasuredPreprocessing | None = None


class ModelInput(Fact):
    """An input of the network and what it was `given`: "image" for the images, else what it was held at.

    The name of a `.csv` file says that each image had the value that the file has for it.
    """

    name: str
    shape: Shape
    given: str


class Head(Fact):
    """What the network's last layer gives: class probabilities, scores, or no classes at all."""

    kind: Literal["softmax", "sigmoid", "logits", "none"]
    classes: int | None
    labels: Literal["file", "list", "folders", "application", "none"]
    note: str | None


class Model(Fact):
    """What the network is. `mac_count` is multiply-accumulates for one image."""

    name: str
    source: str
    sha256: str | None
    input_shape: Shape | list[Shape]
    output_shape: Shape | list[Shape]
    parameter_count: int
    trainable_parameter_count: int
    mac_count: int | None
    layer_count: int
    memory_bytes: int | None
    preprocessing: Preprocessing
    head: Head
    outputs: tuple[Output, ...] = ()
    blocks: list[Block]
    latent: int | None = None  # of a generator: how many numbers the vector has that it makes a picture of
    inputs: list[ModelInput] | None = None

    @property
    def telling_output(self) -> Output | None:
        """The output by which images are told: the first with classes or labels."""
        return next((one for one in self.outputs if one.kind in ("classes", "multilabel")), None)

    @property
    def gives_labels(self) -> bool:
        """Whether images are told by labels of which several may hold."""
        first = self.telling_output
        return first is not None and first.kind == "multilabel"


class Layer(Fact):
    """One row of the layer table: a layer, or one call of a shared layer.

    `output_shape` has null where the network leaves a side open; `actual_shape` is that of the first output for the
    images of this report, a map with its channels last.
    """

    index: int
    name: str
    type: str
    kind: LayerKind | None = None  # null in reports of versions that did not record it
    block: str | None
    output_shape: Shape | list[Shape] | None
    actual_shape: Shape | None
    parameter_count: int
    trainable_parameter_count: int
    mac_count: int | None
    memory_bytes: int | None
    receptive_field: ReceptiveField | None
    receptive_field_note: str | None
    inputs: list[str]
    page: LayerPage | None
    details: dict[str, str]  # what a reader asks of this kind of layer: kernel, strides, activation, ...
    weights: Weights | None
    activations: Activations | None
    sketch: list[float] | None = None  # of all its weights: see `reportgen.similarity`
