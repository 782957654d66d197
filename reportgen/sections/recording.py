"""From results to the record: what was found, as data for `report.json`."""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from reportgen import record
from reportgen._version import __version__
from reportgen.analysis.network.measured_words import describe_map
from reportgen.analysis.statistics.image_statistics import ImageStatistics
from reportgen.analysis.weights.layer_weights import weights_by_layer
from reportgen.class_names import whole_number
from reportgen.config import Config, option_facts, option_name
from reportgen.formats import all_rounded, finite
from reportgen.images import Fitting
from reportgen.models import MeasuredInput, Network
from reportgen.models.inputs import flat_slots
from reportgen.record import Pages
from reportgen.record.addresses import section_page
from reportgen.results import Finding, Graph, GraphNode, LayerSummary
from reportgen.sections.answers import MeasuredAnswers, record_outputs
from reportgen.sections.attribution_recording import record_attribution
from reportgen.sections.histograms import describe_histogram
from reportgen.sections.kept_products import weight_sketches
from reportgen.sections.review_recording import record_evaluation
from reportgen.sections.section import Contribution, Section, joined
from reportgen.sections.study import Study

_PACKAGES = ("tensorflow", "keras", "numpy", "pillow")


def record_model(study: Study) -> record.Model:
    """What the network is."""
    network, summary = study.network, study.summary
    return record.Model(
        name=network.name,
        source=network.source,
        sha256=network.sha256,
        input_shape=_shapes(summary.input_shape),
        output_shape=_shapes(summary.output_shape),
        parameter_count=summary.parameter_count,
        trainable_parameter_count=summary.trainable_parameter_count,
        mac_count=summary.mac_count,
        layer_count=len(summary.layers),
        memory_bytes=summary.memory_bytes,
        preprocessing=_record_preprocessing(network, study.fitting),
        head=_record_head(study),
        outputs=record_outputs(study),
        blocks=list(summary.blocks),
        latent=network.channels if network.latent else None,
        inputs=_record_inputs(network),
    )


def _record_head(study: Study) -> record.Head:
    """The first output of classes or labels, as reports have had it before they knew several outputs."""
    head = study.head
    if head is None:
        return record.Head(kind="none", classes=None, labels="none", note=study.answers.outputs[0].reason)
    note = " ".join(part for part in (head.reason, head.note) if part)
    return record.Head(kind=head.scores, classes=head.classes, labels=head.labels_origin, note=note)


def _record_inputs(network: Network) -> list[record.ModelInput]:
    """Every input in Keras' order; none where nothing is known of them."""
    slots = [] if network.input_slots is None else flat_slots(network.input_slots)
    return [
        record.ModelInput(name=slot.name, shape=slot.shape, given=network.held.get(slot.name, "image"))
        for slot in slots
    ]


def _record_preprocessing(network: Network, fitting: Fitting) -> record.Preprocessing:
    chosen = network.preprocessing
    return record.Preprocessing(
        mode=chosen.mode,
        origin=chosen.origin,
        description=chosen.description,
        value_range=chosen.value_range,
        resize=fitting.resize,
        interpolation=fitting.interpolation,
        size=fitting.size,
        channels=network.channels,
        reason=chosen.reason or None,
        measured=_record_measured(chosen.inside, chosen.total),
    )


def _record_measured(inside: MeasuredInput | None, total: MeasuredInput | None) -> record.MeasuredPreprocessing | None:
    if inside is None or total is None:
        return None
    return record.MeasuredPreprocessing(
        inside=_record_map(inside), total=_record_map(total), layer=inside.layer, note=inside.reason or total.reason
    )


def _record_map(measured: MeasuredInput) -> record.AffineMap | None:
    if measured.matrix is None or measured.offset is None:
        return None
    return record.AffineMap(
        matrix=[list(row) for row in measured.matrix], offset=list(measured.offset), words=describe_map(measured)
    )


def _shapes(shape: Any) -> Any:
    """A shape, or a list of several."""
    return list(shape) if shape and isinstance(shape[0], tuple) else shape


def record_layers(study: Study) -> list[record.Layer]:
    """Every row of the layer table, with what was found in its weights and activations."""
    weights = weights_by_layer(study.network, study.summary, [item.statistics for item in study.weighed])
    sketches = weight_sketches(study)
    return [
        _record_layer(layer, study, weights.get(layer.name), sketches.get(layer.name)) for layer in study.summary.layers
    ]


def _record_layer(
    layer: LayerSummary, study: Study, weights: record.Weights | None, sketch: list[float] | None
) -> record.Layer:
    return record.Layer(
        index=layer.index,
        name=layer.name,
        type=layer.type,
        kind=layer.kind,
        block=layer.block,
        output_shape=_shapes(layer.output_shape),
        actual_shape=layer.actual_shape,
        parameter_count=layer.parameter_count,
        trainable_parameter_count=layer.trainable_parameter_count,
        mac_count=layer.mac_count,
        memory_bytes=layer.memory_bytes,
        receptive_field=layer.receptive_field,
        receptive_field_note=layer.receptive_field_note,
        inputs=list(layer.inputs),
        page=study.pages.layer_page(layer.name),
        details=dict(layer.details),
        weights=weights,
        activations=_record_activations(study.statistics, layer.name),
        sketch=sketch,
    )


def _record_activations(statistics: ImageStatistics, layer: str) -> record.Activations | None:
    """What was measured of a layer's output, all channels together and each by itself."""
    whole, each = statistics.layer(layer), statistics.channels(layer)
    if whole is None or each is None:
        return None
    return record.Activations(
        min=finite(whole.min),
        max=finite(whole.max),
        mean=finite(whole.mean),
        std=finite(whole.std),
        zero_fraction=finite(whole.zero_fraction),
        dead_channels=list(each.dead_channels),
        histogram=describe_histogram(whole.histogram),
        columns=record.ChannelColumns(
            min=_column(each.min),
            max=_column(each.max),
            mean=_column(each.mean),
            std=_column(each.std),
            zero_fraction=_column(each.zero_fraction),
            firing_rate=_column(each.firing_rate),
        ),
    )


def _column(values: NDArray[Any]) -> list[float | None]:
    """One value per channel, rounded: thousands of them stand in a report."""
    return all_rounded(values.tolist())


def record_graph(graph: Graph, pages: Pages) -> record.Graph:
    """The drawn graph, its boxes with the page of the layer one wants to see first."""
    return record.Graph(
        width=graph.width,
        height=graph.height,
        nodes=[
            record.GraphNode(
                name=node.name,
                kind=node.kind,
                layers=list(node.layers),
                x=node.x,
                y=node.y,
                width=node.width,
                height=node.height,
                text=list(node.text),
                page=_first_page(node, pages),
            )
            for node in graph.nodes
        ],
        edges=list(graph.edges),
    )


def _first_page(node: GraphNode, pages: Pages) -> str | None:
    names = ([node.layer] if node.layer is not None else []) + list(node.layers)
    return next((page for name in names if (page := pages.layer_page(name)) is not None), None)


def record_images(
    study: Study,
    drawn: Mapping[str, tuple[record.Answer, ...]],
    attributions: Mapping[str, tuple[record.Attribution, ...]],
) -> list[record.Image]:
    """Every image, the network's answers to it and why; `drawn` are those answers that are pictures, by image."""
    measured, truth = MeasuredAnswers(study), _known_truth(study)
    places = {image.file: place for place, image in enumerate(study.statistics.images)}
    return [
        record.Image(
            id=study.pages.image_ids[image.file],
            file=image.file,
            sha256=image.sha256,
            width=image.width,
            height=image.height,
            page=study.pages.image_page(image.file),
            truth=truth.get(image.file),
            placement=study.fitting.place(image.height, image.width),
            predictions=list(study.statistics.predictions(places[image.file], study.head)),
            answers=measured.of(image.file, drawn.get(image.file, ())),
            attributions=attributions.get(image.file, ()),
        )
        for image in study.images
    ]


def _known_truth(study: Study) -> dict[str, str]:
    """The right classes of images, as given, that the first output of classes or labels knows."""
    matched = study.answers.truths.get(study.head.name) if study.head is not None else None
    return {} if matched is None else {file: matched.labels[file] for file in matched.classes if matched.labels[file]}


def record_findings(findings: Iterable[Finding], study: Study) -> list[record.Finding]:
    """Findings with the page that shows their evidence."""
    return [_record_finding(finding, study) for finding in findings]


def _record_finding(finding: Finding, study: Study) -> record.Finding:
    pages = study.pages
    page = None
    if finding.layer is not None and len(finding.channels) == 1:
        page = pages.channel_page(finding.layer, finding.channels[0])
    if page is None and finding.layer is not None:
        page = pages.layer_page(finding.layer)
    if page is None and finding.image is not None:
        page = pages.image_page(finding.image)
    if finding.section is not None:
        page = section_page(finding.section)
    values = vars(finding) | {"channels": list(finding.channels)}
    del values["section"]
    return record.Finding(**values, page=page)


def record_provenance(config: Config, *, latent: bool = False) -> record.Provenance:
    """How the report was made: names only, nothing of the machine."""
    return record.Provenance(
        command=command_of(config, latent=latent),
        config={name: _unnamed(_public(name, value)) for name, value in _settings(config).items()},
        seed=config.seed,
        versions={"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        created=_created(os.environ.get("SOURCE_DATE_EPOCH")),
        tags=dict(config.tag),
    )


def _settings(config: Config) -> dict[str, Any]:
    """The settings that were not left at their defaults and say something of the report, not of the machine."""
    of_machine = {name for name in Config.model_fields if option_facts(name).of_machine}
    return config.model_dump(exclude=of_machine, exclude_defaults=True)


def _created(epoch: str | None) -> str | None:
    """The time `SOURCE_DATE_EPOCH` states; without it none is, so that equal inputs give equal bytes."""
    seconds = None if epoch is None else whole_number(epoch)
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (OverflowError, ValueError, OSError):  # after the year 9999
        return None


def _public(name: str, value: Any) -> Any:
    """The setting `name` as JSON, with folders left out of what may be a path."""
    if isinstance(value, Path):
        return value.name
    if isinstance(value, Mapping):
        return {key: _public(name, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_public(name, item) for item in value]
    return _without_folders(value) if isinstance(value, str) and option_facts(name).is_path else value


def _unnamed(value: Any) -> Any:
    """What was given for no output by name, by itself."""
    return value[""] if isinstance(value, dict) and set(value) == {""} else value


def _without_folders(text: str) -> str:
    """The last part of an absolute or upward path; other text as it is."""
    return text.replace("\\", "/").rstrip("/").rpartition("/")[2] if "/" in text or "\\" in text else text


def command_of(config: Config, *, latent: bool = False) -> str:
    """The command that makes such a report, with the names of files alone."""
    words = ["reportgen", "build", _without_folders(config.model) or "MODEL"]
    words += [_without_folders(image) for image in config.images] or ([] if latent else ["IMAGES"])
    for name, value in _settings(config).items():
        if option_facts(name).place == "option":
            words += _option_words(name, value)
    return shlex.join(words)


def _option_words(name: str, value: Any) -> list[str]:
    """A setting as words of the command line."""
    facts, option, public = option_facts(name), f"--{option_name(name)}", _public(name, value)
    if isinstance(value, bool):
        return [option]
    if isinstance(public, dict):
        public = [f"{key}={_word(item)}" if key else _word(item) for key, item in public.items()]
    if facts.repeats:
        return [word for item in public for word in (option, item)]
    if isinstance(public, list):
        parts = [f"{part:.15g}" if isinstance(part, float) else str(part) for part in public]
        return [option, facts.joint.join(parts)]
    return [option, str(public)]


def _word(value: Any) -> str:
    """A value given for an output; a list, which only Python can give, is called one."""
    return "LIST" if isinstance(value, list) else str(value)


def _by_image(pairs: Iterable[tuple[str, record.Attribution]]) -> dict[str, tuple[record.Attribution, ...]]:
    found: dict[str, tuple[record.Attribution, ...]] = {}
    for file, attribution in pairs:
        found[file] = (*found.get(file, ()), attribution)
    return found


def make_record(
    study: Study,
    site: record.Site,
    sections: Sequence[tuple[Section, Contribution]],
    findings: Iterable[Finding],
    thumbnails: Mapping[str, record.Tile] | None = None,
    judged: Mapping[str, record.EvaluationOutput] | None = None,
    products: record.KeptProducts | None = None,
) -> record.Record:
    """Everything the pages say.

    `thumbnails` are small pictures of images, and `judged` outputs, beside those that sections or the pass made.
    """
    made = [contribution for _, contribution in sections]
    review = joined(made)
    return record.Record(
        generator=record.Generator(name="reportgen", version=__version__),
        site=site,
        model=record_model(study),
        layers=record_layers(study),
        graph=next((record_graph(one.graph, study.pages) for one in made if one.graph is not None), None),
        images=record_images(
            study,
            {file: own for one in made for file, own in one.answers.items()},
            _by_image(pair for contribution in made for pair in contribution.attributions),
        ),
        skipped=list(study.images.skipped),
        units=[channel for contribution in made for channel in contribution.channels],
        maximizations=[shown for contribution in made for shown in contribution.maximizations],
        figures=[figure for contribution in made for figure in contribution.figures],
        features=[feature for contribution in made for feature in contribution.features],
        products=products,
        findings=record_findings(findings, study),
        attribution=record_attribution(review),
        evaluation=record_evaluation(study, judged or {}),
        robustness=review.robustness,
        dataset=review.dataset,
        thumbnails={**(thumbnails or {}), **review.thumbnails},
        sections=[section.describe(contribution) for section, contribution in sections],
        provenance=record_provenance(study.config, latent=study.network.latent),
    )
