"""Two reports side by side: what is the same, what changed, what only one of them has.

Layers are matched by name, images by the bytes of their files (else by name), findings by rule, layer
and image, maximised images by layer and channel. Works on two records alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from reportgen.finished.comparison_answers import AnswerComparison, compare_answers
from reportgen.finished.review_figures import compared_figures
from reportgen.record import Figure, Finding, Image, Layer, Maximization, Model, Prediction, Record

Change = Literal["same", "changed", "only A", "only B"]

# Two networks that were saved and loaded again differ in the last digits; what a reader would call a
# change of a statistic is larger than this share of the value.
STATISTIC_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Fact:
    """One line of a table: the same question asked of both reports."""

    name: str
    first: str | int | float | tuple[int | None, ...] | None
    second: str | int | float | tuple[int | None, ...] | None
    change: Change


@dataclass(frozen=True)
class LayerComparison:
    """A layer as both reports have it (None: it is missing there) and the facts that differ."""

    name: str
    first: Layer | None
    second: Layer | None
    change: Change
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class ImageComparison:
    """An image's answers in both reports; `change` is about the best class, or, without classes, about any output.

    `answers` are those of the outputs that both reports describe.
    """

    file: str
    first: Image | None
    second: Image | None
    best: tuple[Prediction | None, Prediction | None]
    change: Change
    answers: tuple[tuple[AnswerComparison, Change], ...] = ()


@dataclass(frozen=True)
class FindingComparison:
    """A finding and which of the reports has it."""

    finding: Finding
    change: Change


@dataclass(frozen=True)
class PicturePair:
    """The same figure of the same layer and image in both reports."""

    first: Figure
    second: Figure


@dataclass(frozen=True)
class MaximizationPair:
    """What excites the same channel in both networks."""

    first: Maximization
    second: Maximization


@dataclass(frozen=True)
class Comparison:
    """All that two reports, A and B, share and do not share."""

    titles: tuple[str, str]
    model: tuple[Fact, ...]
    layers: tuple[LayerComparison, ...]
    images: tuple[ImageComparison, ...]
    findings: tuple[FindingComparison, ...]
    figures: tuple[PicturePair, ...]
    maximizations: tuple[MaximizationPair, ...]

    @property
    def agreement(self) -> float | None:
        """The share of shared images with the same best class; None where no class is named for any in both."""
        shared = [image for image in self.images if all(image.best)]
        return sum(image.change == "same" for image in shared) / len(shared) if shared else None


def compare(first: Record, second: Record) -> Comparison:
    """Compare two records."""
    return Comparison(
        titles=(first.site.title, second.site.title),
        model=tuple(_model_facts(first, second)),
        layers=tuple(_layers(first, second)),
        images=tuple(_images(first, second)),
        findings=tuple(_findings(first, second)),
        figures=tuple(_figures(first, second)),
        maximizations=tuple(_maximizations(first, second)),
    )


def _change(first: object, second: object) -> Change:
    if first is None and second is not None:
        return "only B"
    if second is None and first is not None:
        return "only A"
    if isinstance(first, float) and isinstance(second, float):
        close = abs(first - second) <= STATISTIC_TOLERANCE * max(abs(first), abs(second))
        return "same" if close else "changed"
    return "same" if first == second else "changed"


def _fact(name: str, first: object, second: object) -> Fact:
    return Fact(name, _plain(first), _plain(second), _change(first, second))


def _plain(value: object) -> str | int | float | tuple[int | None, ...] | None:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, tuple | list) and all(part is None or isinstance(part, int) for part in value):
        return tuple(value)
    return str(value)


def _model_facts(first: Record, second: Record) -> Iterable[Fact]:
    one, two = first.model, second.model
    yield _fact("Network", one.name, two.name)
    yield _fact("SHA-256", one.sha256, two.sha256)
    yield _fact("Input", one.input_shape, two.input_shape)
    yield _fact("Output", one.output_shape, two.output_shape)
    yield _fact("Parameters", one.parameter_count, two.parameter_count)
    yield _fact("Trainable parameters", one.trainable_parameter_count, two.trainable_parameter_count)
    yield _fact("Multiply-accumulates", one.mac_count, two.mac_count)
    yield _fact("Layers", one.layer_count, two.layer_count)
    yield _fact("Preprocessing", one.preprocessing.description, two.preprocessing.description)
    yield _fact("Fitting", one.preprocessing.resize, two.preprocessing.resize)
    yield _fact("Answer", _answer_words(one), _answer_words(two))
    if first.evaluation is not None or second.evaluation is not None:
        accuracies = [record.evaluation and record.evaluation.accuracy for record in (first, second)]
        yield _fact("Accuracy on the images", *accuracies)
    for name, *figures in compared_figures(first, second):
        yield _fact(name, *figures)


def _answer_words(model: Model) -> str:
    """The kinds of a network's outputs by name; of a record without outputs, what the last layer gives."""
    return ", ".join(f"{output.name}: {output.kind}" for output in model.outputs) or model.head.kind


def _merged_names(first: Iterable[str], second: Iterable[str]) -> list[str]:
    """All names, in the order of the first, those only the second has after the one they follow there."""
    merged = list(first)
    known = set(merged)
    place = 0
    for name in second:
        if name in known:
            place = merged.index(name) + 1
        else:
            merged.insert(place, name)
            known.add(name)
            place += 1
    return merged


def _layers(first: Record, second: Record) -> Iterable[LayerComparison]:
    one = {layer.name: layer for layer in first.layers}
    two = {layer.name: layer for layer in second.layers}
    for name in _merged_names(one, two):
        a, b = one.get(name), two.get(name)
        facts = tuple(fact for fact in _layer_facts(a, b) if fact.change != "same") if a and b else ()
        change: Change = "changed" if facts else _change(a and a.name, b and b.name)
        yield LayerComparison(name, a, b, change, facts)


def _layer_facts(first: Layer, second: Layer) -> Iterable[Fact]:
    yield _fact("type", first.type, second.type)
    yield _fact("output shape", first.output_shape, second.output_shape)
    yield _fact("parameters", first.parameter_count, second.parameter_count)
    yield _fact("multiply-accumulates", first.mac_count, second.mac_count)
    one, two = first.weights, second.weights
    if one is not None and two is not None:
        yield _fact("weight mean", one.mean, two.mean)
        yield _fact("weight standard deviation", one.std, two.std)
        yield _fact("zero weights", one.zero_fraction, two.zero_fraction)
        yield _fact("zero filters", len(one.dead_filters), len(two.dead_filters))
    before, after = first.activations, second.activations
    if before is not None and after is not None:
        yield _fact("activation maximum", before.max, after.max)
        yield _fact("activation mean", before.mean, after.mean)
        yield _fact("zero activations", before.zero_fraction, after.zero_fraction)
        yield _fact("dead channels", len(before.dead_channels), len(after.dead_channels))


def _images(first: Record, second: Record) -> Iterable[ImageComparison]:
    by_bytes = {image.sha256: image for image in second.images}
    by_name = {image.file: image for image in second.images}
    matched: set[str] = set()
    for image in first.images:
        other = by_bytes.get(image.sha256) or by_name.get(image.file)
        if other is not None:
            matched.add(other.file)
        yield _image(image.file, image, other)
    for image in second.images:
        if image.file not in matched:
            yield _image(image.file, None, image)


def _image(file: str, first: Image | None, second: Image | None) -> ImageComparison:
    one, two = (image.predictions[0] if image and image.predictions else None for image in (first, second))
    classes = [best and (best.label or str(best.index)) for best in (one, two)]
    if first is None or second is None:
        return ImageComparison(file, first, second, (one, two), _change(first and file, second and file))
    answers: list[tuple[AnswerComparison, Change]] = [
        (answer, "changed" if answer.apart > STATISTIC_TOLERANCE else "same")
        for answer in compare_answers(first, second)
    ]
    change = _change(*classes)
    if one is None and two is None and any(one_change != "same" for _, one_change in answers):
        change = "changed"
    return ImageComparison(file, first, second, (one, two), change, tuple(answers))


def _findings(first: Record, second: Record) -> Iterable[FindingComparison]:
    one, two = ({_finding_key(finding): finding for finding in record.findings} for record in (first, second))
    for key, finding in one.items():
        yield FindingComparison(finding, "same" if key in two else "only A")
    for key, finding in two.items():
        if key not in one:
            yield FindingComparison(finding, "only B")


def _finding_key(finding: Finding) -> tuple[str, str | None, str | None]:
    return finding.rule, finding.layer, finding.image


def _figures(first: Record, second: Record) -> Iterable[PicturePair]:
    others = {figure.id: figure for figure in second.figures}
    compared = {section.slug for section in first.sections if section.compared}
    for figure in first.figures:
        other = others.get(figure.id)
        if other is not None and figure.section in compared:
            yield PicturePair(figure, other)


def _maximizations(first: Record, second: Record) -> Iterable[MaximizationPair]:
    others = {_maximization_key(shown): shown for shown in second.maximizations if shown.picture is not None}
    for shown in first.maximizations:
        other = others.get(_maximization_key(shown))
        if other is not None and shown.picture is not None:
            yield MaximizationPair(shown, other)


def _maximization_key(shown: Maximization) -> tuple[str, int, str, str, int]:
    return shown.layer, shown.channel, shown.objective, shown.preset, shown.seed
