from __future__ import annotations

import numpy as np
from support.kinds import kind_named

from reportgen.analysis.weights.neighbours import Wiring, tie_strengths
from reportgen.facts import Neighbour
from reportgen.results import FilterBank, LayerSummary, NetworkSummary


def row(name: str, kind: str, channels: int, *inputs: str) -> LayerSummary:
    shape = (None, 4, 4, channels)
    return LayerSummary(
        index=0, name=name, type=kind, kind=kind_named(kind), block=None, output_shape=shape, actual_shape=shape,
        parameter_count=0, trainable_parameter_count=0, mac_count=0, memory_bytes=0,
        receptive_field=None, receptive_field_note=None, inputs=inputs, is_map=True, token_grid=None, details={},
    )  # fmt: skip


def tie(layer: str, channel: int, weight: float) -> Neighbour:
    return Neighbour(layer=layer, channel=channel, weight=weight)


def bank(layer: str, kernel: np.ndarray) -> FilterBank:
    return FilterBank(layer, kernel.astype(np.float32), None, kernel.shape, sees_colour=False)


def summary(*rows: LayerSummary) -> NetworkSummary:
    return NetworkSummary(rows, (), 0, 0, 0, 0, (None, 4, 4, 3), (None, 4, 4, 2))


def planted(inputs: int, filters: int, **weights: float) -> np.ndarray:
    """A 1 x 1 kernel of zeros but for weights named `i<input>f<filter>`."""
    kernel = np.zeros((1, 1, inputs, filters))
    for name, weight in weights.items():
        source, target = name[1:].split("f")
        kernel[0, 0, int(source), int(target)] = weight
    return kernel


def test_channels_are_followed_through_activations_and_a_concatenation() -> None:
    network = summary(
        row("a", "Conv2D", 2, "input"),
        row("relu", "ReLU", 2, "a"),
        row("b", "Conv2D", 3, "input"),
        row("both", "Concatenate", 5, "relu", "b"),
        row("pool", "MaxPooling2D", 5, "both"),
        row("c", "Conv2D", 2, "pool"),
    )
    wiring = Wiring(
        network,
        [
            bank("a", np.zeros((1, 1, 3, 2))),
            bank("b", np.zeros((1, 1, 3, 3))),
            bank("c", planted(5, 2, i1f0=-3.0, i4f0=2.0, i4f1=7.0)),
        ],
    )
    assert wiring.before("c", 0) == (tie("a", 1, -3.0), tie("b", 2, 2.0))
    assert wiring.after("b", 2) == (tie("c", 1, 7.0), tie("c", 0, 2.0))
    assert wiring.after("a", 1) == (tie("c", 0, -3.0),)
    assert wiring.after("a", 0) == ()


def test_a_depthwise_filter_reads_its_own_channel() -> None:
    network = summary(row("a", "Conv2D", 3, "input"), row("d", "DepthwiseConv2D", 6, "a"))
    kernel = np.arange(1.0, 7.0).reshape(1, 1, 1, 6)
    wiring = Wiring(network, [bank("a", np.zeros((1, 1, 3, 3))), bank("d", kernel)])
    assert wiring.before("d", 5) == (tie("a", 2, 6.0),)
    assert wiring.after("a", 1) == (tie("d", 3, 4.0), tie("d", 2, 3.0))


def test_a_filter_of_a_group_reads_the_channels_of_its_group() -> None:
    network = summary(row("a", "Conv2D", 4, "input"), row("g", "Conv2D", 4, "a"))
    kernel = planted(2, 4, i0f1=1.0, i1f3=5.0)
    wiring = Wiring(network, [bank("a", np.zeros((1, 1, 3, 4))), bank("g", kernel)])
    assert wiring.before("g", 1) == (tie("a", 0, 1.0),)
    assert wiring.before("g", 3) == (tie("a", 3, 5.0),)
    assert wiring.after("a", 3) == (tie("g", 3, 5.0),)
    assert wiring.after("a", 2) == ()


def test_what_mixes_channels_up_is_a_neighbour_itself() -> None:
    network = summary(
        row("a", "Conv2D", 2, "input"),
        row("b", "Conv2D", 2, "input"),
        row("sum", "Add", 2, "a", "b"),
        row("c", "Conv2D", 1, "sum"),
    )
    wiring = Wiring(network, [bank("c", planted(2, 1, i1f0=2.0))])
    assert wiring.before("c", 0) == (tie("sum", 1, 2.0),)
    assert wiring.after("a", 1) == ()


def test_the_strongest_come_first_and_no_more_than_asked_for() -> None:
    network = summary(row("a", "Conv2D", 9, "input"), row("c", "Conv2D", 1, "a"))
    kernel = np.arange(9.0).reshape(1, 1, 9, 1) * np.array([1, -1] * 4 + [1]).reshape(1, 1, 9, 1)
    ties = Wiring(network, [bank("c", kernel)]).before("c", 0, most=3)
    assert [(tie.channel, tie.weight) for tie in ties] == [(8, 8.0), (7, -7.0), (6, 6.0)]


def test_strength_is_the_norm_with_the_sign_of_the_sum() -> None:
    kernel = np.random.default_rng(0).normal(size=(3, 3, 4, 5)).astype(np.float32)
    strengths = tie_strengths(kernel)
    for source in range(4):
        for target in range(5):
            part = kernel[:, :, source, target]
            assert np.isclose(strengths[source, target], np.sign(part.sum()) * np.linalg.norm(part), rtol=1e-5)
