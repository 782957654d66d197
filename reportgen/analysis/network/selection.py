"""Which layers a `--layers` pattern means."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Sequence

from reportgen.errors import UsageError
from reportgen.facts import Block
from reportgen.results import LayerSummary, NetworkSummary

_HINTS = 3  # as many near names as one line holds


def select_layers(summary: NetworkSummary, patterns: Sequence[str]) -> tuple[str, ...]:
    """The names of the layers `patterns` mean, in the order of the table, each once.

    `blocks` is the last convolution of each block (the last map where a block has none), `convs` every
    two-dimensional convolution, `all` every layer that gives an output; everything else is a name or a
    glob (`*`, `?`, `[..]`; `*` also matches a slash).

    Raises:
        UsageError: a pattern that no layer matches; the nearest names are listed.
    """
    chosen: set[str] = set()
    for pattern in patterns:
        names = _matching(summary, pattern)
        if not names:
            raise UsageError(_no_match(summary, pattern))
        chosen.update(names)
    return tuple(layer.name for layer in summary.layers if layer.name in chosen)


def _matching(summary: NetworkSummary, pattern: str) -> list[str]:
    called = [layer for layer in summary.layers if layer.actual_shape is not None and layer.kind != "input"]
    names = [layer.name for layer in called]
    if pattern in names:
        return [pattern]
    if pattern == "all":
        return names
    if pattern == "convs":
        return [layer.name for layer in called if layer.is_convolution]
    if pattern == "blocks":
        return last_of_blocks(summary)
    return [name for name in names if fnmatch.fnmatchcase(name, pattern)]


def last_of_blocks(summary: NetworkSummary) -> list[str]:
    """The last convolution of each block, its last map where it has no convolution."""
    layers = {layer.name: layer for layer in summary.layers}
    found = (_last_of_block(block, layers) for block in summary.blocks)
    return [name for name in found if name is not None]


def _last_of_block(block: Block, layers: dict[str, LayerSummary]) -> str | None:
    members = [layers[name] for name in block.layers]
    convolutions = [layer.name for layer in members if layer.is_convolution]
    maps = [layer.name for layer in members if layer.is_map or layer.token_grid is not None]
    return next(reversed(convolutions), None) or next(reversed(maps), None)


def _no_match(summary: NetworkSummary, pattern: str) -> str:
    if pattern in ("blocks", "convs"):
        return f"--layers {pattern}: the network has no such layers; name layers, or leave the section out"
    names = [layer.name for layer in summary.layers]
    short = {name.rpartition("/")[2]: name for name in reversed(names)}
    near = [short.get(name, name) for name in difflib.get_close_matches(pattern, [*names, *short], _HINTS, 0.5)]
    hint = f"the nearest names are {', '.join(dict.fromkeys(near))}" if near else f"the first is {names[0]}"
    return f"--layers {pattern}: no layer has this name or fits this pattern; {hint}; `reportgen layers` lists all"
