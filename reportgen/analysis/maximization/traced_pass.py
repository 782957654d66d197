"""A network traced once: what ascents, measures and dreams compute is cut out of that one graph.

Running the Python of a network costs more than most of what is asked of it here. So a forward pass on images of open
sides is taken out of the network's one trace, as far as that holds there; objectives and their gradients are added to
its graph, and a step for one layer takes over the operations that it needs, and no others. Other channels, seeds,
weights and numbers are fed to it. Where the trace does not hold, the network is traced once more on open sides, and
where it does not run on those, once for each canvas.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from reportgen.analysis.maximization.forward import HeldRun, Run, run_watched
from reportgen.analysis.maximization.gradients import ascent_gradients
from reportgen.analysis.maximization.objectives import Objective
from reportgen.analysis.maximization.targets import NetworkActivations
from reportgen.analysis.network.capture import LayerNotReachedError
from reportgen.analysis.network.replaying import ReplayableGraph
from reportgen.analysis.network.running import run_errors_explained
from reportgen.analysis.network.unfused import unfused
from reportgen.models import Network

Size = tuple[int, int]
MakeObjective = Callable[[tf.Tensor, tf.Tensor], Objective]


class TracedPass:
    """The forward pass of a network on displayable images, as one graph that computes nothing by itself.

    It goes as far as the network runs: one whose head needs its own size is traced up to there.

    Args:
        size: of the images; None leaves it open.
        forward: the forward pass.
    """

    def __init__(self, network: Network, size: Size | None, forward: Run) -> None:
        self.inputs: tuple[tf.Tensor, ...] = ()
        self.activations: NetworkActivations
        sides = (None, None) if size is None else size

        def run(images: tf.Tensor, channels: tf.Tensor, signs: tf.Tensor, relief: tf.Tensor) -> tf.Tensor:
            self.inputs = images, channels, signs, relief
            with ascent_gradients(relief):
                self.activations = NetworkActivations(network, images, run=forward)
            return tf.zeros(())

        function = tf.function(run, autograph=False).get_concrete_function(
            tf.TensorSpec((None, *sides, network.channels)),
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
        lost = [layer for layer in layers if layer not in self.activations.calls]
        if not lost and not (answers and self.activations.given is None):
            return None
        return self.activations.error or LayerNotReachedError(lost)

    def slope(self, make: MakeObjective, *, before_activation: bool, relieved: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """The scores of an objective, `(batch,)`, and their gradient with respect to the images, in this graph.

        Args:
            make: from the channels and signs of the images to what is raised.
            relieved: whether the gradient is to pass silent rectifiers where the relief says so; it never does else.
        """
        images, channels, signs, relief = self.inputs
        activations = self.activations.reading(before_activation)
        with self._graph.as_default(), ascent_gradients(relief if relieved else None):
            scores = make(channels, signs).score(activations)
            (gradient,) = activations.gradients(scores, [images])
        return scores, gradient

    def computed(self, make: Callable[[NetworkActivations], Any]) -> Any:
        """Whatever `make` computes of what layers and the network give, in this graph."""
        with self._graph.as_default():
            return make(self.activations.reading(before_activation=False))

    def take(self, wanted: Sequence[tf.Tensor], *given: tf.Tensor) -> list[tf.Tensor]:
        """Put what `wanted` of this graph are made of into the graph being traced, and give their counterparts.

        Args:
            given: what stands there for the images, their channels, signs, and the relief, as far as they are read.
        """
        return self._replayable.replay(zip(self.inputs, given, strict=False), wanted)


class TracedPasses:
    """The traced passes of a network: one of open sides, and where that does not do one for each size.

    What its one trace holds for is taken from there.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._held: dict[Size | None, HeldRun] = {}
        self._passes: dict[tuple[Size | None, bool], TracedPass] = {}
        self._closed = False

    def at(self, size: Size, layers: Sequence[str] = (), *, answers: bool = False) -> TracedPass:
        """The pass that gives `layers`, and if asked for the network's answers, on images of `size`.

        Raises:
            ReportgenError: the network does not run on images of that size.
        """
        with run_errors_explained(self.network):
            for sides in [size] if self._closed else [None, size]:
                if self._holds(sides, layers, answers=answers):
                    return self._pass(sides, held=True)
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

    def _holds(self, size: Size | None, layers: Sequence[str], *, answers: bool) -> bool:
        """Whether the network's one trace gives on images of `size` what is to be read."""
        if size not in (None, self.network.size):
            return False
        if size not in self._held:
            self._held[size] = HeldRun(self.network, open_sides=size is None)
        return self._held[size].gives(layers, answers=answers)

    def _pass(self, size: Size | None, *, held: bool = False) -> TracedPass:
        if (size, held) not in self._passes:
            forward = self._held[size].run if held else run_watched
            self._passes[size, held] = TracedPass(self.network, size, forward)
        return self._passes[size, held]

    def function(
        self, size: Size, layers: Sequence[str], make: Callable[[NetworkActivations], Any], *, answers: bool = False
    ) -> Callable[[tf.Tensor], Any]:
        """A function of images `(batch, *size, channels)` that computes what `make` does, traced for any batch.

        Args:
            make: from the network's activations to a structure of tensors.
        """
        taken = self.at(size, layers, answers=answers)
        structure = taken.computed(make)

        def run(images: tf.Tensor) -> Any:
            found = taken.take(tf.nest.flatten(structure), tf.cast(images, tf.float32))
            return tf.nest.pack_sequence_as(structure, found), unfused()

        spec = tf.TensorSpec((None, *size, self.network.channels))
        compiled = tf.function(run, autograph=False).get_concrete_function(spec)
        return lambda images: compiled(images)[0]
