"""Which layers of a network class activation maps are made of."""

from __future__ import annotations

import re

from reportgen.facts import Block
from reportgen.results import LayerSummary, NetworkSummary

# Layers that only make a map smaller, larger or differently arranged: the block's own map is the one before them.
_ARRANGING = re.compile(r"Pooling|Padding|Cropping|UpSampling|Resizing|Dropout|Permute|Identity|Reshape|Flatten")


def cam_layers(summary: NetworkSummary) -> tuple[str, ...]:
    """The layer of each block that gives its last map, after its activation; the last block's first.

    For rows of tokens with a class token before them, the layers are those that answer before the last layer of
    attention: what comes out of it, the answer reads of the class token alone, and no other has a gradient.
    """
    fit = {layer.name: layer for layer in _with_positions(summary)}
    found = [_last_map(block, fit) for block in reversed(summary.blocks)]
    ends = tuple(name for name in found if name is not None)
    if ends or not fit:
        return ends
    return (next(reversed(fit)),)


def _last_map(block: Block, fit: dict[str, LayerSummary]) -> str | None:
    members = [fit[name] for name in block.layers if name in fit]
    own = [layer for layer in members if not _ARRANGING.search(layer.type)] or members
    return own[-1].name if own else None


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
