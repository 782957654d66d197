"""The traced call of a network as all methods of attribution read it: layers' maps, answers, gradients.

The network is run as it is, on images' own values, with its preprocessing in the graph, at rest (`training=False`).
What is asked is added to the graph of its one trace, gradients too, so a gradient with respect to a layer's maps costs
the part of the network above them and nothing below, and further targets share the forward pass. What is added is
then taken out with all that it needs, as a function of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.attribution.targets import Form, Target, check_form, read_answers, read_target
from reportgen.analysis.maximization.gradients import ascent_gradients
from reportgen.analysis.maximization.targets import before_squashing
from reportgen.analysis.network.capture import LayerNotReachedError
from reportgen.analysis.network.running import run_errors_explained
from reportgen.analysis.network.tokens import fold_tokens
from reportgen.analysis.network.traced import TracedNetwork, image_of, traced_network
from reportgen.analysis.network.unoptimized import unoptimized
from reportgen.analysis.network.watching import is_container, is_of_numbers, tensors_in
from reportgen.errors import ReportgenError
from reportgen.models import Network

Grid = tuple[int, int, int]  # height, width, leading tokens

# Memory that the activations of a batch may take. Larger batches are no faster on a processor.
BATCH_BYTES = 1 << 29

# Rows of a batch at most, for networks so small that memory does not bound it.
MOST_ROWS = 64

# A gradient keeps what the forward pass gave, and needs as much again on its way back.
_GRADIENT_COST = 2


@dataclass(frozen=True, eq=False)
class Run:
    """The traced call: symbolic tensors of what went in, what chosen layers gave, and the answers.

    `images` are `(batch, height, width, channels)` float32 of 0..255; `fed` is what is made of them for the network,
    `taken` what the network reads in its place.
    """

    images: tf.Tensor
    answers: tuple[tf.Tensor, ...]
    outputs: Mapping[str, tuple[tf.Tensor, bool]]  # of each layer; whether its channels are first
    grids: Mapping[str, Grid]
    prepared: tf.Tensor
    fed: tf.Tensor
    taken: tf.Tensor

    def scores(self, form: Form, directions: tf.Tensor) -> tf.Tensor:
        """The numbers a target explains, `(batch,)`."""
        check_form(form, [answer.shape for answer in self.answers], directions.shape)
        answer = self.answers[form[0]]
        return read_target(before_squashing(answer) if form[1] == "logits" else answer, form, directions)

    def maps(self, layer: str) -> tf.Tensor:
        """The maps of `layer`, `(batch, height, width, channels)` float32; tokens folded into their grid."""
        return self._as_maps(layer, self.outputs[layer][0])

    def map_gradients(self, scores: tf.Tensor, layers: Sequence[str]) -> list[tf.Tensor]:
        """The gradients of `scores` with respect to the maps of `layers`, in the form of `maps`.

        The way back ends at the shallowest of them. Zero where a score does not depend on a layer.
        """
        tensors = [self.outputs[layer][0] for layer in layers]
        slopes = tf.gradients(scores, tensors, unconnected_gradients="zero")
        return [self._as_maps(layer, slope) for layer, slope in zip(layers, slopes, strict=True)]

    def image_gradients(self, scores: tf.Tensor) -> tf.Tensor:
        """The gradients of `scores` with respect to the images.

        A network that takes whole numbers rounds them on the way in, where every gradient ends. It is taken up
        behind the rounding, as if that had not been (the straight-through estimator of Bengio et al., 2013).
        """
        if self.taken.dtype.is_integer:
            behind = [
                operation.outputs[0]
                for operation in self.taken.consumers()
                if operation.type == "Cast" and operation.outputs[0].dtype.is_floating
            ]
            parts = [part for part in tf.gradients(scores, behind) if part is not None] if behind else []
            made, slope = self.prepared, self._as_prepared(tf.add_n(parts)) if parts else None
        else:
            made, slope = self.fed, tf.gradients(scores, self.taken)[0]
        if slope is not None:
            slope = tf.gradients(made, self.images, grad_ys=slope)[0]
        return tf.zeros_like(self.images) if slope is None else tf.cast(slope, tf.float32)

    def _as_prepared(self, slope: tf.Tensor) -> tf.Tensor:
        """A gradient of what was fed, in the layout of what was prepared."""
        sides = self.prepared.shape[1:]
        return tf.cast(slope if slope.shape[1:] == sides else tf.transpose(slope, (0, 2, 3, 1)), tf.float32)

    def _as_maps(self, layer: str, tensor: tf.Tensor) -> tf.Tensor:
        values = tf.cast(tensor, tf.float32)
        if values.shape.rank == 4:
            return tf.transpose(values, (0, 2, 3, 1)) if self.outputs[layer][1] else values
        if layer in self.grids:
            return fold_tokens(values, self.grids[layer])
        raise ReportgenError(
            f"expected a layer whose output is a map or a grid of tokens, got {layer} of shape "
            f"{tuple(tensor.shape[1:])}; choose a layer before it"
        )


class Body(Protocol):
    """What is computed in the graph of a call, equal to another one that computes the same.

    `images` is the traced call itself: it may be made on other images than those that came in.
    """

    def __call__(self, run: Callable[[tf.Tensor], Run], *tensors: tf.Tensor) -> Any:
        """Give a structure of tensors."""
        ...

    def __hash__(self) -> int: ...


@dataclass(frozen=True, eq=False)
class _Added:
    """What a body added to the graph of a trace: what it takes, what the network gets of it, and what comes out."""

    arguments: tuple[tf.Tensor, ...]
    fed: tuple[tf.Tensor, ...]
    results: Any


class _StandIns:
    """Variables that are read instead of `variables`, with the values of whichever call is made next."""

    def __init__(self, variables: Sequence[keras.Variable]) -> None:
        self._own = [tf.Variable(variable.value, trainable=False) for variable in variables]
        self._held: object = None
        self._of = {id(variable.value.handle): own for variable, own in zip(variables, self._own, strict=True)}

    def instead_of(self, variables: Sequence[tf.Variable]) -> list[tf.Variable]:
        """What is read instead of `variables`: themselves, where nothing stands in for them."""
        return [self._of.get(id(variable.handle), variable) for variable in variables]

    def hold(self, values: Sequence[NDArray[Any]]) -> None:
        """Take on `values`, unless these very ones are held."""
        if values is not self._held:
            for own, value in zip(self._own, values, strict=True):
                own.assign(value)
            self._held = values


class TracedCall:
    """A network's call, compiled once for each thing asked of it and each size of image.

    Args:
        layers: names of the layer calls whose maps are read, as `capture` names them.
        grids: where the output of a layer is a row of tokens, how it folds back into a map.
    """

    def __init__(self, network: Network, layers: Sequence[str] = (), *, grids: Mapping[str, Grid] | None = None):
        self.network = network
        self.layers = tuple(layers)
        self.grids = dict(grids or {})
        # What other inputs get that have a value for each image: one row for all images, or a row for each.
        self._others: dict[str, NDArray[Any]] = {
            name: np.asarray(network.other_inputs[name])[np.newaxis] for name in network.of_images
        }
        self._added: dict[Any, _Added] = {}
        self._compiled: dict[Any, Callable[..., Any]] = {}
        self._stand_ins: _StandIns | None = None
        self._values: tuple[NDArray[Any], ...] = ()
        # What stands in for variables, by which variables.
        self._replaced: dict[tuple[int, ...], _StandIns] = {}

    def with_values(self, variables: Sequence[keras.Variable], values: Sequence[NDArray[Any]]) -> TracedCall:
        """The same call with other values in the place of `variables`; the network stays as it is.

        What is compiled serves both.
        """
        key = tuple(id(variable) for variable in variables)
        if key not in self._replaced:
            self._replaced[key] = _StandIns(variables)
        other = copy(self)
        other._stand_ins = self._replaced[key]
        other._values = tuple(values)
        return other

    def of_images(self, files: Sequence[str]) -> TracedCall:
        """The same call on `files`: what other inputs get beside each of them goes with its row, all compiled once."""
        other = copy(self)
        other._others = self.network.others_of(files)
        return other

    def at(self, places: Sequence[int]) -> TracedCall:
        """The same call on some of the images it is of, by their places; of one image it is of all its versions."""
        if all(len(rows) == 1 for rows in self._others.values()):
            return self
        other = copy(self)
        other._others = {name: rows[list(places)] for name, rows in self._others.items()}
        return other

    @property
    def takes_integers(self) -> bool:
        """Whether the network takes images, or something beside them, as whole numbers."""
        return any(spec.dtype.is_integer for spec in tf.nest.flatten(self.network.input_specs()))

    def called_layers(self, size: Sequence[int]) -> tuple[keras.Layer, ...]:
        """The layers that answer in a call on images of `size` (height, width, channels), in that order."""
        return tuple(seen.layer for seen in self._trace(size).seen)

    def rows(self, size: Sequence[int], *, gradient: bool) -> int:
        """How many images of `size` (height, width, channels) go through the network at a time."""
        leaves = [leaf for seen in self._trace(size).seen if not is_container(seen.layer) for leaf in seen.outputs]
        values = sum(math.prod(side or 1 for side in leaf.shape[1:]) for leaf in leaves)
        cost = max(1, 4 * values * (_GRADIENT_COST if gradient else 1))
        return max(1, min(MOST_ROWS, BATCH_BYTES // cost))

    def _trace(self, size: Sequence[int]) -> TracedNetwork:
        with run_errors_explained(self.network):
            return traced_network(self.network, (size[0], size[1]))

    def compute(self, body: Body, *arguments: Any) -> Any:
        """What `body` makes of the call, as arrays.

        Args:
            arguments: what `body` takes: arrays, whose first axis is left open.

        Raises:
            ReportgenError: a layer is not called in a forward pass, or the network cannot run here.
        """
        tensors = [tf.convert_to_tensor(argument) for argument in arguments]
        specs = [tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype) for tensor in tensors]
        key = (body, tuple((spec.dtype, tuple(spec.shape)) for spec in specs))
        with run_errors_explained(self.network):
            if key not in self._added:
                self._added[key] = self._add(body, specs)
            if key not in self._compiled:
                self._compiled[key] = self._compile(self._added[key], specs)
            variables = _floating_variables(self._trace(specs[0].shape[1:]))
            if self._stand_ins is not None:
                self._stand_ins.hold(self._values)
                variables = self._stand_ins.instead_of(variables)
            others = {name: tf.convert_to_tensor(rows) for name, rows in self._others.items()}
            results = self._compiled[key](others, variables, *tensors)
        return tf.nest.map_structure(lambda tensor: tensor.numpy(), results)

    def _add(self, body: Body, specs: Sequence[tf.TensorSpec]) -> _Added:
        """Add what `body` computes to the graph of the trace; the first of `specs` is of images."""
        traced = self._trace(specs[0].shape[1:])
        fed: list[tf.Tensor] = []
        with traced.graph.as_default(), ascent_gradients():
            others = {name: _taken(spec) for name, spec in self.network.other_specs().items()}
            taken = [_taken(spec) for spec in specs]

            def run(images: tf.Tensor) -> Run:
                images = tf.cast(images, tf.float32)
                prepared = self.network.prepare(images)
                count = tf.shape(images)[0]
                rows = {name: tf.broadcast_to(value, (count, *value.shape[1:])) for name, value in others.items()}
                fed[:] = tensors_in(self.network.feed(prepared, rows))
                return self._seen(traced, images, prepared, fed)

            results = body(run, *taken)
        return _Added((*tf.nest.flatten(others), *taken), tuple(fed), results)

    def _compile(self, added: _Added, specs: Sequence[tf.TensorSpec]) -> Callable[..., Any]:
        """What `added` computes, as a function of other inputs, of variables, and of what the body takes."""
        traced = self._trace(specs[0].shape[1:])
        own = _floating_variables(traced)

        def computed(others: dict[str, tf.Tensor], variables: list[tf.Variable], *tensors: tf.Tensor) -> Any:
            handles = {id(each.handle): read.handle for each, read in zip(own, variables, strict=True)}
            given = list(zip(added.arguments, [*tf.nest.flatten(others), *tensors], strict=True))
            fed = traced.replay_from(given, added.fed, handles)
            given += zip(traced.inputs, fed, strict=True)
            results = traced.replay_from(given, tf.nest.flatten(added.results), handles)
            return tf.nest.pack_sequence_as(added.results, results)

        function = tf.function(computed, autograph=False)
        return function.get_concrete_function(self.network.other_specs(), own, *specs)  # type: ignore[no-any-return]

    def _seen(self, traced: TracedNetwork, images: tf.Tensor, prepared: tf.Tensor, fed: Sequence[tf.Tensor]) -> Run:
        missing = [name for name in self.layers if name not in traced.calls or not traced.calls[name].outputs]
        if missing:
            raise LayerNotReachedError(missing)
        outputs = {name: (traced.calls[name].outputs[0], traced.calls[name].channels_first) for name in self.layers}
        image = image_of(self.network, traced)
        place = next(place for place, tensor in enumerate(traced.inputs) if tensor is image)
        return Run(images, tuple(tensors_in(traced.answer)), outputs, self.grids, prepared, fed[place], image)


def _floating_variables(traced: TracedNetwork) -> list[tf.Variable]:
    return [variable for variable in traced.graph.variables if variable.dtype.is_floating]


def _taken(spec: tf.TensorSpec) -> tf.Tensor:
    return tf.compat.v1.placeholder(spec.dtype, spec.shape)


@dataclass(frozen=True)
class _Answers:
    """The answers as answered, and before their softmax or sigmoid: all that numbers are read of, compiled once.

    What is text or one number for all images is no answer to any, and empty.
    """

    def __call__(self, run: Callable[[tf.Tensor], Run], images: tf.Tensor) -> Any:
        none = tf.zeros((tf.shape(images)[0], 0))
        answers = [leaf if is_of_numbers(leaf) and leaf.shape.rank != 0 else none for leaf in run(images).answers]
        return (
            [tf.cast(leaf, tf.float32) for leaf in answers],
            [tf.cast(before_squashing(leaf), tf.float32) for leaf in answers],
        )


def runs(count: int, most: int) -> list[range]:
    """The places of `count` images in runs of at most `most`, those that go through the network together.

    >>> runs(5, 2)
    [range(0, 2), range(2, 4), range(4, 5)]
    """
    return [range(start, min(start + most, count)) for start in range(0, count, most)]


def answer_images(traced: TracedCall, pixels: NDArray[Any], *, logits: bool = False) -> tuple[NDArray[np.float32], ...]:
    """The network's answers, an array for each output, as answered or before their softmax or sigmoid.

    Args:
        pixels: `(images, height, width, channels)` of 0..255.
    """
    parts = [answers[1] if logits else answers[0] for _, answers in _answers(traced, pixels)]
    return tuple(np.concatenate(leaves) for leaves in zip(*parts, strict=True))


def score_images(traced: TracedCall, pixels: NDArray[Any], targets: Sequence[Target]) -> NDArray[np.float32]:
    """The numbers of `targets`, `(targets, images)`, in memory-bounded batches.

    Args:
        pixels: `(images, height, width, channels)` of 0..255.
    """
    parts = [
        [read_answers(answers, target.form, target.of_images(run.start, run.stop)) for target in targets]
        for run, answers in _answers(traced, pixels)
    ]
    scores: NDArray[np.float32] = np.concatenate(parts, axis=1) + offsets(targets)[:, None]
    return scores


def offsets(targets: Sequence[Target]) -> NDArray[np.float32]:
    """What is added to the numbers of `targets`, `(targets,)`."""
    return np.asarray([t.offset if t.reading == "values" else 0.0 for t in targets], np.float32)


def _answers(traced: TracedCall, pixels: NDArray[Any]) -> Iterator[tuple[range, Any]]:
    """The places of images, and their answers as `read_answers` takes them."""
    for run in runs(len(pixels), traced.rows(pixels.shape[1:], gradient=False)):
        with unoptimized():
            answers = traced.at(run).compute(_Answers(), pixels[run.start : run.stop].astype(np.float32))
        yield run, answers
