"""Where rows of tokens `(batch, tokens, channels)` fold back into maps.

Networks of the vision-transformer kind cut the image into patches, flatten the grid of patches into a row
and may put a class token before it. The grid is followed from the map it was flattened from through all
operations that keep the row: a row is never folded merely because its length is a square.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from reportgen.analysis.network.trace import LayerCall, Trace

Grid = tuple[int, int, int]  # height, width, leading tokens


def find_token_grids(trace: Trace) -> dict[str, Grid]:
    """The grid of every layer call whose first output is a row of tokens that folds back into a map.

    Returns:
        `(height, width, leading tokens to drop)` under the names of those calls.
    """
    if not trace.inputs:
        return {}
    grids: dict[str, Grid] = {}
    given_by = {tensor.name: call for call in trace.calls for tensor in call.output_tensors}
    for operation in trace.inputs[0].graph.get_operations():
        for tensor in operation.outputs:
            call = given_by.get(tensor.name)
            grid = _grid_of(operation, tensor, grids) or (_grid_after(call, tensor, grids) if call else None)
            if grid is not None:
                grids[tensor.name] = grid
    return {
        call.name: grids[call.output_tensors[0].name]
        for call in trace.calls
        if call.output_tensors and call.output_tensors[0].name in grids
    }


def _grid_of(operation: tf.Operation, tensor: tf.Tensor, grids: dict[str, Grid]) -> Grid | None:
    if tensor.shape.rank != 3 or tensor.shape[1] is None or tensor.shape[2] is None:
        return None
    if operation.type == "Reshape" and operation.inputs[0].shape.rank == 4:
        return _flattened(operation.inputs[0].shape, tensor.shape[1], tensor.shape[2])
    tokens = tensor.shape[1]
    for source in operation.inputs:
        grid = grids.get(source.name)
        if grid is None:
            continue
        height, width, leading = grid
        if tokens == height * width + leading:
            return grid
        if operation.type == "ConcatV2" and tokens > height * width + leading:
            last = operation.inputs[-2]  # the input after it is the axis
            return (height, width, tokens - height * width) if source is last else None
        if operation.type == "StridedSlice" and tokens == height * width:
            return (height, width, 0)
    return None


def _grid_after(call: LayerCall, tensor: tf.Tensor, grids: dict[str, Grid]) -> Grid | None:
    """The grid of what a layer makes of a row of tokens: the same where it gives one token for each."""
    source = next((given for given in call.input_tensors if given.name in grids), None)
    if source is None or tensor.shape.rank != 3 or tensor.shape[1] != source.shape[1]:
        return None
    return grids[source.name]


def _flattened(shape: tf.TensorShape, tokens: int, channels: int) -> Grid | None:
    """The grid of a map `(batch, height, width, channels)` whose rows and columns were made one axis."""
    height, width = shape[1], shape[2]
    if height is None or width is None or shape[3] != channels or tokens != height * width or tokens < 2:
        return None
    return (height, width, 0)


def fold_tokens(tokens: Any, grid: tuple[int, int, int]) -> Any:
    """Fold rows of tokens back into maps.

    Args:
        tokens: `(batch, leading + height * width, channels)`, an array or a tensor.
        grid: `(height, width, leading)`, as `LayerSummary.token_grid`.

    Returns:
        `(batch, height, width, channels)`, of the same kind; the `leading` tokens (class token) left out.
    """
    height, width, leading = grid
    grid_tokens = tokens[:, leading:]
    if isinstance(tokens, np.ndarray):
        return grid_tokens.reshape(tokens.shape[0], height, width, tokens.shape[-1])
    return tf.reshape(grid_tokens, (-1, height, width, tokens.shape[-1]))
