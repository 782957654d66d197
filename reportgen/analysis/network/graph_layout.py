"""Rows, places and lines of the drawn graph.

networkx finds rows and places; the order in the rows and the straight lines follow Sugiyama, Tagawa and Toda,
"Methods for Visual Understanding of Hierarchical System Structures", IEEE Transactions on Systems, Man, and
Cybernetics 11, 1981.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx

from reportgen import formats
from reportgen.analysis.network.graph_boxes import Box, box_kind, box_text, main_layer
from reportgen.facts import GraphEdge, Shape
from reportgen.results import Graph, GraphNode

# Lengths in CSS pixels, for text of 11 pixels.
ROW_HEIGHT = 36.0
ROW_GAP = 34.0
COLUMN_GAP = 16.0
MARGIN = 12.0
CHARACTER = 6.3
NARROWEST = 84.0
LINE_WIDTH = 8.0  # the room a line takes where it passes a row

# Sweeps over the rows after which neither the order nor the places change noticeably.
ORDER_SWEEPS = 8
PLACE_SWEEPS = 24

# How much a line that comes from further away pulls at a box, against one from the next row: enough to
# decide where nothing else does, too little to bend the main path.
PASSING_WEIGHT = 0.01


@dataclass(frozen=True)
class _Pass:
    """Where the line from `source` to `target` passes a row between them."""

    source: str
    target: str
    row: int


_Item = str | _Pass


def lay_out(graph: nx.DiGraph) -> Graph:
    """Give every box of `graph` a place, data flowing from the top, and every edge a line."""
    depth = _rows_of(graph)
    texts = {node: box_text(graph.nodes[node]["box"]) for node in graph}
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


def _node(box: Box, text: tuple[str, ...], centre: float, row: int, width: float) -> GraphNode:
    main = main_layer(box)
    return GraphNode(
        name=box.name,
        kind=box_kind(box),
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
