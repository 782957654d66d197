"""The layer summary as text: a table for the eye, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from reportgen.facts import Shape
from reportgen.results import LayerSummary, NetworkSummary

_HEADINGS = ("index", "name", "type", "output shape", "parameters", "MACs", "receptive field", "block")
_NUMERIC = frozenset({"index", "parameters", "MACs"})

_COLUMNS = (
    "index,name,type,block,output_shape,parameter_count,trainable_parameter_count,mac_count,memory_bytes,"
    "receptive_field_height,receptive_field_width,stride_vertical,stride_horizontal,padding_vertical,"
    "padding_horizontal,receptive_field_note,inputs"
)

NONE = "-"  # what the table says where a value does not apply


def as_table(summary: NetworkSummary) -> str:
    """One line for each layer under a line of headings, and the totals (shared weights counted once)."""
    rows = [_HEADINGS, *(_cells(layer) for layer in summary.layers)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    frozen = summary.parameter_count - summary.trainable_parameter_count
    return "\n".join(
        [
            *lines,
            "",
            f"parameters:            {summary.parameter_count:,} ({frozen:,} not trainable)",
            f"multiply-accumulates:  {_count(summary.mac_count)} for one image",
            f"blocks:                {', '.join(block.name for block in summary.blocks) or NONE}",
            "",
        ]
    )


def as_json(summary: NetworkSummary) -> str:
    """The layers as in `report.json`, with the blocks and the totals."""
    data = {
        "input_shape": summary.input_shape,
        "output_shape": summary.output_shape,
        "parameter_count": summary.parameter_count,
        "trainable_parameter_count": summary.trainable_parameter_count,
        "mac_count": summary.mac_count,
        "memory_bytes": summary.memory_bytes,
        "layer_count": len(summary.layers),
        "blocks": [
            {"name": block.name, "layers": block.layers, "resolution": block.resolution} for block in summary.blocks
        ],
        "layers": [_entry(layer) for layer in summary.layers],
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def as_csv(summary: NetworkSummary) -> str:
    """One line for each layer; lists are separated by spaces, shapes written as in the table."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS.split(","))
    writer.writerows(_values(layer) for layer in summary.layers)
    return text.getvalue()


def format_shape(shape: Shape | tuple[Shape, ...] | None) -> str:
    """A shape without its batch, such as 56x56x64; open sides as `?`, several shapes with commas between.

    >>> format_shape((None, 56, 56, 64))
    '56x56x64'
    >>> format_shape((None, None, None, 3))
    '?x?x3'
    """
    if shape is None:
        return NONE
    if any(isinstance(side, tuple) for side in shape):
        return ", ".join(format_shape(one) for one in shape if isinstance(one, tuple))
    return "x".join("?" if side is None else str(side) for side in shape[1:]) or "1"


def _aligned(row: tuple[str, ...], widths: list[int]) -> list[str]:
    return [
        cell.rjust(width) if heading in _NUMERIC else cell.ljust(width)
        for cell, width, heading in zip(row, widths, _HEADINGS, strict=True)
    ]


def _count(value: int | None) -> str:
    return NONE if value is None else f"{value:,}"


def _cells(layer: LayerSummary) -> tuple[str, ...]:
    field = layer.receptive_field
    return (
        str(layer.index),
        layer.name,
        layer.type,
        format_shape(layer.output_shape),
        _count(layer.parameter_count),
        _count(layer.mac_count),
        f"{field.size[0]}x{field.size[1]}" if field else NONE,
        layer.block or NONE,
    )


def _entry(layer: LayerSummary) -> dict[str, Any]:
    field = layer.receptive_field
    return {
        "index": layer.index,
        "name": layer.name,
        "type": layer.type,
        "block": layer.block,
        "output_shape": layer.output_shape,
        "parameter_count": layer.parameter_count,
        "trainable_parameter_count": layer.trainable_parameter_count,
        "mac_count": layer.mac_count,
        "memory_bytes": layer.memory_bytes,
        "receptive_field": {"size": field.size, "stride": field.stride, "padding": field.padding} if field else None,
        "receptive_field_note": layer.receptive_field_note,
        "inputs": layer.inputs,
        "details": dict(layer.details),
    }


def _values(layer: LayerSummary) -> list[Any]:
    field = layer.receptive_field
    measures = [*field.size, *field.stride, *field.padding] if field else [None] * 6
    return [
        layer.index,
        layer.name,
        layer.type,
        layer.block,
        None if layer.output_shape is None else format_shape(layer.output_shape),
        layer.parameter_count,
        layer.trainable_parameter_count,
        layer.mac_count,
        layer.memory_bytes,
        *measures,
        layer.receptive_field_note,
        " ".join(layer.inputs),
    ]
