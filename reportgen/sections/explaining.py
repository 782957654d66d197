"""Attribution maps as arrays, without a report: what `reportgen.explain` does."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.attribution.explaining import explain, trace_network
from reportgen.analysis.attribution.planning import make_plan
from reportgen.analysis.attribution.questions import Question, ask, class_question, why_nothing
from reportgen.analysis.attribution.results import Method
from reportgen.analysis.attribution.tracing import answer_images
from reportgen.analysis.network.fed_values import settle_fitting
from reportgen.analysis.network.feeding import open_network
from reportgen.analysis.network.given_values import with_values_of_images
from reportgen.analysis.network.layers import summarize_network
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.class_names import match_label
from reportgen.config import Config
from reportgen.errors import ReportgenError, UsageError
from reportgen.images import collect_images
from reportgen.sections.attribution import as_values, asked_outputs
from reportgen.sections.study import find_answers, fitted_images

PREDICTED = "predicted"


def explain_images(config: Config, *, model: Any, given: Any, method: str, target: int | str) -> NDArray[np.float32]:
    """The maps of one method; see `reportgen.explain`."""
    if method not in get_args(Method):
        raise UsageError(f"method: expected one of {', '.join(get_args(Method))}, got {method!r}")
    network = open_network(config, model)
    images = collect_images(given, channels=network.channels, strict=True)
    network, fitting = settle_fitting(config, with_values_of_images(network, config, images), images)
    if not network.preprocessing.differentiable:
        raise ReportgenError("expected a differentiable preprocessing function, got one of arrays; give a mode by name")
    summary = summarize_network(network)
    answers, _ = find_answers(config, fitting, network, images)
    outputs = asked_outputs(answers.outputs)
    if not outputs:
        raise ReportgenError("expected a network with an answer that can be explained, found none of a known kind")
    fitted = list(fitted_images(fitting, network, images))
    pixels = [as_values(network, item.pixels) for item in fitted]
    settings = config.attribution_parameters.model_copy(update={"checked_images": 0, "close": 1.0})
    files = [item.image.file for item in fitted]
    traced = trace_network(network.for_pictures(), summary, settings).of_images(files)
    given_answers = answer_images(traced, np.stack(pixels))[outputs[0].index]
    asked = _asked(outputs[0], given_answers, files, target)
    plan = make_plan(summary, (method,), settings, [False] * len(pixels), seed=config.seed)  # type: ignore[arg-type]
    found = explain(traced, pixels, asked, plan)
    if not found.maps:
        raise ReportgenError(f"expected a network that {method} can explain, got one without maps or attention for it")
    return _stacked([one.values for one in found.maps if one.layer == found.maps[0].layer])


def _asked(
    output: SettledOutput, answers: NDArray[np.float32], files: Sequence[str], target: int | str
) -> list[list[Question]]:
    """One question an image: what is asked of it first, or the class of `target`."""
    if target == PREDICTED:
        first = [own[:1] for own in ask(output, answers, files)]
        if not any(first):
            raise ReportgenError(f"expected answers that can be explained, got none: {why_nothing(output, answers)}")
        if not all(first):
            unasked = files[first.index([])]
            raise ReportgenError(f"expected answers that can be explained, got another to {unasked}; leave it out")
        return first
    if output.kind not in ("classes", "multilabel"):
        raise UsageError(f"target: expected {PREDICTED} for an output of kind {output.kind}, got {target!r}")
    index = match_label(target, output.labels, output.classes) if isinstance(target, str) else _number(target)
    if index is None or not 0 <= index < output.classes:
        expected = f"{PREDICTED}, a class's name or a number below {output.classes}"
        raise UsageError(f"target: expected {expected}, got {target!r}")
    return [[class_question(output, index, "predicted", None)] for _ in files]


def _number(target: Any) -> int | None:
    """A whole number of any type, as `argmax` gives one; None for what is none."""
    return int(target) if isinstance(target, Integral) and not isinstance(target, bool) else None


def _stacked(maps: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    stacked: NDArray[np.float32] = np.stack(maps)
    return stacked
