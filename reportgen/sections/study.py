"""One network on one set of images: all that sections draw from, computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from reportgen.analysis.answers import AnswerPlan, SettledAnswers, settle_outputs, truth_indices
from reportgen.analysis.evaluation.classes import evaluate
from reportgen.analysis.maximization.scheduling import plan_channels
from reportgen.analysis.maximization.traced_pass import TracedPasses
from reportgen.analysis.network.capture_check import OwnAnswer
from reportgen.analysis.network.feature_maps import gives_maps
from reportgen.analysis.network.features import default_feature_layer
from reportgen.analysis.network.fed_values import settle_fitting
from reportgen.analysis.network.given_values import with_values_of_images
from reportgen.analysis.network.layers import summarize_network
from reportgen.analysis.network.running import run_traced, run_unwatched
from reportgen.analysis.network.selection import last_of_blocks, select_layers
from reportgen.analysis.network.settled_output import SettledOutput, head_of
from reportgen.analysis.review import ClassReview, class_names, review_classes
from reportgen.analysis.reviewing import Review, Reviewing
from reportgen.analysis.statistics.image_statistics import ImageStatistics, collect, default_layers
from reportgen.analysis.weights.filters import filter_banks, weight_statistics
from reportgen.config import Config
from reportgen.facts import Evaluation, Placement
from reportgen.files.cache import Cache
from reportgen.images import Fitting, ImageFile, ImageSet, UnreadableImageError, load_image
from reportgen.models import Network, Others
from reportgen.progress import Progress
from reportgen.record import Pages
from reportgen.record.addresses import assign_pages
from reportgen.results import FilterBank, LayerSummary, NetworkSummary, PixelArray, WeightStatistics
from reportgen.sampling import sample_evenly
from reportgen.sections.for_pages import KeptRuns, Originals
from reportgen.sections.picture_store import PictureStore

# One page in so many may go to a mistake, the others to a fair sample.
MISTAKEN_SHARE = 4
# Enough to tell probabilities from scores by their sums, and pictures from masks.
HEAD_IMAGES = 4


@dataclass(frozen=True, eq=False)
class Weighed:
    """A kernel and its statistics."""

    bank: FilterBank
    statistics: WeightStatistics


@dataclass(frozen=True, eq=False)
class Study:
    """A network, its images and what was measured on them.

    `fitting` is how images are made to fit; `shown` are the images that get a page; `map_layers` the layers whose
    feature maps are drawn, `chosen` for each of them the channels that are shown in detail; `truth` has, for each
    output whose right classes were given, those of the images by name; `own` is what Keras itself gave for the first
    images, which what is captured is compared with. `names` are those of the classes; `review` is
    what the pass kept to judge answers and to compare images, which it names by their place in `statistics.images`,
    and `judged` the answers against the right classes; `runs` are those of the pass that pages are made of.
    """

    config: Config
    network: Network
    fitting: Fitting
    images: ImageSet
    summary: NetworkSummary
    answers: SettledAnswers
    own: OwnAnswer
    weighed: tuple[Weighed, ...]
    statistics: ImageStatistics
    shown: tuple[ImageFile, ...]
    map_layers: tuple[str, ...]
    chosen: Mapping[str, tuple[int, ...]]
    pages: Pages
    truth: Mapping[str, Mapping[str, tuple[str, ...]]]
    evaluation: Evaluation | None
    names: tuple[str, ...]
    review: Review
    judged: ClassReview | None
    runs: KeptRuns

    @property
    def head(self) -> SettledOutput | None:
        """The first output of classes or labels."""
        return head_of(self.answers.outputs)

    @cached_property
    def passes(self) -> TracedPasses:
        """The network traced once for all pictures that are made of it."""
        return TracedPasses(self.network.for_pictures())


@dataclass(frozen=True, eq=False)
class Workshop:
    """What sections work with: where pictures go, what is kept between runs, who hears of progress."""

    pictures: PictureStore
    cache: Cache
    progress: Progress
    originals: Originals = field(default_factory=Originals)


@dataclass(frozen=True, eq=False)
class FittedImage:
    """An image in its own values, and as fitted into the network's input."""

    image: ImageFile
    original: PixelArray
    pixels: PixelArray
    placement: Placement


def fitted_images(
    fitting: Fitting,
    network: Network,
    images: Iterable[ImageFile],
    progress: Progress | None = None,
    originals: Originals | None = None,
) -> Iterator[FittedImage]:
    """Load `images` one by one; those that cannot be decoded after all are left out.

    `progress` hears of each image when the next one is asked for; what is among `originals` is not read again.
    """
    for image in images:
        kept = originals.take(image.file) if originals is not None else None
        try:
            original = load_image(image, network.channels) if kept is None else kept
        except UnreadableImageError:
            continue
        pixels, placement = fitting.apply(original)
        yield FittedImage(image, original, pixels, placement)
        if progress is not None:
            progress.advance(1, image.file)


def find_answers(
    config: Config,
    fitting: Fitting,
    network: Network,
    images: ImageSet,
    originals: Originals | None = None,
    run: Callable[[Network, PixelArray, Others], Any] = run_traced,
) -> tuple[SettledAnswers, OwnAnswer]:
    """What kinds of answers the network gives, by its last layers and its answers to the first images; and those.

    Args:
        originals: keeps the images that are read.
        run: what runs the network on them.

    Raises:
        UsageError: an option names an output that the network does not have, or a kind that does not fit.
        ReportgenError: right answers cannot be read.
    """
    first = list(islice(fitted_images(fitting, network, images, originals=originals), HEAD_IMAGES))
    if originals is not None:
        for item in first:
            originals.keep(item.image.file, item.original)
    pixels = np.stack([item.pixels for item in first])
    files = [image.file for image in images]
    shown = tuple(item.image.file for item in first)
    answer = run(network, pixels, network.others_of(shown))
    return settle_outputs(network, answer, pixels, files, config), OwnAnswer(shown, answer)


def with_names(network: Network, head: SettledOutput | None) -> Network:
    """The network with the names of its classes as they were settled."""
    if head is None:
        return network
    return replace(network, labels=head.labels, labels_origin=head.labels_origin)


def choose_shown(images: tuple[ImageFile, ...], count: int, evaluation: Evaluation | None) -> tuple[ImageFile, ...]:
    """The images that get a page, in their order: at most `count` of them.

    Up to a quarter are the most confident mistakes, where the right classes are known; the others are spread
    evenly over the order of the images.
    """
    if evaluation is None or len(images) <= count:
        return sample_evenly(images, count)
    mistaken = {mistake.image for mistake in evaluation.mistakes[: count // MISTAKEN_SHARE]}
    others = tuple(image for image in images if image.file not in mistaken)
    chosen = mistaken | {image.file for image in sample_evenly(others, count - len(mistaken))}
    return tuple(image for image in images if image.file in chosen)


def prepare_study(config: Config, network: Network, images: ImageSet, workshop: Workshop) -> Study:
    """Measure everything that sections draw from.

    Raises:
        UsageError: a layer, channel or band asked for does not exist.
        ReportgenError: the network cannot run on the images.
    """
    network, fitting = settle_fitting(config, with_values_of_images(network, config, images), images)
    summary = summarize_network(network)
    # Of a generator every convolution shows how its picture comes about; it has no blocks as others do.
    map_layers = drawable(summary, chosen_layers(config, summary, "convs" if network.latent else "blocks"))
    answers, own = find_answers(config, fitting, network, images, workshop.originals, run_unwatched)
    head = head_of(answers.outputs)
    network = with_names(network, head)
    weighed = tuple(Weighed(bank, weight_statistics(bank)) for bank in filter_banks(network, summary))
    measured = {*default_layers(config, summary), *map_layers}
    in_order = tuple(layer.name for layer in summary.layers if layer.name in measured)
    plan, cache = _answer_plan(answers, images), workshop.cache
    keeping = Reviewing(
        output=head if head is not None and head.kind == "classes" else None,
        truth=None if head is None else plan.truths.get(head.name),
        layer=default_feature_layer(summary, answers.outputs) if compares_images(config, network) else None,
        seed=config.seed,
        levels=fitting.scale.levels,
    )
    all_shown = len(images) <= config.image_pages
    runs = KeptRuns(workshop.originals, layers_for_pages(summary, map_layers, answers) if all_shown else None)
    statistics = collect(
        network, summary, images, in_order, fitting, config, workshop.progress, cache, plan, keeping, runs
    )
    review = statistics.measured.beside
    assert isinstance(review, Review)
    read = _readable(images, statistics)
    evaluation = _evaluate(answers, statistics, head)
    shown = choose_shown(read, config.image_pages, evaluation)
    maxima = {layer: statistics.maxima(layer) for layer in map_layers if layer in statistics.layers}
    chosen = plan_channels(config.channels, maxima)
    names = class_names(head)
    return Study(
        config=config,
        network=network,
        fitting=fitting,
        images=ImageSet(read, images.skipped + statistics.skipped),
        summary=summary,
        answers=answers,
        own=own,
        weighed=weighed,
        statistics=statistics,
        shown=shown,
        map_layers=map_layers,
        chosen=chosen,
        pages=_assign_pages(config, _paged_layers(summary, in_order), chosen, read, shown),
        truth=_class_names(answers),
        evaluation=evaluation,
        names=names,
        review=review,
        judged=review_classes(review, images.images, names, _properties(answers, head, images)),
        runs=runs,
    )


def _assign_pages(
    config: Config,
    layers: Sequence[str],
    chosen: Mapping[str, Sequence[int]],
    read: Sequence[ImageFile],
    shown: Sequence[ImageFile],
) -> Pages:
    detailed = [(layer, channel) for layer, channels in chosen.items() for channel in channels]
    files, with_page = [image.file for image in read], [image.file for image in shown]
    return assign_pages(layers, detailed if config.draws("units") else [], files, with_page)


def layers_for_pages(summary: NetworkSummary, map_layers: Sequence[str], answers: SettledAnswers) -> tuple[str, ...]:
    """Layers that tell images apart: those whose maps are drawn, the one before the head, and those of vectors."""
    wanted = {*map_layers, default_feature_layer(summary, answers.outputs)}
    rows = [row for row in summary.layers if row.kind != "input"]
    return tuple(row.name for row in rows if row.name in wanted or _gives_a_vector(row))


def _gives_a_vector(row: LayerSummary) -> bool:
    return row.kind == "dense" and row.actual_shape is not None and bool(row.parameter_count)


def _properties(
    answers: SettledAnswers, head: SettledOutput | None, images: ImageSet
) -> dict[str, tuple[str | None, ...]]:
    """The columns of the truth file beyond the right answers: the entry of each image, None where there is none."""
    truth = answers.truths.get(head.name) if head is not None else None
    if truth is None or truth.given.form != "table":
        return {}
    cells = truth.given.cells
    rows = [cells.get(image.file, ()) for image in images]
    return {
        name: tuple(row[place] or None if place < len(row) else None for row in rows)
        for place, name in enumerate(truth.given.columns)
        if place not in truth.places and name
    }


def compares_images(config: Config, network: Network) -> bool:
    """Whether images are compared with each other: for pages about them, or for what was asked of them."""
    asked = config.draws("images-quality") or config.reference is not None or bool(config.gates)
    return asked and not network.latent


def _answer_plan(answers: SettledAnswers, images: ImageSet) -> AnswerPlan:
    """What is kept of the answers to `images`, with the right classes where they are known."""
    files = [image.file for image in images]
    truths = {
        output.name: truth_indices(answers.truths[output.name].classes, files)
        for output in answers.outputs
        if output.kind == "classes" and output.name in answers.truths
    }
    return AnswerPlan(answers.outputs, len(files), truths)


def _class_names(answers: SettledAnswers) -> dict[str, dict[str, tuple[str, ...]]]:
    """The classes given for each image, by output, as the output calls them, whether or not it knows them."""
    return {
        output.name: {
            file: tuple(_class_name(output, index) for index in truth.classes[file])
            if file in truth.classes
            else (text,)
            for file, text in (truth.labels if truth.classes else truth.given.labels).items()
        }
        for output in answers.outputs
        if (truth := answers.truths.get(output.name)) is not None
        and (truth.classes or truth.given.names_classes() is not None)
    }


def _class_name(output: SettledOutput, index: int) -> str:
    return output.label(index) or f"class {index}"


def _evaluate(answers: SettledAnswers, statistics: ImageStatistics, head: SettledOutput | None) -> Evaluation | None:
    """The answers of the first output of classes against the right ones; None where these are not known."""
    if head is None or head.kind != "classes" or head.name not in answers.truths:
        return None
    predicted = {image.file: statistics.predictions(place, head) for place, image in enumerate(statistics.images)}
    probabilities = head.is_single or head.scores != "logits"
    return evaluate(answers.truths[head.name], predicted, head.classes, probabilities=probabilities)


def _readable(images: ImageSet, statistics: ImageStatistics) -> tuple[ImageFile, ...]:
    """The images that could be measured."""
    lost = {item.file for item in statistics.skipped}
    return tuple(image for image in images if image.file not in lost)


def _paged_layers(summary: NetworkSummary, measured: tuple[str, ...]) -> list[str]:
    """The layers there is something to say about beyond their row in the table."""
    return [layer.name for layer in summary.layers if layer.parameter_count or layer.name in measured]


def chosen_layers(config: Config, summary: NetworkSummary, default: str) -> tuple[str, ...]:
    """The layers `--layers` names, else those of the `default` pattern; none where the network has none."""
    if config.layers:
        return select_layers(summary, config.layers)
    there = last_of_blocks(summary) if default == "blocks" else [x for x in summary.layers if x.is_convolution]
    return select_layers(summary, (default,)) if there else ()


def drawable(summary: NetworkSummary, layers: Iterable[str]) -> tuple[str, ...]:
    """Those of `layers` that give a map, a token grid, or one value per channel."""
    return tuple(name for name in layers if gives_maps(summary.layer(name)))
