"""The layer summary as a table, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json

import pytest

from reportgen.analysis.network.layer_table import as_csv, as_json, as_table, format_shape
from reportgen.facts import Block, Histogram, ReceptiveField, Weights
from reportgen.results import LayerSummary, NetworkSummary


def _layer(index: int, name: str, **facts: object) -> LayerSummary:
    values: dict[str, object] = {
        "type": "Conv2D",
        "kind": "convolution",
        "block": "block1",
        "output_shape": (None, 8, 8, 4),
        "actual_shape": (1, 8, 8, 4),
        "parameter_count": 1112,
        "trainable_parameter_count": 1112,
        "mac_count": 7168,
        "memory_bytes": 1024,
        "receptive_field": ReceptiveField(size=(3, 3), stride=(1.0, 1.0), padding=(1.0, 1.0)),
        "receptive_field_note": None,
        "inputs": ("image",),
        "is_map": True,
        "token_grid": None,
        "details": {"kernel": "3x3"},
        **facts,
    }
    return LayerSummary(index=index, name=name, **values)


@pytest.fixture
def summary() -> NetworkSummary:
    note = "every position sees the whole image, after global pooling (pool)"
    no_field = {"block": None, "receptive_field": None, "receptive_field_note": note, "mac_count": None}
    return NetworkSummary(
        layers=(
            _layer(1, "conv", inputs=("image", "other, one")),
            _layer(2, "pool", type="GlobalAveragePooling2D", output_shape=(None, 4), parameter_count=0, **no_field),
        ),
        blocks=(Block(name="block1", layers=("conv",), resolution=(8, 8)),),
        parameter_count=1112,
        trainable_parameter_count=1000,
        mac_count=7168,
        memory_bytes=2048,
        input_shape=(None, 8, 8, 3),
        output_shape=(None, 4),
    )


WEIGHTS = {
    "conv": Weights(
        kernel_shape=[3, 3, 3, 4], bias_shape=[4], min=-0.5, max=0.25, mean=0.0, std=0.1, zero_fraction=0.125,
        dead_filters=[2], histogram=Histogram(edges=[-0.5, 0.25], counts=[108]),
    )
}  # fmt: skip


def test_table_lines_up_and_ends_with_the_totals(summary: NetworkSummary) -> None:
    assert as_table(summary, WEIGHTS).splitlines() == [
        (
            "index  name  type                    output shape  parameters   MACs  receptive field  block   "
            "filters  bias  range          zeros"
        ),
        (
            "-----  ----  ----------------------  ------------  ----------  -----  ---------------  ------  "
            "-------  ----  ------------  ------"
        ),
        (
            "    1  conv  Conv2D                  8x8x4              1,112  7,168  3x3              block1  "
            "3x3x3x4  4     -0.5 to 0.25  12.5 %"
        ),
        (
            "    2  pool  GlobalAveragePooling2D  4                      0      -  -                -       "
            "-        -     -                  -"
        ),
        "",
        "parameters:            1,112 (112 not trainable)",
        "multiply-accumulates:  7,168 for one image",
        "blocks:                block1",
    ]


def test_json_has_the_keys_of_the_report(summary: NetworkSummary) -> None:
    data = json.loads(as_json(summary, WEIGHTS))
    assert data["layer_count"] == 2
    assert data["blocks"] == [{"name": "block1", "layers": ["conv"], "resolution": [8, 8]}]
    first, second = data["layers"]
    assert first["output_shape"] == [None, 8, 8, 4]
    assert first["receptive_field"] == {"size": [3, 3], "stride": [1.0, 1.0], "padding": [1.0, 1.0]}
    assert second["receptive_field"] is None
    assert second["receptive_field_note"].startswith("every position")
    assert second["mac_count"] is None
    assert Weights(**first["weights"]) == WEIGHTS["conv"]
    assert second["weights"] is None


def test_weights_without_a_bias_and_without_finite_numbers(summary: NetworkSummary) -> None:
    nothing = {"bias_shape": None, "min": None, "max": None, "mean": None, "std": None, "zero_fraction": None}
    line = as_table(summary, {"conv": WEIGHTS["conv"].model_copy(update=nothing)}).splitlines()[2]
    assert line.split()[-4:] == ["3x3x3x4", "-", "-", "-"]


def test_csv_is_read_back_whole(summary: NetworkSummary) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(summary, WEIGHTS))))
    assert [row["name"] for row in rows] == ["conv", "pool"]
    assert rows[0]["inputs"] == "image other, one"
    assert rows[0]["receptive_field_height"] == "3"
    assert rows[1]["receptive_field_height"] == ""
    assert rows[1]["output_shape"] == "4"
    weights = ("filters", "bias", "weight_min", "weight_max", "weight_zero_fraction")
    assert [rows[0][key] for key in weights] == ["3x3x3x4", "4", "-0.5", "0.25", "0.125"]
    assert [rows[1][key] for key in weights] == [""] * 5


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        (None, "-"),
        ((None,), "1"),
        ((None, None, None, 3), "?x?x3"),
        (((None, 4), (None, 8, 8, 1)), "4, 8x8x1"),
    ],
)
def test_shapes(shape: object, text: str) -> None:
    assert format_shape(shape) == text
