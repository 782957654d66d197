"""What objectives read, taken from a network: maps before the nonlinearity, single channels cheaply, answers.

Everything here is called while a function is traced.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy

import tensorflow as tf

from reportgen.analysis.maximization.forward import Run, run_watched
from reportgen.analysis.network.capture import LayerNotReachedError
from reportgen.analysis.network.watching import before_activation_of
from reportgen.models import Network

# Operations that only pass values on or arrange them anew.
_PASSING = ("Identity", "Reshape", "Squeeze", "ExpandDims", "Cast", "StopGradient")
_SQUASHING = ("Softmax", "LogSoftmax", "Sigmoid")


def as_maps(output: tf.Tensor) -> tf.Tensor:
    """A layer's output as maps `(batch, height, width, channels)`.

    `(batch, channels)` counts as maps of one cell, `(batch, tokens, channels)` as maps one cell wide.
    """
    rank = len(output.shape)
    if rank == 2:
        return output[:, None, None, :]
    return output[:, :, None, :] if rank == 3 else output


class NetworkActivations:
    """A network's activations for a batch of displayable images (see `objectives.Activations`).

    `calls`, `given` and `error` are those of the forward pass (see `Forward`).
    """

    def __init__(
        self, network: Network, images: tf.Tensor, *, before_activation: bool = True, run: Run = run_watched
    ) -> None:
        """Run `network` on `images`, float32 `(batch, height, width, channels)` of 0..255.

        Args:
            before_activation: layers are read before their nonlinearity, where they have one.
            run: the forward pass.
        """
        # Of the input: asking the output for it would have the whole output computed.
        self._batch = tf.shape(images)[:1]
        self._prepared = network.prepare(images)
        inputs = network.feed(self._prepared)
        self._rounded = [leaf for leaf in tf.nest.flatten(inputs) if tf.is_tensor(leaf) and leaf.dtype.is_integer]
        self._before_activation = before_activation
        forward = run(network, inputs)
        self.calls, self.given, self.error = forward.calls, forward.given, forward.error

    def reading(self, before_activation: bool) -> NetworkActivations:
        """The same with layers read before or after their nonlinearity."""
        other = copy(self)
        other._before_activation = before_activation
        return other

    def _output(self, layer: str) -> tf.Tensor:
        """What a layer gives, or what goes into its nonlinearity: float32, a map with its channels last."""
        seen = self.calls.get(layer)
        if seen is None:
            raise self.error or LayerNotReachedError([layer])
        before = before_activation_of(seen) if self._before_activation else None
        # Half precision overflows in sums.
        values = tf.cast(seen.outputs[0] if before is None else before, tf.float32)
        return tf.transpose(values, (0, 2, 3, 1)) if seen.channels_first and values.shape.rank == 4 else values

    def layer(self, layer: str) -> tf.Tensor:
        """All maps of `layer`: `(batch, height, width, channels)`."""
        return as_maps(self._output(layer))

    def channel(self, layer: str, indices: tf.Tensor) -> tf.Tensor:
        """Map `indices[i]` of `layer` for image `i`: `(batch, height, width)`."""
        output = self._output(layer)
        indices = tf.broadcast_to(indices, self._batch)
        sliced = sliced_output(output, indices)
        if sliced is None:
            return tf.gather(self.layer(layer), indices, axis=3, batch_dims=1)
        # The slice holds every wanted channel for every image; each keeps its own.
        own = tf.eye(tf.shape(indices)[0])
        return tf.reduce_sum(sliced * own[:, None, None, :], axis=3)

    def gradients(self, scores: tf.Tensor, variables: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """The gradients of the sum of `scores` with respect to what the images were made from, zero where none.

        A network that takes whole numbers rounds them on the way in, where every gradient ends. It is taken up
        behind the rounding, as if that had not been (the straight-through estimator of Bengio et al., 2013).
        """
        slopes = tf.gradients(tf.reduce_sum(scores), list(variables))
        behind = [
            operation.outputs[0]
            for leaf in self._rounded
            for operation in leaf.consumers()
            if operation.type == "Cast" and operation.outputs[0].dtype.is_floating
        ]
        if behind:
            parts = [part for part in tf.gradients(tf.reduce_sum(scores), behind) if part is not None]
            if parts:
                slopes = tf.gradients(self._prepared, list(variables), grad_ys=tf.add_n(parts))
        return [
            tf.zeros_like(variable) if slope is None else slope
            for slope, variable in zip(slopes, variables, strict=True)
        ]

    def answers(self) -> tuple[tf.Tensor, ...]:
        """The network's outputs as it gives them, in Keras' flat order."""
        if self.given is None:
            raise self.error or ValueError("the network was not run to its end")
        return self.given


def sliced_output(output: tf.Tensor, indices: tf.Tensor) -> tf.Tensor | None:
    """`output` of a convolution, but only its channels `indices`, computed by themselves.

    Follows the graph back from `output` over an addition of biases and nonlinearities to a plain `Conv2D`. The
    whole output, which then nothing depends on, is pruned before the function runs.

    Returns:
        `(batch, height, width, len(indices))`, or None where the graph is of another form.
    """
    operation = output.op
    if operation.type == "Conv2D":
        images, kernel = operation.inputs
        if kernel.shape[2] != images.shape[3] or operation.get_attr("data_format") != b"NHWC":
            return None
        names = ("strides", "padding", "dilations", "explicit_paddings")
        attributes = {name: operation.get_attr(name) for name in names}
        attributes["padding"] = attributes["padding"].decode()
        return tf.raw_ops.Conv2D(input=images, filter=tf.gather(kernel, indices, axis=3), **attributes)
    if operation.type in ("BiasAdd", "AddV2"):
        return _sliced_sum(operation, indices)
    if operation.type in ("Relu", "Relu6", "Identity"):
        below = sliced_output(operation.inputs[0], indices)
        return None if below is None else _UNARY[operation.type](below)
    return None


_UNARY: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "Relu": tf.nn.relu,
    "Relu6": tf.nn.relu6,
    "Identity": tf.identity,
}


def _sliced_sum(operation: tf.Operation, indices: tf.Tensor) -> tf.Tensor | None:
    """The wanted channels of maps plus a value for each channel."""
    maps, bias = operation.inputs
    if not maps.shape.rank or not bias.shape.rank:  # one number for all
        return None
    channels = maps.shape[-1]
    if bias.shape.num_elements() != channels or bias.shape[-1] != channels:
        return None
    below = sliced_output(maps, indices)
    return None if below is None else below + tf.gather(tf.reshape(bias, [-1]), indices)


def before_squashing(answer: tf.Tensor) -> tf.Tensor:
    """What goes into the softmax or sigmoid that `answer` comes out of; `answer` itself if there is none.

    It is found in the graph, so it makes no difference whether the softmax is a layer, fused into one, or
    called as a function. A softmax over another axis than the last is one over the last with its axes turned round.
    """
    tensor, turns = answer, []
    while tensor.op.type in (*_PASSING, "Transpose"):
        if tensor.op.type == "Transpose":
            turns.append(tensor.op)
        tensor = tensor.op.inputs[0]
    if tensor.op.type not in _SQUASHING:
        return answer
    before = tensor.op.inputs[0]
    for turn in reversed(turns):
        before = tf.transpose(tf.reshape(before, tf.shape(turn.inputs[0])), turn.inputs[1])
    return tf.reshape(before, tf.shape(answer))
