"""The record by name: what belongs to which layer, image and channel, looked up instead of searched for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeVar

from reportgen.class_names import match_label
from reportgen.record import (
    Attribution,
    ChannelColumns,
    ChannelUse,
    ClassesAnswer,
    Contrast,
    Feature,
    Figure,
    Finding,
    Image,
    Layer,
    Maximization,
    Output,
    Record,
    Section,
    Unit,
)

Key = TypeVar("Key")
Value = TypeVar("Value")

# Kinds of figures that show an image itself, the likeness one would choose for it first.
LIKENESS = ("photo", "input")


@dataclass(frozen=True)
class Catalogue:
    """A record and its lookups; all orders are those of the record."""

    record: Record

    @cached_property
    def layers(self) -> Mapping[str, Layer]:
        """Layers by name."""
        return {layer.name: layer for layer in self.record.layers}

    @cached_property
    def images(self) -> Mapping[str, Image]:
        """Images by file."""
        return {image.file: image for image in self.record.images}

    @cached_property
    def outputs(self) -> Mapping[str, Output]:
        """The network's outputs by name; empty in records that do not describe them."""
        return {output.name: output for output in self.record.model.outputs}

    def gives_probabilities(self, output: str) -> bool:
        """Whether the scores of `output` are probabilities: all between 0 and 1, and not said to be anything else."""
        head = self.record.model.head.kind
        first = next((name for name in self._scores if self._scores[name]), output)
        if output == first and head != "none":
            return head in {"softmax", "sigmoid"}
        return all(0 <= score <= 1 for score in self._scores.get(output, ()))

    @cached_property
    def _scores(self) -> Mapping[str, list[float]]:
        """The scores of each output that names classes, in the order of the outputs."""
        named: dict[str, list[float]] = {name: [] for name in self.outputs}
        for image in self.record.images:
            for answer in image.answers:
                if isinstance(answer, ClassesAnswer):
                    named.setdefault(answer.output, []).extend(one.score for one in answer.predictions)
        return named

    @cached_property
    def baseline(self) -> float | None:
        """The accuracy of always naming the most frequent right class; None where no right class was given."""
        evaluation = self.record.evaluation
        if evaluation is None or not evaluation.images:
            return None
        if evaluation.baseline is not None:
            return evaluation.baseline
        truths = Counter(image.truth for image in self.record.images if image.truth is not None)
        return max(truths.values()) / truths.total() if truths else None

    @cached_property
    def better_than_baseline(self) -> bool:
        """Whether the network is right more often than one that looks at nothing; also where that is not known."""
        accuracy = None if self.record.evaluation is None else self.record.evaluation.accuracy
        return accuracy is None or self.baseline is None or accuracy > self.baseline

    @cached_property
    def right_classes(self) -> Mapping[str, int | None]:
        """The class that each right answer of an image is, as the evaluation takes it; empty where no list is known."""
        model = self.record.model
        output, classes = model.telling_output, model.head.classes
        if output is None or not output.labels or not classes:
            return {}
        truths = {image.truth for image in self.record.images if image.truth is not None}
        return {truth: match_label(truth, output.labels, classes) for truth in truths}

    @cached_property
    def class_names(self) -> Mapping[tuple[str, int], str]:
        """The classes and values that channels of the last layers stand for, by layer and channel.

        Of a network with several outputs each is named with its output.
        """
        names: dict[tuple[str, int], str] = {}
        for output in self.record.model.outputs:
            own = _names_of_numbers(output, several=len(self.record.model.outputs) > 1)
            for layer in self._ends(output.layer or output.name):
                names |= {(layer, index): name for index, name in own.items()}
        if self.record.model.outputs or not self.record.layers:
            return names
        labels = {one.index: one.label for image in self.record.images for one in image.predictions}
        for layer in self._ends(self.record.layers[-1].name):
            names |= {(layer, index): label for index, label in labels.items() if label is not None}
        made = {(one.layer, one.channel): one.label for one in self.record.maximizations}
        return names | {key: label for key, label in made.items() if label is not None}

    def _ends(self, name: str) -> list[str]:
        """The layer `name` and, where it only bends the values of the one before, that one too."""
        found: list[str] = []
        layer = self.layers.get(name)
        while layer is not None:
            found.append(layer.name)
            bends = layer.kind in {"activation", "softmax"} and len(layer.inputs) == 1
            layer = self.layers.get(layer.inputs[0]) if bends else None
        return found

    @cached_property
    def units(self) -> Mapping[tuple[str, int], Unit]:
        """Channels shown in detail, by layer and channel."""
        return {(unit.layer, unit.channel): unit for unit in self.record.units}

    @cached_property
    def sections(self) -> Mapping[str, Section]:
        """Sections by slug."""
        return {section.slug: section for section in self.record.sections}

    def figures_on(self, place: Literal["on_images", "on_layers"], figures: Iterable[Figure], how: str) -> list[Figure]:
        """Those of `figures` whose section has them stand whole or small (`how`) on pages of images or of layers."""
        return [figure for figure in figures if self._place(figure.section, place) == how]

    def _place(self, slug: str, place: str) -> str | None:
        section = self.sections.get(slug)
        return None if section is None else getattr(section, place)

    @cached_property
    def units_of_layer(self) -> Mapping[str, list[Unit]]:
        """Channels shown in detail, by layer."""
        return _grouped((unit.layer, unit) for unit in self.record.units)

    @cached_property
    def figures_of_layer(self) -> Mapping[str, list[Figure]]:
        """Figures that speak of a layer."""
        return _grouped((figure.layer, figure) for figure in self.record.figures if figure.layer is not None)

    @cached_property
    def figures_of_image(self) -> Mapping[str, list[Figure]]:
        """Figures that speak of an image."""
        return _grouped((figure.image, figure) for figure in self.record.figures if figure.image is not None)

    @cached_property
    def figures(self) -> Mapping[str, Figure]:
        """Figures by id."""
        return {figure.id: figure for figure in self.record.figures}

    @cached_property
    def attributions(self) -> Mapping[str, Attribution]:
        """Maps of why the network answered so, by the group of the figures that show them."""
        shown = (one for image in self.record.images for one in image.attributions if one.figure in self.figures)
        return {self.figures[one.figure].group or one.figure: one for one in shown if one.figure is not None}

    @cached_property
    def uses(self) -> Mapping[tuple[str, int], ChannelUse]:
        """What channels are used for, by layer and channel."""
        found = self.record.attribution.channels if self.record.attribution is not None else ()
        return {(use.layer, use.channel): use for use in found}

    @cached_property
    def contrasts_of_image(self) -> Mapping[str, list[Contrast]]:
        """Why images were taken for what they are not, by file."""
        found = self.record.attribution.contrasts if self.record.attribution is not None else ()
        return _grouped((contrast.image, contrast) for contrast in found)

    @cached_property
    def general_figures(self) -> list[Figure]:
        """Figures that speak of the network as a whole."""
        return [figure for figure in self.record.figures if figure.layer is None and figure.image is None]

    @cached_property
    def features_of_layer(self) -> Mapping[str, list[Feature]]:
        """Arrays offered for download, by layer."""
        return _grouped((feature.layer, feature) for feature in self.record.features)

    @cached_property
    def features_of_image(self) -> Mapping[str, list[Feature]]:
        """Arrays offered for download, by image."""
        return _grouped((feature.image, feature) for feature in self.record.features)

    @cached_property
    def maximizations_of_section(self) -> Mapping[str, list[Maximization]]:
        """Maximised images by the slug of the section that made them."""
        return _grouped((shown.section, shown) for shown in self.record.maximizations)

    @cached_property
    def maximizations_of_layer(self) -> Mapping[str, list[Maximization]]:
        """Maximised images by layer."""
        return _grouped((shown.layer, shown) for shown in self.record.maximizations)

    @cached_property
    def maximizations_of_unit(self) -> Mapping[tuple[str, int], list[Maximization]]:
        """Maximised images by layer and channel."""
        return _grouped(((shown.layer, shown.channel), shown) for shown in self.record.maximizations)

    def made_for(self, layer: str, channel: int) -> list[Maximization]:
        """Maximised images of a channel, and of what the answer says by it."""
        made = self.maximizations_of_unit.get((layer, channel), [])
        # One number that tells two classes apart is one channel.
        return [one for one in made if one.objective != "logit" or one.output not in self._single_outputs]

    @cached_property
    def _single_outputs(self) -> frozenset[str]:
        return frozenset(one.name for one in self.record.model.outputs if one.kind == "classes" and one.shape[-1] == 1)

    @cached_property
    def findings_of_layer(self) -> Mapping[str, list[Finding]]:
        """Findings by layer."""
        return _grouped((finding.layer, finding) for finding in self.record.findings if finding.layer is not None)

    @cached_property
    def findings_of_image(self) -> Mapping[str, list[Finding]]:
        """Findings by image."""
        return _grouped((finding.image, finding) for finding in self.record.findings if finding.image is not None)

    @cached_property
    def following(self) -> Mapping[str, list[str]]:
        """The layers that read a layer's output, by its name."""
        return _grouped((source, layer.name) for layer in self.record.layers for source in layer.inputs)

    def figure_of(self, file: str, kind: str) -> Figure | None:
        """The first figure of a kind that speaks of an image, None where there is none."""
        return next((figure for figure in self.figures_of_image.get(file, ()) if figure.kind == kind), None)

    @cached_property
    def likenesses(self) -> Mapping[str, Figure]:
        """The figure that shows an image itself, by file."""
        found: dict[str, Figure] = {}
        for kind in reversed(LIKENESS):
            found |= {figure.image: figure for figure in self.record.figures if figure.kind == kind and figure.image}
        return found

    @cached_property
    def sheets(self) -> Mapping[str, str]:
        """The page with the sheet of all channels, by layer, for layers whose channels were measured.

        What an activation layer does to the channels of the layer it reads stands in that layer's sheet.
        """
        measured = [layer for layer in self.record.layers if layer.page is not None and _columns(layer) is not None]
        own = {layer.name: _sheet_page(layer) for layer in measured if layer.name not in self.activates}
        return own | {name: own[source] for name, source in self.activates.items()}

    @cached_property
    def activated(self) -> Mapping[str, Layer]:
        """The activation layer in whose hands the channels of a layer are, by that layer's name."""
        return {source: self.layers[name] for name, source in self.activates.items()}

    @cached_property
    def activates(self) -> Mapping[str, str]:
        """By activation layer, such as ReLU, the layer with measured channels that nothing else reads."""
        found: dict[str, str] = {}
        for layer in self.record.layers:
            source = self.layers.get(layer.inputs[0]) if len(layer.inputs) == 1 else None
            if (
                source is not None
                and source.name not in found
                and layer.kind == "activation"
                and layer.name not in self.units_of_layer
                and self.following[source.name] == [layer.name]
                and all(one.page is not None and _columns(one) is not None for one in (layer, source))
            ):
                found[layer.name] = source.name
        return found

    def unit_page(self, layer: str, channel: int) -> str | None:
        """The page of a channel, None where it has none."""
        unit = self.units.get((layer, channel))
        return None if unit is None else unit.page

    def channel_page(self, layer: str, channel: int) -> str | None:
        """The page of a channel, or of the one before that `layer` only activates or normalises; None without one."""
        found = self.layers.get(layer)
        while found is not None and (found.name, channel) not in self.units:
            follows = found.kind in {"activation", "normalization", "resting"} and len(found.inputs) == 1
            found = self.layers.get(found.inputs[0]) if follows else None
        return None if found is None else self.unit_page(found.name, channel)

    def layer_page(self, name: str | None) -> str | None:
        """The page of a layer, None where it has none or is not in the record."""
        layer = self.layers.get(name) if name is not None else None
        return None if layer is None else layer.page

    def image_page(self, file: str | None) -> str | None:
        """The page of an image, None where it has none or is not in the record."""
        image = self.images.get(file) if file is not None else None
        return None if image is None else image.page


def _columns(layer: Layer) -> ChannelColumns | None:
    return None if layer.activations is None else layer.activations.columns


def _sheet_page(layer: Layer) -> str:
    assert layer.page is not None
    return f"units/{layer.page.removeprefix('layers/').removesuffix('.html')}/index.html"


def _grouped(pairs: Iterable[tuple[Key, Value]]) -> Mapping[Key, list[Value]]:
    groups: defaultdict[Key, list[Value]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return dict(groups)


def _names_of_numbers(output: Output, *, several: bool) -> dict[int, str]:
    """What the channels of an output's layer stand for; those of a network with `several` are named with the output."""
    labels: dict[int, str] = dict(enumerate(output.labels or ()))
    if output.kind == "classes" and output.shape[-1] == 1:
        labels = {0: labels[1]} if len(labels) > 1 else {}
    elif output.kind == "values" and output.shape[-1] == 1:
        return {0: labels.get(0, output.name)}
    return {index: f"{output.name}: {label}" if several else label for index, label in labels.items()}
