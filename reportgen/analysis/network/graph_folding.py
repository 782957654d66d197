"""Boxes of the drawn graph folded into one: what goes with a layer, modules, blocks."""

from __future__ import annotations

from collections.abc import Mapping

import networkx as nx

from reportgen.analysis.network.blocks import name_key
from reportgen.analysis.network.graph_boxes import FOLLOWING, LEADING, Box
from reportgen.results import NetworkSummary


def fold_chains(graph: nx.DiGraph) -> nx.DiGraph:
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
    if not before or before[0].kind == "input":
        return False
    return before[0].kind in LEADING or after[0].kind in FOLLOWING


def fold_names(graph: nx.DiGraph) -> nx.DiGraph:
    """One box for the layers whose names speak of the same block."""
    groups, titles = {}, {}
    for node in graph:
        key = name_key(_main_name(graph.nodes[node]["box"]), fine=True)
        groups[node] = node if key is None else f"block {key}"
        titles[groups[node]] = node if key is None else key
    return _folded(graph, groups, titles)


def fold_modules(graph: nx.DiGraph) -> nx.DiGraph:
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


def fold_blocks(graph: nx.DiGraph, summary: NetworkSummary) -> nx.DiGraph:
    """One box for each block of the layer table."""
    block_of = {layer.name: layer.block for layer in summary.layers}
    groups, titles = {}, {}
    for node in graph:
        block = block_of.get(_main_name(graph.nodes[node]["box"]))
        groups[node] = node if block is None else f"block {block}"
        titles[groups[node]] = node if block is None else block
    return _folded(graph, groups, titles)


def _main_name(box: Box) -> str:
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
    members: dict[str, list[Box]] = {}
    for node in graph:
        members.setdefault(joined[groups[node]], []).append(graph.nodes[node]["box"])
    result = nx.DiGraph()
    for group, boxes in members.items():
        layers = tuple(layer for box in boxes for layer in box.layers)
        folded = boxes[0].folded or (whole and len(boxes) > 1)
        name = titles.get(group, group) if folded else boxes[0].name
        result.add_node(group, box=Box(name, layers, folded, boxes[0].shape))
    for source, target, carried in graph.edges(data=True):
        ends = joined[groups[source]], joined[groups[target]]
        if ends[0] != ends[1] and not result.has_edge(*ends):
            result.add_edge(*ends, **carried)
    return result
