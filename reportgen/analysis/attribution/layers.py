"""Which layers of a network class activation maps are made of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from reportgen.facts import Block
from reportgen.results import LayerSummary, NetworkSummary

# Layers that only make a map smaller, larger or differently arranged: the block's own map is the one before them.
_ARRANGING = re.compile(r"Pooling|Padding|Cropping|UpSampling|Resizing|Dropout|Permute|Identity|Reshape|Flatten")


# The same without pooling, for what stands behind the layer that gives a map of classes; and what bends its values.
_RESIZING = re.compile(r"Padding|Cropping|UpSampling|Resizing|Dropout|Permute|Identity|Reshape")
_BENDING = frozenset({"activation", "softmax", "resting"})

# Kinds of layers that change each value by itself, by weights or not.
_CHANGING = frozenset({"activation", "normalization", "rescaling"})


def cam_layers(summary: NetworkSummary) -> tuple[str, ...]:
    """The layer of each block that gives its last map, after its activation; the last block's first.

    For rows of tokens with a class token before them, the layers are those that answer before the last layer of
    attention: what comes out of it, the answer reads of the class token alone, and no other has a gradient. A layer
    that gives an answer explains nothing by itself, and one that not all answers depend on is taken where there is no
    other. What the network has not read yet is the image and no map of it: a network of dense layers has none.
    """
    read = _read(summary)
    fit = {layer.name: layer for layer in _before_answers(summary, _with_positions(summary)) if layer.name in read}
    found = [_last_map(block, fit) for block in reversed(summary.blocks)]
    ends = tuple(name for name in found if name is not None)
    if ends or not fit:
        return ends
    return (next(reversed(fit)),)


def _read(summary: NetworkSummary) -> set[str]:
    """The layers at or behind one with weights that mix values, not only change each by itself."""
    weighing = {row.index for row in summary.layers if row.parameter_count and row.kind not in _CHANGING}
    read: set[str] = set()
    found = {row.name for row in summary.layers if row.index in weighing}
    while found:
        read |= found
        # Layers of a network of the user's stand in any order.
        found = {row.name for row in summary.layers if not read.isdisjoint(row.inputs)} - read
    return read


def _last_map(block: Block, fit: dict[str, LayerSummary]) -> str | None:
    members = [fit[name] for name in block.layers if name in fit]
    own = [layer for layer in members if not _ARRANGING.search(layer.type)] or members
    return own[-1].name if own else None


def _before_answers(summary: NetworkSummary, fit: Sequence[LayerSummary]) -> Sequence[LayerSummary]:
    """Those of `fit` that all answers are made of; that any is made of, or all, where there are none."""
    rows = {layer.name: layer for layer in summary.layers}
    read = {source for layer in summary.layers for source in layer.inputs}
    ends = [layer for layer in summary.layers if layer.name not in read]
    giving = {name for end in ends for name in _giving(end, rows)}
    shared = set.intersection(*(_behind(end, rows) for end in ends)) if ends else set()
    inner = [layer for layer in fit if layer.name not in giving]
    return [layer for layer in inner if layer.name in shared] or inner or fit


def _giving(end: LayerSummary, rows: Mapping[str, LayerSummary]) -> set[str]:
    """The layers that give a map as an answer: the one whose channels are its classes, and what only arranges it."""
    if not end.is_map:
        return set()
    row, names = end, {end.name}
    while (row.kind in _BENDING or _RESIZING.search(row.type)) and len(row.inputs) == 1 and row.inputs[0] in rows:
        row = rows[row.inputs[0]]
        names.add(row.name)
    return names


def _behind(end: LayerSummary, rows: Mapping[str, LayerSummary]) -> set[str]:
    """All layers that an answer is made of."""
    names: set[str] = set()
    waiting = [end.name]
    while waiting:
        name = waiting.pop()
        if name in rows and name not in names:
            names.add(name)
            waiting += rows[name].inputs
    return names


def _with_positions(summary: NetworkSummary) -> list[LayerSummary]:
    """The layers that give a map of more than one position, or a grid of tokens that the answer still depends on."""
    layers = list(summary.layers)
    attention = [place for place, layer in enumerate(layers) if "Attention" in layer.type]
    chosen = []
    for place, layer in enumerate(layers):
        if layer.token_grid is not None:
            read = not layer.token_grid[2] or not attention or place < attention[-1]
            if read:
                chosen.append(layer)
        elif layer.is_map and layer.actual_shape is not None and tuple(layer.actual_shape[1:3]) != (1, 1):
            chosen.append(layer)
    return chosen
