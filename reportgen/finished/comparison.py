"""Two reports, A and B: which network is better, which answers and findings changed, how alike their layers are.

Images are matched by the bytes of their files, else by name; layers by name, else by place; classes by name, else by
index. Works on two records and, where their folders are given, on what lies in these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reportgen.finished.comparison_answers import KINDS_DIFFER, AnswerComparison, compare_answers
from reportgen.finished.comparison_facts import STATISTIC_TOLERANCE, Change, Fact, change_of, fact
from reportgen.finished.comparison_layers import LayerComparison, compare_layers
from reportgen.finished.comparison_likeness import Likeness, compare_kept
from reportgen.finished.comparison_pictures import picture_distance
from reportgen.finished.comparison_scores import PairedScore, paired_score, rightness, shared_names
from reportgen.finished.review_figures import compared_figures
from reportgen.record import Figure, Finding, Graph, Image, Maximization, Prediction, Record


@dataclass(frozen=True)
class ImageComparison:
    """An image's answers in both reports; `change` is about the best class, or, without classes, about any output.

    `answers` are those of the outputs that both reports describe; `right` says of each network whether its best class
    is the right one, None where that is not known. `likeness` shows the image itself, in A (0) or B (1) as
    `likeness_in` says, and `evidence` those that show where each network looked, as far as a report has them.
    """

    file: str
    first: Image | None
    second: Image | None
    best: tuple[Prediction | None, Prediction | None]
    change: Change
    answers: tuple[tuple[AnswerComparison, Change], ...] = ()
    right: tuple[bool, bool] | None = None
    likeness: Figure | None = None
    likeness_in: int = 0
    evidence: tuple[Figure | None, Figure | None] = (None, None)

    @property
    def comparable(self) -> bool:
        """Whether both networks gave an answer of one kind: a best class, or the same output's."""
        return all(best is not None for best in self.best) or any(
            answer.about != KINDS_DIFFER for answer, _ in self.answers
        )

    @property
    def verdict(self) -> str | None:
        """Whether the change is for the better, from A to B; None where that is not known, or both are as right."""
        if self.right is None or self.right[0] == self.right[1]:
            return None
        return "better" if self.right[1] else "worse"


@dataclass(frozen=True)
class FindingComparison:
    """A finding and which of the reports has it: "changed" where both have it, not with the same severity.

    `second` is B's where both have it and B says it in other words or figures; else None.
    """

    finding: Finding
    change: Change
    second: Finding | None = None


@dataclass(frozen=True)
class PicturePair:
    """The same figure of the same layer and image in both reports; `apart` is 0 (the same) to 1, None if unknown."""

    first: Figure
    second: Figure
    apart: float | None = None


@dataclass(frozen=True)
class MaximizationPair:
    """What excites the same channel in both networks."""

    first: Maximization
    second: Maximization


@dataclass(frozen=True)
class Comparison:
    """All that two reports, A and B, share and do not share; `titles` tell them apart."""

    titles: tuple[str, str]
    model: tuple[Fact, ...]
    score: PairedScore | None
    layers: tuple[LayerComparison, ...]
    likeness: Likeness | None
    graphs: tuple[Graph | None, Graph | None]
    images: tuple[ImageComparison, ...]
    findings: tuple[FindingComparison, ...]
    figures: tuple[PicturePair, ...]
    maximizations: tuple[MaximizationPair, ...]

    @property
    def shared(self) -> tuple[ImageComparison, ...]:
        """The images that both reports have."""
        return tuple(image for image in self.images if image.first is not None and image.second is not None)

    @property
    def agreement(self) -> float | None:
        """The share of shared images with the same best class; None where no class is named for any in both."""
        shared = [image for image in self.images if all(image.best)]
        return sum(image.change == "same" for image in shared) / len(shared) if shared else None


def compare(first: Record, second: Record, folders: tuple[Path, Path] | None = None) -> Comparison:
    """Compare two records.

    Args:
        first: what report A says.
        second: what report B says.
        folders: where their pictures and arrays lie; without them nothing is said of how alike layers and pictures
            are.

    Raises:
        ReportgenError: a report's folder does not hold what its record says.
    """
    pairs = _pair_images(first.images, second.images)
    both = [(one, two) for one, two in pairs if one is not None and two is not None]
    layers = compare_layers(first.layers, second.layers)
    files = [(one.file, two.file) for one, two in both]
    likeness = None if folders is None else compare_kept(first, second, folders, files)
    if likeness is not None:
        layers = tuple(replace(layer, alike=likeness.of(*layer.names)) for layer in layers)
    names = {layer.second.name: layer.name for layer in layers if layer.second is not None}
    verdicts = rightness(both, first, second)
    return Comparison(
        titles=tell_apart(first, second),
        model=tuple(_model_facts(first, second)),
        score=paired_score(verdicts),
        layers=layers,
        likeness=likeness,
        graphs=(first.graph, second.graph),
        images=tuple(_compare_images(pairs, verdicts, first, second)),
        findings=tuple(_findings(first, second, names, {two: one for one, two in files})),
        figures=tuple(_figures(first, second, names, {two: one for one, two in files}, folders)),
        maximizations=tuple(_maximizations(first, second, names)),
    )


def tell_apart(first: Record, second: Record) -> tuple[str, str]:
    """What both reports are called: their titles and, where these are the same, what else tells them apart."""
    titles = first.site.title, second.site.title
    if titles[0] != titles[1]:
        return titles
    mine, theirs = first.provenance.tags, second.provenance.tags
    for key in dict.fromkeys(("step", "date", *mine, *theirs)):
        if mine.get(key) != theirs.get(key):
            words = [f"{key} {tags[key]}" if key in tags else f"no {key}" for tags in (mine, theirs)]
            return f"{titles[0]} ({words[0]})", f"{titles[1]} ({words[1]})"
    for one, two in ((first.model.name, second.model.name), (first.model.source, second.model.source)):
        if one != two:
            return f"{titles[0]} ({one})", f"{titles[1]} ({two})"
    hashes = [(record.model.sha256 or "")[:8] for record in (first, second)]
    if all(hashes) and hashes[0] != hashes[1]:
        return f"{titles[0]} ({hashes[0]})", f"{titles[1]} ({hashes[1]})"
    return f"{titles[0]} (A)", f"{titles[1]} (B)"


def _model_facts(first: Record, second: Record) -> Iterable[Fact]:
    one, two = first.model, second.model
    yield fact("Network", one.name, two.name)
    yield fact("SHA-256", one.sha256, two.sha256)
    yield fact("Input", one.input_shape, two.input_shape)
    yield fact("Output", one.output_shape, two.output_shape)
    yield fact("Parameters", one.parameter_count, two.parameter_count)
    yield fact("Trainable parameters", one.trainable_parameter_count, two.trainable_parameter_count)
    yield fact("Multiply-accumulates", one.mac_count, two.mac_count)
    yield fact("Layers", one.layer_count, two.layer_count)
    yield fact("Preprocessing", one.preprocessing.description, two.preprocessing.description)
    yield fact("Fitting", one.preprocessing.resize, two.preprocessing.resize)
    if not (one.outputs and two.outputs):
        yield fact("Answer", one.head.kind, two.head.kind)
    else:
        kinds = [", ".join(f"{output.name}: {output.kind}" for output in model.outputs) for model in (one, two)]
        yield fact("Answers", *kinds)
    if first.evaluation is not None or second.evaluation is not None:
        accuracies = [record.evaluation and record.evaluation.accuracy for record in (first, second)]
        yield fact("Accuracy on all its images", *accuracies)
    for name, *figures in compared_figures(first, second):
        yield fact(name, *figures)
    for key in dict.fromkeys((*first.provenance.tags, *second.provenance.tags)):
        yield fact(f"Tag {key}", first.provenance.tags.get(key), second.provenance.tags.get(key))


def _pair_images(first: Sequence[Image], second: Sequence[Image]) -> list[tuple[Image | None, Image | None]]:
    """Images of the same bytes, those of the same name among them first, else of the same name; each but once."""
    left = {image.file: image for image in second}
    by_bytes: dict[str, list[str]] = {}
    for image in second:
        by_bytes.setdefault(image.sha256, []).append(image.file)
    pairs: dict[str, Image] = {}
    for image in first:
        same = by_bytes.get(image.sha256, [])
        name = image.file if image.file in same else next((file for file in same if file in left), None)
        if name in left:
            pairs[image.file] = left.pop(name)
    for image in first:
        if image.file not in pairs and image.file in left:
            pairs[image.file] = left.pop(image.file)
    return [*((image, pairs.get(image.file)) for image in first), *((None, image) for image in left.values())]


def _compare_images(
    pairs: Iterable[tuple[Image | None, Image | None]],
    verdicts: Mapping[str, tuple[bool, bool]],
    first: Record,
    second: Record,
) -> list[ImageComparison]:
    """All images: answers that changed for the worse, for the better, otherwise, then the rest; with pictures first."""
    names = shared_names(first, second)
    likenesses = [_by_image(record, "input") | _by_image(record, "photo") for record in (first, second)]
    maps, other_maps = (_by_image(record, "attribution") for record in (first, second))
    found = []
    for one, two in pairs:
        image = _compare_image(one, two, names)
        evidence = (
            None if one is None else maps.get(one.file),
            None if two is None else other_maps.get(two.file),
        )
        shown = [
            None if side is None else known.get(side.file) for side, known in zip((one, two), likenesses, strict=True)
        ]
        found.append(
            replace(
                image,
                right=verdicts.get(image.file),
                likeness=shown[0] or shown[1],
                likeness_in=int(shown[0] is None),
                evidence=evidence,
            )
        )
    order = {"worse": 0, "better": 1, None: 2}
    return sorted(
        found,
        key=lambda image: (
            image.change != "changed",
            image.change == "same",
            order[image.verdict],
            image.likeness is None,
        ),
    )


def _by_image(record: Record, kind: str) -> dict[str, Figure]:
    """The first figure of a kind for each image."""
    return {
        figure.image: figure for figure in reversed(record.figures) if figure.kind == kind and figure.image is not None
    }


def _compare_image(
    first: Image | None, second: Image | None, names: tuple[Mapping[int, str], Mapping[int, str]]
) -> ImageComparison:
    one, two = (image.predictions[0] if image and image.predictions else None for image in (first, second))
    best = tuple(
        None if shown is None else shown.model_copy(update={"label": shown.label or known.get(shown.index)})
        for shown, known in ((one, names[0]), (two, names[1]))
    )
    if first is None or second is None:
        there = first or second
        return ImageComparison(
            there.file if there is not None else "",
            first,
            second,
            (best[0], best[1]),
            change_of(first and 1, second and 1),
        )
    answers: list[tuple[AnswerComparison, Change]] = [
        (answer, "changed" if answer.apart > STATISTIC_TOLERANCE else "same")
        for answer in compare_answers(first, second)
    ]
    change = change_of(*(None if shown is None else _class_of(shown, best) for shown in best))
    if one is None and two is None and any(one_change != "same" for _, one_change in answers):
        change = "changed"
    return ImageComparison(first.file, first, second, (best[0], best[1]), change, tuple(answers))


def _class_of(shown: Prediction, both: Sequence[Prediction | None]) -> str | int:
    """What class an answer is: its name, or its index where one of the two has no name."""
    named = all(one is None or one.label for one in both)
    return shown.label if named and shown.label else shown.index


def _findings(
    first: Record, second: Record, layers: Mapping[str, str], images: Mapping[str, str]
) -> Iterable[FindingComparison]:
    """Findings that are the same by rule, layer and image are in both; `layers` and `images` are A's names of B's."""
    one = {(one.rule, one.layer, one.image): one for one in first.findings}
    two = {
        (
            finding.rule,
            layers.get(finding.layer or "", finding.layer),
            images.get(finding.image or "", finding.image),
        ): finding
        for finding in second.findings
    }
    for key, finding in one.items():
        yield _both(finding, two[key]) if key in two else FindingComparison(finding, "only A")
    for key, finding in two.items():
        if key not in one:
            yield FindingComparison(finding, "only B")


def _both(first: Finding, second: Finding) -> FindingComparison:
    change: Change = "same" if first.severity == second.severity else "changed"
    said = (second.severity, second.message) != (first.severity, first.message)
    return FindingComparison(first, change, second if said else None)


def _figures(
    first: Record,
    second: Record,
    layers: Mapping[str, str],
    images: Mapping[str, str],
    folders: tuple[Path, Path] | None,
) -> list[PicturePair]:
    """Figures that both reports have, those that changed most first."""
    compared = {section.slug for section in first.sections if section.compared}
    others: dict[tuple[object, ...], list[Figure]] = {}
    asked = _asked_of_maps(second)
    for figure in second.figures:
        others.setdefault(_figure_key(figure, asked, layers, images), []).append(figure)
    pairs = []
    asked = _asked_of_maps(first)
    for figure in first.figures:
        alike = others.get(_figure_key(figure, asked, {}, {}))
        if figure.section in compared and alike:
            other = alike.pop(0)
            pairs.append(PicturePair(figure, other, _apart(figure, other, folders)))
    return sorted(pairs, key=lambda pair: -(pair.apart or 0.0))


def _asked_of_maps(record: Record) -> dict[str | None, tuple[object, ...]]:
    """By which method a map of why the network answered so was made and what was asked, by the group of its figures.

    The class that was answered may be another in the other report, the question is the same. Figures of the difference
    of two classes are not among them.
    """
    groups = {figure.id: figure.group for figure in record.figures}
    return {
        groups.get(one.figure or ""): (
            one.method,
            one.target.kind,
            one.target.index if one.target.kind in ("value", "region") else None,
        )
        for image in record.images
        for one in image.attributions
    }


def _figure_key(
    figure: Figure,
    asked: Mapping[str | None, tuple[object, ...]],
    layers: Mapping[str, str],
    images: Mapping[str, str],
) -> tuple[object, ...]:
    layer, image = figure.layer or "", figure.image or ""
    own = asked.get(figure.group, ()) if figure.group is not None else ()
    return figure.section, figure.kind, own, layers.get(layer, layer), images.get(image, image), figure.variant


def _apart(first: Figure, second: Figure, folders: tuple[Path, Path] | None) -> float | None:
    if first.picture == second.picture:  # named after what is in it
        return 0.0
    return None if folders is None else picture_distance((folders[0], first.picture), (folders[1], second.picture))


def _maximizations(first: Record, second: Record, layers: Mapping[str, str]) -> Iterable[MaximizationPair]:
    others = {_maximization_key(shown, layers): shown for shown in second.maximizations if shown.picture is not None}
    for shown in first.maximizations:
        other = others.get(_maximization_key(shown, {}))
        if other is not None and shown.picture is not None:
            yield MaximizationPair(shown, other)


def _maximization_key(
    shown: Maximization, layers: Mapping[str, str]
) -> tuple[str, str | None, int, str, str | None, str, int]:
    # Reports of earlier versions do not name the output of a class.
    output = shown.output if shown.objective != "logit" else None
    label = shown.label if shown.objective == "nearest" else None
    layer = layers.get(shown.layer, shown.layer)
    return layer, output, shown.channel, shown.objective, label, shown.preset, shown.seed
