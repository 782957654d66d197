"""Boxes of the drawn graph: the layers in them, what kind of thing they are, and the text they bear."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import networkx as nx

from reportgen import formats
from reportgen.analysis.network.layer_kinds import ACTIVATIONS
from reportgen.facts import Shape
from reportgen.results import LayerSummary, NetworkSummary

LONGEST_TEXT = 34

_RESTING = frozenset({"resting"})

# Kinds drawn in the box of the layer they read, and kinds that only prepare for the layer behind them.
FOLLOWING = _RESTING | ACTIVATIONS | {"normalization"}
LEADING = frozenset({"flattening", "padding"})

_DRAWN_AS = {
    "input": "input",
    "convolution": "convolution",
    "pooling": "pooling",
    "global pooling": "pooling",
    "dense": "dense",
    "merge": "merge",
    "concatenation": "merge",
}
_WORDS = {
    "AveragePooling2D": "mean pooling",
    "BatchNormalization": "BN",
    "Conv2D": "conv",
    "Conv2DTranspose": "transposed conv",
    "Dense": "dense",
    "DepthwiseConv2D": "depthwise",
    "GlobalAveragePooling2D": "global mean",
    "GlobalMaxPooling2D": "global maximum",
    "GroupNormalization": "GN",
    "InputLayer": "input",
    "LayerNormalization": "LN",
    "MaxPooling2D": "max pooling",
    "SeparableConv2D": "separable conv",
}


@dataclass(frozen=True)
class Box:
    """Layers drawn as one box; `folded` where they are more than a layer and what goes with it."""

    name: str
    layers: tuple[LayerSummary, ...]
    folded: bool = False
    shape: Shape | None = None  # of the network's input, which may be no layer


def graph_of_layers(summary: NetworkSummary) -> nx.DiGraph:
    """A box for each layer that is called, in the order of the table; lines carry shapes."""
    graph = nx.DiGraph()
    layers = {layer.name: layer for layer in summary.layers if layer.actual_shape is not None}
    entered = [layer.name for layer in layers.values() if not layer.inputs and layer.kind != "input"]
    if entered:
        name = _free_name("input", layers)
        first = summary.input_shape[0] if isinstance(summary.input_shape[0], tuple) else summary.input_shape
        graph.add_node(name, box=Box(name, (), shape=first))
    for layer in layers.values():
        graph.add_node(layer.name, box=Box(layer.name, (layer,)))
    for layer in layers.values():
        for source in layer.inputs:
            if source in layers:
                graph.add_edge(source, layer.name, shape=layers[source].actual_shape)
    for reader in entered:
        graph.add_edge(name, reader, shape=first)
    graph.remove_nodes_from([node for node in list(nx.isolates(graph)) if len(graph) > 1])
    return graph


def _free_name(name: str, taken: Mapping[str, Any]) -> str:
    while name in taken:
        name = f"{name}_"
    return name


def main_layer(box: Box) -> LayerSummary | None:
    """The layer a reader wants to see first: the last convolution, else what is no mere follower."""
    convolutions = [layer for layer in box.layers if layer.is_convolution]
    telling = [layer for layer in box.layers if layer.kind not in FOLLOWING | LEADING]
    chosen = [*convolutions[-1:], *telling[-1:], *box.layers[:1]]
    return chosen[0] if chosen else None


def box_kind(box: Box) -> str:
    """What a box is drawn as; see `GraphNode.kind`."""
    layer = main_layer(box)
    if box.folded:
        return "block"
    return "input" if layer is None else _DRAWN_AS.get(layer.kind, "other")


def box_text(box: Box) -> tuple[str, ...]:
    """The lines written in a box: its name, and what is in it."""
    layer = main_layer(box)
    if layer is None:
        return (box.name,)
    if box.folded:
        convolutions = sum(one.is_convolution for one in box.layers)
        parts = [formats.counted(len(box.layers), "layer")]
        if convolutions:
            parts.append(formats.counted(convolutions, "convolution"))
        return _shortened(box.name), ", ".join(parts)
    return _shortened(layer.name), _cut(", ".join(_descriptions(box, layer)))


def _descriptions(box: Box, main: LayerSummary) -> Iterable[str]:
    """The main layer and what was folded to it, such as `conv 3×3/2`, `64`, `BN`, `relu`."""
    details = main.details
    word = _WORDS.get(main.type, main.type)
    window = details.get("kernel", details.get("pool", "")).replace("x", "\N{MULTIPLICATION SIGN}")
    stride = details.get("strides", "1x1").split("x")
    step = f"/{stride[0]}" if set(stride) != {"1"} else ""
    yield f"{word} {window}{step}".rstrip()
    for size in ("filters", "units"):
        if size in details:
            yield details[size]
    if "activation" in details:
        yield details["activation"]
    for layer in box.layers:
        if layer is not main and layer.kind not in _RESTING | LEADING:
            yield layer.details.get("activation", _WORDS.get(layer.type, layer.type))


def _shortened(name: str) -> str:
    return _cut(name.rpartition("/")[2])


def _cut(text: str) -> str:
    """`text`, its middle left out where it is too long for a box."""
    half = (LONGEST_TEXT - 1) // 2
    return text if len(text) <= LONGEST_TEXT else f"{text[:half]}…{text[-half:]}"
