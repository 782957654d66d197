"""The network as a layered drawing a person can read, at 16 layers and at 700.

What belongs together is folded into one box: first a convolution with the normalisation and activation that
follow it; where that leaves too many boxes, the blocks the names speak of, or the modules between two layers
all data pass through; at last the blocks of the layer table. networkx finds rows and places; the order
in the rows and the straight lines follow Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of
Hierarchical System Structures", IEEE Transactions on Systems, Man, and Cybernetics 11, 1981.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import networkx as nx

from reportgen import formats
from reportgen.analysis.network.blocks import name_key
from reportgen.results import Graph, GraphEdge, GraphNode, LayerSummary, NetworkSummary, Shape

# As many boxes as fit on two screens; a page stays light (some eight elements for a box and its line).
MOST_BOXES = 40

# Lengths in CSS pixels, for text of 11 pixels.
ROW_HEIGHT = 36.0
ROW_GAP = 34.0
COLUMN_GAP = 16.0
MARGIN = 12.0
CHARACTER = 6.3
NARROWEST = 84.0
LINE_WIDTH = 8.0  # the room a line takes where it passes a row
LONGEST_TEXT = 34

# Sweeps over the rows after which neither the order nor the places change noticeably.
ORDER_SWEEPS = 8
PLACE_SWEEPS = 24

# How much a line that comes from further away pulls at a box, against one from the next row: enough to
# decide where nothing else does, too little to bend the main path.
PASSING_WEIGHT = 0.01

_MERGES = frozenset({"Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract"})
_RESTING = frozenset({"AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "Identity", "SpatialDropout2D"})
_FOLLOWING = _RESTING | {
    "Activation",
    "BatchNormalization",
    "ELU",
    "GroupNormalization",
    "LayerNormalization",
    "LeakyReLU",
    "PReLU",
    "ReLU",
    "Softmax",
    "UnitNormalization",
}
_LEADING = frozenset({"Flatten", "ZeroPadding2D"})
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
class _Box:
    """Layers drawn as one box; `folded` where they are more than a layer and what goes with it."""

    name: str
    layers: tuple[LayerSummary, ...]
    folded: bool = False
    shape: Shape | None = None  # of the network's input, which may be no layer


def lay_out_graph(summary: NetworkSummary, *, fold_blocks: bool | None = None) -> Graph:
    """Draw the layer graph of a network.

    Args:
        fold_blocks: one box for each block or not; None folds as little as gives at most `MOST_BOXES` boxes.
    """
    chains = _fold_chains(_graph_of_layers(summary))
    if fold_blocks is not None:
        return _lay_out(_fold_blocks(chains, summary) if fold_blocks else chains)
    if len(chains) <= MOST_BOXES:
        return _lay_out(chains)
    by_names = _fold_names(chains)
    if len(by_names) <= MOST_BOXES:
        return _lay_out(by_names)
    folded = [_fold_modules(chains), _fold_blocks(chains, summary)]
    readable = [graph for graph in folded if len(graph) <= MOST_BOXES]
    return _lay_out(max(readable, key=len) if readable else min(folded, key=len))


def _graph_of_layers(summary: NetworkSummary) -> nx.DiGraph:
    """A box for each layer that is called, in the order of the table; lines carry shapes."""
    graph = nx.DiGraph()
    layers = {layer.name: layer for layer in summary.layers if layer.actual_shape is not None}
    entered = [layer.name for layer in layers.values() if not layer.inputs and layer.type != "InputLayer"]
    if entered:
        name = _free_name("input", layers)
        first = summary.input_shape[0] if isinstance(summary.input_shape[0], tuple) else summary.input_shape
        graph.add_node(name, box=_Box(name, (), shape=first))
    for layer in layers.values():
        graph.add_node(layer.name, box=_Box(layer.name, (layer,)))
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


# --- folding --------------------------------------------------------------------------------------


def _fold_chains(graph: nx.DiGraph) -> nx.DiGraph:
    """Fold what follows a layer (normalisation, activation, dropout) or only prepares it (padding) into its box."""
    groups: dict[str, str] = {}
    for node in nx.topological_sort(graph):
        if node in groups:
            continue
        groups[node] = node
        last = node
        while (following := _only_reader(graph, last)) is not None and _goes_with(graph, last, following):
            groups[following] = node
            last = following
    return _folded(graph, groups, {}, whole=False)


def _only_reader(graph: nx.DiGraph, node: str) -> str | None:
    """The box that reads `node`, if it is the only one and reads nothing else."""
    readers = list(graph.successors(node))
    return readers[0] if len(readers) == 1 and graph.in_degree(readers[0]) == 1 else None


def _goes_with(graph: nx.DiGraph, node: str, following: str) -> bool:
    """Whether a layer is drawn in the box of the one it reads."""
    before, after = graph.nodes[node]["box"].layers, graph.nodes[following]["box"].layers
    if not before or before[0].type == "InputLayer":
        return False
    return before[0].type in _LEADING or after[0].type in _FOLLOWING


def _fold_names(graph: nx.DiGraph) -> nx.DiGraph:
    """One box for the layers whose names speak of the same block."""
    groups, titles = {}, {}
    for node in graph:
        key = name_key(_main_name(graph.nodes[node]["box"]), fine=True)
        groups[node] = node if key is None else f"block {key}"
        titles[groups[node]] = node if key is None else key
    return _folded(graph, groups, titles)


def _fold_modules(graph: nx.DiGraph) -> nx.DiGraph:
    """One box for what lies between two boxes all data pass through, together with the second of them.

    A box is passed by all data where no line leads over its place in the topological order.
    """
    order = list(nx.topological_sort(graph))
    place = {node: i for i, node in enumerate(order)}
    groups: dict[str, str] = {}
    reach = 0
    waiting: list[str] = []
    for i, node in enumerate(order):
        waiting.append(node)
        if reach <= i:
            groups.update(dict.fromkeys(waiting, node))
            waiting = []
        reach = max([reach, *(place[reader] for reader in graph.successors(node))])
    groups.update(dict.fromkeys(waiting, order[-1]))
    return _folded(graph, groups, {})


def _fold_blocks(graph: nx.DiGraph, summary: NetworkSummary) -> nx.DiGraph:
    """One box for each block of the layer table."""
    block_of = {layer.name: layer.block for layer in summary.layers}
    groups, titles = {}, {}
    for node in graph:
        block = block_of.get(_main_name(graph.nodes[node]["box"]))
        groups[node] = node if block is None else f"block {block}"
        titles[groups[node]] = node if block is None else block
    return _folded(graph, groups, titles)


def _main_name(box: _Box) -> str:
    return box.layers[0].name if box.layers else box.name


def _folded(
    graph: nx.DiGraph, groups: Mapping[str, str], titles: Mapping[str, str], *, whole: bool = True
) -> nx.DiGraph:
    """Make one box of each group of boxes; groups that data leave and enter again are joined."""
    quotient = nx.DiGraph()
    for node in graph:
        quotient.add_node(groups[node])
    quotient.add_edges_from((groups[source], groups[target]) for source, target in graph.edges)
    cycles = (sorted(part, key=list(quotient).index) for part in nx.strongly_connected_components(quotient))
    joined = {group: part[0] for part in cycles for group in part}
    members: dict[str, list[_Box]] = {}
    for node in graph:
        members.setdefault(joined[groups[node]], []).append(graph.nodes[node]["box"])
    result = nx.DiGraph()
    for group, boxes in members.items():
        layers = tuple(layer for box in boxes for layer in box.layers)
        folded = boxes[0].folded or (whole and len(boxes) > 1)
        name = titles.get(group, group) if folded else boxes[0].name
        result.add_node(group, box=_Box(name, layers, folded, boxes[0].shape))
    for source, target, carried in graph.edges(data=True):
        ends = joined[groups[source]], joined[groups[target]]
        if ends[0] != ends[1] and not result.has_edge(*ends):
            result.add_edge(*ends, **carried)
    return result


# --- text -----------------------------------------------------------------------------------------


def _main_layer(box: _Box) -> LayerSummary | None:
    """The layer a reader wants to see first: the last convolution, else what is no mere follower."""
    convolutions = [layer for layer in box.layers if layer.is_convolution]
    telling = [layer for layer in box.layers if layer.type not in _FOLLOWING | _LEADING]
    chosen = [*convolutions[-1:], *telling[-1:], *box.layers[:1]]
    return chosen[0] if chosen else None


def _kind(box: _Box) -> str:
    layer = _main_layer(box)
    if box.folded:
        return "block"
    if layer is None or layer.type == "InputLayer":
        return "input"
    if layer.is_convolution:
        return "convolution"
    if "Pooling" in layer.type:
        return "pooling"
    if layer.type == "Dense":
        return "dense"
    return "merge" if layer.type in _MERGES else "other"


def _text(box: _Box) -> tuple[str, ...]:
    layer = _main_layer(box)
    if layer is None:
        return (box.name,)
    if box.folded:
        convolutions = sum(one.is_convolution for one in box.layers)
        parts = [formats.counted(len(box.layers), "layer")]
        if convolutions:
            parts.append(formats.counted(convolutions, "convolution"))
        return _shortened(box.name), ", ".join(parts)
    return _shortened(layer.name), _cut(", ".join(_descriptions(box, layer)))


def _descriptions(box: _Box, main: LayerSummary) -> Iterable[str]:
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
        if layer is not main and layer.type not in _RESTING | _LEADING:
            yield layer.details.get("activation", _WORDS.get(layer.type, layer.type))


def _shortened(name: str) -> str:
    return _cut(name.rpartition("/")[2])


def _cut(text: str) -> str:
    """`text`, its middle left out where it is too long for a box."""
    half = (LONGEST_TEXT - 1) // 2
    return text if len(text) <= LONGEST_TEXT else f"{text[:half]}…{text[-half:]}"


# --- drawing --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pass:
    """Where the line from `source` to `target` passes a row between them."""

    source: str
    target: str
    row: int


_Item = str | _Pass


def _lay_out(graph: nx.DiGraph) -> Graph:
    depth = _rows_of(graph)
    texts = {node: _text(graph.nodes[node]["box"]) for node in graph}
    widths: dict[_Item, float] = {
        node: max(NARROWEST, round(CHARACTER * max(map(len, texts[node])) + 14)) for node in graph
    }
    routed = _with_passes(graph, depth)
    rows = _ordered(routed)
    places = _placed(routed, rows, widths)
    left = min(places[item] - widths.get(item, LINE_WIDTH) / 2 for row in rows for item in row) - MARGIN
    right = max(places[item] + widths.get(item, LINE_WIDTH) / 2 for row in rows for item in row) + MARGIN
    centres = {item: round(x - left, 1) for item, x in places.items()}
    nodes = tuple(
        _node(graph.nodes[node]["box"], texts[node], centres[node], depth[node], widths[node]) for node in graph
    )
    return Graph(
        width=round(right - left, 1),
        height=2 * MARGIN + len(rows) * ROW_HEIGHT + (len(rows) - 1) * ROW_GAP,
        nodes=nodes,
        edges=tuple(_edges(graph, depth, centres)),
    )


def _top(row: int) -> float:
    return MARGIN + row * (ROW_HEIGHT + ROW_GAP)


def _node(box: _Box, text: tuple[str, ...], centre: float, row: int, width: float) -> GraphNode:
    main = _main_layer(box)
    return GraphNode(
        name=box.name,
        kind=_kind(box),
        layers=tuple(layer.name for layer in box.layers),
        layer=main.name if main else None,
        x=round(centre - width / 2, 1),
        y=_top(row),
        width=width,
        height=ROW_HEIGHT,
        text=text,
    )


def _edges(graph: nx.DiGraph, depth: Mapping[str, int], centres: Mapping[_Item, float]) -> Iterable[GraphEdge]:
    """The lines, each shape that leaves a box written once: at the shortest line that carries it."""
    for source in graph:
        said: set[Shape | None] = {None}
        for target in sorted(graph.successors(source), key=lambda node: depth[node]):
            shape = graph.edges[source, target]["shape"]
            points = [(centres[source], _top(depth[source]) + ROW_HEIGHT)]
            for row in range(depth[source] + 1, depth[target]):
                x = centres[_Pass(source, target, row)]
                points += [(x, _top(row)), (x, _top(row) + ROW_HEIGHT)]
            points.append((centres[target], _top(depth[target])))
            yield GraphEdge(
                source=graph.nodes[source]["box"].name,
                target=graph.nodes[target]["box"].name,
                points=tuple(points),
                label=None if shape in said else formats.shape(shape),
            )
            said.add(shape)


def _rows_of(graph: nx.DiGraph) -> dict[str, int]:
    """The row of each box: below all it reads; a further input just above what reads it."""
    depth = {node: row for row, nodes in enumerate(nx.topological_generations(graph)) for node in nodes}
    for node in graph:
        if graph.in_degree(node) == 0 and graph.out_degree(node):
            depth[node] = min(depth[reader] for reader in graph.successors(node)) - 1
    return depth


def _with_passes(graph: nx.DiGraph, depth: Mapping[str, int]) -> nx.DiGraph:
    """The graph with its lines cut at every row they pass, and the row of each node."""
    routed = nx.DiGraph()
    for node in graph:
        routed.add_node(node, row=depth[node])
    for source, target in graph.edges:
        passes = [_Pass(source, target, row) for row in range(depth[source] + 1, depth[target])]
        for one in passes:
            routed.add_node(one, row=one.row)
        nx.add_path(routed, [source, *passes, target])
    return routed


def _ordered(graph: nx.DiGraph) -> list[list[_Item]]:
    """The rows, each in an order that leaves few crossings: by the mean place of what a node is tied to."""
    rows: list[list[_Item]] = [[] for _ in range(1 + max(row for _, row in graph.nodes(data="row")))]
    for item, row in graph.nodes(data="row"):
        rows[row].append(item)
    for sweep in range(ORDER_SWEEPS):
        downwards = sweep % 2 == 0
        for i in range(1, len(rows)) if downwards else range(len(rows) - 2, -1, -1):
            before = {item: place for place, item in enumerate(rows[i - 1 if downwards else i + 1])}
            tied = graph.predecessors if downwards else graph.successors
            means = {}
            for place, item in enumerate(rows[i]):
                found = [before[one] for one in tied(item) if one in before]
                means[item] = sum(found) / len(found) if found else place
            rows[i].sort(key=means.__getitem__)
    return rows


def _placed(graph: nx.DiGraph, rows: Sequence[Sequence[_Item]], widths: Mapping[_Item, float]) -> dict[_Item, float]:
    """The centre of every node: near those it is tied to, in the given order, nothing overlapping."""
    ordered = nx.DiGraph()
    for row in rows:
        ordered.add_nodes_from((item, {"row": graph.nodes[item]["row"]}) for item in row)
    widest = max(map(len, rows)) * (NARROWEST + COLUMN_GAP)
    start = nx.multipartite_layout(ordered, subset_key="row", align="horizontal", scale=widest / 2)
    places = {item: float(start[item][0]) for row in rows for item in row}
    for sweep in range(PLACE_SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = [_pulled_to(graph, item, places, downwards=sweep % 2 == 0) for item in row]
            gaps = [
                (widths.get(left, LINE_WIDTH) + widths.get(right, LINE_WIDTH)) / 2 + COLUMN_GAP
                for left, right in itertools.pairwise(row)
            ]
            weights = [PASSING_WEIGHT if isinstance(item, _Pass) else 1.0 for item in row]
            places.update(zip(row, _apart(wanted, weights, gaps), strict=True))
    return places


def _pulled_to(graph: nx.DiGraph, item: _Item, places: Mapping[_Item, float], *, downwards: bool) -> float:
    """Where the nodes `item` is tied to in the row before (behind, if not `downwards`) want it."""
    tied = list(graph.predecessors(item) if downwards else graph.successors(item))
    if not tied:
        return places[item]
    weights = [PASSING_WEIGHT if isinstance(one, _Pass) and not isinstance(item, _Pass) else 1.0 for one in tied]
    return sum(weight * places[one] for weight, one in zip(weights, tied, strict=True)) / sum(weights)


def _apart(wanted: Sequence[float], weights: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """The places nearest to `wanted` (least weighted squares) that keep the order and the `gaps` between neighbours.

    Without the gaps taken off this is a regression on increasing values, solved by pooling neighbours that
    stand in the wrong order (Ayer et al. 1955).

    >>> _apart([0.0, 0.0], [1.0, 1.0], [10.0])
    [-5.0, 5.0]
    >>> _apart([0.0, 0.0], [3.0, 1.0], [10.0])
    [-2.5, 7.5]
    """
    offsets = list(itertools.accumulate(gaps, initial=0.0))
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for value, weight, offset in zip(wanted, weights, offsets, strict=True):
        mean, heavy, count = value - offset, weight, 1
        while pools and pools[-1][0] > mean:
            other, others, more = pools.pop()
            mean = (mean * heavy + other * others) / (heavy + others)
            heavy, count = heavy + others, count + more
        pools.append((mean, heavy, count))
    levels = [mean for mean, _, count in pools for _ in range(count)]
    return [level + offset for level, offset in zip(levels, offsets, strict=True)]
