"""Why the network answered as it did: maps of what in each image speaks for its answer, with their checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from reportgen import record
from reportgen.analysis.attribution.contrasts import Contrast, find_contrasts
from reportgen.analysis.attribution.explained import Explained, Explanation
from reportgen.analysis.attribution.explaining import explain, trace_network
from reportgen.analysis.attribution.objects import place_object, share_on_object
from reportgen.analysis.attribution.places import border_share, outside_share, shares_of_cells
from reportgen.analysis.attribution.planning import Plan, make_plan
from reportgen.analysis.attribution.questions import Question, as_given, ask, can_ask, why_nothing
from reportgen.analysis.attribution.uses import channel_uses
from reportgen.analysis.findings.evidence import AttributionFacts, MapFacts, RandomizationFacts
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.attribution_settings import AttributionSettings
from reportgen.draw.attribution import CONTRAST, MapDrawn, draw_attribution
from reportgen.draw.bands import show_image
from reportgen.draw.photo import LONG_SIDE, reduce_to
from reportgen.facts import Placement
from reportgen.images import ImageFile
from reportgen.models import Network
from reportgen.progress import stage
from reportgen.results import ByteArray, FloatArray, NetworkSummary, PixelArray
from reportgen.sections.attribution_recording import (
    how_made,
    record_contrast,
    record_map,
    record_method,
    what_checks_say,
)
from reportgen.sections.class_likeness import ClassLikeness, find_likeness
from reportgen.sections.kept_explanations import explanation_key, kept_explanation
from reportgen.sections.object_masks import ObjectMasks, find_masks
from reportgen.sections.section import Contribution, Section, VisitedImage, Work
from reportgen.sections.study import Study, Workshop
from reportgen.sections.thumbnails import Thumbnails

# A network of many outputs is explained by the first of them.
MOST_OUTPUTS = 3

ROLES = {
    "predicted": "predicted",
    "truth": "the right class",
    "runner-up": "the runner-up",
    "value": "a value of the answer",
    "region": "where it is predicted",
    "nearest": "the image most alike",
    "points": "its points",
    "boxes": "its boxes",
}


@dataclass(frozen=True, eq=False)
class _Seen:
    """An image as far as its maps need it."""

    file: str
    photo: ByteArray  # small enough to draw on
    sides: tuple[int, int]  # of the photograph itself
    pixels: PixelArray
    placement: Placement
    answers: Mapping[str, FloatArray]


@dataclass(eq=False)
class _Why:
    """Gathers the images while they are gone through, and explains all of them in the end."""

    study: Study
    workshop: Workshop
    outputs: tuple[SettledOutput, ...]
    likeness: ClassLikeness
    thumbnails: Thumbnails
    masks: ObjectMasks
    seen: list[_Seen] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._alike = {image.file for image in self.likeness.images}
        self._shown = {image.file for image in self.study.shown}

    @property
    def images(self) -> tuple[ImageFile, ...]:
        """Those that are explained, and those that are shown beside mistakes."""
        own = {image.file: image for image in (*self.study.shown, *self.likeness.images)}
        return tuple(own.values())

    def visit(self, visited: VisitedImage) -> Contribution:
        """Keep the image, or a small picture of one that is most like another."""
        if visited.file in self._alike:
            self.thumbnails.visit(visited)
        if visited.file not in self._shown:
            return Contribution()
        self.seen.append(
            _Seen(
                visited.file,
                reduce_to(show_image(visited.original, self.study.config.bands).pixels, LONG_SIDE),
                visited.original.shape[:2],
                visited.pixels,
                visited.placement,
                {output.name: visited.answers[output.name] for output in self.outputs},
            )
        )
        return Contribution()

    def finish(self) -> Contribution:
        """The maps of all images, as figures and for the record."""
        if not self.seen:
            return Contribution(note="No image has a page on which its maps could stand.")
        # Whatever values images have, baselines and what is covered are said as of pictures.
        config, network = self.study.config, self.study.network.for_pictures()
        files = self._files
        asked = [(output, right_classes(self.study, output, files)) for output in self.outputs]
        pixels = [as_values(self.study.network, seen.pixels) for seen in self.seen]
        with stage(self.workshop.progress, ATTRIBUTION.title) as progress:
            settings = config.attribution_parameters

            def plan_for(mistaken: list[bool]) -> Plan:
                return make_plan(self.study.summary, config.attribution, settings, mistaken, seed=config.seed)

            def make() -> tuple[list[bool], Explanation]:
                traced = trace_network(network, self.study.summary, settings).of_images(files)
                every = questions(self._seen_answers(), asked, files, settings)
                mistaken = [any(question.kind == "truth" for question in own) for own in every]
                advance = partial(progress.advance, 0)
                return mistaken, explain(traced, pixels, every, plan_for(mistaken), advance)

            key = explanation_key(
                network, files, pixels, asked, self._answered(), config.attribution, settings, config.seed
            )
            mistaken, found = kept_explanation(self.workshop.cache, key, make)
        return self._contribution(found, plan_for(mistaken))

    def _answered(self) -> list[FloatArray]:
        """What the network answered to the images, as far as the pass over them kept it."""
        statistics = self.study.statistics
        return [statistics.kept_answers(output) for output in self.outputs]

    def _seen_answers(self) -> dict[str, FloatArray]:
        """The answers to the images that are explained, `(images, ...)`, by output."""
        return {
            output.name: as_given(output, [seen.answers[output.name] for seen in self.seen]) for output in self.outputs
        }

    def _contribution(self, found: Explanation, plan: Plan) -> Contribution:
        if not found.maps:
            return Contribution(note=self._nothing(plan))
        layers = list(dict.fromkeys(one.layer for one in found.maps if one.layer is not None))
        stored = [self._stored(one, plan, layers.index(one.layer) if one.layer else 0) for one in found.maps]
        contrasts = [self._contrast(one, found.maps) for one in find_contrasts(found.maps)]
        return Contribution(
            figures=tuple(figure for figures, _ in (*stored, *contrasts) for figure in figures),
            contrasts=tuple(contrast for _, contrast in contrasts),
            thumbnails=self.thumbnails.save("why", self.workshop.pictures),
            attributions=tuple(
                (self.seen[one.image].file, shown) for one, (_, shown) in zip(found.maps, stored, strict=True)
            ),
            attribution_methods=tuple(record_method(one) for one in found.methods),
            channel_uses=self._uses(found),
            attribution_facts=self._facts(found),
        )

    def _nothing(self, plan: Plan) -> str:
        """Why there is no map."""
        output, answers = self.outputs[0], self._seen_answers()
        asked = questions(answers, [(each, [()] * len(self.seen)) for each in self.outputs], self._files, plan.settings)
        if plan.methods and not any(asked):
            why = why_nothing(output, answers[output.name])
            return f"{why[0].upper()}{why[1:]}."
        return "None of the methods asked for fits this network: it has no map before its answer, and no attention."

    @property
    def _files(self) -> list[str]:
        return [seen.file for seen in self.seen]

    def _stored(self, one: Explained, plan: Plan, block: int) -> tuple[tuple[record.Figure, ...], record.Attribution]:
        """The figures of a map, and the map for the record."""
        seen, question = self.seen[one.image], one.question
        key = self._key(question, block)
        name = "-".join(part for part in ("why", one.method, one.layer, seen.file, key) if part)
        array = self.workshop.pictures.save_array(name, one.values.astype(np.float32))
        drawn = MapDrawn(
            image=seen.file,
            method=one.method,
            layer=one.layer,
            subject=question.subject,
            role=ROLES[question.kind],
            key=key,
            values=one.values,
            photo=seen.photo,
            sides=seen.sides,
            size=seen.pixels.shape[:2],
            placement=seen.placement,
            positive=one.positive_evidence,
            checked=what_checks_say(one),
            made=how_made(one, plan),
            data=array,
        )
        figures = self.workshop.pictures.save_drawings(draw_attribution(drawn))
        return figures, record_map(one, figures[0], array, self._on_object(one))

    def _on_object(self, one: Explained) -> float | None:
        """The share of a map's evidence on the object that is explained, where a mask shows it."""
        seen, question = self.seen[one.image], one.question
        shape = self.masks.find(seen.file, self._output(question), question.index)
        if shape is None:
            return None
        placed = place_object(shape, seen.sides, seen.pixels.shape[:2], seen.placement)
        return share_on_object(one.values, placed)

    def _contrast(self, one: Contrast, maps: Sequence[Explained]) -> tuple[tuple[record.Figure, ...], record.Contrast]:
        """The figures of what speaks for an answer rather than for the right one, and that for the record."""
        seen = self.seen[one.image]
        key = f"{self._output(one.answer).index}-contrast"
        array = self.workshop.pictures.save_array(f"why-contrast-{one.layer}-{seen.file}-{key}", one.values)
        drawn = MapDrawn(
            image=seen.file,
            method=CONTRAST,
            layer=one.layer,
            subject=f"{one.answer.subject} rather than {one.right.subject}",
            role="the answer, not the right class",
            key=key,
            values=one.values,
            photo=seen.photo,
            sides=seen.sides,
            size=seen.pixels.shape[:2],
            placement=seen.placement,
            positive=True,
            checked="",
            made=f"The maps of {one.layer} times their gradients of the difference of the two scores, added up over "
            "channels; nothing is cut off (Draelos and Carin, 2020). The channels beside it are the same by channel.",
            data=array,
        )
        figures = self.workshop.pictures.save_drawings(draw_attribution(drawn))
        answer, right = (
            self.likeness.file(seen.file, question.output, question.index) for question in (one.answer, one.right)
        )
        return figures, record_contrast(one, figures[0], array, (answer, right), maps, self._files)

    def _uses(self, found: Explanation) -> tuple[record.ChannelUse, ...]:
        """What the channels that have a page are used for, in layers that class activation maps were made of."""
        if not self.study.config.draws("units"):
            return ()
        read = {one.layer for one in found.maps if one.layer is not None and one.channels is not None}
        sources = {source: layer for layer in read for source in same_channels(self.study.summary, layer)}
        return tuple(
            record.ChannelUse(
                layer=layer,
                channel=use.channel,
                classes=[
                    record.ClassUse(label=one.label, evidence=one.evidence, images=one.images) for one in use.classes
                ],
                images=[record.ImageUse(image=self.seen[place].file, evidence=value) for place, value in use.images],
            )
            for layer, channels in self.study.chosen.items()
            if layer in sources
            for use in channel_uses(found.maps, sources[layer], channels)
        )

    def _output(self, question: Question) -> SettledOutput:
        return next(each for each in self.outputs if each.name == question.output)

    def _key(self, question: Question, block: int) -> str:
        """What tells a map from others of its method and image, whatever the network calls its layers and outputs."""
        output = self._output(question)
        which = question.index if question.kind in ("value", "region") else None
        parts = (output.index, question.kind, which, f"block {block}" if block else None)
        return "-".join(str(part) for part in parts if part is not None)

    def _facts(self, found: Explanation) -> AttributionFacts:
        """What rules look at: the maps of the answers of an output, by the first method that has one of each image."""
        answers = [one for one in found.maps if one.question.kind not in ("truth", "runner-up")]
        named = {one.question.output for one in answers if one.positive_evidence}
        # Evidence for different answers need not lie in one place: those of one output are compared.
        output = next((output.name for output in self.outputs if output.name in named), None)
        first: dict[int, Explained] = {}
        for one in answers:
            if one.question.output == output and one.positive_evidence:
                first.setdefault(one.image, one)
        return AttributionFacts(
            tuple(self._map_facts(one) for _, one in sorted(first.items())),
            tuple(
                RandomizationFacts(one.method, one.layer, one.randomization, one.images)
                for one in found.methods
                if one.randomization is not None
            ),
        )

    def _map_facts(self, one: Explained) -> MapFacts:
        seen = self.seen[one.image]
        output = self._output(one.question)
        (right,) = right_classes(self.study, output, [seen.file])
        answer = one.question.index if one.question.kind == "predicted" else None
        truth = answer if answer in right else right[0] if right else None
        rows, columns = one.values.shape
        placement, (height, width) = seen.placement, seen.pixels.shape[:2]
        box = (
            max(0.0, placement.top / height),
            max(0.0, placement.left / width),
            min(1.0, (placement.top + placement.scale_y * seen.sides[0]) / height),
            min(1.0, (placement.left + placement.scale_x * seen.sides[1]) / width),
        )
        return MapFacts(
            image=seen.file,
            method=one.method,
            layer=one.layer,
            answer=answer,
            truth=truth,
            label=one.question.subject,
            cells=shares_of_cells(one.values),
            sides=(rows, columns),
            border=border_share(one.values),
            padding=outside_share(one.values, box),
            padded=1 - (box[2] - box[0]) * (box[3] - box[1]),
            on_object=self._on_object(one),
        )


def same_channels(summary: NetworkSummary, layer: str) -> tuple[str, ...]:
    """`layer` and those before it whose channels it has, one by one: what it activates or normalises."""
    rows = {row.name: row for row in summary.layers}
    found, row = [layer], rows[layer]
    while row.kind in ("activation", "normalization", "resting") and len(row.inputs) == 1 and row.inputs[0] in rows:
        row = rows[row.inputs[0]]
        found.append(row.name)
    return tuple(found)


def as_values(network: Network, pixels: PixelArray) -> FloatArray:
    """A fitted image as a picture of 0..255, not rounded: what a network `for_pictures` takes."""
    return np.asarray(network.to_pictures(pixels.astype(np.float32)), np.float32)


def asked_outputs(outputs: Sequence[SettledOutput]) -> tuple[SettledOutput, ...]:
    """The outputs whose answers are explained."""
    return tuple(output for output in outputs if can_ask(output))[:MOST_OUTPUTS]


def right_classes(study: Study, output: SettledOutput, files: Sequence[str]) -> list[tuple[int, ...]]:
    """The indices of the right classes of each image; none where they are not known."""
    truth = study.answers.truths.get(output.name)
    return [truth.classes.get(file, ()) if truth is not None else () for file in files]


def questions(
    answers: Mapping[str, FloatArray],
    asked: Sequence[tuple[SettledOutput, list[tuple[int, ...]]]],
    files: list[str],
    settings: AttributionSettings,
) -> list[list[Question]]:
    """What is asked about each image, over all outputs; each of `asked` comes with the right classes.

    Args:
        answers: to all images, by output.
    """
    each = [ask(output, answers[output.name], files, truth, close=settings.close) for output, truth in asked]
    return [[question for own in each for question in own[place]] for place in range(len(files))]


def plan_attribution(study: Study, workshop: Workshop) -> Work | Contribution:
    """Explain the answers to every image that has a page."""
    if study.config.attribution == ("off",):
        return Contribution(note="Attribution was switched off.")
    if study.network.latent:
        return Contribution(note="The network reads vectors: there is no image whose places could be evidence.")
    if not study.network.preprocessing.differentiable:
        return Contribution(note="The preprocessing function is not differentiable, so there is no gradient to follow.")
    outputs = asked_outputs(study.answers.outputs)
    if not outputs:
        return Contribution(note="No output is of a kind that is explained: there is no answer to explain.")
    why = _Why(
        study,
        workshop,
        outputs,
        find_likeness(study, outputs),
        Thumbnails(study.fitting.scale.levels),
        find_masks(study),
    )
    return Work(images=why.images, visit=why.visit, finish=why.finish, reads_answers=True)


ATTRIBUTION = Section(
    "attribution",
    "Why",
    plan_attribution,
    record.Traits(
        gallery="explanations",
        on_layers=None,
        shrinks=True,
        compared=True,
        words=("why", "attribution", "saliency", "evidence", "grad-cam", "integrated gradients", "occlusion"),
    ),
)
