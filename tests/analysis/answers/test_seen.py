"""What the graph of a call tells of each output of a network."""

from __future__ import annotations

import numpy as np
import pytest
from support import zoo

from reportgen.analysis.answers.seen import see_outputs
from reportgen.analysis.network.running import run_traced


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("several_outputs", ["classes", "mask"]),
        ("nested", ["classes"]),
        ("operations_outside_layers", [None]),
    ],
)
def test_the_layer_calls_that_give_the_answers_are_known(name: str, calls: list[str | None]) -> None:
    network = zoo.open_zoo(name)
    answer = run_traced(network, np.zeros((1, *network.size, network.channels), np.uint8))
    assert [seen.call for seen in see_outputs(network, answer, 1)] == calls
