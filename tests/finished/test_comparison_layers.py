from __future__ import annotations

from pathlib import Path

import pytest
from support.records import small_record

from reportgen.finished.comparison import compare
from reportgen.finished.comparison_layers import compare_layers, match_layers
from reportgen.finished.comparison_rows import graphs_view
from reportgen.record import Layer, Record


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return small_record(tmp_path)


def network(record: Record, *layers: tuple[str, str, int]) -> list[Layer]:
    """Layers of a chain: name, type, and channels."""
    names = [name for name, _, _ in layers]
    return [
        record.layers[1].model_copy(
            update={
                "index": place,
                "name": name,
                "type": kind,
                "output_shape": (None, 8, 8, channels),
                "parameter_count": channels * 10,
                "inputs": names[place - 1 : place] if place else [],
                "activations": None,
            }
        )
        for place, (name, kind, channels) in enumerate(layers)
    ]


def matched(one: list[Layer], two: list[Layer]) -> dict[str, str]:
    return {one[place].name: two[other].name for place, other in match_layers(one, two).items()}


def test_layers_that_were_renamed_are_found_by_their_place(record: Record) -> None:
    one = network(record, ("a", "Conv2D", 8), ("b", "ReLU", 8), ("c", "Conv2D", 16), ("d", "Dense", 4))
    two = network(record, ("w", "Conv2D", 8), ("x", "ReLU", 8), ("y", "Conv2D", 16), ("z", "Dense", 4))
    assert matched(one, two) == {"a": "w", "b": "x", "c": "y", "d": "z"}
    assert {layer.change for layer in compare_layers(one, two)} == {"same"}  # what they read was renamed, too


def test_a_layer_that_came_in_between(record: Record) -> None:
    one = network(record, ("a", "Conv2D", 8), ("c", "Conv2D", 16), ("d", "Dense", 4))
    two = network(record, ("a", "Conv2D", 8), ("new", "Dropout", 8), ("other", "Conv2D", 16), ("d", "Dense", 4))
    layers = compare_layers(one, two)
    assert [(layer.name, layer.change, layer.rebuilt) for layer in layers] == [
        ("a", "same", False),
        ("new", "only B", False),
        ("c", "changed", True),  # it reads another layer
        ("d", "same", False),
    ]


def test_a_name_alone_does_not_make_two_layers_one(record: Record) -> None:
    one = network(record, ("a", "Conv2D", 8), ("x", "Dense", 4))
    two = network(record, ("x", "Conv2D", 8), ("y", "Dense", 4))
    assert matched(one, two) == {"a": "x", "x": "y"}


def test_a_head_of_another_size_is_the_same_layer(record: Record) -> None:
    one = network(record, ("a", "Conv2D", 8), ("head", "Dense", 4))
    two = network(record, ("a", "Conv2D", 8), ("predictions", "Dense", 7))
    layers = compare_layers(one, two)
    assert [layer.names for layer in layers] == [("a", "a"), ("head", "predictions")]
    assert {fact.name for fact in layers[1].facts} >= {"output shape", "parameters"}


def test_networks_that_share_nothing(record: Record) -> None:
    one = network(record, ("a", "Conv2D", 8))
    two = network(record, ("b", "Dense", 4))
    assert [layer.change for layer in compare_layers(one, two)] == ["only B", "only A"]
    assert compare_layers([], two)[0].change == "only B"


def test_weights_that_moved_are_a_change_whatever_their_statistics(record: Record) -> None:
    one = network(record, ("a", "Dense", 8))
    still, moved = ([one[0].model_copy(update={"sketch": sketch})] for sketch in ([3.0, 4.0], [4.0, 3.0]))
    (layer,) = compare_layers(still, moved)
    assert layer.change == "changed"
    assert layer.weights_moved == pytest.approx(2**0.5 / 5)
    assert not layer.rebuilt
    assert compare_layers(still, still)[0].change == "same"


@pytest.mark.parametrize(
    ("parameters", "kernel", "comparable"),
    [(36, [3, 3, 4], True), (54, [3, 3, 6], False), (36, [3, 4, 3], False), (40, [3, 3, 4], False)],
    ids=["the same", "more channels", "turned", "with a bias"],
)
def test_weights_of_other_shapes_did_not_move(
    record: Record, parameters: int, kernel: list[int], comparable: bool
) -> None:
    (conv,) = network(record, ("a", "Conv2D", 8))
    weights = next(layer.weights for layer in record.layers if layer.weights is not None)
    first, second = (
        conv.model_copy(
            update={
                "sketch": sketch,
                "parameter_count": count,
                "weights": weights.model_copy(update={"kernel_shape": shape}),
            }
        )
        for sketch, count, shape in (([3.0, 4.0], 36, [3, 3, 4]), ([4.0, 3.0], parameters, kernel))
    )
    (layer,) = compare_layers([first], [second])
    assert (layer.weights_moved is not None) == comparable
    assert layer.change == "changed"


def test_graphs_mark_what_differs(record: Record) -> None:
    fewer = record.model_copy(update={"layers": record.layers[:-1]})
    nodes = record.graph.nodes if record.graph is not None else []
    assert graphs_view(compare(record, record)) is None
    view = graphs_view(compare(fewer, record))
    assert view is not None
    assert view.words == "1 layer added."
    assert [graph.title for graph in view.graphs] == ["B: Textures (B)"]
    assert len(view.graphs[0].nodes) == len(nodes)
    gone = graphs_view(compare(record, fewer))
    assert gone is not None
    assert [graph.title for graph in gone.graphs] == ["B: Textures (B)", "A: Textures (A)"]


def test_findings_of_renamed_layers_are_the_same(record: Record) -> None:
    names = {layer.name: f"{layer.name}_7" for layer in record.layers}
    renamed = record.model_copy(
        update={
            "layers": [
                layer.model_copy(update={"name": names[layer.name], "inputs": [names[name] for name in layer.inputs]})
                for layer in record.layers
            ],
            "findings": [
                finding.model_copy(update={"layer": names.get(finding.layer or "", finding.layer)})
                for finding in record.findings
            ],
        }
    )
    comparison = compare(record, renamed)
    assert {finding.change for finding in comparison.findings} == {"same"}
    assert {layer.change for layer in comparison.layers} == {"same"}


def test_a_kernel_that_one_report_alone_describes_is_not_built_differently(record: Record) -> None:
    """Reports of earlier versions describe the kernels of convolutions alone."""
    (conv,) = network(record, ("a", "Dense", 8))
    known = next(layer.weights for layer in record.layers if layer.weights is not None)
    first, second = (
        conv.model_copy(update={"weights": weights, "sketch": [3.0, 4.0 + at]})
        for at, weights in enumerate((None, known))
    )
    for one, two in ((first, second), (second, first)):
        (layer,) = compare_layers([one], [two])
        assert not layer.rebuilt
        assert layer.weights_moved is not None
        assert [fact.name for fact in layer.facts] == []


def test_weights_that_were_nothing_but_zeros_and_are_not_any_more(record: Record) -> None:
    """As those of a PReLU or an added position are before training: no share of them says how far they moved."""
    one = network(record, ("a", "Conv2D", 8), ("p", "PReLU", 8))
    zero, moved = (
        [one[0], one[1].model_copy(update={"weights": None, "sketch": sketch})] for sketch in ([0.0] * 4, [0.25] * 4)
    )
    for first, second in ((zero, moved), (moved, zero)):
        layers = compare_layers(first, second)
        assert [layer.change for layer in layers] == ["same", "changed"]
        assert [fact.name for fact in layers[1].facts] == ["all weights are zero"]
        assert not layers[1].rebuilt
    assert [layer.change for layer in compare_layers(zero, zero)] == ["same", "same"]
