"""The one place where everything meets: settings to network, images, analysis, pictures, record and pages."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from reportgen.analysis.findings import Evidence, MaskFacts, ReviewEvidence, find, gather_evidence
from reportgen.analysis.network.capture import Extractor
from reportgen.analysis.network.features import default_feature_layer
from reportgen.analysis.network.features import save_features as write_features
from reportgen.analysis.network.fed_values import settle_fitting
from reportgen.analysis.network.feeding import open_network
from reportgen.analysis.network.given_values import with_values_of_images
from reportgen.analysis.network.layer_table import as_csv, as_json, as_table
from reportgen.analysis.network.layers import summarize_network
from reportgen.analysis.network.selection import select_layers
from reportgen.analysis.weights.filters import filter_banks, weight_statistics
from reportgen.analysis.weights.layer_weights import weights_by_layer
from reportgen.config import ALL_SECTIONS, Config
from reportgen.costs import Costs, cost_lines, measured, write_costs
from reportgen.errors import GateError, UsageError
from reportgen.facts import SEVERITIES, Skipped
from reportgen.files.cache import Cache
from reportgen.files.cache_folder import default_folder
from reportgen.files.manifest import is_made_here
from reportgen.files.replacing import replacing, replacing_file
from reportgen.files.targets import absolute, check_costs_target, check_file_target, check_not_read, check_target
from reportgen.files.workplaces import single_beside
from reportgen.finished.bundle import bundle_text, write_bundle
from reportgen.finished.closing_words import closing_words
from reportgen.finished.finished_report import Report
from reportgen.finished.gate_figures import gate_figures
from reportgen.finished.rendering import site_look, write_pages
from reportgen.finished.replaced import changes_since
from reportgen.finished.shrinking import fit_size, folder_size
from reportgen.finished.sizes import measure_things, size_table
from reportgen.formats import byte_count, counted
from reportgen.gates import check_gates
from reportgen.images import ImageSet, collect_images
from reportgen.machine.memory import seldom_collected
from reportgen.models import Network, latent_vectors, load_network
from reportgen.progress import Progress, stage
from reportgen.record import EvaluationOutput, Record, Site
from reportgen.sections import SECTIONS
from reportgen.sections.for_pages import Originals
from reportgen.sections.judged_outputs import JudgedOutputs
from reportgen.sections.kept_products import ProductKeeper
from reportgen.sections.looked_at import LookedAt
from reportgen.sections.picture_store import PictureStore
from reportgen.sections.recording import make_record
from reportgen.sections.review_recording import images_spoken_of
from reportgen.sections.section import Contribution, Section, Work, joined
from reportgen.sections.study import Study, Workshop, find_answers, fitted_images, prepare_study
from reportgen.sections.thumbnails import Thumbnails
from reportgen.sections.visiting import make_sections
from reportgen.site.page import FRONT


def build_report(
    config: Config, *, model: Any, pixels: Any, progress: Progress, sections: Sequence[Section] = SECTIONS
) -> Report:
    """Make the report `config` describes; see `reportgen.build`. `sections` are those there are to choose from."""
    costs = progress = measured(progress)
    check_sections(config.sections, sections)
    output = config.output or Path(tempfile.mkdtemp(prefix="reportgen-")) / "report"
    folder, single = _targets(config, output)
    if folder is not None:
        check_target(folder, "report", force=config.force)
    if single is not None:
        check_file_target(single)
    check_costs_target(config.timings, folder, single)
    with stage(progress, "Loading the network"):
        network = open_network(config, model)
    originals = Originals()
    with stage(progress, "Finding the images"):
        images = _collect(config, network, pixels, progress, originals)
    for file in (single, config.timings):
        _check_not_read(file, config, images)
    with replacing(folder, single, force=config.force) as places:
        new = places.folder
        cache = Cache((config.cache or default_folder()) if config.use_cache else None)
        workshop = Workshop(PictureStore(new, cache), cache, progress, originals)
        with stage(progress, "Looking at the network"):
            study = prepare_study(config, network, images, workshop)
        record = _record(study, workshop, sections)
        with stage(progress, "Pages"), seldom_collected():
            record = _finish(record, new, config, since=() if folder is None else changes_since(folder, record))
        progress.say(f"the report has {byte_count(folder_size(new))}; its biggest parts:")
        for line in size_table(measure_things(record, new)):
            progress.say(line)
        if single is not None:
            write_bundle(bundle_text(new), places.single)
    _close(cache, progress)
    for line in closing_words(record, folder / FRONT if folder is not None else single or output):
        progress.say(line)
    _tell_costs(costs, config, len(record.images))
    _check_gates(record, config)
    return Report(path=folder or single or output, data=record)


def _close(cache: Cache, progress: Progress) -> None:
    """Bring the cache within its bound; say what went wrong with it, since the report does not need it."""
    trouble = cache.trouble
    try:
        cache.trim()
    except OSError as error:
        trouble = trouble or f"the cache {cache.folder} cannot be kept small: {error.strerror or error}"
    if trouble is not None:
        progress.say(trouble)


def _tell_costs(costs: Costs, config: Config, images: int) -> None:
    """Say what the run on so many images took, and write it where `--timings` says."""
    table = costs.data(images)
    for line in cost_lines(table):
        costs.explain(line)
    if config.timings is not None:
        with replacing_file(config.timings) as new:
            write_costs(table, new)


def check_sections(names: Collection[str], sections: Sequence[Section]) -> None:
    """Refuse names that are none of `sections`.

    Raises:
        UsageError: one of them; the line says which it may have been, and which there are.
    """
    known = [section.slug for section in sections]
    wrong = [name for name in names if name not in (*known, *ALL_SECTIONS)]
    if wrong:
        near = get_close_matches(wrong[0], known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ";"
        raise UsageError(
            f"--sections: expected names of sections or all, got {wrong[0]!r}{hint} known are {', '.join(known)}"
        )


def _collect(
    config: Config, network: Network, pixels: Any, progress: Progress, originals: Originals | None = None
) -> ImageSet:
    """The images given, with a word about those that cannot be used."""
    if network.latent:
        return _samples(config, network, pixels)
    given = config.images if pixels is None else pixels
    keep = None if originals is None else originals.keep
    images = collect_images(
        given, channels=network.channels, strict=config.strict, decoded=keep, passed_over=is_made_here
    )
    for skipped in images.skipped:
        if skipped.is_image:
            progress.say(f"skipped {skipped.file}: {skipped.reason}")
    others = sum(not skipped.is_image for skipped in images.skipped)
    if others:
        progress.say(f"left out {counted(others, 'file')} among the images that {'is' if others == 1 else 'are'} none")
    return images


def _samples(config: Config, network: Network, pixels: Any) -> ImageSet:
    """The vectors a generator is shown with; images that were given all the same are listed as not used."""
    vectors = latent_vectors(network.channels, network.image_input or "", config.inputs, config.seed)
    samples = collect_images(vectors, channels=network.channels, name="sample")
    reason = "was not used: the network takes vectors, not images"
    names = [Path(image).name for image in config.images] if pixels is None else ["the images given"]
    return ImageSet(samples.images, tuple(Skipped(file=name, reason=reason, is_image=False) for name in names))


def _targets(config: Config, output: Path) -> tuple[Path | None, Path | None]:
    """The folder and the single file to make, None for what was not asked for.

    The single file is `output` itself where that ends in `.html`, else stands beside it.
    """
    is_file = output.suffix.lower() == ".html"
    if is_file and config.format != "single":
        raise UsageError(f"--format {config.format}: expected a folder with -o, got the file {output}")
    if config.format == "site":
        return output, None
    single = output if is_file else single_beside(absolute(output))
    return (None if config.format == "single" else output), single


def _check_not_read(file: Path | None, config: Config, images: ImageSet) -> None:
    """Refuse to write `file` over the network, its weights, one of the images, or a file of names, truth or values.

    Raises:
        ReportgenError: it is one of them.
    """
    if file is not None:
        beside = (*config.labels.values(), *config.truth.values(), *config.inputs.values())
        sources = (getattr(image.source, "path", "") for image in images.images)  # those of arrays have none
        check_not_read(
            file, (config.model, config.weights, *(each for each in beside if isinstance(each, str)), *sources)
        )


def _record(study: Study, workshop: Workshop, sections: Sequence[Section]) -> Record:
    """Run the sections asked for and put everything into the record."""
    asked = [section for section in sections if study.config.draws(section.slug) or section.needed(study.config)]
    thumbnails = Thumbnails(study.fitting.scale.levels)
    judged = JudgedOutputs(study, workshop)
    pictured = Work(images=images_spoken_of(study), visit=thumbnails.visit)
    keeper = ProductKeeper(study, workshop)
    looked = LookedAt(study)
    made = make_sections(asked, study, workshop, pictured, judged.work, keeper.work, *looked.works)
    look = Site(**site_look(study.config, study.network.name, workshop.pictures.folder))
    with stage(workshop.progress, "Findings and record"):
        together, outputs = joined(contribution for _, contribution in made), judged.results()
        evidence = replace(
            _evidence(study, looked),
            review=_review_evidence(study, together, outputs),
            attribution=together.attribution_facts,
        )
        findings = find(evidence)
        tiles = thumbnails.save("evaluation", workshop.pictures)
        return make_record(study, look, made, findings, tiles, outputs, keeper.finish())


def _review_evidence(study: Study, together: Contribution, outputs: Mapping[str, EvaluationOutput]) -> ReviewEvidence:
    """What the rules on the review look at."""
    return ReviewEvidence(
        files=tuple(image.file for image in study.statistics.images),
        judged=study.judged,
        steadiness=together.steadiness,
        quality=together.quality,
        masks=tuple(_mask_facts(output) for output in outputs.values() if output.kind == "map"),
    )


def _mask_facts(output: EvaluationOutput) -> MaskFacts:
    classes = output.per_class or ()
    return MaskFacts(
        output=output.output,
        known=tuple(row.label for row in classes),
        shown=tuple(row.label for row in classes if row.count),
        unjudged=output.ignored_pixels - output.unseen_pixels,
        unmatched=output.unmatched_pixels,
    )


def _evidence(study: Study, looked: LookedAt) -> Evidence:
    """What the rules look at."""
    return gather_evidence(
        study.config,
        study.network,
        study.summary,
        study.answers,
        study.own,
        [(item.bank, item.statistics) for item in study.weighed],
        study.statistics,
        study.fitting,
        looked.seen,
        study.images.skipped,
    )


def _finish(record: Record, folder: Path, config: Config, *, since: Sequence[str]) -> Record:
    """Write the pages, within the size asked for; `since` says what changed since the report that is replaced."""

    def finish(shown: Record) -> int:
        write_pages(shown, folder, config.templates, since)
        sizes = {
            "site": lambda: folder_size(folder),
            "single": lambda: len(bundle_text(folder).encode()),
            "both": lambda: folder_size(folder) + len(bundle_text(folder).encode()),
        }
        return 0 if config.max_size is None else sizes[config.format]()

    if config.max_size is None:
        finish(record)
        return record
    return fit_size(record, folder, config.max_size, finish)


def _check_gates(record: Record, config: Config) -> None:
    """Raise GateError where a finding is as bad as `--fail-on` says, or a figure is not what a gate asks for.

    Raises:
        UsageError: a gate is on a figure that reports do not have.
        GateError: with a line for each gate that fails.
    """
    failed = [str(gate) for gate in check_gates(config.gates, gate_figures(record, config.gates))]
    if config.fail_on is not None:
        bad = SEVERITIES[: SEVERITIES.index(config.fail_on) + 1]
        found = [finding for finding in record.findings if finding.severity in bad]
        if found:
            failed.append(
                f"--fail-on {config.fail_on}: expected no such finding, got {len(found)}; "
                f"the first: {found[0].message} The report says what to do."
            )
    if failed:
        raise GateError("\n".join(failed))


def save_features(config: Config, output: Path, *, progress: Progress) -> Path:
    """Write the features of `config.layers` (default: before the head) for `config.images` to `output`.

    Raises:
        ReportgenError: `output` is no place to write to, or is what is read here.
    """
    check_file_target(output)
    network = open_network(config)
    images = _collect(config, network, None, progress)
    _check_not_read(output, config, images)
    network, fitting = settle_fitting(config, with_values_of_images(network, config, images), images)
    summary = summarize_network(network)
    if config.layers:
        layers = select_layers(summary, config.layers)
    else:
        layers = (default_feature_layer(summary, find_answers(config, fitting, network, images)[0].outputs),)
    with stage(progress, "Features", len(images), "images"), replacing_file(output) as new:
        fitted = ((item.image.file, item.pixels) for item in fitted_images(fitting, network, images.images, progress))
        write_features(Extractor(network, layers), fitted, new)
    return output


def print_layers(config: Config, form: str) -> str:
    """The layer summary of `config.model` as a table, JSON or CSV, with what stands in the layers' weights."""
    network = load_network(config)
    summary = summarize_network(network)
    weights = weights_by_layer(network, summary, map(weight_statistics, filter_banks(network, summary)))
    return {"table": as_table, "json": as_json, "csv": as_csv}[form](summary, weights)
