"""Gather what the rules look at from a network and what was measured on its images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.answers import SettledAnswers, truth_indices
from reportgen.analysis.answers.class_scores import ClassRows
from reportgen.analysis.answers.measuring import NO_TRUTH
from reportgen.analysis.findings.evidence import (
    AnswerFacts,
    ChannelFacts,
    Evidence,
    FilterFacts,
    ImageColumns,
    NetworkFacts,
    NormalizationFacts,
    ValueColumns,
    VariableFacts,
)
from reportgen.analysis.findings.initial import (
    changes_nothing,
    is_fresh,
    looks_initial,
    looks_untrained,
    never_updated,
    settled,
    stands_alone,
)
from reportgen.analysis.findings.shown_images import SeenClosely, check_captured, try_modes, used_images
from reportgen.analysis.network.capture_check import OwnAnswer
from reportgen.analysis.network.feeding import rounded_away, scaled_twice
from reportgen.analysis.network.measured_words import describe_map
from reportgen.analysis.network.settled_output import SettledOutput, head_of
from reportgen.analysis.statistics.image_statistics import ImageStatistics
from reportgen.analysis.weights.filters import kernel_array
from reportgen.config import Config
from reportgen.facts import Skipped
from reportgen.images import Fitting, ImageFile
from reportgen.models import Network
from reportgen.models.keras_private import layers_below
from reportgen.results import (
    ActivationStatistics,
    FilterBank,
    FloatArray,
    LayerSummary,
    NetworkSummary,
    WeightStatistics,
)

# Two filters are next to equal when they differ by less than this share of their size: a thousandth is far
# below what training with noise leaves, and above the rounding of 16-bit weights.
DUPLICATE_DISTANCE = 1e-3

# Filters of fewer weights come out alike by chance, or by design.
DUPLICATE_WEIGHTS = 9

# Lines on which the shadows of filters are compared before the filters are: few pairs that differ are close on all.
_LINES = 4

# A filter is constant when its weights differ by less than this share of the largest.
CONSTANT_SPREAD = 1e-6

# Below this share of images a channel is nearly dead; said only where there are enough images for one of
# them to be less than that share.
RARE_RATE = 0.01

# Where sigmoid and tanh are taken to be flat: within one hundredth of their range from an end.
_FLAT = {"sigmoid": (0.01, 0.99), "tanh": (-0.98, 0.98)}


def gather_evidence(
    config: Config,
    network: Network,
    summary: NetworkSummary,
    answers: SettledAnswers,
    own: OwnAnswer,
    weights: Sequence[tuple[FilterBank, WeightStatistics]],
    statistics: ImageStatistics,
    fitting: Fitting,
    seen: Mapping[str, SeenClosely],
    skipped: Sequence[Skipped] = (),
) -> Evidence:
    """Gather the evidence; runs the network on a few images for the preprocessing and the capture.

    Args:
        answers: the outputs and their right answers.
        own: what Keras itself gave for a few images.
        seen: what was seen of the images that `images_to_look_at` names, by their names.
        skipped: images that could not be used.

    Raises:
        ReportgenError: the network cannot run.
    """
    head = head_of(answers.outputs)
    used = used_images(statistics)
    capture = check_captured(network, own, statistics, seen)
    variables = tuple(_variables(network, summary))
    return Evidence(
        network=_network_facts(config, network, head),
        summary=summary,
        variables=variables,
        filters=tuple(_filter_facts(network, bank, statistic) for bank, statistic in weights),
        channels=tuple(_channels(summary, statistics)),
        normalizations=tuple(_normalizations(network, summary)),
        images=_images(fitting, head, statistics, answers),
        values=_values(config, fitting, used),
        skipped={item.file: item.reason for item in skipped if item.is_image},
        # What was never trained has no preprocessing that is right for it.
        preprocessing=None if looks_untrained(variables) else try_modes(network, summary, head, used, answers, seen),
        capture_difference=None if capture is None else capture.difference,
        nonfinite_inside={} if capture is None else capture.nonfinite,
        answers=tuple(_answer_facts(answers, statistics)),
        label_notes=network.label_notes,
        named_by_folders=answers.named_by_folders,
        left_out=answers.left_out,
    )


def _network_facts(config: Config, network: Network, head: SettledOutput | None) -> NetworkFacts:
    chosen, layers = network.preprocessing, layers_below(network.model)
    return NetworkFacts(
        name=network.name,
        size=network.size,
        preprocessing_mode=chosen.mode,
        preprocessing_origin=chosen.origin,
        resize=config.resize,
        labels=network.labels,
        head=head,
        notes=network.notes,
        half_precision=any(layer.compute_dtype in ("float16", "bfloat16") for layer in layers),
        first_layer=chosen.inside.layer if chosen.inside else None,
        inside="not measured" if chosen.inside is None else describe_map(chosen.inside),
        total="not measured" if chosen.total is None else describe_map(chosen.total),
        scaled_twice=scaled_twice(network),
        rounded_away=rounded_away(network),
        image_input=network.image_input,
        held=tuple((slot.name, slot.shape[1:]) for slot in network.other_slots if slot.name not in config.inputs),
    )


# --- weights --------------------------------------------------------------------------------------


def _own_layers(network: Network, summary: NetworkSummary) -> Iterator[tuple[LayerSummary, keras.Layer]]:
    """Each layer with weights once, under the name of its first call."""
    seen: set[int] = set()
    for row in summary.layers:
        layer = network.layer(row.name)
        if layer is not None and id(layer) not in seen and layer.weights:
            seen.add(id(layer))
            yield row, layer


def _variables(network: Network, summary: NetworkSummary) -> list[VariableFacts]:
    told: set[int] = set()
    own = list(_own_layers(network, summary))
    normalized = {
        row.inputs[0]: layer
        for row, layer in own
        if isinstance(layer, keras.layers.BatchNormalization) and len(row.inputs) == 1
    }
    found: list[VariableFacts] = []
    alone = set()
    for row, layer in own:
        is_alone = stands_alone(layer, normalized.get(row.name))
        for variable in layer.weights:
            if id(variable) in told:
                continue
            told.add(id(variable))
            values = kernel_array(variable)
            if is_alone:
                alone.add(len(found))
            nonfinite = int(values.size - np.isfinite(values).sum()) if values.dtype.kind == "f" else 0
            initial = looks_initial(layer, variable.name, values)
            found.append(VariableFacts(row.name, variable.name, values.size, nonfinite, initial))
    trained = any(not is_fresh(layer) for _, layer in own)
    return settled(found, alone, trained=trained)


def _filter_facts(network: Network, bank: FilterBank, statistics: WeightStatistics) -> FilterFacts:
    layer = network.layer(bank.layer)
    rows = bank.kernel.reshape(-1, bank.kernel.shape[-1]).T  # (filters, weights)
    # Filters of a depthwise kernel, and of different groups, see different inputs.
    groups = len(rows) if bank.kernel.shape[2] == 1 and len(rows) > 1 else getattr(layer, "groups", 1)
    zero = set(statistics.zero_filters)
    return FilterFacts(
        layer=bank.layer,
        filters=len(rows),
        zero_fraction=statistics.zero_fraction,
        zero=statistics.zero_filters,
        constant=tuple(index for index in _constant(rows) if index not in zero),
        duplicates=_duplicates(rows, bank.bias, groups, zero),
    )


def _constant(rows: FloatArray) -> list[int]:
    """The filters with one and the same weight everywhere, of those that have several."""
    if rows.shape[1] < 2:
        return []
    spread = rows.max(axis=1) - rows.min(axis=1)
    return np.flatnonzero(spread <= CONSTANT_SPREAD * np.abs(rows).max(axis=1)).tolist()


def _duplicates(rows: FloatArray, bias: FloatArray | None, groups: int, zero: set[int]) -> tuple[tuple[int, ...], ...]:
    """Groups of next to equal filters, with next to equal biases, among those that see the same input."""
    if rows.shape[1] < DUPLICATE_WEIGHTS or groups >= len(rows) or not np.isfinite(rows).all():
        return ()
    weights = (rows if bias is None else np.concatenate([rows, bias[:, None]], axis=1)).astype(np.float64)
    per_group = len(rows) // groups
    sizes = np.sqrt(np.einsum("ij,ij->i", weights, weights))
    order = np.array(sorted(set(range(len(rows))) - zero, key=lambda index: (sizes[index], index)), int)
    leader = list(range(len(rows)))
    for first, second in order[_near(_shadows(weights)[order], sizes[order])].tolist():
        same_input = first // per_group == second // per_group
        if same_input and np.linalg.norm(weights[first] - weights[second]) < DUPLICATE_DISTANCE * sizes[second]:
            leader[max(first, second)] = min(leader[first], leader[second])
    found: dict[int, list[int]] = {}
    for index in range(len(rows)):
        found.setdefault(leader[index], []).append(index)
    return tuple(tuple(group) for group in found.values() if len(group) > 1)


def _shadows(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where `weights`, `(filters, weights)`, lie along a few lines, `(filters, lines)`."""
    lines = np.random.default_rng(0).standard_normal((weights.shape[1], _LINES))
    shadows: NDArray[np.float64] = weights @ (lines / np.linalg.norm(lines, axis=0))
    return shadows


def _near(shadows: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.int64]:
    """The pairs of places, `(pairs, 2)` in order, that may be duplicates: all that are, and few others.

    What is close has a close size, and a close shadow on any line.

    Args:
        shadows: of filters, `(filters, lines)`, in the order of their `sizes`.
    """
    pairs = [np.zeros((0, 2), np.int64)]
    for apart in range(1, len(sizes)):
        most = DUPLICATE_DISTANCE * sizes[apart:]
        near = sizes[apart:] - sizes[:-apart] <= most
        if not near.any():
            break
        near &= (np.abs(shadows[apart:] - shadows[:-apart]) <= most[:, None]).all(axis=1)
        first = np.flatnonzero(near)
        pairs.append(np.stack([first, first + apart], axis=1))
    found = np.concatenate(pairs)
    return found[np.lexsort((found[:, 1], found[:, 0]))]


def _normalizations(network: Network, summary: NetworkSummary) -> Iterator[NormalizationFacts]:
    for row, layer in _own_layers(network, summary):
        if not isinstance(layer, keras.layers.BatchNormalization):
            continue
        yield NormalizationFacts(row.name, never_updated(layer), changes_nothing(layer))


# --- activations ----------------------------------------------------------------------------------


def _channels(summary: NetworkSummary, statistics: ImageStatistics) -> Iterator[ChannelFacts]:
    read = {source for row in summary.layers for source in row.inputs}
    for name in statistics.layers:
        columns, whole, row = statistics.channels(name), statistics.layer(name), summary.layer(name)
        if columns is None or whole is None:
            continue
        finite = (columns.nan_count + columns.infinity_count) == 0
        stuck = finite & (columns.min == columns.max) & (columns.max != 0)
        enough = statistics.image_count * RARE_RATE >= 1
        rare = finite & (columns.firing_rate > 0) & (columns.firing_rate <= RARE_RATE)
        activation = row.details.get("activation")
        yield ChannelFacts(
            layer=name,
            channels=len(columns.max),
            nonfinite_count=whole.nonfinite_count,
            dead=columns.dead_channels,
            stuck=tuple(np.flatnonzero(stuck).tolist()),
            rare=tuple(np.flatnonzero(rare).tolist()) if enough else (),
            activation=activation,
            # The network's own answer is meant to be decided.
            saturated=_saturated(whole, activation) if name in read else None,
            source=row.inputs[0] if len(row.inputs) == 1 else None,
            by_channel=row.type == "DepthwiseConv2D" or row.kind not in ("convolution", "dense"),
        )


def _saturated(statistics: ActivationStatistics, activation: str | None) -> float | None:
    if activation not in _FLAT or not statistics.histogram.counts.sum():
        return None
    low, high = _FLAT[activation]
    edges, counts = statistics.histogram.edges, statistics.histogram.counts
    middle = (edges[:-1] + edges[1:]) / 2
    return float(counts[(middle < low) | (middle > high)].sum() / counts.sum())


# --- images ---------------------------------------------------------------------------------------


def _answer_facts(answers: SettledAnswers, statistics: ImageStatistics) -> Iterator[AnswerFacts]:
    """What was measured of each output, and which gives the same as one before it."""
    before: list[AnswerFacts] = []
    for output in answers.outputs:
        kept, lost = statistics.kept_answers(output), statistics.nonfinite_answers(output)
        compared = statistics.kept_vectors(output)[1] if not kept.shape[1] else kept
        same = next(
            (
                one.output.name
                for one in before
                if one.output.kind == output.kind
                and one.output.size == output.size
                and np.array_equal(
                    compared,
                    one.kept if one.kept.shape[1] else statistics.kept_vectors(one.output)[1],
                    equal_nan=True,
                )
            ),
            None,
        )
        before.append(AnswerFacts(output, kept, lost, same, answers.truths.get(output.name)))
    yield from before


def _images(
    fitting: Fitting, head: SettledOutput | None, statistics: ImageStatistics, answers: SettledAnswers
) -> ImageColumns:
    row_of = statistics.answer_rows
    used = [place for place in range(len(statistics.images)) if place not in statistics.measured.skipped]
    images = [statistics.images[place] for place in used]
    placements = [fitting.place(image.height, image.width) for image in images]
    predicted, sums = np.full(len(used), NO_TRUTH, np.int64), np.full(len(used), np.nan)
    truth = np.full(len(used), NO_TRUTH, np.int64)
    if head is not None and head.kind == "classes":
        rows = ClassRows.of(statistics.kept_answers(head)[[row_of[place] for place in used]])
        predicted, sums = rows.classes[:, 0], rows.totals.astype(np.float64)
        matched = answers.truths.get(head.name)
        if matched is not None:
            truth = truth_indices(matched.classes, [image.file for image in images]).astype(np.int64)
    return ImageColumns(
        files=tuple(image.file for image in images),
        heights=np.array([image.height for image in images], np.int64),
        widths=np.array([image.width for image in images], np.int64),
        scale_y=np.array([placement.scale_y for placement in placements], np.float64),
        scale_x=np.array([placement.scale_x for placement in placements], np.float64),
        predicted=predicted,
        truth=truth,
        answer_sums=sums,
    )


def _values(config: Config, fitting: Fitting, images: Sequence[ImageFile]) -> ValueColumns:
    extremes = [image.extremes or (np.nan, np.nan) for image in images]
    ranges = [fitting.scale.range_of(image.depth) or (-np.inf, np.inf) for image in images]
    return ValueColumns(
        files=tuple(image.file for image in images),
        depths=tuple(image.depth for image in images),
        lows=np.array([low for low, _ in extremes], np.float64),
        highs=np.array([high for _, high in extremes], np.float64),
        finite=np.array([image.finite for image in images], np.bool_),
        blacks=np.array([black for black, _ in ranges], np.float64),
        whites=np.array([white for _, white in ranges], np.float64),
        range_given=config.value_range is not None,
        kept=fitting.scale.kept,
    )
