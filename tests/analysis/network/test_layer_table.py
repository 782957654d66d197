"""The layer summary as a table, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json

import pytest

from reportgen.analysis.network.layer_table import as_csv, as_json, as_table, format_shape
from reportgen.facts import Block, ReceptiveField
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


def test_table_lines_up_and_ends_with_the_totals(summary: NetworkSummary) -> None:
    assert as_table(summary).splitlines() == [
        "index  name  type                    output shape  parameters   MACs  receptive field  block",
        "-----  ----  ----------------------  ------------  ----------  -----  ---------------  ------",
        "    1  conv  Conv2D                  8x8x4              1,112  7,168  3x3              block1",
        "    2  pool  GlobalAveragePooling2D  4                      0      -  -                -",
        "",
        "parameters:            1,112 (112 not trainable)",
        "multiply-accumulates:  7,168 for one image",
        "blocks:                block1",
    ]


def test_json_has_the_keys_of_the_report(summary: NetworkSummary) -> None:
    data = json.loads(as_json(summary))
    assert data["layer_count"] == 2
    assert data["blocks"] == [{"name": "block1", "layers": ["conv"], "resolution": [8, 8]}]
    first, second = data["layers"]
    assert first["output_shape"] == [None, 8, 8, 4]
    assert first["receptive_field"] == {"size": [3, 3], "stride": [1.0, 1.0], "padding": [1.0, 1.0]}
    assert second["receptive_field"] is None
    assert second["receptive_field_note"].startswith("every position")
    assert second["mac_count"] is None


def test_csv_is_read_back_whole(summary: NetworkSummary) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(summary))))
    assert [row["name"] for row in rows] == ["conv", "pool"]
    assert rows[0]["inputs"] == "image other, one"
    assert rows[0]["receptive_field_height"] == "3"
    assert rows[1]["receptive_field_height"] == ""
    assert rows[1]["output_shape"] == "4"


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
