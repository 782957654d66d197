"""The front page: what network it is, whether anything is wrong, what it sees."""

from __future__ import annotations

from itertools import islice

from reportgen import formats
from reportgen.record import Head, Image, Maximization, Model, Record
from reportgen.record.objectives import objective_words
from reportgen.sampling import sample_evenly
from reportgen.site.answer_views import KINDS, describe_outputs, join_words
from reportgen.site.attributions import begins_with_mistakes, strip_figures
from reportgen.site.catalogue import Catalogue
from reportgen.site.facts import (
    fed_shape,
    input_words,
    key_facts,
    model_facts,
    preprocessing_words,
    provenance_facts,
    takes_any_size,
)
from reportgen.site.figures import view_figure
from reportgen.site.image_pages import card_paths
from reportgen.site.page import FRONT, Page
from reportgen.site.parts import count_severities, view_findings, view_image, view_maximizations, view_sections
from reportgen.site.rightness import view_right
from reportgen.site.views import MOST_ON_CARDS, FrontView

# What fits a glance; the rest has a page of its own.
MOST_IMAGES = 12
MOST_MAXIMIZED = 12
MOST_FINDINGS = 40

_HEADS = {
    "softmax": "gives probabilities of {classes}",
    "sigmoid": "gives a probability for each of {classes}",
    "logits": "gives scores for {classes}",
    "none": "gives features, not classes",
}


def front_page(catalogue: Catalogue) -> Page:
    """The page one opens first."""
    record = catalogue.record
    findings = view_findings(record.findings, catalogue)
    shown = findings[:MOST_FINDINGS]
    view = FrontView(
        record=record,
        summary=summarize_model(record.model),
        key_facts=key_facts(record.model),
        facts=model_facts(record.model),
        preprocessing=preprocessing_words(record.model) + input_words(record.model),
        right=view_right(catalogue),
        calm=_calm(record),
        unread=_unread(record),
        other_outputs=tuple(
            (output.name, KINDS[output.kind].phrase(output)) for output in record.model.outputs[MOST_ON_CARDS:]
        ),
        verdict=count_severities(record.findings),
        provenance=provenance_facts(record.provenance),
        findings=tuple(view for view in shown if view.finding.severity != "info"),
        notes=tuple(view for view in shown if view.finding.severity == "info"),
        findings_shown=len(shown),
        finding_count=len(findings),
        cards=tuple(view_image(image, catalogue) for image in _shown_images(record)),
        image_count=len(record.images),
        why=tuple(view_figure(figure, catalogue) for figure in strip_figures(catalogue)),
        mistakes_first=begins_with_mistakes(catalogue),
        skipped=record.skipped,
        skipped_page=f"{card_paths(catalogue)[-1]}#skipped",
        maximizations=view_maximizations(_representatives(catalogue), catalogue),
        sections=tuple(view_sections((), catalogue.general_figures, catalogue).values()),
        left_out=tuple((section.title, section.note) for section in record.sections if section.note is not None),
    )
    return Page(FRONT, record.site.title, "index.html.jinja2", view)


def _shown_images(record: Record) -> list[Image]:
    """The images of the front page: all if they are few, else evenly from those with a page, and so a picture."""
    if len(record.images) <= MOST_IMAGES:
        return record.images
    paged = [image for image in record.images if image.page is not None] or record.images
    return list(sample_evenly(paged, MOST_IMAGES))


def summarize_model(model: Model) -> str:
    """The network in a sentence."""
    layers, parameters = formats.counted(model.layer_count, "layer"), formats.short_count(model.parameter_count)
    answer = f"gives {describe_outputs(model)}" if model.outputs else _describe_head(model.head)
    if model.latent is not None:
        numbers = formats.counted(model.latent, "number")
        return (
            f"A network of {layers} and {parameters} parameters that makes pictures of vectors of {numbers}, "
            f"in all {formats.shape(model.output_shape)}."
        )
    return (
        f"A network of {layers} and {parameters} parameters that reads images of "
        f"{'any size, here ' if takes_any_size(model) else ''}{fed_shape(model)} and {answer}."
    )


def _describe_head(head: Head) -> str:
    """What a network of a record without outputs gives."""
    if head.kind == "sigmoid" and head.classes == 1:
        return "gives a probability of one class"
    classes = "its classes" if head.classes is None else formats.counted(head.classes, "class")
    return _HEADS[head.kind].format(classes=classes)


def _calm(record: Record) -> str:
    """What the rules had before them."""
    weights = sum(layer.weights is not None for layer in record.layers)
    activations = sum(layer.activations is not None for layer in record.layers)
    read = [f"the weights of {formats.counted(weights, 'layer')}"] if weights else []
    if activations:
        on = f" on {formats.counted(len(record.images), 'image')}" if record.images else ""
        read.append(f"the activations of {formats.counted(activations, 'layer')}{on}")
    if any(image.predictions for image in record.images):
        read.append("the classes the network names")
    return f"the rules read {join_words(read)}" if read else "the rules had nothing measured to read"


def _unread(record: Record) -> tuple[str, ...]:
    """What no rule reads, so that no one takes silence for praise."""
    unread = [] if record.evaluation is not None else ["whether the answers are right, since no truth was given"]
    unread += [
        f"the answers of {output.name} ({KINDS[output.kind].phrase(output)}), beyond whether they are numbers"
        for output in record.model.outputs
        if not KINDS[output.kind].judged
    ]
    return tuple(unread)


def _representatives(catalogue: Catalogue) -> list[Maximization]:
    """The best maximised images over the depth: one layer after another, as many of each as there is room for."""
    shown = {
        layer: [one for one in made if _speaks_for_channel(one)]
        for layer, made in catalogue.maximizations_of_layer.items()
    }
    layers = [made for made in shown.values() if made]
    if not layers:
        return []
    each = max(1, MOST_MAXIMIZED // len(layers))
    step = max(1, -(-len(layers) // MOST_MAXIMIZED))
    return [one for made in islice(layers, 0, None, step) for one in _of_different_channels(made)[:each]]


def _speaks_for_channel(one: Maximization) -> bool:
    """Whether an image shows what excites a channel, and can be trusted."""
    words = objective_words(one.objective)
    plain = words.is_channel and not words.is_further and one.label is None
    return plain and one.status == "ok" and one.picture is not None


def _of_different_channels(made: list[Maximization]) -> list[Maximization]:
    return list({one.channel: one for one in reversed(made)}.values())[::-1]
