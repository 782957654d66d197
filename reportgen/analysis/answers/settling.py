"""What kind of answer each output of a network gives, settled once for the whole report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.answers.kind import Given, Kind
from reportgen.analysis.answers.pictures import picture_range
from reportgen.analysis.answers.registry import KINDS, kind_of_answer
from reportgen.analysis.answers.seen import Lack, SeenOutput, see_outputs
from reportgen.analysis.answers.truth import GivenTruth, MatchedTruth, match_truth, read_truth
from reportgen.analysis.network.settled_output import Activation, SettledOutput, head_of
from reportgen.config import FOLDERS, Config
from reportgen.errors import ReportgenError, UsageError
from reportgen.facts import AnswerKind
from reportgen.models import Network
from reportgen.models.network import LabelsOrigin
from reportgen.option_values import AnswerChoice

_ACTIVATIONS: dict[str | None, Activation] = {
    "softmax": "softmax",
    "sigmoid": "sigmoid",
    "hard_sigmoid": "sigmoid",
    "linear": "linear",
    "log_softmax": "linear",
    None: "linear",
}

# Which outputs right answers are taken to be of where none is named, the first of these kinds that there is.
_TRUTH_OF: dict[str, tuple[AnswerKind, ...]] = {
    "folders": ("classes", "multilabel"),
    "pictures": ("map", "picture"),
    "input": ("picture",),
}


@dataclass(frozen=True, eq=False)
class SettledAnswers:
    """The outputs of a network in Keras' flat order, their right answers by name, and what is to be said of both."""

    outputs: tuple[SettledOutput, ...]
    truths: Mapping[str, MatchedTruth] = field(default_factory=dict)
    named_by_folders: tuple[str, ...] = ()  # outputs whose classes are called after the images' folders
    left_out: Mapping[str, Lack] = field(default_factory=dict)  # outputs without answers, and what they give instead


def settle_outputs(
    network: Network, answer: Any, inputs: NDArray[Any], files: Sequence[str], config: Config
) -> SettledAnswers:
    """Settle what kind of answer each output gives, and match the right answers with them.

    Args:
        answer: the model's outputs for a few images, in its own structure.
        inputs: these images as fitted, `(images, height, width, channels)`; values that `prepare` takes.
        files: the names of all images, in order.
        config: with `answers`, `labels` and `truth`.

    Raises:
        UsageError: an option that names an output the network does not have, or a kind that does not fit.
        ReportgenError: right answers that cannot be read; the network cannot run.
    """
    everything = see_outputs(network, answer, len(inputs))
    seen = [one for one in everything if one.lacks is None]
    if not seen:
        those = "; ".join(f"{one.name} {one.shape}: {one.lacks}" for one in everything)
        raise ReportgenError(
            f"expected an output with an answer for each image, {network.name} has none "
            f"({those or 'it gives no tensor'}); "
            "build a keras.Model that ends in the layer whose answers are to be seen"
        )
    names, left_out = [one.name for one in seen], {one.name: one.lacks for one in everything if one.lacks is not None}
    for option, by_output in (("answer", config.answers), ("labels", config.labels), ("truth", config.truth)):
        _check_names(option, by_output, names, left_out)
    truths = {name: read_truth(given, files) for name, given in config.truth.items()}
    shown = network.to_pictures(np.asarray(inputs, np.float32))
    outputs, named = [], []
    certain = _certain(seen, network, shown)
    for one in seen:
        own = {name: truth for name, truth in truths.items() if name or _may_have(one, certain, truth.names_classes())}
        labels, origin = _labels_for(one, network, config, files, own)
        if one.name not in network.output_labels and not _may_have(one, certain, len(labels or ())):
            labels, origin = None, "none"
        # Right answers for no output by name may be of another one, where there are several.
        own_truth = truths.get(one.name) or (truths.get("") if len(seen) == 1 else None)
        given = Given(
            labels=labels,
            truth_classes=_truth_classes(one, own),
            loss=network.losses.of(one.name, one.index),
            inputs=shown,
            is_application=network.is_application,
            truth_is_input=own_truth is not None and own_truth.form == "input",
        )
        output = _settle(one, given, origin, config)
        if origin == "folders" and output.labels is not None and not _asked_for_folders(config, one.name):
            named.append(one.name)
        outputs.append(output)
    outputs = _with_remaining_labels(outputs, network)
    matched = _match(truths, outputs)
    return SettledAnswers(tuple(_with_value_names(one, matched) for one in outputs), matched, tuple(named), left_out)


def _check_names(option: str, given: Mapping[str, Any], names: Sequence[str], left_out: Mapping[str, Lack]) -> None:
    wrong = next((name for name in given if name and name not in names), None)
    if wrong is not None and wrong in left_out:
        raise UsageError(
            f"--{option} {wrong}=...: that output gives {left_out[wrong]} and is left out; there is {', '.join(names)}"
        )
    if wrong is not None:
        raise UsageError(f"--{option} {wrong}=...: the network has no such output; it has {', '.join(names)}")
    if option == "answer" and "" in given and len(names) > 1:
        raise UsageError(f"--answer: expected NAME=KIND for one of the outputs {', '.join(names)}, got no name")


def _certain(seen: Sequence[SeenOutput], network: Network, inputs: NDArray[np.float32]) -> tuple[SeenOutput, ...]:
    """The outputs that are of classes whatever names and right answers are given."""
    found = []
    for one in seen:
        loss = network.losses.of(one.name, one.index)
        kind, _ = _found(one, Given(None, None, loss, inputs, network.is_application))
        if kind.name in ("classes", "multilabel", "map"):
            found.append(one)
    return tuple(found)


def _may_have(seen: SeenOutput, certain: Sequence[SeenOutput], count: int | None) -> bool:
    """Whether so many names that were given for no output by name may be of this one.

    They are not where they fit an output that is of classes for certain, and this is none.
    """
    return seen in certain or not any(count in _class_counts(one) for one in certain)


def _class_counts(seen: SeenOutput) -> frozenset[int]:
    """How many classes an output may tell apart."""
    if seen.is_vector and seen.size[0] == 1:
        return frozenset({1, 2})
    return frozenset({seen.size[-1] if seen.size else 1})


# --- names ----------------------------------------------------------------------------------------


def _asked_for_folders(config: Config, name: str) -> bool:
    return FOLDERS in (config.labels.get(""), config.labels.get(name))


def _labels_for(
    seen: SeenOutput, network: Network, config: Config, files: Sequence[str], truths: Mapping[str, GivenTruth]
) -> tuple[tuple[str, ...] | None, LabelsOrigin]:
    """Names for the classes of an output that are as many as it has, or were given for it by name."""
    if seen.name in network.output_labels:
        own = network.output_labels[seen.name]
        return own, "list" if isinstance(config.labels[seen.name], tuple) else "file"
    counts = _class_counts(seen)
    if network.labels is not None:
        return (network.labels, network.labels_origin) if len(network.labels) in counts else (None, "none")
    truth = truths.get(seen.name) or truths.get("")
    if _asked_for_folders(config, seen.name) or (truth is not None and truth.form == "folders"):
        folders = _folders(files)
        if len(folders) in counts and seen.is_vector:
            return folders, "folders"
    return None, "none"


def _folders(files: Sequence[str]) -> tuple[str, ...]:
    """The images' folders in alphabetical order, as Keras' own loader counts them."""
    return tuple(sorted({PurePosixPath(file).parent.name for file in files} - {""}))


def _with_remaining_labels(outputs: list[SettledOutput], network: Network) -> list[SettledOutput]:
    """Names that fit no output are those of the first with classes: that they do not fit is a finding."""
    head = head_of(outputs)
    if network.labels is None or head is None or any(output.labels for output in outputs):
        return outputs
    named = replace(head, labels=network.labels, labels_origin=network.labels_origin)
    return [named if output is head else output for output in outputs]


def _with_value_names(output: SettledOutput, truths: Mapping[str, MatchedTruth]) -> SettledOutput:
    """Values without names are called as the columns of their right answers."""
    truth = truths.get(output.name)
    if output.kind != "values" or output.labels is not None or truth is None or truth.given.form != "table":
        return output
    fits = truth.is_matched and len(truth.given.columns) == output.count
    labels = tuple(truth.given.columns[place] for place in truth.places) if fits else None
    return replace(output, labels=labels, labels_origin="file") if labels is not None else output


# --- kinds ----------------------------------------------------------------------------------------


def _settle(seen: SeenOutput, given: Given, origin: LabelsOrigin, config: Config) -> SettledOutput:
    choice = config.answers.get(seen.name) or config.answers.get("")
    kind, reason = _chosen(seen, choice) if choice is not None else _found(seen, given)
    by_sums = seen.activation is None and seen.sums_to_one
    settled = SettledOutput(
        index=seen.index,
        name=seen.name,
        kind=kind.name,
        shape=seen.shape,
        size=seen.size,
        reason=reason,
        labels=given.labels if _takes_labels(kind.name, seen, given) else None,
        labels_origin=origin if _takes_labels(kind.name, seen, given) else "none",
        activation="softmax" if by_sums else _ACTIVATIONS.get(seen.activation, "other"),
        choice=choice,
        value_range=picture_range(seen) if kind.name == "picture" else (0.0, 1.0),
        channels_first=seen.channels_first,
        layer=seen.call,
    )
    return replace(settled, note=_note(settled, seen))


def _chosen(seen: SeenOutput, choice: AnswerChoice) -> tuple[Kind, str]:
    kind = kind_of_answer(choice.kind)
    if not kind.fits(seen.size):
        raise UsageError(
            f"--answer {seen.name}={choice}: expected an output of the shape {kind.expects}, it gives {seen.size}"
        )
    return kind, "It was said so with --answer."


def _found(seen: SeenOutput, given: Given) -> tuple[Kind, str]:
    for kind in KINDS:
        reason = kind.find(seen, given)
        if reason is not None:
            return kind, reason
    raise AssertionError("the last kind takes every output")


def _takes_labels(kind: AnswerKind, seen: SeenOutput, given: Given) -> bool:
    if kind in ("classes", "multilabel", "map"):
        return True
    return kind in ("values", "points", "boxes") and given.label_count == seen.size[-1]


def _note(output: SettledOutput, seen: SeenOutput) -> str | None:
    """What a reader of the answers is to know."""
    if output.kind == "values" and output.count > 1 and output.choice is None and seen.activation in ("linear", None):
        return f"--answer {output.name}=classes would read its {output.count} values as scores of classes."
    if output.kind in ("classes", "multilabel") and output.scores == "logits":
        if output.is_single:
            return "It gives no probability; what is shown as one is its logistic function."
        return "It has no softmax: its scores are no probabilities."
    if output.kind == "picture":
        low, high = output.value_range
        return f"Its values are taken to lie in {low:g}..{high:g}."
    return None


# --- right answers --------------------------------------------------------------------------------


def _truth_classes(seen: SeenOutput, truths: Mapping[str, GivenTruth]) -> int | None:
    truth = truths.get(seen.name) or truths.get("")
    return None if truth is None else truth.names_classes()


def _match(truths: Mapping[str, GivenTruth], outputs: Sequence[SettledOutput]) -> dict[str, MatchedTruth]:
    """The right answers of each output that has any: of the one named, else of the first that they can be of."""
    matched = {}
    by_name = {output.name: output for output in outputs}
    for name, given in truths.items():
        output = by_name[name] if name else _output_of(given, outputs, truths)
        matched[output.name] = match_truth(given, output)
    return matched


def _output_of(given: GivenTruth, outputs: Sequence[SettledOutput], truths: Mapping[str, GivenTruth]) -> SettledOutput:
    """The output that right answers are of where none is named."""
    free = [output for output in outputs if output.name not in truths] or list(outputs)
    kinds = _TRUTH_OF.get(given.form)
    if kinds is None:
        values: tuple[AnswerKind, ...] = ("values", "points", "boxes")
        classes: tuple[AnswerKind, ...] = ("classes", "multilabel")
        kinds = (*classes, *values) if given.names_classes() is not None else (*values, *classes)
    for kind in kinds:
        fitting = [output for output in free if output.kind == kind]
        best = [output for output in fitting if match_truth(given, output).is_matched]
        if fitting:
            return (best or fitting)[0]
    return free[0]
