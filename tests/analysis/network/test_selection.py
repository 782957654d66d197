"""What `--layers` patterns mean."""

from __future__ import annotations

import pytest
from support import zoo

from reportgen.analysis.network.layers import summarize_network
from reportgen.analysis.network.selection import select_layers
from reportgen.errors import UsageError
from reportgen.results import NetworkSummary


@pytest.fixture(scope="module")
def kinds() -> NetworkSummary:
    return summarize_network(zoo.open_zoo("convolution_kinds"))


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["blocks"], ("grouped", "separable", "transposed")),
        (["convs"], ("dilated", "grouped", "depthwise", "separable", "transposed")),
        (["all"], ("dilated", "grouped", "depthwise", "separable", "transposed", "pool", "classes")),
        (["pool", "dilated"], ("dilated", "pool")),
        (["*d"], ("dilated", "grouped", "transposed")),
        (["[dg]*"], ("dilated", "grouped", "depthwise")),
        (["blocks", "grouped"], ("grouped", "separable", "transposed")),
        ([], ()),
    ],
)
def test_patterns(kinds: NetworkSummary, patterns: list[str], names: tuple[str, ...]) -> None:
    assert select_layers(kinds, patterns) == names


def test_a_glob_reaches_into_nested_networks() -> None:
    summary = summarize_network(zoo.open_zoo("nested"))
    assert select_layers(summary, ["middle*"]) == ("middle/conv", "middle/inner/conv")
    assert select_layers(summary, ["*conv"]) == ("middle/conv", "middle/inner/conv")


def test_a_layer_that_is_never_called_is_not_chosen() -> None:
    assert "spare" not in select_layers(summarize_network(zoo.open_zoo("subclassed")), ["all"])


def test_blocks_without_convolutions_give_their_last_map() -> None:
    summary = summarize_network(zoo.open_zoo("composite_layers"))
    assert select_layers(summary, ["blocks"]) == ("stem", "block1/conv", "block2/conv")


def test_an_unknown_name_brings_the_nearest_ones(kinds: NetworkSummary) -> None:
    with pytest.raises(UsageError, match=r"--layers seperable: no layer .* nearest names are separable"):
        select_layers(kinds, ["seperable"])
    with pytest.raises(UsageError, match=r"--layers xyz\*: .* the first is image"):
        select_layers(kinds, ["xyz*"])


def test_the_nearest_name_may_lie_in_a_nested_network() -> None:
    with pytest.raises(UsageError, match=r"nearest names are middle/conv"):
        select_layers(summarize_network(zoo.open_zoo("nested")), ["convv"])


def test_a_network_without_convolutions_says_so() -> None:
    summary = summarize_network(zoo.open_zoo("one_dimensional"))
    with pytest.raises(UsageError, match="--layers convs: the network has no such layers"):
        select_layers(summary, ["convs"])
