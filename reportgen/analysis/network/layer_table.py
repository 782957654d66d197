"""The layer summary as text: a table for the eye, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from reportgen.facts import Shape, Weights
from reportgen.formats import percent
from reportgen.results import LayerSummary, NetworkSummary

_HEADINGS = ("index", "name", "type", "output shape", "parameters", "MACs", "receptive field", "block")
_WEIGHT_HEADINGS = ("filters", "bias", "range", "zeros")
_NUMERIC = frozenset({"index", "parameters", "MACs", "zeros"})

_COLUMNS = (
    "index,name,type,block,output_shape,parameter_count,trainable_parameter_count,mac_count,memory_bytes,"
    "receptive_field_height,receptive_field_width,stride_vertical,stride_horizontal,padding_vertical,"
    "padding_horizontal,receptive_field_note,inputs,filters,bias,weight_min,weight_max,weight_zero_fraction"
)

NONE = "-"  # what the table says where a value does not apply


def as_table(summary: NetworkSummary, weights: Mapping[str, Weights]) -> str:
    """One line for each layer under a line of headings, and the totals (shared weights counted once).

    `weights` are those of layers that have a kernel, by name; `filters` and `bias` are shapes as Keras keeps them.
    """
    rows = [
        (*_HEADINGS, *_WEIGHT_HEADINGS),
        *((*_cells(layer), *_weight_cells(weights.get(layer.name))) for layer in summary.layers),
    ]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ["  ".join(_aligned(row, widths, rows[0])).rstrip() for row in rows]
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


def as_json(summary: NetworkSummary, weights: Mapping[str, Weights]) -> str:
    """The layers and their weights as in `report.json`, with the blocks and the totals."""
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
        "layers": [_entry(layer, weights.get(layer.name)) for layer in summary.layers],
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def as_csv(summary: NetworkSummary, weights: Mapping[str, Weights]) -> str:
    """One line for each layer; lists are separated by spaces, shapes written as in the table."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS.split(","))
    writer.writerows([*_values(layer), *_weight_values(weights.get(layer.name))] for layer in summary.layers)
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


def _aligned(row: tuple[str, ...], widths: list[int], headings: tuple[str, ...]) -> list[str]:
    return [
        cell.rjust(width) if heading in _NUMERIC else cell.ljust(width)
        for cell, width, heading in zip(row, widths, headings, strict=True)
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


def _sides(shape: Sequence[int] | None) -> str:
    return NONE if shape is None else "x".join(map(str, shape))


def _weight_cells(weights: Weights | None) -> tuple[str, ...]:
    if weights is None:
        return (NONE,) * len(_WEIGHT_HEADINGS)
    spread = NONE if weights.min is None else f"{weights.min:.3g} to {weights.max:.3g}"
    zeros = NONE if weights.zero_fraction is None else percent(weights.zero_fraction)
    return _sides(weights.kernel_shape), _sides(weights.bias_shape), spread, zeros


def _entry(layer: LayerSummary, weights: Weights | None) -> dict[str, Any]:
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
        "weights": None if weights is None else weights.model_dump(mode="json"),
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


def _weight_values(weights: Weights | None) -> list[Any]:
    if weights is None:
        return [None] * 5
    bias = None if weights.bias_shape is None else _sides(weights.bias_shape)
    return [_sides(weights.kernel_shape), bias, weights.min, weights.max, weights.zero_fraction]
