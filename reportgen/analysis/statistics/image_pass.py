"""One pass over images: decode, fit, run the network and reduce, all streaming, `one_by_one`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.answers import AnswerPlan
from reportgen.analysis.network.capture import read_layers
from reportgen.analysis.network.one_by_one import fed_at, image_spec, images_at_a_time, one_by_one
from reportgen.analysis.network.running import run_errors_explained
from reportgen.analysis.network.traced import traced_network
from reportgen.analysis.network.unfused import unfused
from reportgen.analysis.network.watching import tensors_in
from reportgen.analysis.network.whole_run import captured, read_whole, to_capture
from reportgen.analysis.statistics.kept_beside import Keeping, Nobody, Onlooker, SeenImage
from reportgen.analysis.statistics.measurements import LayerLayout, Layout, Measurements, Reduced, Row
from reportgen.analysis.statistics.reduction import as_positions, layout_layer, reduce_map, take_samples
from reportgen.engines import ImageChunk
from reportgen.images import Fitting, ImageFile, UnreadableImageError, decoding_room, load_image
from reportgen.models import Network, Others
from reportgen.results import FloatArray, NetworkSummary, PixelArray

# Values per channel that a histogram is made of, where there are as many: more would not be seen in a
# drawing and cost more than the rest of the statistics together.
HISTOGRAM_VALUES = 16_384

# Values per channel and image that a histogram gets at least, however many images there are.
LEAST_SAMPLES = 4

# Values that one image gives to the histograms of all channels together, unless the least is more: 16 MB.
SAMPLES = 4 << 20

# Results of images wait until there are so many, or so many bytes, to be taken in together: counting several
# images channel by channel takes less than half the time.
_MOST_ROWS, _ROW_BYTES = 16, 8 << 20

# Layers are reduced by calls from TensorFlow into numpy, which cost as much as reducing a small map: small
# layers share a call, as long as their maps together are not more than this.
_GROUP_BYTES = 8 << 20


@dataclass(frozen=True)
class Plan:
    """What is measured, and how images are made to fit; it travels to workers.

    `largest_map` is the size in bytes of the largest output of any layer for one image.
    """

    layout: Layout
    largest_map: int
    grids: Mapping[str, tuple[int, int, int]]
    fitting: Fitting
    answers: AnswerPlan = field(default_factory=AnswerPlan)
    keeping: Keeping | None = None

    @classmethod
    def make(
        cls,
        summary: NetworkSummary,
        layers: Sequence[str],
        image_count: int,
        fitting: Fitting,
        answers: AnswerPlan | None = None,
        keeping: Keeping | None = None,
    ) -> Plan:
        """A plan to measure `answers` and `layers`; those whose output has no channels are left out."""
        layouts: list[LayerLayout] = []
        for name in layers:
            layout = layout_layer(summary.layer(name), layouts[-1].stop if layouts else 0)
            if layout is not None:
                layouts.append(layout)
        grids = {layer.name: layer.token_grid for layer in summary.layers if layer.token_grid is not None}
        measured = {layout.name for layout in layouts}
        return cls(
            Layout(tuple(layouts), image_count),
            summary.largest_output_bytes,
            {name: grid for name, grid in grids.items() if name in measured},
            fitting,
            answers or AnswerPlan(),
            keeping,
        )

    def sample_count(self, layer: LayerLayout) -> int:
        """How many values of each channel one image gives to the histogram."""
        share = HISTOGRAM_VALUES // max(1, self.layout.image_count)
        room = SAMPLES // max(1, self.layout.channels)
        return min(layer.positions, max(LEAST_SAMPLES, min(share, room)))

    @cached_property
    def sample_ends(self) -> NDArray[np.int64]:
        """Where in the samples of an image those of each channel end, `(channels,)`."""
        counts = [self.sample_count(layer) for layer in self.layout.layers]
        return np.cumsum(np.repeat(counts, [layer.channels for layer in self.layout.layers]), dtype=np.int64)


class _Intake:
    """Takes rows into measurements, several at once; any thread may add."""

    def __init__(self, measured: Measurements) -> None:
        self.measured = measured
        self._waiting: list[Row] = []
        self._alone = threading.Lock()

    def skip(self, index: int, reason: str) -> None:
        """Leave out an image, whatever is measured on it."""
        self.measured.skipped[index] = reason

    def add(self, row: Row) -> None:
        """Take in a row, unless its image is left out."""
        with self._alone:
            if row.index not in self.measured.skipped:
                self._waiting.append(row)
            if len(self._waiting) == _MOST_ROWS or len(self._waiting) * row.nbytes >= _ROW_BYTES:
                self._empty()

    def finished(self) -> Measurements:
        """The measurements with all that was added, which are given away.

        TensorFlow keeps functions it was given, and what they refer to, for long after their last call.
        """
        with self._alone:
            self._empty()
        measured, self.measured = self.measured, Measurements(0)
        measured.skipped = dict(sorted(measured.skipped.items()))
        return measured

    def _empty(self) -> None:
        if self._waiting:
            self.measured.add(self._waiting)
            self._waiting = []


class ImagePass:
    """Measures images with a network; traced once, at the first image.

    `processors` is how many images run at a time, as far as memory allows; None: as many as keep all processors busy.
    `onlooker` hears of each image.
    """

    def __init__(
        self, network: Network, plan: Plan, processors: int | None = None, onlooker: Onlooker | None = None
    ) -> None:
        self.network = network
        self.plan = plan
        self.processors = processors
        self.onlooker: Onlooker = onlooker or Nobody()
        self._under_way: list[tuple[ImageChunk, Measurements]] = []

    def measure(self, chunk: ImageChunk, advance: Callable[[int], None]) -> Measurements:
        """Measure the images of `chunk`; those that cannot be decoded are skipped, with the reason.

        Args:
            advance: is told how many more images are done.

        Raises:
            ReportgenError: the network cannot run.
        """
        intake = _Intake(Measurements(self.plan.layout.channels, self.plan.keeping))
        self._under_way.append((chunk, intake.measured))
        try:
            with run_errors_explained(self.network):
                for _ in self._taken(chunk, intake):
                    advance(1)
        finally:
            self._under_way.remove((chunk, intake.measured))
        return intake.finished()

    def _taken(self, chunk: ImageChunk, intake: _Intake) -> tf.data.Dataset:
        """Runs over the images of `chunk`, gives `intake` what was measured on each, and yields their places.

        They come as they are done: images that would have to wait for their turn would keep others from starting.
        """
        size, dtype = (*self.network.size, self.network.channels), self.plan.fitting.scale.dtype
        # A function of its own takes a while to be made ready: it is for those that have more chunks to come.
        run = self._measured if chunk.size == self.plan.layout.image_count else self._compiled

        def file_of(index: int) -> str:
            return chunk.images[index - chunk.start].file

        def load(index: int) -> PixelArray:
            try:
                return self._fitted(chunk.images[index - chunk.start])
            except UnreadableImageError as error:
                intake.skip(index, error.reason)
                return np.zeros(size, dtype)

        def take_in(index: NDArray[np.int64], pixels: PixelArray, *outputs: NDArray[Any]) -> NDArray[np.int64]:
            own = len(outputs) - self._watched
            intake.add(self._row(int(index), pixels, outputs[:own]))
            if self._watched and int(index) not in intake.measured.skipped:
                run = captured(self.network, self.onlooker.layers or (), outputs[own:])
                self.onlooker.take_in(file_of(int(index)), run)
            return index

        def measure(index: tf.Tensor) -> tf.Tensor:
            pixels, others = fed_at(self.network, index, load, file_of, dtype)
            return tf.numpy_function(take_in, [index, pixels, *run(pixels, others, index)], tf.int64)

        # A layer's input, its output and what is computed from it are alive at the same time.
        at_a_time = images_at_a_time(4 * self.plan.largest_map + 2 * _GROUP_BYTES, self.processors)
        return one_by_one(range(chunk.start, chunk.start + chunk.size), measure, at_a_time, in_order=False)

    def _fitted(self, image: ImageFile) -> PixelArray:
        decoded = self.onlooker.decoded(image.file)
        if decoded is not None:
            return self.plan.fitting.apply(decoded)[0]
        with decoding_room(image):
            return self.plan.fitting.apply(load_image(image, self.network.channels))[0]

    @property
    def _watched(self) -> int:
        """How many tensors the onlooker is told of each image."""
        if self.onlooker.layers is None:
            return 0
        return len(self.onlooker.layers) + len(tensors_in(traced_network(self.network).answer)) + 1

    def _measured(self, pixels: tf.Tensor, others: Others, index: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """From pixels, values beside them and the image's place in the set to what is measured on it, while traced."""
        names = [layer.name for layer in self.plan.layout.layers]
        keeping, watched = self.plan.keeping, self.onlooker.layers
        seen = keeping.layers if keeping is not None else ()
        outputs, answer, told = self._read(pixels, others, [*names, *seen], watched)
        parts = [self._reduced(group, outputs, index) for group in self._groups()]
        extremes, totals, counts, samples = zip(*parts, strict=True)
        joined = [tf.concat(part, 1) for part in (extremes, totals, counts)]
        answered = self.plan.answers.measure(answer, self.network.to_pictures(tf.cast(pixels, tf.float32)), index)
        kept = () if keeping is None else keeping.tensors(outputs, answer)
        return *joined, tf.concat(samples, 0), *answered, unfused(), *kept, *told

    @cached_property
    def _compiled(self) -> Callable[..., Any]:
        """`_measured`, traced once for all chunks."""
        image = image_spec(self.network, self.plan.fitting.scale.dtype)
        signature = [image, self.network.other_specs(batch=1), tf.TensorSpec((), tf.int64)]
        compiled = tf.function(self._measured, autograph=False, input_signature=signature)
        with run_errors_explained(self.network):
            return compiled.get_concrete_function()  # type: ignore[no-any-return]

    def _read(
        self, pixels: tf.Tensor, others: Others, names: Sequence[str], watched: tuple[str, ...] | None
    ) -> tuple[dict[str, list[tf.Tensor]], Any, Sequence[tf.Tensor]]:
        """The outputs of layers, the answer, and what the onlooker is told, while a run is traced."""
        if watched is None:
            inputs = self.network.feed(self.network.prepare(pixels[tf.newaxis]), others)
            return *read_layers(self.network, inputs, names, whole=True), ()
        outputs, answer, sums = read_whole(self.network, pixels[tf.newaxis], others, [*names, *watched])
        return outputs, answer, to_capture(watched, outputs, answer, sums)

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
        """The fields of `Reduced`, and the samples, of the layers in `group`."""
        first = group[0].start if group else 0
        channels = group[-1].stop - first if group else 0

        def reduce(index: NDArray[np.int64], *values: NDArray[np.float32]) -> tuple[NDArray[Any], ...]:
            reduced, floors = Reduced.empty(channels), self._floors_of(int(index))
            samples = [np.zeros(0, np.float32)]  # a network may have no layer to measure
            for layer, output in zip(group, values, strict=True):
                own = slice(layer.start - first, layer.stop - first)
                folded = as_positions(output, layer, self.plan.grids.get(layer.name))
                reduce_map(folded, floors[layer.start : layer.stop], reduced.part(own))
                taken = np.empty((layer.channels, self.plan.sample_count(layer)), np.float32)
                take_samples(folded, int(index), taken)
                samples.append(taken.reshape(-1))
            return reduced.extremes, reduced.totals, reduced.counts, np.concatenate(samples)

        tensors = [outputs[layer.name][0] for layer in group]
        kinds = [tf.float32, tf.float64, tf.int32, tf.float32]
        return tuple(tf.numpy_function(reduce, [index, *tensors], kinds, stateful=False))

    def _floors_of(self, index: int) -> FloatArray:
        """What a maximum must reach to be among the best of its chunk so far, `(channels,)`."""
        for chunk, measured in list(self._under_way):
            if chunk.start <= index < chunk.start + chunk.size:
                floors: FloatArray = measured.top.values[-1]
                return floors
        return np.full(self.plan.layout.channels, -np.inf, np.float32)

    def _row(self, index: int, pixels: PixelArray, outputs: Sequence[NDArray[Any]]) -> Row:
        extremes, totals, counts, samples, answers, vectors, _, *kept = outputs
        vector = vectors if self.plan.answers.is_sampled(index) else vectors[:0]
        seen = SeenImage(index, pixels, *kept) if kept else None
        return Row(index, Reduced(extremes, totals, counts), samples, self.plan.sample_ends, answers, vector, seen)
