"""What chosen layers give, kept from a forward pass of the network as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import keras
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.network.running import run_errors_explained
from reportgen.analysis.network.traced import traced_network
from reportgen.analysis.network.unfused import unfused
from reportgen.analysis.network.watching import Seen, before_activation_of, watched_calls
from reportgen.errors import ReportgenError
from reportgen.models import NO_OTHERS, Network, Others

Reduce = Callable[[str, tf.Tensor], Any]


class _AllSeen(BaseException):
    """Ends a traced run once every wanted layer has answered.

    It is no `Exception` because Keras rewraps those on their way through a layer.
    """


class LayerNotReachedError(ReportgenError):
    """A layer that the network does not call in a forward pass, or not by this name."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            f"expected layers that a forward pass calls, got {', '.join(names)}; "
            "`reportgen layers MODEL` lists the names"
        )
        self.names = tuple(names)


def run_layers(
    model: keras.Model, inputs: Any, names: Sequence[str] = (), *, before_activation: bool = False, whole: bool = False
) -> tuple[dict[str, list[tf.Tensor]], Any]:
    """Run `model` on `inputs` and keep the outputs of the layer calls `names`.

    To be called while a `tf.function` is traced: it is then that layers are watched, and the operations
    no output depends on are pruned. Without `whole` the run ends once all of `names` have answered, so
    that a network with a fixed dense head runs at any size below it. Differentiable. At the network's own size
    `read_layers` gives the same and need not run the network's Python again.

    Args:
        inputs: what the model takes, already preprocessed.
        before_activation: give what goes into the activation instead: of a fused one, or the input of an
            activation layer.

    Returns:
        The outputs, a list each (most layers give one tensor), float32, maps with their channels last
        whichever way the network keeps them; and the model's own answer, None if the run ended early.

    Raises:
        LayerNotReachedError: some of `names` were not called.
    """
    wanted = set(names)
    outputs: dict[str, list[tf.Tensor]] = {}

    def watcher(seen: Seen) -> None:
        if seen.name not in wanted:
            return
        outputs[seen.name] = [
            _as_captured(tensor, seen.channels_first) for tensor in _given_by(seen, before_activation=before_activation)
        ]
        if not whole and len(outputs) == len(wanted):
            raise _AllSeen

    answer = None
    with watched_calls(model, watcher), suppress(_AllSeen):
        answer = model(inputs, training=False)
    missing = [name for name in names if name not in outputs]
    if missing:
        raise LayerNotReachedError(missing)
    return outputs, answer


def read_layers(
    network: Network, fed: Any, names: Sequence[str] = (), *, before_activation: bool = False, whole: bool = False
) -> tuple[dict[str, list[tf.Tensor]], Any]:
    """The outputs of the layer calls `names` of `network`, from its one trace; as `run_layers`, without gradients.

    To be called while a `tf.function` is traced.

    Args:
        fed: what `Network.feed` gives, at the network's own size.

    Returns:
        The outputs, and the network's answer in the model's own structure, None without `whole`.

    Raises:
        LayerNotReachedError: some of `names` were not called.
    """
    outputs, answer, _ = read_with(network, fed, names, (), before_activation=before_activation, whole=whole)
    return outputs, answer


def read_with(
    network: Network,
    fed: Any,
    names: Sequence[str],
    beside: Sequence[tf.Tensor],
    *,
    before_activation: bool = False,
    whole: bool = False,
) -> tuple[dict[str, list[tf.Tensor]], Any, list[tf.Tensor]]:
    """As `read_layers`, and the counterparts of `beside`, tensors of the network's one trace.

    Raises:
        LayerNotReachedError: some of `names` were not called.
    """
    traced = traced_network(network)
    missing = [name for name in names if name not in traced.calls]
    if missing:
        raise LayerNotReachedError(missing)
    seen = [traced.calls[name] for name in dict.fromkeys(names)]
    wanted = {call.name: _given_by(call, before_activation=before_activation) for call in seen}
    tensors = [tensor for given in wanted.values() for tensor in given]
    replayed, answer = traced.replay(fed, [*tensors, *beside], whole=whole)
    found = iter(replayed)
    outputs = {call.name: [_as_captured(next(found), call.channels_first) for _ in wanted[call.name]] for call in seen}
    return outputs, answer, list(found)


def _given_by(seen: Seen, *, before_activation: bool) -> Sequence[tf.Tensor]:
    """What a layer call gave, or what went into its activation, where that is asked for and there is one."""
    before = before_activation_of(seen) if before_activation else None
    return seen.outputs if before is None else [before]


def _as_captured(tensor: tf.Tensor, channels_first: bool) -> tf.Tensor:
    """`tensor` in float32 (half precision overflows in sums), a map with its channels last."""
    values = tf.cast(tensor, tf.float32)
    return tf.transpose(values, (0, 2, 3, 1)) if channels_first and values.shape.rank == 4 else values


class Extractor:
    """Gives the outputs of chosen layers for batches of pictures, all from one forward pass.

    Compiled once for each picture size, at the network's own from its one trace. With `reduce`, each layer's
    output is handed to `reduce(name, tensor)` inside the compiled function and only what that returns (a tensor
    or a structure of tensors) is kept: all layers' statistics without all layers' maps in memory at once.

    A layer that gives several tensors is represented by its first. `before_activation` is as in `run_layers`.
    """

    def __init__(
        self,
        network: Network,
        names: Sequence[str],
        *,
        before_activation: bool = False,
        reduce: Reduce | None = None,
    ) -> None:
        self.network = network
        self.names = tuple(names)
        self.before_activation = before_activation
        self.reduce = reduce
        self._compiled: dict[tuple[Any, ...], Callable[..., tuple[dict[str, Any], tf.Tensor]]] = {}

    def __call__(self, pixels: NDArray[Any] | tf.Tensor, others: Others = NO_OTHERS) -> dict[str, Any]:
        """The layers' outputs for `pixels`.

        Args:
            pixels: `(batch, height, width, channels)` of 0..255, uint8 or float.
            others: as `Network.feed` takes them.

        Returns:
            Under each name a float32 array, `(batch, height, width, channels)` for maps, or what `reduce`
            made of it.

        Raises:
            ReportgenError: a layer is not called in a forward pass, or the network cannot run here.
        """
        fed = tf.convert_to_tensor(pixels)
        beside = {name: tf.convert_to_tensor(values) for name, values in others.items()}
        key = (fed.dtype, *fed.shape[1:], *beside)
        with run_errors_explained(self.network):
            if key not in self._compiled:
                specs = {name: tf.TensorSpec((None, *each.shape[1:]), each.dtype) for name, each in beside.items()}
                self._compiled[key] = self._compile(tf.TensorSpec((None, *fed.shape[1:]), fed.dtype), specs)
            outputs, _ = self._compiled[key](fed, beside)
        arrays = tf.nest.map_structure(lambda tensor: tensor.numpy(), list(outputs.values()))
        return dict(zip(outputs, arrays, strict=True))

    def _compile(
        self, pixels: tf.TensorSpec, others: dict[str, tf.TensorSpec]
    ) -> Callable[..., tuple[dict[str, Any], tf.Tensor]]:
        def run(pixels: tf.Tensor, others: Others) -> tuple[dict[str, Any], tf.Tensor]:
            inputs = self.network.feed(self.network.prepare(pixels), others)
            if tuple(pixels.shape[1:]) == (*self.network.size, self.network.channels):
                outputs, _ = read_layers(self.network, inputs, self.names, before_activation=self.before_activation)
            else:
                outputs, _ = run_layers(
                    self.network.model, inputs, self.names, before_activation=self.before_activation
                )
            first = {name: outputs[name][0] for name in self.names}
            if self.reduce is not None:
                first = {name: self.reduce(name, tensor) for name, tensor in first.items()}
            return first, unfused()

        return tf.function(run, autograph=False).get_concrete_function(pixels, others)  # type: ignore[no-any-return]
