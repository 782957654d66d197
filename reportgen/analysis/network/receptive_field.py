"""The input pixels each position of a map depends on, followed through any graph of layers.

Layers Keras knows are followed by their settings, everything between them (custom layers too) by the
TensorFlow operations it consists of. Where a position sees the whole image, or where an operation is not
known, there is no receptive field and a sentence says why.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import tensorflow as tf

from reportgen.analysis.network.receptive_layers import layer_rule
from reportgen.analysis.network.receptive_operations import after_operation, joined_views
from reportgen.analysis.network.receptive_windows import Seen, State, Undefined
from reportgen.analysis.network.trace import LayerCall, Trace
from reportgen.facts import ReceptiveField


def find_receptive_fields(trace: Trace, image: tf.Tensor) -> dict[str, ReceptiveField | str]:
    """The receptive field of every layer call, or a sentence saying why there is none.

    Args:
        trace: of the network at its actual input size, which decides where 'same' padding falls.
        image: which of `trace.inputs` takes the image.

    Returns:
        Under each call's name what its first output tensor sees of the image.
    """
    states: dict[str, State] = {}
    if image.shape.rank == 4:
        rows = 2 if _is_channels_first(trace) else 1
        states[image.name] = Seen((1, 1), (1, 1), (0, 0), rows)
    else:
        states[image.name] = Undefined(f"the input has {image.shape.rank} axes, an image batch has four")
    given_by = {tensor.name: call for call in trace.calls for tensor in call.output_tensors}
    for operation in image.graph.get_operations():
        for tensor in operation.outputs:
            call = given_by.get(tensor.name)
            state = _after_call(call, tensor, states) if call else after_operation(operation, tensor, states)
            if state is not None and tensor.name not in states:
                states[tensor.name] = state
    return {
        call.name: _described(states.get(call.output_tensors[0].name)) for call in trace.calls if call.output_tensors
    }


def _is_channels_first(trace: Trace) -> bool:
    formats = (getattr(call.layer, "data_format", None) for call in trace.calls)
    return next((given for given in formats if given is not None), "channels_last") == "channels_first"


def _described(state: State | None) -> ReceptiveField | str:
    if state is None:
        return "the output does not depend on the image"
    if isinstance(state, Undefined):
        return f"{state.reason} ({state.layer})" if state.layer else state.reason
    return ReceptiveField(
        size=(_whole(state.size[0]), _whole(state.size[1])),
        stride=(float(state.stride[0]), float(state.stride[1])),
        padding=(0.0 - state.start[0], 0.0 - state.start[1]),
    )


def _whole(size: float) -> int:
    # Sizes behind a transposed convolution may end between two pixels.
    return math.ceil(size - 1e-9)


def _after_call(call: LayerCall, tensor: tf.Tensor, states: Mapping[str, State]) -> State | None:
    """What the output `tensor` of a layer call sees: by the layer's rule if it has one, else by its operations."""
    rule = layer_rule(call.layer)
    if rule is None:
        state = after_operation(tensor.op, tensor, states)
    else:
        joined = joined_views(call.input_tensors, states)
        state = rule(call, joined) if isinstance(joined, Seen) else joined
    if isinstance(state, Undefined) and state.layer is None:
        return replace(state, layer=call.name)
    return state
