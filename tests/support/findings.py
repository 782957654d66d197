"""Evidence to plant faults in, and checks that every rule of findings shares."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
from support.kinds import kind_named
from support.settled import settled_output

from reportgen.analysis import findings
from reportgen.analysis.answers import AnswerPlan
from reportgen.analysis.answers.truth import GivenTruth, match_truth
from reportgen.analysis.findings import (
    Evidence,
    gather_evidence,
    images_to_look_at,
)
from reportgen.analysis.findings.evidence import (
    AnswerFacts,
    ChannelFacts,
    FilterFacts,
    ImageColumns,
    NetworkFacts,
    NormalizationFacts,
    ValueColumns,
    VariableFacts,
)
from reportgen.analysis.findings.shown_images import SeenClosely
from reportgen.analysis.network.fed_values import settle_fitting
from reportgen.analysis.network.feeding import open_network
from reportgen.analysis.network.layers import summarize_network
from reportgen.analysis.network.preprocessing_check import ModeTrial, PreprocessingCheck
from reportgen.analysis.network.running import run_unwatched
from reportgen.analysis.statistics.image_statistics import collect, default_layers
from reportgen.analysis.weights.filters import filter_banks, weight_statistics
from reportgen.config import Config
from reportgen.images import collect_images, load_image
from reportgen.progress import Silent
from reportgen.results import Finding, LayerSummary, NetworkSummary
from reportgen.sections.study import find_answers

# The name of a case, the rule, what it looks at, and the severities of what it must find.
Planted = tuple[str, Any, Evidence, list[str]]


def columns(count: int = 20, **changed: Any) -> ImageColumns:
    values = {
        "files": tuple(f"image-{index}.png" for index in range(count)),
        "heights": np.full(count, 224),
        "widths": np.full(count, 224),
        "scale_y": np.ones(count),
        "scale_x": np.ones(count),
        "predicted": np.arange(count) % 4,
        "truth": np.full(count, -1),
        "answer_sums": np.ones(count),
    }
    return ImageColumns(**(values | {name: np.asarray(value) for name, value in changed.items()}))


def values(count: int = 20, depth: str = "uint8", **changed: Any) -> ValueColumns:
    columns = {
        "files": tuple(f"image-{index}.png" for index in range(count)),
        "depths": (depth,) * count,
        "lows": np.zeros(count),
        "highs": np.full(count, 200.0),
        "finite": np.ones(count, bool),
        "blacks": np.zeros(count),
        "whites": np.full(count, 255.0),
        "range_given": False,
        "kept": False,
    }
    return ValueColumns(**(columns | changed))


def trial(mode: str, information: float | None = None, divergence: float | None = None) -> ModeTrial:
    return ModeTrial(mode, information, divergence)


def checked(
    used: ModeTrial, *others: ModeTrial, error: float = 0.02, classes: int = 4, judged: int = 0
) -> PreprocessingCheck:
    """A trial of modes, in which the gain of each other mode has the standard error `error`."""
    gained = [
        other
        if None in (used.information, other.information)
        else replace(other, log_gain=float(np.log(other.information / used.information)), log_gain_error=error)
        for other in others
    ]
    normalization = "bn" if used.moment_divergence is not None else None
    return PreprocessingCheck(used, tuple(gained), 14, normalization, judged, classes)


def row(name: str, kind: str, parameters: int) -> LayerSummary:
    return LayerSummary(
        index=1,
        name=name,
        type=kind,
        kind=kind_named(kind),
        block=None,
        output_shape=(None, 10),
        actual_shape=(1, 10),
        parameter_count=parameters,
        trainable_parameter_count=parameters,
        mac_count=parameters,
        memory_bytes=40,
        receptive_field=None,
        receptive_field_note="dense",
        inputs=(),
        is_map=False,
        token_grid=None,
        details={},
    )


def table(*rows: LayerSummary, rest: int = 0) -> NetworkSummary:
    total = sum(item.parameter_count for item in rows) + rest
    return NetworkSummary(rows, (), total, total, total, 40, (None, 8, 8, 3), (None, 10))


NETWORK = NetworkFacts(
    name="net",
    size=(224, 224),
    preprocessing_mode="unit",
    preprocessing_origin="flag",
    resize="squash",
    labels=("a", "b", "c", "d"),
    head=settled_output(labels=("a", "b", "c", "d")),
    notes=(),
    half_precision=False,
)


SOUND = Evidence(
    network=NETWORK,
    summary=table(row("dense", "Dense", 1000), rest=4000),
    variables=(VariableFacts("conv", "kernel", 648, 0, initial=False), VariableFacts("conv", "bias", 8, 0)),
    filters=(FilterFacts("conv", 20, 0.0, (), (), ()),),
    channels=(ChannelFacts("conv", 20, 0, (), (), ()),),
    normalizations=(NormalizationFacts("bn", never_updated=False, changes_nothing=False),),
    images=columns(),
    values=values(),
    skipped={},
    preprocessing=checked(trial("unit", 2.0, 0.1), trial("none", 1.0, 9.0), trial("tf", 1.9, 2.0)),
    capture_difference=1e-7,
)


def with_network(**changed: Any) -> Evidence:
    return replace(SOUND, network=replace(NETWORK, **changed))


def given(*labels: str, missing: tuple[str, ...] = (), duplicates: tuple[str, ...] = ()) -> GivenTruth:
    cells = {f"image-{index}.png": (label,) for index, label in enumerate(labels)}
    return GivenTruth("table", "truth.csv", ("label",), cells, missing=missing, duplicates=duplicates)


def with_answers(
    kind: str = "classes",
    size: tuple[int, ...] = (4,),
    kept: Any = ((0.0,),) * 4,
    *,
    lost: Any = None,
    same_as: str | None = None,
    truth: GivenTruth | None = None,
    **changed: Any,
) -> Evidence:
    """One output and what was kept of its answers, a row an image."""
    output = settled_output(kind, size, labels=("a", "b", "c", "d") if kind == "classes" else None, **changed)
    rows = np.array(kept, np.float32)
    nonfinite = np.zeros(len(rows), np.int64) if lost is None else np.array(lost)
    matched = None if truth is None else match_truth(truth, output)
    return replace(SOUND, answers=(AnswerFacts(output, rows, nonfinite, same_as, matched),))


def with_values(**changed: Any) -> Evidence:
    return replace(SOUND, values=values(**changed))


def with_filters(**changed: Any) -> Evidence:
    return replace(SOUND, filters=(replace(SOUND.filters[0], **changed),))


def with_channels(*facts: ChannelFacts, images: int = 60) -> Evidence:
    return replace(SOUND, channels=facts, images=columns(images))


def with_trials(used: ModeTrial, *others: ModeTrial, error: float = 0.02, classes: int = 4) -> Evidence:
    return replace(SOUND, preprocessing=checked(used, *others, error=error, classes=classes))


def judged(*modes: tuple[Any, ...]) -> Evidence:
    """Trials on 100 images of known class: mode, right answers, gained, lost and the divergence of moments."""
    trials = [
        replace(trial(mode, None, *moments[2:]), accuracy=right / 100, gained=gained, lost=lost, changed=0.2)
        for mode, right, *moments in modes
        for gained, lost in [([*moments, 0, 0])[:2]]
    ]
    return replace(SOUND, preprocessing=checked(*trials, judged=100))


def variable(initial: bool | None = None, nonfinite: int = 0, name: str = "conv") -> VariableFacts:
    return VariableFacts(name, "kernel", 648, nonfinite, initial)


def normalization(never_updated: bool, changes_nothing: bool) -> NormalizationFacts:
    return NormalizationFacts("bn", never_updated=never_updated, changes_nothing=changes_nothing)


def channels(dead: int = 0, stuck: int = 0, of: int = 20, **changed: Any) -> ChannelFacts:
    values = {"layer": "relu", "channels": of, "nonfinite_count": 0, "rare": ()}
    return ChannelFacts(**(values | {"dead": tuple(range(dead)), "stuck": tuple(range(stuck))} | changed))


ORDERED = columns(12, truth=np.arange(12) % 3, predicted=np.arange(12) % 3)


LATER = columns(12, truth=np.arange(12) % 3, predicted=np.arange(12) % 3 + 1)


def evidence_of(model: keras.Model, pixels: np.ndarray, **settings: Any) -> Evidence:
    config = Config(**({"preprocess": "unit"} | settings))
    network = open_network(config, model)
    images = collect_images(pixels, channels=network.channels)
    network, fitting = settle_fitting(config, network, images)
    summary = summarize_network(network)
    answers, own = find_answers(config, fitting, network, images, run=run_unwatched)
    plan = AnswerPlan(answers.outputs, len(images))
    banks = [(bank, weight_statistics(bank)) for bank in filter_banks(network, summary)]
    layers_measured = default_layers(config, summary)
    statistics = collect(network, summary, images, layers_measured, fitting, config, Silent(), None, plan)
    wanted = images_to_look_at(network, summary, answers, own, statistics)
    shown = {image.file: SeenClosely(fitting.apply(load_image(image, network.channels))[0]) for image in wanted}
    return gather_evidence(config, network, summary, answers, own, banks, statistics, fitting, shown)


def rules_of(given: tuple[Finding, ...]) -> set[str]:
    return {finding.rule for finding in given}


def check_rule(rule: Any, evidence: Evidence, severities: list[str]) -> None:
    """`rule` finds in `evidence` what has these severities, and says all there is to say of it."""
    given = list(rule(evidence))
    assert [finding.severity for finding in given] == severities
    for finding in given:
        for text in (finding.message, finding.measured, finding.threshold, finding.why, finding.action):
            assert text
        for sentence in (finding.message, finding.why, finding.action):
            assert sentence.endswith((".", "?")) or "Keras warned" in sentence


def check_planted(module: Any, planted: list[Planted]) -> None:
    """Every rule of `module` that takes part has a case it finds in `planted`, and a near-miss."""
    rules = [rule for rule in findings.RULES if rule.__module__ == module.__name__]
    assert {case[1] for case in planted} == set(rules)
    for rule in rules:
        cases = [severities for _, tested, _, severities in planted if tested is rule]
        assert any(cases), f"{rule.__name__} is never raised"
        assert [] in cases, f"{rule.__name__} is never silent"


def named(planted: list[Planted]) -> dict[str, Any]:
    """What `pytest.mark.parametrize` takes to run each case of `planted` under its name."""
    return {
        "argnames": ("rule", "evidence", "severities"),
        "argvalues": [case[1:] for case in planted],
        "ids": [f"{case[1].__name__}-{case[0]}".replace(" ", "-") for case in planted],
    }
