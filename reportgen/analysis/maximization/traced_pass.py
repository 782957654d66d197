"""A network traced once: what ascents, measures and dreams compute is cut out of that one graph.

Running the Python of a network costs more than most of what is asked of it here. So a function for one layer takes the
operations that it needs, and no others, out of the network's one trace, as far as that holds for its images; the
objective and its gradient stand behind them. Other channels, seeds, weights and numbers are fed to it. Where the trace
does not hold, the network is traced once more on open sides, and where it does not run on those, once for each canvas.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from reportgen.analysis.maximization.forward import HeldRun
from reportgen.analysis.maximization.gradients import ascent_gradients
from reportgen.analysis.maximization.objectives import Objective
from reportgen.analysis.maximization.targets import NetworkActivations
from reportgen.analysis.network.capture import LayerNotReachedError
from reportgen.analysis.network.replaying import ReplayableGraph
from reportgen.analysis.network.running import run_errors_explained
from reportgen.analysis.network.unfused import unfused
from reportgen.models import Network

Size = tuple[int, int]
MakeObjective = Callable[[tf.Tensor, tf.Tensor], Objective]  # of the channels and signs of the images
Compute = Callable[[NetworkActivations], Any]  # to a structure of tensors

# Of images, their channels, signs and the relief: scores of an objective, `(batch,)`, and their gradient with respect
# to the images. To be called while a function is traced, as is what computes anything else of images.
Slope = Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


class HeldPass:
    """The forward pass of a network on displayable images as its one trace has it, as far as it is read.

    Args:
        size: of the images; None leaves it open.
        layers: those that are read; `answers`: whether the network's answers are.
    """

    def __init__(
        self, network: Network, size: Size | None, held: HeldRun, layers: Sequence[str], *, answers: bool
    ) -> None:
        self.image_shape = _image_shape(network, size)
        self._network = network
        self._run = held.reading(layers, answers=answers)

    def slope(self, make: MakeObjective, *, before_activation: bool, relieved: bool) -> Slope:
        """What gives the scores of an objective and their gradient.

        Args:
            relieved: whether the gradient is to pass silent rectifiers where the relief says so; it never does else.
        """

        def slope(
            images: tf.Tensor, channels: tf.Tensor, signs: tf.Tensor, relief: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor]:
            with ascent_gradients(relief if relieved else None):
                activations = self._activations(images, before_activation=before_activation)
                scores = make(channels, signs).score(activations)
                (gradient,) = activations.gradients(scores, [images])
            return scores, gradient

        return slope

    def computed(self, make: Compute) -> Callable[[tf.Tensor], Any]:
        """What gives whatever `make` computes of what layers and the network give."""
        return lambda images: make(self._activations(images, before_activation=False))

    def _activations(self, images: tf.Tensor, *, before_activation: bool) -> NetworkActivations:
        return NetworkActivations(self._network, images, before_activation=before_activation, run=self._run)


class TracedPass:
    """The forward pass of a network on displayable images, as one graph that computes nothing by itself.

    It goes as far as the network runs: one whose head needs its own size is traced up to there.

    Args:
        size: of the images; None leaves it open.
    """

    def __init__(self, network: Network, size: Size | None) -> None:
        self.image_shape = _image_shape(network, size)
        self._inputs: tuple[tf.Tensor, ...] = ()
        self._activations: NetworkActivations

        def run(images: tf.Tensor, channels: tf.Tensor, signs: tf.Tensor, relief: tf.Tensor) -> tf.Tensor:
            self._inputs = images, channels, signs, relief
            with ascent_gradients(relief):
                self._activations = NetworkActivations(network, images)
            return tf.zeros(())

        function = tf.function(run, autograph=False).get_concrete_function(
            tf.TensorSpec(self.image_shape),
            tf.TensorSpec((None,), tf.int32),
            tf.TensorSpec((None,)),
            tf.TensorSpec((), tf.bool),
        )
        # It also owns the functions that its graph calls.
        self._function = function
        self._graph = function.graph
        self._replayable = ReplayableGraph(function.graph)

    def missing(self, layers: Sequence[str], *, answers: bool) -> Exception | None:
        """Why the pass does not give all that is to be read; None where it does."""
        lost = [layer for layer in layers if layer not in self._activations.calls]
        if not lost and not (answers and self._activations.given is None):
            return None
        return self._activations.error or LayerNotReachedError(lost)

    def slope(self, make: MakeObjective, *, before_activation: bool, relieved: bool) -> Slope:
        """As that of `HeldPass`; both are added to this graph, and taken out of it where they are called for."""
        images, channels, signs, relief = self._inputs
        activations = self._activations.reading(before_activation)
        with self._graph.as_default(), ascent_gradients(relief if relieved else None):
            scores = make(channels, signs).score(activations)
            (gradient,) = activations.gradients(scores, [images])

        def slope(*given: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            there = self._take([scores, gradient], given)
            return there[0], there[1]

        return slope

    def computed(self, make: Compute) -> Callable[[tf.Tensor], Any]:
        """As that of `HeldPass`."""
        with self._graph.as_default():
            structure = make(self._activations.reading(before_activation=False))

        def computed(images: tf.Tensor) -> Any:
            return tf.nest.pack_sequence_as(structure, self._take(tf.nest.flatten(structure), [images]))

        return computed

    def _take(self, wanted: Sequence[tf.Tensor], given: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Put what `wanted` of this graph are made of into the graph being traced, and give their counterparts."""
        return self._replayable.replay(zip(self._inputs, given, strict=False), wanted)


def _image_shape(network: Network, size: Size | None) -> tf.TensorShape:
    """Of the images that a pass takes."""
    return tf.TensorShape((None, *((None, None) if size is None else size), network.channels))


class TracedPasses:
    """The traced passes of a network: one of open sides, and where that does not do one for each size.

    What its one trace holds for is taken from there.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._held: dict[Size | None, HeldRun] = {}
        self._passes: dict[tuple[Size | None, tuple[str, ...], bool], HeldPass] = {}
        self._traced: dict[Size | None, TracedPass] = {}
        self._closed = False

    def at(self, size: Size, layers: Sequence[str] = (), *, answers: bool = False) -> HeldPass | TracedPass:
        """The pass that gives `layers`, and if asked for the network's answers, on images of `size`.

        Raises:
            ReportgenError: the network does not run on images of that size.
        """
        with run_errors_explained(self.network):
            for sides in [size] if self._closed else [None, size]:
                held = self._holding(sides)
                if held is not None and held.gives(layers, answers=answers):
                    key = sides, tuple(layers), answers
                    if key not in self._passes:
                        self._passes[key] = HeldPass(self.network, sides, held, layers, answers=answers)
                    return self._passes[key]
            if not self._closed and self._pass(None).missing(layers, answers=answers) is None:
                return self._pass(None)
            found = self._pass(size)
            error = found.missing(layers, answers=answers)
            if error is not None:
                raise error
            return found

    def close(self) -> bool:
        """Leave the pass of open sides alone from now on; whether it was in use."""
        was_open, self._closed = not self._closed, True
        return was_open

    def _holding(self, size: Size | None) -> HeldRun | None:
        """What of the network's one trace holds for images of `size`; None where it is another than the network's."""
        if size not in (None, self.network.size):
            return None
        if size not in self._held:
            self._held[size] = HeldRun(self.network, open_sides=size is None)
        return self._held[size]

    def _pass(self, size: Size | None) -> TracedPass:
        if size not in self._traced:
            self._traced[size] = TracedPass(self.network, size)
        return self._traced[size]

    def function(
        self, size: Size, layers: Sequence[str], make: Callable[[NetworkActivations], Any], *, answers: bool = False
    ) -> Callable[[tf.Tensor], Any]:
        """A function of images `(batch, *size, channels)` that computes what `make` does, traced for any batch.

        Args:
            make: from the network's activations to a structure of tensors.
        """
        compute = self.at(size, layers, answers=answers).computed(make)

        def run(images: tf.Tensor) -> Any:
            return compute(tf.cast(images, tf.float32)), unfused()

        spec = tf.TensorSpec((None, *size, self.network.channels))
        compiled = tf.function(run, autograph=False).get_concrete_function(spec)
        return lambda images: compiled(images)[0]
