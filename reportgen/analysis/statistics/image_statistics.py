"""Statistics of every channel over all images, from one streaming pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.answers import AnswerPlan
from reportgen.analysis.answers.class_scores import TOP_CLASSES, ClassRows
from reportgen.analysis.network.layer_kinds import ACTIVATIONS
from reportgen.analysis.network.selection import select_layers
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.analysis.statistics.dyadic_histogram import display_histogram
from reportgen.analysis.statistics.exact_sum import means_and_stds
from reportgen.analysis.statistics.image_pass import Plan
from reportgen.analysis.statistics.kept_beside import Keeping, Onlooker
from reportgen.analysis.statistics.measure_task import MeasureTask, measure_images
from reportgen.analysis.statistics.measurements import NO_IMAGE, LayerLayout, Layout, Measurements
from reportgen.config import Config
from reportgen.errors import ReportgenError
from reportgen.facts import Prediction, Skipped
from reportgen.files.cache import Cache
from reportgen.images import Fitting, ImageFile, ImageSet
from reportgen.models import Network
from reportgen.progress import Progress
from reportgen.results import ActivationStatistics, ChannelStatistics, Histogram, NetworkSummary, TopActivation

# What may stand between a convolution and its activation.
_BETWEEN = frozenset({"normalization", "merge", "resting"})


def default_layers(config: Config, summary: NetworkSummary) -> tuple[str, ...]:
    """The layers to measure: those `--layers` names, else all convolutions, with the activations after them.

    It is behind the activation that a channel shows as dead.
    """
    if config.layers:
        chosen = set(select_layers(summary, config.layers))
    else:
        chosen = {layer.name for layer in summary.layers if layer.is_convolution and layer.actual_shape is not None}
    reached = set(chosen)
    for layer in summary.layers:  # in the order of the calls, so that producers come first
        if not reached.intersection(layer.inputs):
            continue
        if layer.kind in ACTIVATIONS:
            chosen.add(layer.name)
        elif layer.kind in _BETWEEN:
            reached.add(layer.name)
    return tuple(layer.name for layer in summary.layers if layer.name in chosen)


@dataclass(frozen=True, eq=False)
class ImageStatistics:
    """What a network's layers and its answer were on a set of images.

    Images are named by their place in `images`.
    """

    images: tuple[ImageFile, ...]
    layout: Layout
    measured: Measurements
    answer_plan: AnswerPlan = field(default_factory=AnswerPlan)

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the measured layers, in the order of the table."""
        return tuple(self._layouts)

    @property
    def image_count(self) -> int:
        """How many images were measured."""
        return self.measured.image_count

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """The images that could not be measured, and why."""
        return tuple(
            Skipped(file=self.images[place].file, reason=reason) for place, reason in self.measured.skipped.items()
        )

    @cached_property
    def _layouts(self) -> dict[str, LayerLayout]:
        return {layer.name: layer for layer in self.layout.layers}

    @cached_property
    def _sums(self) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
        """The exact sums of the values and of their squares of all channels, see `ExactSum.whole`."""
        return self.measured.sums.whole(), self.measured.squares.whole()

    @cached_property
    def _wholes(self) -> dict[str, ActivationStatistics]:
        return {layer.name: self._statistics(layer, range(layer.channels)) for layer in self.layout.layers}

    def layer(self, name: str) -> ActivationStatistics | None:
        """Statistics of all channels of layer `name` together; None if it was not measured."""
        return self._wholes.get(name)

    def channel(self, name: str, channel: int) -> ActivationStatistics:
        """Statistics of one channel of layer `name`; KeyError if it was not measured."""
        return self._statistics(self._layouts[name], range(channel, channel + 1))

    def _statistics(self, layout: LayerLayout, channels: range) -> ActivationStatistics:
        part = slice(layout.start + channels.start, layout.start + channels.stop)
        measured = self.measured
        low, high = float(measured.minima[part].min()), float(measured.maxima[part].max())
        values = layout.positions * self.image_count * len(channels)
        lost = int((measured.not_numbers[part] + measured.infinities[part]).sum())
        edges, counts = display_histogram(measured.histograms.levels[part], measured.histograms.counts[part], low, high)
        if values == lost:
            return ActivationStatistics(None, None, None, None, None, lost, Histogram(np.zeros(2), counts))
        (mean,), (std,) = means_and_stds(
            np.array([values - lost]), *(sums[part].sum(keepdims=True) for sums in self._sums)
        )
        return ActivationStatistics(
            min=low,
            max=high,
            mean=float(mean),
            std=float(std) if low < high else 0.0,
            zero_fraction=float(measured.zeros[part].sum()) / (values - lost),
            nonfinite_count=lost,
            histogram=Histogram(edges, counts),
        )

    def channels(self, name: str) -> ChannelStatistics | None:
        """Statistics of each channel of layer `name`; None if it was not measured."""
        return self._by_channel.get(name)

    @cached_property
    def _by_channel(self) -> dict[str, ChannelStatistics]:
        """Statistics of each channel, by layer; the columns are parts of those of all channels."""
        measured = self.measured
        lost = measured.not_numbers + measured.infinities
        counts = self.layout.positions * self.image_count - lost
        low, high = _or_nan(measured.minima), _or_nan(measured.maxima)
        mean, std = means_and_stds(counts, *self._sums)
        with np.errstate(invalid="ignore"):
            zero_fraction = measured.zeros / np.where(counts > 0, counts, np.nan)
        flat = np.where(low == high, 0.0, std)
        dead = (low == 0) & (high == 0) & (lost == 0)
        firing_rate = measured.fired / self.image_count
        return {
            layer.name: ChannelStatistics(
                layer=layer.name,
                min=low[part],
                max=high[part],
                mean=mean[part],
                std=flat[part],
                zero_fraction=zero_fraction[part],
                firing_rate=firing_rate[part],
                nan_count=measured.not_numbers[part],
                infinity_count=measured.infinities[part],
                dead_channels=tuple(np.flatnonzero(dead[part]).tolist()),
            )
            for layer in self.layout.layers
            for part in (slice(layer.start, layer.stop),)
        }

    def maxima(self, name: str) -> NDArray[np.float32]:
        """The highest value of each channel of layer `name` on any image, `(channels,)`."""
        layout = self._layouts[name]
        return self.measured.maxima[layout.start : layout.stop]

    def top_images(self, name: str, channel: int) -> tuple[TopActivation, ...]:
        """The images with the highest values of a channel, highest first, of equal ones the earlier first."""
        layout = self._layouts[name]
        top, column = self.measured.top, layout.start + channel
        found = zip(
            top.images[:, column].tolist(), top.values[:, column].tolist(), top.places[:, column].tolist(), strict=True
        )
        return tuple(
            TopActivation(image, value, divmod(place, layout.width) if layout.is_map else None)
            for image, value, place in found
            if image != NO_IMAGE
        )

    @cached_property
    def answer_rows(self) -> dict[int, int]:
        """The rows of what is kept of the answers, by the images' places."""
        return {int(place): row for row, place in enumerate(self.measured.answers.index)}

    def kept_answers(self, output: SettledOutput) -> NDArray[np.float32]:
        """What is kept of the answers of an output, `(measured images, width)`."""
        return self.measured.answers.rows[:, self.answer_plan.columns[output.name]]

    def nonfinite_answers(self, output: SettledOutput) -> NDArray[np.int64]:
        """How many values of each answer of an output are not finite, `(measured images,)`."""
        return self.measured.answers.rows[:, self.answer_plan.columns[output.name].start - 1].astype(np.int64)

    def kept_vectors(self, output: SettledOutput) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Whole answers of an output, `(images, size)`, and the places of the images they are of."""
        answers = self.measured.answers
        return answers.vector_index, answers.vectors[:, self.answer_plan.vectors[output.name]]

    @cached_property
    def _best(self) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """The best classes and their scores, `(measured images, classes)`, by output of classes or labels."""
        return {
            output.name: _best_of(self.kept_answers(output), output)
            for output in self.answer_plan.outputs
            if output.kind in ("classes", "multilabel")
        }

    def predictions(self, place: int, output: SettledOutput | None) -> tuple[Prediction, ...]:
        """The best classes or labels of the image at `place`, best first; none where there is no output of such."""
        row = self.answer_rows.get(place)
        if output is None or row is None:
            return ()
        classes, scores = (values[row].tolist() for values in self._best[output.name])
        return tuple(
            Prediction(index=index, label=output.label(index), score=score)
            for index, score in zip(classes, scores, strict=True)
            if index >= 0
        )


def _best_of(kept: NDArray[np.float32], output: SettledOutput) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The best classes and their scores; of labels, of which all scores are kept, the strongest."""
    if output.kind == "classes":
        rows = ClassRows.of(kept)
        return rows.classes, rows.scores
    scores = output.as_probabilities(kept)
    order = np.argsort(-np.where(np.isfinite(scores), scores, -np.inf), axis=1, kind="stable")[:, :TOP_CLASSES]
    best = np.take_along_axis(scores, order, 1)
    return np.where(np.isfinite(best), order, -1), best


def _or_nan(extremes: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.where(np.isfinite(extremes), extremes, np.float32(np.nan))


def collect(
    network: Network,
    summary: NetworkSummary,
    images: ImageSet,
    layers: Sequence[str],
    fitting: Fitting,
    config: Config,
    progress: Progress,
    cache: Cache | None = None,
    answers: AnswerPlan | None = None,
    keeping: Keeping | None = None,
    onlooker: Onlooker | None = None,
) -> ImageStatistics:
    """Measure `layers` of `network`, and what `answers` says of its answers, on all `images`, where `--engine` says.

    With a `cache`, a run that was killed goes on where it was, and one like an earlier one has its results. With
    `keeping`, what it asks for is kept beside; an `onlooker` hears of the images that this process measures.

    Raises:
        ReportgenError: the network cannot run, no image could be measured, or, if `--strict`, one could not.
    """
    plan = Plan.make(summary, layers, len(images), fitting, answers, keeping)
    measured = measure_images(MeasureTask(network, plan, config, onlooker), images.images, config, progress, cache)
    statistics = ImageStatistics(images.images, plan.layout, measured, plan.answers)
    skipped = statistics.skipped
    if skipped and (config.strict or not statistics.image_count):
        which = "an image cannot be used (--strict)" if config.strict else "none of the images can be used"
        raise ReportgenError(f"{which}; the first is {skipped[0].file}: {skipped[0].reason}")
    return statistics
