"""The network as a layered drawing a person can read, at 16 layers and at 700.

What belongs together is folded into one box: first a convolution with the normalisation and activation that
follow it; where that leaves too many boxes, the blocks the names speak of, or the modules between two layers
all data pass through; at last the blocks of the layer table.
"""

from __future__ import annotations

from reportgen.analysis.network import graph_folding as folding
from reportgen.analysis.network.graph_boxes import graph_of_layers
from reportgen.analysis.network.graph_layout import lay_out
from reportgen.results import Graph, NetworkSummary

# As many boxes as fit on two screens; a page stays light (some eight elements for a box and its line).
MOST_BOXES = 40


def lay_out_graph(summary: NetworkSummary, *, fold_blocks: bool | None = None) -> Graph:
    """Draw the layer graph of a network.

    Args:
        fold_blocks: one box for each block or not; None folds as little as gives at most `MOST_BOXES` boxes.
    """
    chains = folding.fold_chains(graph_of_layers(summary))
    if fold_blocks is not None:
        return lay_out(folding.fold_blocks(chains, summary) if fold_blocks else chains)
    if len(chains) <= MOST_BOXES:
        return lay_out(chains)
    by_names = folding.fold_names(chains)
    if len(by_names) <= MOST_BOXES:
        return lay_out(by_names)
    folded = [folding.fold_modules(chains), folding.fold_blocks(chains, summary)]
    readable = [graph for graph in folded if len(graph) <= MOST_BOXES]
    return lay_out(max(readable, key=len) if readable else min(folded, key=len))
