"""Two reports, A and B: which network is better, which answers and findings changed, how alike their layers are.

Images are matched by the bytes of their files, else by name; layers by name, else by place; classes by name, else by
index. Works on two records and, where their folders are given, on what lies in these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reportgen.finished.comparison_common import Common, common_of
from reportgen.finished.comparison_facts import Change, Fact, fact
from reportgen.finished.comparison_images import ImageComparison, compare_images, pair_images
from reportgen.finished.comparison_layers import LayerComparison, compare_layers
from reportgen.finished.comparison_likeness import Likeness, compare_kept
from reportgen.finished.comparison_pictures import picture_distance
from reportgen.finished.comparison_scores import PairedScore, paired_score, rightness
from reportgen.finished.review_figures import compared_figures
from reportgen.record import Figure, Finding, Graph, Maximization, Record


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
        shared = [image for image in self.images if all(image.best) and image.best_change != "not compared"]
        return sum(image.best_change == "same" for image in shared) / len(shared) if shared else None


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
    pairs = pair_images(first.images, second.images)
    both = [(one, two) for one, two in pairs if one is not None and two is not None]
    layers = compare_layers(first.layers, second.layers)
    files = [(one.file, two.file) for one, two in both]
    likeness = None if folders is None else compare_kept(first, second, folders, files)
    if likeness is not None:
        layers = tuple(replace(layer, alike=likeness.of(*layer.names)) for layer in layers)
    names = {layer.second.name: layer.name for layer in layers if layer.second is not None}
    images = {two: one for one, two in files}
    common = common_of(first, second, images, folders)
    verdicts = rightness(both, first, second) if common.told_alike else {}
    return Comparison(
        titles=tell_apart(first, second),
        model=tuple(_model_facts(first, second, common)),
        score=paired_score(verdicts),
        layers=layers,
        likeness=likeness,
        graphs=(first.graph, second.graph),
        images=tuple(compare_images(pairs, verdicts, first, second, common)),
        findings=tuple(_findings(first, second, names, images)),
        figures=tuple(_figures(first, second, names, images, folders)),
        maximizations=tuple(_maximizations(first, second, names, common)),
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


def _model_facts(first: Record, second: Record, common: Common) -> Iterable[Fact]:
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
    if common.told_alike and (first.evaluation is not None or second.evaluation is not None):
        accuracies = [record.evaluation and record.evaluation.accuracy for record in (first, second)]
        yield fact("Accuracy on all its images", *accuracies)
    for name, *figures in compared_figures(first, second, common):
        yield fact(name, *figures)
    for key in dict.fromkeys((*first.provenance.tags, *second.provenance.tags)):
        yield fact(f"Tag {key}", first.provenance.tags.get(key), second.provenance.tags.get(key))


def _findings(
    first: Record, second: Record, layers: Mapping[str, str], images: Mapping[str, str]
) -> Iterable[FindingComparison]:
    """Findings that are the same by rule, layer and image are in both; `layers` and `images` are A's names of B's.

    Of several such those that say the same belong together, then those that come in the same order.
    """
    left: dict[tuple[object, ...], list[Finding]] = {}
    for other in second.findings:
        key = other.rule, layers.get(other.layer or "", other.layer), images.get(other.image or "", other.image)
        left.setdefault(key, []).append(other)
    ones = [(one, left.get((one.rule, one.layer, one.image), [])) for one in first.findings]
    taken: list[Finding | None] = []
    for one, others in ones:
        alike = next((place for place, two in enumerate(others) if two.message == one.message), None)
        taken.append(None if alike is None else others.pop(alike))
    for (one, others), found in zip(ones, taken, strict=True):
        two = others.pop(0) if found is None and others else found
        yield FindingComparison(one, "only A") if two is None else _both(one, two)
    for others in left.values():
        yield from (FindingComparison(two, "only B") for two in others)


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


def _maximizations(
    first: Record, second: Record, layers: Mapping[str, str], common: Common
) -> Iterable[MaximizationPair]:
    others = {
        _maximization_key(shown, layers, common, 1): shown
        for shown in second.maximizations
        if shown.picture is not None
    }
    for shown in first.maximizations:
        other = others.get(_maximization_key(shown, {}, common, 0))
        if other is not None and shown.picture is not None:
            yield MaximizationPair(shown, other)


def _maximization_key(
    shown: Maximization, layers: Mapping[str, str], common: Common, side: int
) -> tuple[str, str | None, int | str, str, str, int]:
    """What both reports show of one channel, class or value: classes by name where both networks have names."""
    output = None if shown.output is None else common.outputs.get(shown.output, shown.output) if side else shown.output
    names = common.names(output or "")[side]
    label = shown.label if shown.objective == "nearest" else names.get(shown.channel)
    if list(names.values()).count(label or "") > 1:
        label = None
    layer = layers.get(shown.layer, shown.layer)
    # Reports of earlier versions do not name the output of a class.
    own = output if shown.objective != "logit" else None
    return layer, own, shown.channel if label is None else label, shown.objective, shown.preset, shown.seed
