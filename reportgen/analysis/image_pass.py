"""One pass over images: decode, fit, run the network and reduce, all streaming.

Every image runs through the network by itself and on one processor, several images at a time. TensorFlow's
convolutions and products give other last digits with another batch size, another place in the batch or
another number of threads, since these decide how their sums are cut up; an image alone on one thread always
gets the same bits, so it does not matter how images are split over chunks, threads and machines. It is no
slower: whole images in parallel need no waiting for each other inside an operation.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.capture import run_errors_explained, run_layers
from reportgen.analysis.measurements import TOP_CLASSES, LayerLayout, Layout, Measurements, Rows, SampleRun
from reportgen.analysis.reduction import SMALL, as_map, layout_layer, reduce_maps
from reportgen.engines import ImageChunk
from reportgen.images import ImageFile, Interpolation, Resize, UnreadableImageError, fit_image, load_image
from reportgen.models import Network
from reportgen.models.heads import class_output
from reportgen.results import ByteArray, FloatArray, NetworkSummary

# Values per channel that a histogram is made of, where there are as many: more would not be seen in a
# drawing and cost more than the rest of the statistics together.
HISTOGRAM_VALUES = 16_384

# Values per channel and image that a histogram gets at least, however many images there are.
LEAST_SAMPLES = 4

# Values that one image gives to the histograms of all channels together, unless the least is more: 16 MB.
SAMPLES = 4 << 20

# Values of an image that are counted at once: they stay in the processor's cache.
_RUN_SAMPLES = 1 << 16

# Images that are taken in at once: few enough not to matter in memory, enough to make numpy's work per
# call small beside its work per value.
_ROWS = 8

# Layers are reduced by calls from TensorFlow into numpy, which cost as much as reducing a small map: small
# layers share a call, as long as their maps together are not more than this.
_GROUP_BYTES = 8 << 20

# What is computed for each channel, in the order of the rows that leave the graph.
_FIELDS = ("maxima", "minima", "sums", "squares", "zeros", "not_numbers", "infinities")

# Memory that maps of images under way may take together; on machines of many processors it bounds how
# many images run at a time.
_MAP_MEMORY = 4 << 30


@dataclass(frozen=True)
class Plan:
    """What is measured, and how images are made to fit; it travels to workers.

    `largest_map` is the size in bytes of the largest output of any layer for one image.
    """

    layout: Layout
    largest_map: int
    grids: Mapping[str, tuple[int, int, int]]
    resize: Resize
    interpolation: Interpolation

    @classmethod
    def make(
        cls,
        summary: NetworkSummary,
        layers: Sequence[str],
        image_count: int,
        resize: Resize,
        interpolation: Interpolation,
    ) -> Plan:
        """A plan to measure `layers`; those whose output has no channels are left out."""
        layouts: list[LayerLayout] = []
        for name in layers:
            layout = layout_layer(summary.layer(name), layouts[-1].stop if layouts else 0)
            if layout is not None:
                layouts.append(layout)
        grids = {layer.name: layer.token_grid for layer in summary.layers if layer.token_grid is not None}
        measured = {layout.name for layout in layouts}
        return cls(
            Layout(tuple(layouts), image_count),
            max((layer.memory_bytes or 0 for layer in summary.layers), default=0),
            {name: grid for name, grid in grids.items() if name in measured},
            resize,
            interpolation,
        )

    def sample_count(self, layer: LayerLayout) -> int:
        """How many values of each channel one image gives to the histogram."""
        share = HISTOGRAM_VALUES // max(1, self.layout.image_count)
        room = SAMPLES // max(1, self.layout.channels)
        return min(layer.positions, max(LEAST_SAMPLES, min(share, room)))

    @cached_property
    def sample_runs(self) -> tuple[SampleRun, ...]:
        """Whose the samples of an image are."""
        runs: list[SampleRun] = []
        for layer in self.layout.layers:
            count = self.sample_count(layer)
            before = runs[-1] if runs and runs[-1].samples == count else None
            if before is not None and (before.channels + layer.channels) * count <= _RUN_SAMPLES:
                runs[-1] = SampleRun(before.first, before.channels + layer.channels, count)
            else:
                runs.append(SampleRun(layer.start, layer.channels, count))
        return tuple(runs)


class ImagePass:
    """Measures images with a network; compiled once, at the first image.

    `processors` is how many images run at a time, as far as memory allows; None: as many as there are processors.
    """

    def __init__(self, network: Network, plan: Plan, processors: int | None = None) -> None:
        self.network = network
        self.plan = plan
        self.processors = processors or _processors()
        self._under_way: list[tuple[ImageChunk, Measurements]] = []

    def measure(self, chunk: ImageChunk, advance: Callable[[int], None]) -> Measurements:
        """Measure the images of `chunk`; those that cannot be decoded are skipped, with the reason.

        Args:
            advance: is told how many more images are done.

        Raises:
            ReportgenError: the network cannot run.
        """
        measured = Measurements(self.plan.layout.channels)
        self._under_way.append((chunk, measured))
        try:
            self._measure(chunk, measured, advance)
        finally:
            self._under_way.remove((chunk, measured))
        return measured

    def _measure(self, chunk: ImageChunk, measured: Measurements, advance: Callable[[int], None]) -> None:
        group: list[dict[str, Any]] = []
        for position, row in self._rows(chunk):
            if isinstance(row, str):
                measured.skipped[chunk.start + position] = row
            else:
                group.append(row)
            if len(group) == _ROWS:
                measured.add(self._joined(group))
                group.clear()
            advance(1)
        if group:
            measured.add(self._joined(group))

    def _joined(self, rows: Sequence[dict[str, Any]]) -> Rows:
        fields = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
        return Rows(**fields, sample_runs=self.plan.sample_runs)

    def _rows(self, chunk: ImageChunk) -> Iterator[tuple[int, dict[str, Any] | str]]:
        """Each image's place in the chunk and what was measured on it, or why it was not."""
        reasons: dict[int, str] = {}
        height, width, channels = *self.network.size, self.network.channels

        def load(place: NDArray[np.int64]) -> ByteArray:
            try:
                return self._fitted(chunk.images[int(place)])
            except UnreadableImageError as error:
                reasons[int(place)] = error.reason
                return np.zeros((height, width, channels), np.uint8)

        def measured(place: tf.Tensor) -> tuple[tf.Tensor, ...]:
            pixels = tf.numpy_function(load, [place], tf.uint8, stateful=False)
            outputs: tuple[tf.Tensor, ...] = self._compiled(
                tf.ensure_shape(pixels, (height, width, channels)), place + chunk.start
            )
            return outputs

        places = tf.data.Dataset.range(chunk.size)
        outputs = places.map(measured, num_parallel_calls=self._images_at_a_time(), deterministic=True)
        options = tf.data.Options()
        options.threading.max_intra_op_parallelism = 1
        # There is nothing to tune, and the end of a pass may wait seconds for the thread that would.
        options.autotune.enabled = False
        with run_errors_explained(self.network):
            for place, row in enumerate(outputs.with_options(options).as_numpy_iterator()):
                if place in reasons:
                    yield place, reasons[place]
                else:
                    yield place, self._row(chunk.start + place, row)

    def _fitted(self, image: ImageFile) -> ByteArray:
        pixels = load_image(image, self.network.channels)
        return fit_image(pixels, self.network.size, self.plan.resize, self.plan.interpolation)[0]

    def _images_at_a_time(self) -> int:
        # A layer's input, its output and what is computed from it are alive at the same time.
        return max(1, min(self.processors, _MAP_MEMORY // (4 * self.plan.largest_map + 2 * _GROUP_BYTES)))

    @cached_property
    def _compiled(self) -> Callable[..., Any]:
        """From pixels and the image's place in the set to what is measured on it."""
        height, width, channels = *self.network.size, self.network.channels
        names = [layer.name for layer in self.plan.layout.layers]

        def run(pixels: tf.Tensor, index: tf.Tensor) -> tuple[tf.Tensor, ...]:
            inputs = self.network.feed(self.network.prepare(pixels[tf.newaxis]))
            outputs, answer = run_layers(self.network.model, inputs, names, whole=True)
            parts = [self._reduced(group, outputs, index) for group in self._groups()]
            fields, places, samples = zip(*parts, strict=True)
            return tf.concat(fields, 1), tf.concat(places, 0), tf.concat(samples, 0), *_best_classes(answer)

        signature = [tf.TensorSpec((height, width, channels), tf.uint8), tf.TensorSpec((), tf.int64)]
        compiled = tf.function(run, autograph=False, input_signature=signature)
        with run_errors_explained(self.network):
            return compiled.get_concrete_function()  # type: ignore[no-any-return]

    def _groups(self) -> list[list[LayerLayout]]:
        """The layers in runs that are reduced by one call each."""
        groups: list[list[LayerLayout]] = [[]]
        size = 0
        for layer in self.plan.layout.layers:
            if size > _GROUP_BYTES:
                groups.append([])
                size = 0
            groups[-1].append(layer)
            size += 4 * layer.positions * layer.channels
        return groups

    def _reduced(
        self, group: Sequence[LayerLayout], outputs: Mapping[str, Sequence[tf.Tensor]], index: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        """The rows `_FIELDS` of statistics, the places of maxima and the samples of the layers in `group`."""

        def reduce(index: NDArray[np.int64], *values: NDArray[np.float32]) -> tuple[NDArray[Any], ...]:
            # Of no values at first: a network may have no layer to measure.
            fields = [np.zeros((len(_FIELDS), 0))]
            places, samples = [np.zeros(0, np.int32)], [np.zeros(0, np.float32)]
            floors = self._floors_of(int(index))
            for run in _alike(group):
                maps = [as_map(values[i], group[i], self.plan.grids.get(group[i].name)) for i in run]
                start, stop = group[run[0]].start, group[run[-1]].stop
                for reduced in reduce_maps(maps, None if floors is None else floors[start:stop]):
                    fields.append(np.stack([getattr(reduced, name) for name in _FIELDS]).astype(np.float64))
                    places.append(reduced.places)
                for i, folded in zip(run, maps, strict=True):
                    taken = folded.reshape(-1, group[i].channels)[self._sampled_places(group[i], int(index))]
                    samples.append(taken.T.reshape(-1))
            return np.concatenate(fields, axis=1), np.concatenate(places), np.concatenate(samples)

        tensors = [outputs[layer.name][0] for layer in group]
        kinds = [tf.float64, tf.int32, tf.float32]
        fields, places, samples = tf.numpy_function(reduce, [index, *tensors], kinds, stateful=False)
        return fields, places, samples

    def _floors_of(self, index: int) -> FloatArray | None:
        """What a maximum must reach to be among the best of its chunk so far; None where nothing is known."""
        for chunk, measured in list(self._under_way):
            if chunk.start <= index < chunk.start + chunk.size:
                floors: FloatArray = measured.top.values[-1]
                return floors
        return None

    def _sampled_places(self, layer: LayerLayout, index: int) -> NDArray[np.intp]:
        """Places spread evenly over the map; with each image they move on by one."""
        return (_spread(layer.positions, self.plan.sample_count(layer)) + index) % layer.positions

    def _row(self, index: int, outputs: Sequence[NDArray[Any]]) -> dict[str, Any]:
        """The fields of `Rows` for one image."""
        fields, places, samples, classes, scores, score_sum = outputs
        return {
            "index": np.int64(index),
            **dict(zip(_FIELDS, fields, strict=True)),
            "places": places,
            "samples": samples,
            "classes": classes,
            "scores": scores,
            "score_sums": score_sum,
        }


@cache
def _spread(positions: int, count: int) -> NDArray[np.intp]:
    """`count` places spread evenly over as many `positions`."""
    return np.arange(count) * positions // count


def _alike(layers: Sequence[LayerLayout]) -> list[list[int]]:
    """The places of `layers` in runs that are reduced together: neighbours whose maps are small and of one size.

    A single channel stays alone: numpy adds it up in another order than it would beside others.
    """
    runs: list[list[int]] = []
    for place, layer in enumerate(layers):
        before = layers[place - 1] if place else layer
        alike = (before.height, before.width) == (layer.height, layer.width) and layer.positions <= SMALL
        if runs and alike and min(before.channels, layer.channels) > 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _best_classes(answer: Any) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The indices and scores of the best classes, `(TOP_CLASSES,)` each, and the sum of all scores.

    Of equal scores the lower index goes first; scores that are not finite are left out. Where there are
    fewer, or the answer has no classes, -1 and not-a-number stand.
    """
    leaves = [leaf for leaf in tf.nest.flatten(answer) if isinstance(leaf, tf.Tensor)]
    which = class_output([tuple(leaf.shape) for leaf in leaves])
    if which is None:
        none = tf.fill((TOP_CLASSES,), -1), tf.fill((TOP_CLASSES,), float("nan"))
        return *none, tf.constant(float("nan"), tf.float64)
    scores = tf.cast(leaves[which][0], tf.float32)
    lowest = tf.constant(float("-inf"))
    ordered = tf.where(tf.math.is_finite(scores), scores, lowest)
    best = tf.math.top_k(ordered, min(TOP_CLASSES, scores.shape[0]))
    missing = TOP_CLASSES - best.values.shape[0]
    values = tf.pad(best.values, [[0, missing]], constant_values=float("-inf"))
    indices = tf.pad(best.indices, [[0, missing]], constant_values=-1)
    there = values > lowest
    return (
        tf.where(there, indices, -1),
        tf.where(there, values, float("nan")),
        tf.cast(tf.reduce_sum(scores), tf.float64),
    )
