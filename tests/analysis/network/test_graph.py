"""The drawn layer graph: what is folded into a box, and where boxes and lines lie."""

from __future__ import annotations

import doctest
import itertools

import pytest
from support import zoo
from support.kinds import kind_named

from reportgen.analysis.network import graph_boxes, graph_layout
from reportgen.analysis.network.graph import MOST_BOXES, lay_out_graph
from reportgen.analysis.network.layers import summarize_network
from reportgen.facts import Block
from reportgen.formats import TIMES, size
from reportgen.results import Graph, GraphNode, LayerSummary, NetworkSummary


def _layer(index: int, name: str, kind: str, inputs: tuple[str, ...], block: str | None = None) -> LayerSummary:
    return LayerSummary(
        index=index,
        name=name,
        type=kind,
        kind=kind_named(kind),
        block=block,
        output_shape=(None, 8, 8, 4),
        actual_shape=(1, 8, 8, 4),
        parameter_count=0,
        trainable_parameter_count=0,
        mac_count=0,
        memory_bytes=0,
        receptive_field=None,
        receptive_field_note=None,
        inputs=inputs,
        is_map=True,
        token_grid=None,
        details={"kernel": "3x3", "filters": "4", "strides": "2x2"} if kind == "Conv2D" else {},
    )


def _summary(*layers: tuple[str, str, tuple[str, ...]], blocks: dict[str, str] | None = None) -> NetworkSummary:
    """A network of `(name, type, inputs)`; `blocks` says which layer is in which block."""
    named = blocks or {}
    rows = tuple(_layer(i, name, kind, inputs, named.get(name)) for i, (name, kind, inputs) in enumerate(layers))
    found = dict.fromkeys(named.values())
    return NetworkSummary(
        layers=rows,
        blocks=tuple(
            Block(name=name, layers=tuple(one for one in named if named[one] == name), resolution=None)
            for name in found
        ),
        parameter_count=0,
        trainable_parameter_count=0,
        mac_count=0,
        memory_bytes=0,
        input_shape=(None, 8, 8, 3),
        output_shape=(None, 8, 8, 4),
    )


def _chain(count: int, name: str = "conv_{}") -> NetworkSummary:
    names = ["image", *(name.format(i) for i in range(count))]
    rows = [
        (own, "Conv2D" if before else "InputLayer", (before,) if before else ())
        for before, own in zip([None, *names], names, strict=False)
    ]
    return _summary(*rows)


def _boxes(graph: Graph) -> dict[str, tuple[str, ...]]:
    return {node.name: node.layers for node in graph.nodes}


def _lines(graph: Graph) -> set[tuple[str, str]]:
    return {(edge.source, edge.target) for edge in graph.edges}


def _assert_readable(graph: Graph) -> None:
    """Boxes lie apart and inside the drawing; lines run down from box to box."""
    for one, other in itertools.combinations(graph.nodes, 2):
        apart = one.x + one.width <= other.x or other.x + other.width <= one.x
        assert apart or one.y + one.height <= other.y or other.y + other.height <= one.y, (one.name, other.name)
    nodes = {node.name: node for node in graph.nodes}
    for node in graph.nodes:
        assert 0 <= node.x <= node.x + node.width <= graph.width
        assert 0 <= node.y <= node.y + node.height <= graph.height
    for edge in graph.edges:
        (_, top), (_, bottom) = edge.points[0], edge.points[-1]
        assert top == nodes[edge.source].y + nodes[edge.source].height
        assert bottom == nodes[edge.target].y
        heights = [y for _, y in edge.points]
        assert heights == sorted(heights)
        for left, right in itertools.pairwise(edge.points):
            assert not any(_crosses(left, right, node) for node in graph.nodes), edge


def _crosses(start: tuple[float, float], end: tuple[float, float], node: GraphNode) -> bool:
    """Whether a line's vertical piece runs through a box (its slanted pieces lie between the rows)."""
    middle = (start[0] + end[0]) / 2
    inside = start[1] >= node.y and end[1] <= node.y + node.height
    return inside and node.x < middle < node.x + node.width


@pytest.mark.parametrize("name", [name for name in zoo.ZOO if not name.startswith("transfer")])
def test_every_odd_network_is_drawn_readably(name: str) -> None:
    summary = summarize_network(zoo.open_zoo(name))
    graph = lay_out_graph(summary)
    _assert_readable(graph)
    drawn = [layer for node in graph.nodes for layer in node.layers]
    assert len(drawn) == len(set(drawn))
    called = {layer.name for layer in summary.layers if layer.actual_shape is not None}
    assert set(drawn) <= called
    assert graph == lay_out_graph(summary)


def test_what_follows_a_convolution_is_drawn_in_its_box() -> None:
    graph = lay_out_graph(
        _summary(
            ("image", "InputLayer", ()),
            ("pad", "ZeroPadding2D", ("image",)),
            ("conv", "Conv2D", ("pad",)),
            ("norm", "BatchNormalization", ("conv",)),
            ("relu", "ReLU", ("norm",)),
            ("pool", "MaxPooling2D", ("relu",)),
        )
    )
    assert _boxes(graph) == {"image": ("image",), "pad": ("pad", "conv", "norm", "relu"), "pool": ("pool",)}
    box = graph.nodes[1]
    assert box.layer == "conv"
    assert box.kind == "convolution"
    assert box.text == ("conv", f"conv 3{TIMES.strip()}3/2, 4, BN, ReLU")
    assert graph.edges[0].label == size((8, 8, 4))


def test_a_layer_read_twice_keeps_its_followers_apart() -> None:
    graph = lay_out_graph(
        _summary(
            ("image", "InputLayer", ()),
            ("conv", "Conv2D", ("image",)),
            ("relu", "ReLU", ("conv",)),
            ("add", "Add", ("conv", "relu")),
        )
    )
    assert set(_boxes(graph)) == {"image", "conv", "relu", "add"}
    assert ("conv", "add") in _lines(graph)
    _assert_readable(graph)


def test_the_way_through_stays_straight_beside_a_skip() -> None:
    graph = lay_out_graph(
        _summary(
            ("image", "InputLayer", ()),
            ("a", "Conv2D", ("image",)),
            ("b", "Conv2D", ("a",)),
            ("c", "Conv2D", ("b",)),
            ("add", "Add", ("a", "c")),
        )
    )
    centres = [node.x + node.width / 2 for node in graph.nodes]
    assert max(centres) - min(centres) < 2


def test_a_network_without_input_layer_gets_a_box_for_its_input() -> None:
    graph = lay_out_graph(summarize_network(zoo.open_zoo("sequential_built")))
    assert graph.nodes[0].name == "input"
    assert graph.nodes[0].kind == "input"
    assert graph.nodes[0].layer is None
    assert graph.edges[0].label == size((16, 16, 3))


def test_a_further_input_stands_just_above_what_reads_it() -> None:
    graph = lay_out_graph(summarize_network(zoo.open_zoo("two_inputs")))
    nodes = {node.name: node for node in graph.nodes}
    assert nodes["image"].y < nodes["age"].y < nodes["join"].y
    assert nodes["age"].y == nodes["pool"].y


def test_few_boxes_are_drawn_as_they_are() -> None:
    assert len(lay_out_graph(_chain(MOST_BOXES - 1)).nodes) == MOST_BOXES


def test_many_boxes_are_folded_by_the_names_that_speak() -> None:
    names = [f"block{i}_conv{j}" for i in range(20) for j in range(3)]
    rows = [("image", "InputLayer", ())]
    rows += [(name, "Conv2D", (before,)) for before, name in zip(["image", *names], names, strict=False)]
    graph = lay_out_graph(_summary(*rows))
    assert [node.name for node in graph.nodes] == ["image", *(f"block{i}" for i in range(20))]
    assert graph.nodes[1].layers == ("block0_conv0", "block0_conv1", "block0_conv2")
    assert graph.nodes[1].kind == "block"
    assert graph.nodes[1].layer == "block0_conv2"
    assert graph.nodes[1].text == ("block0", "3 layers, 3 convolutions")


def test_many_boxes_without_speaking_names_are_folded_to_modules() -> None:
    rows: list[tuple[str, str, tuple[str, ...]]] = [("image", "InputLayer", ())]
    before = "image"
    for i in range(12):
        branches = [f"c{i}{branch}" for branch in "abcd"]
        rows += [(branch, "Conv2D", (before,)) for branch in branches]
        before = f"mixed{i}"
        rows.append((before, "Concatenate", tuple(branches)))
    graph = lay_out_graph(_summary(*rows))
    assert [node.name for node in graph.nodes] == ["image", *(f"mixed{i}" for i in range(12))]
    assert graph.nodes[1].layers == ("c0a", "c0b", "c0c", "c0d", "mixed0")


def test_blocks_are_folded_on_request() -> None:
    summary = summarize_network(zoo.open_zoo("convolution_kinds"))
    graph = lay_out_graph(summary, fold_blocks=True)
    assert [node.name for node in graph.nodes] == ["image", "16x16", "8x8", "transposed", "pool", "classes"]
    unfolded = lay_out_graph(summary, fold_blocks=False)
    assert len(unfolded.nodes) == len(summary.layers)


def test_a_block_that_data_leave_and_enter_again_is_joined_with_what_lies_between() -> None:
    graph = lay_out_graph(
        _summary(
            ("image", "InputLayer", ()),
            ("a", "Conv2D", ("image",)),
            ("b", "Conv2D", ("a",)),
            ("c", "Conv2D", ("b",)),
            blocks={"a": "one", "b": "two", "c": "one"},
        ),
        fold_blocks=True,
    )
    assert _boxes(graph) == {"image": ("image",), "one": ("a", "b", "c")}


def test_a_deep_network_is_folded_to_a_page() -> None:
    summary = summarize_network(zoo.open_zoo("transfer_functional"))
    graph = lay_out_graph(summary)
    assert 10 <= len(graph.nodes) <= MOST_BOXES
    _assert_readable(graph)


def test_long_names_are_cut_in_the_middle() -> None:
    name = "a_very_long_name_of_a_layer_that_does_not_fit_into_its_box"
    graph = lay_out_graph(_summary(("image", "InputLayer", ()), (name, "Conv2D", ("image",))))
    text = graph.nodes[1].text[0]
    assert len(text) <= graph_boxes.LONGEST_TEXT
    assert text.startswith("a_very")
    assert text.endswith("its_box")
    assert graph.nodes[1].layers == (name,)


def test_the_shape_that_leaves_a_box_is_written_once() -> None:
    graph = lay_out_graph(summarize_network(zoo.open_zoo("several_outputs")))
    labels = [edge.label for edge in graph.edges if edge.source == "conv"]
    assert sorted(labels, key=str) == [size((16, 16, 4)), None]


def test_examples_in_docstrings_hold() -> None:
    assert doctest.testmod(graph_layout).failed == 0
