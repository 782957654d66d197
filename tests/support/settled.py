"""Outputs whose kind is settled: made by hand, or of a network on a few pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from reportgen.analysis.answers import SettledAnswers, settle_outputs
from reportgen.analysis.network.settled_output import SettledOutput, head_of
from reportgen.config import Config
from reportgen.models import Network


def settled_output(kind: str = "classes", size: tuple[int, ...] = (4,), **changed: Any) -> SettledOutput:
    """An output as it may come out; its labels are those of `changed`."""
    facts = {"index": 0, "name": "out", "shape": (None, *size), "reason": "It was planted.", "activation": "softmax"}
    return SettledOutput(kind=kind, size=size, **(facts | changed))  # type: ignore[arg-type]


def settle(
    network: Network, pixels: np.ndarray, config: Config | None = None, files: Sequence[str] | None = None
) -> SettledAnswers:
    """The answers of `network` to `pixels`, which stand for the files called so."""
    answer = network.model(network.feed(network.prepare(pixels)), training=False)
    names = [f"{index}.png" for index in range(len(pixels))] if files is None else files
    return settle_outputs(network, answer, pixels, names, config or Config())


def head(network: Network, pixels: np.ndarray) -> SettledOutput | None:
    """The first output of classes or labels."""
    return head_of(settle(network, pixels).outputs)
